//! The references of an object where no traverse function can be called: from outside its process.
//!
//! An object of a known kind is read as it is with a traverse. Of any other object, every word up to the size
//! of its C type is taken for a reference if an object lies there. C structs that have references elsewhere,
//! or words that are borrowed, are described in `objects/`.
//!
//! Invariant: what is known to be borrowed, weak or another object's is skipped. A word without a definition
//! is reported as a probable reference ([`Sink::probable_reference`]), so that reference counts decide;
//! except if it leads to an immortal object, whose count says nothing.

use memtop_heap::Label;

use crate::address::{MAX_ITEMS, is_item, is_plausible};
use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{object, type_object};
use crate::memory::Memory;
use crate::objects::definition::{CStruct, Coverage, Definition};
use crate::objects::module::state_offset;
use crate::objects::view::{ObjectSink, ObjectView};
use crate::scan_plan::{ScanPlan, scanned_size};
use crate::sink::Sink;
use crate::type_info::{DictPlace, TypeInfo};

/// The most items of an object that are looked at.
const MAX_SCANNED_ITEMS: u64 = 1 << 16;
/// The size of an object without members.
const HEAD: u64 = 16;

/// Passes the references of one object on to a sink.
struct Found<'a, 'm, M, S> {
    decoder: &'a mut Decoder<'m, M>,
    info: &'a TypeInfo,
    sink: &'a mut S,
}

impl<M: Memory, S: Sink> ObjectSink for Found<'_, '_, M, S> {
    fn reference(&mut self, to: u64, label: Label) {
        self.sink.reference(to, label);
    }

    fn attribute(&mut self, to: u64, name: &str) {
        let name = self.sink.name(name);
        self.sink.reference(to, Label::attribute(name));
    }

    fn if_object(&mut self, to: u64) {
        self.decoder.reference_if_object(to, self.info, true, self.sink);
    }

    fn maybe_object(&mut self, to: u64) {
        self.decoder.reference_if_object(to, self.info, false, self.sink);
    }
}

/// The C types that a type derives from.
#[derive(Default)]
struct CBases {
    /// The nearest, or the type itself; 0 if there is none.
    first: u64,
    /// The nearest whose kind is known, and its definition.
    of_kind: u64,
    definition: Option<&'static Definition>,
    /// The nearest with a C struct that is more or less than its words.
    of_struct: u64,
    c_struct: Option<CStruct>,
}

