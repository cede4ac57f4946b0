//! The types of the objects that a walk meets.

use memtop_heap::{Budget, HeapError, Origin, Type};

use super::access::HeapAccess;
use super::state::{KnownType, Walk};
use crate::c_types::CType;
use crate::kind::ObjectKind;
use crate::objects::definition::TagSource;
use crate::type_info::{DictPlace, TypeInfo};

impl<S: HeapAccess> Walk<'_, S> {
    /// The index in `known` of the type at an address; `None` if memory for it cannot be allocated.
    #[cold]
    pub(super) fn type_index(&mut self, of: u64) -> Option<usize> {
        let index = match self.sink.types.get(&of) {
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
            return self.decoder.type_info(of, &mut self.sink);
        }
        let mut decoder = self.take_checked_decoder()?;
        let info = decoder.type_info(of, &mut self.sink);
        self.checked_decoder = Some(decoder);
        info
    }

    /// Adds a type, or the one for all objects without a type; `None` if memory for it cannot be allocated.
    pub(super) fn add_type(&mut self, of: u64, found: Option<TypeInfo>) -> Option<usize> {
        if let Err(error) = self.make_room_for_a_type() {
            self.sink.builder.fail(error);
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
            is_c: Some(is_known && !info.is_class),
            object: None,
        };
        let id = self.sink.builder.add_type(ty);
        let limit = match info.kind {
            ObjectKind::LruCache => self.facts.lru_limit,
            ObjectKind::Deque => self.facts.deque_limit,
            _ => info.limit,
        };
        let definition = info.c_type.map(CType::definition);
        // It holds memory that is not Python objects.
        if is_own && !info.is_class {
            info.kind = ObjectKind::Internal;
        }
        let index = self.known.len();
        self.sink.is_gc.push(info.is_gc);
        let is_leaf = info.kind == ObjectKind::Atom
            && info.complete
            && !info.is_gc
            && info.members.is_empty()
            && info.dict == DictPlace::None;
        let tag = definition.map_or(TagSource::None, |known| known.tag);
        let buffers_from = info.buffers.map_or(u64::MAX, |buffers| buffers.from_size);
        let is_trusted = !is_known || self.source.is_trusted(of);
        let has_uncounted = info.footprint.is_read();
        self.known.push(KnownType {
            info,
            id,
            plan: None,
            limit,
            is_trusted,
            is_own,
            is_leaf,
            tag,
            has_uncounted,
            buffers_from,
        });
        if !is_known {
            return Some(index);
        }
        self.sink.types.insert(of, index);
        // No object refers to a static type: it is met through its objects.
        self.sink.meet(of);
        Some(index)
    }

    fn make_room_for_a_type(&mut self) -> Result<(), HeapError> {
        let mut budget = Budget::default();
        budget.grow(&mut self.known, 1)?;
        budget.grow(&mut self.sink.is_gc, 1)?;
        self.sink.types.try_reserve(1).map_err(|_| HeapError::OutOfMemory { bytes: 0 })
    }
}

/// The shape of a type's objects, by its C base type; for the weak containers of the standard library, by its
/// name.
fn shape(info: &TypeInfo) -> memtop_heap::Shape {
    match info.shape {
        memtop_heap::Shape::Other => memtop_heap::Shape::of_name(&info.module, &info.qualname),
        shape => shape,
    }
}
