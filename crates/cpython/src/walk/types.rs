//! The types of the objects that a walk meets.

use memtop_heap::{Budget, HeapError, Origin, Type};

use super::access::HeapAccess;
use super::state::{KnownType, Walk};
use crate::c_types::CType;
use crate::kind::ObjectKind;
use crate::objects::definition::TagSource;
use crate::type_info::{DictPlace, TypeInfo};

impl<S: HeapAccess> Walk<'_, S> {
    /// Where the type of an object stands in `known`; none if there is no memory for another one.
    #[cold]
    pub(super) fn type_index(&mut self, of: u64) -> Option<usize> {
        let index = match self.copy.types.get(&of) {
            Some(&index) => index,
            None => {
                let is_type = self.decoder.is_type(of);
                let found = is_type.then(|| self.type_info(of)).flatten();
                self.add_type(of, found)?
            }
        };
        let known = &self.known[index];
        if known.plan.is_none() && of != 0 && known.info.address == of {
            self.known[index].plan = Some(self.source.plan(of, &known.info, known.is_trusted));
        }
        Some(index)
    }

    fn type_info(&mut self, of: u64) -> Option<TypeInfo> {
        if self.source.is_trusted(of) {
            return self.decoder.type_info(of, &mut self.copy);
        }
        let mut decoder = self.take_checked_decoder()?;
        let info = decoder.type_info(of, &mut self.copy);
        self.checked_decoder = Some(decoder);
        info
    }

    /// Adds a type, or what stands for all that have none; none if there is no memory for it.
    pub(super) fn add_type(&mut self, of: u64, found: Option<TypeInfo>) -> Option<usize> {
        if let Err(error) = self.make_room_for_a_type() {
            self.copy.builder.fail(error);
            return None;
        }
        let is_known = found.is_some();
        if !is_known {
            self.damaged += 1;
            if self.no_type.is_some() {
                return self.no_type;
            }
            self.no_type = Some(self.known.len());
        }
        let mut info = found.unwrap_or_else(TypeInfo::unknown);
        let is_own = match info.is_class {
            // A C type without a function to free its objects looks like a class.
            true => info.module.split('.').next() == Some("mem_top") && info.module != "mem_top._native",
            false => info.is_mem_tops,
        };
        let origin = match info.is_class {
            true => self.origin_of(&info.module),
            false if self.is_standard(&info.module) || info.module == "builtins" => Origin::Standard,
            false => self.origin_of(&info.module),
        };
        let ty = Type {
            module: info.module.as_str().into(),
            qualname: info.qualname.as_str().into(),
            origin,
            shape: shape(&info),
            object: None,
        };
        let id = self.copy.builder.add_type(ty);
        let limit = match info.kind {
            ObjectKind::LruCache => self.facts.lru_limit,
            ObjectKind::Deque => self.facts.deque_limit,
            _ => None,
        };
        let definition = info.c_type.map(CType::definition);
        // What it keeps is no object of Python's.
        if is_own && !info.is_class {
            info.kind = ObjectKind::Internal;
        }
        let index = self.known.len();
        self.copy.is_gc.push(info.is_gc);
        let is_leaf = info.kind == ObjectKind::Atom
            && info.complete
            && !info.is_gc
            && info.members.is_empty()
            && info.dict == DictPlace::None;
        let tag = definition.map_or(TagSource::None, |known| known.tag);
        let mapping = definition.and_then(|known| known.mapping);
        let is_trusted = !is_known || self.source.is_trusted(of);
        self.known.push(KnownType { info, id, plan: None, limit, is_trusted, is_own, is_leaf, tag, mapping });
        if !is_known {
            return Some(index);
        }
        self.copy.types.insert(of, index);
        // A static type is in no object's references: it is met through its objects.
        self.copy.meet(of);
        Some(index)
    }

    fn make_room_for_a_type(&mut self) -> Result<(), HeapError> {
        let mut budget = Budget::default();
        budget.grow(&mut self.known, 1)?;
        budget.grow(&mut self.copy.is_gc, 1)?;
        self.copy.types.try_reserve(1).map_err(|_| HeapError::OutOfMemory { bytes: 0 })
    }
}

/// What a class derives from says what it is; so does its name, for classes of the standard library that hold weakly.
fn shape(info: &TypeInfo) -> memtop_heap::Shape {
    match info.shape {
        memtop_heap::Shape::Other => memtop_heap::Shape::of_name(&info.module, &info.qualname),
        shape => shape,
    }
}