impl<M: Memory> Decoder<'_, M> {
    /// Reports the references of an object by memory alone.
    #[cold]
    pub(crate) fn untraced_references(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let mut plan = self.scan_plan(info);
        self.scan_plans.fit(info.address, at, &mut plan);
        self.parts(at, info, &mut None, sink);
        if let Some(fields) = plan.fields {
            self.hidden_fields(at, fields, sink);
        }
        self.members(at, info, &mut None, sink);
        if let CStruct::Read { references, .. } = plan.c_struct {
            let (layout, types) = (self.layout, self.types);
            let (basic_size, item_size) = (info.basic_size, info.item_size);
            let view =
                ObjectView { memory: self.memory, layout: &layout, types: &types, at, basic_size, item_size };
            references(&view.over_any_memory(), &mut Found { decoder: self, info, sink });
        }
        self.scan_words(at, info, &plan, sink);
        if let Some(first) = plan.items {
            self.scan_items(at, info, first, sink);
        }
        if !plan.dict_is_member {
            self.attributes(at, info, &mut None, sink);
        }
        if info.holds_type || plan.holds_type {
            sink.reference(info.address, Label::TYPE);
        }
    }

    fn scan_words(&mut self, at: u64, info: &TypeInfo, plan: &ScanPlan, sink: &mut impl Sink) {
        for &offset in plan.words.iter() {
            let to = self.word(at + offset);
            // A word that leads to the object itself is borrowed as a rule, so that the object can be freed:
            // Cython's functions.
            if to == at && matches!(plan.c_struct, CStruct::Words) {
                continue;
            }
            if to == plan.module_state {
                continue;
            }
            let label = info.named.iter().find(|&&(known, _)| known == offset).map(|&(_, label)| label);
            self.named_reference_if_object(to, info, plan.certain, label, sink);
            // From 3.14 the writer of a text buffer is a struct of its own, whose first member is its buffer.
            if info.kind == ObjectKind::TextBuffer && self.layout.minor >= 14 && is_plausible(to) {
                let buffer = self.word(to & !7);
                self.reference_if_object(buffer, info, false, sink);
            }
        }
    }

    fn scan_items(&mut self, at: u64, info: &TypeInfo, first: u64, sink: &mut impl Sink) {
        let items = (self.word(at + object::SIZE as u64) as i64).unsigned_abs().min(MAX_SCANNED_ITEMS);
        for index in 0..items {
            // A word that cannot be an item ends them, whatever their number is said to be.
            let Some(to) = self.memory.word(at + first + index * 8).filter(|&to| is_item(to)) else { break };
            self.reference_if_object(to, info, false, sink);
        }
    }

    fn scan_plan(&mut self, info: &TypeInfo) -> ScanPlan {
        if let Some(plan) = self.scan_plans.get(info.address) {
            return plan;
        }
        let plan = self.make_scan_plan(info);
        self.scan_plans.insert(info.address, plan.clone());
        plan
    }

    fn make_scan_plan(&self, info: &TypeInfo) -> ScanPlan {
        let bases = self.c_bases(info.address);
        let basic = |of: u64| match of {
            0 => HEAD,
            _ => self.word(of + type_object::BASIC_SIZE as u64).min(MAX_ITEMS),
        };
        let known = bases.c_struct.unwrap_or(CStruct::Words);
        let is_words = matches!(known, CStruct::Words);
        let is_named_tuple = info.kind == ObjectKind::Tuple && is_words && bases.first != bases.of_kind;
        let fields = is_named_tuple.then(|| self.struct_sequence_fields(bases.first)).flatten();
        let reads_struct = bases.definition.is_some_and(|definition| definition.coverage != Coverage::Some);
        // The functions of the kind and of the C struct read what lies before the words.
        let first = match known {
            CStruct::Words | CStruct::Without(_) if reads_struct => basic(bases.of_kind),
            CStruct::Words | CStruct::Without(_) => HEAD,
            CStruct::Read { words_from: Some(first), .. } => first,
            _ => basic(bases.of_struct),
        };
        let mut words: Vec<u64> = match fields.is_some() || info.kind == ObjectKind::Plain {
            true => Vec::new(),
            false => (first..scanned_size(basic(bases.first)) & !7).step_by(8).collect(),
        };
        match known {
            CStruct::Only(offsets) => words.extend(offsets),
            CStruct::Without(offsets) => words.retain(|offset| !offsets.contains(offset)),
            _ => {}
        }
        if let Some(definition) = bases.definition {
            words.extend((definition.unlabelled)(&self.layout));
        }
        let is_member = |offset: u64| info.members.iter().any(|&(known, _)| known == offset);
        let is_not_its_own = |offset: u64| {
            is_member(offset)
                || offset as i64 == info.weak_list
                || matches!(info.dict, DictPlace::Offset(dict) if dict == offset as i64)
        };
        words.retain(|&offset| !is_not_its_own(offset));
        words.sort_unstable();
        let has_items = info.kind == ObjectKind::Opaque && info.item_size == 8 && is_words;
        ScanPlan {
            c_struct: known,
            fields,
            words: words.into(),
            module_state: self.module_state(bases.first),
            certain: !matches!(info.kind, ObjectKind::Opaque | ObjectKind::TextBuffer)
                || matches!(known, CStruct::Only(_)),
            holds_type: info.is_gc && !info.is_class && self.is_heap_type(info.address),
            dict_is_member: matches!(info.dict, DictPlace::Offset(dict) if dict > 0 && is_member(dict as u64)),
            items: has_items.then(|| basic(bases.first)),
        }
    }

    /// The state of the module that a C type made at run time belongs to; 0 if there is none.
    fn module_state(&self, of: u64) -> u64 {
        if of == 0 || self.layout.minor < 9 || !self.is_heap_type(of) {
            return 0;
        }
        match self.pointer(of + self.layout.heap_type.module()) {
            0 => 0,
            module => self.pointer(module + state_offset(self.layout.minor)),
        }
    }

    fn c_bases(&self, of: u64) -> CBases {
        let mut bases = CBases::default();
        let mut at = of;
        for _ in 0..type_object::LONGEST_CHAIN {
            if at == 0 {
                break;
            }
            if self.is_class(at) == Some(false) {
                if bases.first == 0 {
                    bases.first = at;
                }
                let definition = self.c_type(at).map(CType::definition);
                if bases.c_struct.is_none() {
                    bases.c_struct = definition.and_then(|known| (known.c_struct)(self.layout.minor));
                    bases.of_struct = at;
                }
                if definition.is_some_and(|known| known.kind != ObjectKind::Opaque) {
                    (bases.of_kind, bases.definition) = (at, definition);
                    break;
                }
            }
            at = self.pointer(at + type_object::BASE as u64);
        }
        bases
    }
}
