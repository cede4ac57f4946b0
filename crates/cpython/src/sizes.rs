//! The size of an object as `sys.getsizeof()` reports it, computed from memory alone. What an object occupies, which is
//! more, is in `footprint.rs`.
//!
//! Each C type with a `__sizeof__` of its own has its formula in its file in `objects/`; every other type has
//! that of `object.__sizeof__`. A class whose `__sizeof__` is written in Python has the formula of its C base
//! type: no code is run.
//!
//! Invariant: O(1) an object, except for the codes of a `struct.Struct`. A damaged object has some size,
//! never a panic; sums saturate.

use crate::decoder::Decoder;
use crate::layout::gc_head;
use crate::memory::Memory;
use crate::objects::view::ObjectView;
use crate::type_info::TypeInfo;

impl<M: Memory> Decoder<'_, M> {
    /// The size of an object in bytes, with the collector's head before it.
    #[inline]
    pub fn size(&self, at: u64, info: &TypeInfo) -> u64 {
        let sizing = info.sizing;
        let header = match sizing.heads_differ && !self.is_heap_type(at) {
            true => sizing.header.saturating_sub(gc_head::SIZE as u64),
            false => sizing.header,
        };
        header.saturating_add(sizing.formula.size(&self.view(at, info)))
    }

    /// An object, as the functions of its definition read it.
    #[inline]
    pub(crate) fn view(&self, at: u64, info: &TypeInfo) -> ObjectView<'_, M> {
        ObjectView {
            memory: self.memory,
            layout: &self.layout,
            types: &self.types,
            at,
            basic_size: info.basic_size,
            item_size: info.item_size,
        }
    }
}
