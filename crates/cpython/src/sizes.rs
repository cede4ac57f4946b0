//! The size of an object, computed from memory alone: as `sys.getsizeof()` reports it, and the memory that it occupies.
//!
//! `sys.getsizeof()` does not count the attribute values of an instance, the members of a class, unused blocks of a
//! deque, and the padding of each block. What must be read from the object is added while the heap is held still
//! ([`Decoder::with_uncounted`]). The padding follows from type and size, and is added later ([`Blocks::occupied`](crate::footprint::Blocks::occupied)).
//!
//! Each C type with a `__sizeof__` of its own has its formula in its file in `objects/`; every other type has
//! that of `object.__sizeof__`. A class whose `__sizeof__` is written in Python has the formula of its C base
//! type: no code is run.
//!
//! Invariant: O(1) an object, except for the codes of a `struct.Struct`. A damaged object has some size,
//! never a panic; sums saturate.

use crate::address::ADDRESS_MASK;
use crate::decoder::Decoder;
use crate::footprint::{Storage, Values, block};
use crate::layout::{container, gc_head};
use crate::memory::Memory;
use crate::objects::view::{ObjectView, WORD};
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

impl<M: Memory> Decoder<'_, M> {
    /// How many values belong to keys that instances share (`shared_keys_usable_size` in `pycore_dict.h`).
    pub(crate) fn shared_capacity(&self, keys: u64) -> u64 {
        self.word(keys + 16).saturating_add(self.word(keys + 24))
    }

    /// The memory that an object occupies, in bytes. `size` is what `sys.getsizeof()` reports.
    #[must_use]
    pub fn occupied(&self, at: u64, info: &TypeInfo, size: u64) -> u64 {
        info.footprint.blocks.occupied(self.with_uncounted(at, info, size))
    }

    /// `size` and the storage of an object that `sys.getsizeof()` does not count. The padding of its blocks is only
    /// included for [`Blocks::Padded`](crate::footprint::Blocks::Padded).
    pub(crate) fn with_uncounted(&self, at: u64, info: &TypeInfo, size: u64) -> u64 {
        let size = match info.footprint.storage {
            Storage::Block => size,
            Storage::Dict => self.with_own_values(at, size),
            Storage::Blocks(occupied) => {
                let object = self.view(at, info);
                occupied(&object.over_any_memory(), info.footprint.own.min(size), size)
            }
        };
        match info.footprint.values {
            Values::None => size,
            Values::Separate { usual } => size.saturating_add(block(self.separate_values(at, usual))),
            Values::Inline(offset) => {
                size.saturating_add(info.footprint.inline(self.values_size(at + offset)))
            }
        }
    }

    /// The size of a dict, whose values take other space than one word each where its keys belong to a class. Values
    /// within an object are the object's (`values_size_from_count` in `dictobject.c`).
    #[inline]
    fn with_own_values(&self, at: u64, size: u64) -> u64 {
        let values = self.pointer(at + container::DICT_VALUES as u64);
        if values == 0 || self.layout.minor < 11 {
            return size;
        }
        let keys = self.pointer(at + container::DICT_KEYS as u64);
        let count = self.shared_capacity(keys);
        let taken = match self.layout.minor {
            ..13 => self.values_block(values, count),
            _ if self.memory.byte(values + 2) != Some(0) => 0,
            _ => self.values_size(values),
        };
        size.saturating_sub(count.saturating_mul(WORD)).saturating_add(taken)
    }

    /// The size of the values of an instance, on 3.11 and 3.12; 0 if it has a dict instead.
    fn separate_values(&self, at: u64, usual: u64) -> u64 {
        let values = match self.layout.minor {
            11 => self.pointer(at.wrapping_sub(32)),
            _ => match self.word(at.wrapping_sub(24)) {
                tagged if tagged & 1 == 1 => (tagged & ADDRESS_MASK) + 1,
                _ => 0,
            },
        };
        if values == 0 { 0 } else { self.values_block(values, usual) }
    }

    /// `new_values` in `dictobject.c` of 3.11 and 3.12: two bytes and one for each value precede the values, in whole
    /// words. The last one is their size. How many values fit in there depends on how many instances there were.
    fn values_block(&self, values: u64, usual: u64) -> u64 {
        let before = u64::from(self.memory.byte(values - 1).unwrap_or(0));
        let most = before.saturating_sub(2);
        before + usual.clamp(most.saturating_sub(WORD - 1), most) * WORD
    }

    /// The size of values from 3.13 on: a word that begins with their number, the values, and a byte for each in whole
    /// words (`_PyInlineValuesSize` in `pycore_dict.h`).
    fn values_size(&self, values: u64) -> u64 {
        let count = u64::from(self.memory.byte(values).unwrap_or(0));
        (count + 1) * WORD + count.next_multiple_of(WORD)
    }
}
