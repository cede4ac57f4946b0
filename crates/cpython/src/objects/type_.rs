//! `type` (`PyTypeObject` and `PyHeapTypeObject` in `Include/cpython/object.h`).

use memtop_heap::{Label, Shape};

use super::definition::{Coverage, Definition, Member, SizeFormula};
use super::dict::key_table_size;
use super::view::ObjectView;
use crate::decoder::Decoder;
use crate::footprint::{Storage, block};
use crate::kind::ObjectKind;
use crate::layout::{object, type_object};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::{Visited, take};

pub(super) const TYPE: Definition = Definition {
    kind: ObjectKind::Type,
    shape: Shape::Class,
    coverage: Coverage::Struct,
    members: |_| {
        vec![
            Member::Labelled(type_object::DICT as u64, Label::DICT),
            Member::Labelled(type_object::BASE as u64, Label::BASE),
            Member::Attribute(type_object::BASES, "__bases__"),
            Member::Attribute(type_object::MRO as u64, "__mro__"),
        ]
    },
    size: |_| Some(SizeFormula::Read(size)),
    storage: Storage::Blocks(occupied),
    ..Definition::interpreter(&["type"])
};

/// More slots than a class has.
const MAX_MEMBERS: u64 = 1 << 16;
/// A word that is smaller is not a pointer but an index: the interpreter's own static types have some of
/// their parts elsewhere from 3.12 on.
const LOWEST_POINTER: u64 = 1 << 16;

impl<M: Memory> Decoder<'_, M> {
    /// The references that the traverse of types skips: the names of a class; of a static type, which the
    /// collector does not know, all.
    pub(super) fn type_parts(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        // A static type ends where the members of a `PyHeapTypeObject` begin.
        if self.is_heap_type(at) {
            let heap_type = self.layout.heap_type;
            let names = [
                (heap_type.name, "__name__"),
                (heap_type.qualname(), "__qualname__"),
                (heap_type.slots(), "__slots__"),
            ];
            for (offset, name) in names {
                let to = self.word(at + offset);
                if to != 0 {
                    let name = sink.name(name);
                    sink.reference(to, Label::attribute(name));
                }
            }
            // 3.8 does not have the member.
            let module = if self.layout.minor < 9 { 0 } else { self.word(at + heap_type.module()) };
            if module != 0 && take(visited, module) {
                let name = sink.name("ht_module");
                sink.reference(module, Label::attribute(name));
            }
            return self.subclasses(at, sink);
        }
        let parts = [(type_object::DICT as u64, Label::DICT), (type_object::BASE as u64, Label::BASE)];
        for (offset, label) in parts {
            let to = self.word(at + offset);
            if to > LOWEST_POINTER {
                sink.reference(to, label);
            }
        }
        for (offset, name) in [(type_object::BASES, "__bases__"), (type_object::MRO as u64, "__mro__")] {
            let to = self.word(at + offset);
            if to > LOWEST_POINTER {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        self.subclasses(at, sink);
    }

    /// `tp_subclasses`, a dict of weak references.
    fn subclasses(&self, at: u64, sink: &mut impl Sink) {
        let to = self.word(at + type_object::SUBCLASSES);
        if to > LOWEST_POINTER && self.word(to.wrapping_add(object::TYPE as u64)) == self.types.dict {
            let name = sink.name("__subclasses__");
            sink.reference(to, Label::attribute(name));
        }
    }
}

/// `type___sizeof___impl` in `typeobject.c`: a class has the key table that its instances share.
fn size(of: &ObjectView<'_>) -> u64 {
    if !of.is_heap_type() {
        return static_size(of.minor());
    }
    let keys = of.pointer(of.layout.heap_type.cached_keys());
    let keys = if keys == 0 { 0 } else { key_table_size(of, keys) };
    of.basic_size_of_types().saturating_add(keys)
}

/// The memory of a class: behind its struct are the `PyMemberDef`s of its slots and one more (`PyType_GenericAlloc`),
/// and its key table is a block. A static type is part of a file.
fn occupied(of: &ObjectView<'_>, own: u64, size: u64) -> u64 {
    if !of.is_heap_type() {
        return size;
    }
    let members = of.items().min(MAX_MEMBERS).saturating_add(1).saturating_mul(of.item_size);
    block(own.saturating_add(members)).saturating_add(block(size.saturating_sub(own)))
}

/// The size of `PyTypeObject`.
pub(super) const fn static_size(minor: u8) -> u64 {
    match minor {
        8 | 12..=14 => 416,
        15.. => 424,
        _ => 408,
    }
}
