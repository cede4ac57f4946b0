//! The memory that an object occupies: all blocks that the allocator keeps for it, each as large as the allocator
//! makes it.
//!
//! `sys.getsizeof()` (`sizes.rs`) does not count the attribute values of an instance, the members of a class, unused
//! blocks of a deque, and the padding of each block. What must be read from the object is added while the heap is held
//! still ([`Decoder::with_uncounted`]). The padding follows from type and size, and is added later
//! ([`Blocks::occupied`]).
//!
//! Invariant: O(1) an object. A damaged object has some size, never a panic; sums saturate.

use crate::address::ADDRESS_MASK;
use crate::decoder::Decoder;
use crate::layout::{Layout, container};
use crate::memory::Memory;
use crate::objects::definition::SizeFormula;
use crate::objects::view::{ObjectView, WORD};
use crate::type_info::{DictPlace, Sizing, TypeInfo};

/// How the objects of a type lie in memory.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// The attribute values that `sys.getsizeof()` does not count.
    pub(crate) values: Values,
    /// The storage that a part of its type's definition describes.
    pub(crate) storage: Storage,
    /// The bytes of an object's own block that `sys.getsizeof()` reports.
    pub(crate) own: u64,
    /// The blocks of each object.
    pub(crate) blocks: Blocks,
}

/// The attribute values of an instance without a dict (`struct _dictvalues` in `pycore_dict.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// It has none.
    None,
    /// 3.11 and 3.12: in a block of their own. New instances get memory for so many.
    Separate {
        /// The number of values.
        usual: u64,
    },
    /// From 3.13: within the object, at this offset.
    Inline(u64),
}

/// The storage of an object beside its own block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Storage {
    /// One block, or none.
    Block,
    /// The key table and the values of a dict.
    Dict,
    /// Several blocks. The function computes what the object occupies with all of them, from the size of its own
    /// block and the one that `sys.getsizeof()` reports.
    Blocks(fn(&ObjectView<'_>, u64, u64) -> u64),
}

/// The blocks of memory of an object. `more` bytes of its own block are not part of `sys.getsizeof()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// One block.
    One {
        /// See above.
        more: u64,
    },
    /// The object's own block, and another with all the rest.
    Two {
        /// The bytes of the first that `sys.getsizeof()` reports.
        own: u64,
        /// See above.
        more: u64,
    },
    /// The size includes the padding of every block.
    Padded,
}

impl Blocks {
    /// The memory that an object occupies, of which `counted` bytes are counted.
    #[inline]
    pub(crate) fn occupied(self, counted: u64) -> u64 {
        match self {
            Self::One { more } => block(counted.saturating_add(more)),
            Self::Two { own, more } => {
                let own = own.min(counted);
                block(own.saturating_add(more)).saturating_add(block(counted - own))
            }
            Self::Padded => counted,
        }
    }
}

/// The memory that the allocator takes for a block of so many bytes. pymalloc has blocks of up to 512 bytes in steps
/// of 16 (`Objects/obmalloc.c`). For larger ones it calls malloc; that of glibc adds a word before each block
/// (`malloc/malloc.c`, "Chunks of memory").
#[inline]
pub(crate) const fn block(bytes: u64) -> u64 {
    const STEP: u64 = 16;
    const LARGEST_OF_PYMALLOC: u64 = 512;
    let with_head = if bytes <= LARGEST_OF_PYMALLOC { bytes } else { bytes.saturating_add(WORD) };
    with_head.saturating_add(STEP - 1) & !(STEP - 1)
}

impl Footprint {
    /// The footprint of the objects of a type, by its sizes and what it derives from.
    pub(crate) fn new(
        layout: &Layout,
        sizing: &Sizing,
        storage: Storage,
        values: Values,
        is_class: bool,
        (basic_size, item_size): (u64, u64),
    ) -> Self {
        /// The size of a `PyLongObject` without digits, which is all that `int.__sizeof__` counts beside them.
        const INT: u64 = 24;
        // `PyUnicodeObject`: the same for a str whose characters are in a block of their own.
        let str_object = layout.compact_text + WORD;
        let own = sizing.header.saturating_add(basic_size);
        // `PyType_GenericAlloc`, which every class has, allocates one more item.
        let one_more = if is_class { item_size } else { 0 };
        let blocks = match (storage, sizing.formula) {
            (Storage::Blocks(_), _) => Blocks::Padded,
            (_, SizeFormula::Str) if is_class => {
                Blocks::Two { own: sizing.header + str_object, more: basic_size.saturating_sub(str_object) }
            }
            (_, SizeFormula::Str) => Blocks::One { more: 0 },
            (_, SizeFormula::Int) => Blocks::One { more: basic_size.saturating_sub(INT) + one_more },
            (_, SizeFormula::Object) if matches!(values, Values::Inline(_)) => Blocks::One { more: 0 },
            _ if item_size > 0 => Blocks::One { more: one_more },
            _ => Blocks::Two { own, more: 0 },
        };
        Self { values, storage, own, blocks }
    }

    /// The growth of an object's size by values within it: of its own block, if that is padded by itself.
    fn inline(&self, values: u64) -> u64 {
        let whole = match self.blocks {
            Blocks::One { .. } => return values,
            Blocks::Two { own, more } => own.saturating_add(more),
            Blocks::Padded => self.own,
        };
        block(whole.saturating_add(values)).saturating_sub(block(whole))
    }

    /// Whether an object must be read to know what it occupies.
    pub(crate) fn is_read(&self) -> bool {
        self.values != Values::None || !matches!(self.storage, Storage::Block)
    }
}

impl<M: Memory> Decoder<'_, M> {
    /// Where the attribute values of a class's instances are.
    pub(crate) fn values_of(&self, class: u64, dict: DictPlace) -> Values {
        match dict {
            DictPlace::Managed311 | DictPlace::Managed312 => {
                let keys = self.pointer(class + self.layout.heap_type.cached_keys());
                Values::Separate { usual: if keys == 0 { 0 } else { self.shared_capacity(keys) } }
            }
            DictPlace::Managed313 { values: Some(offset) } => Values::Inline(offset),
            _ => Values::None,
        }
    }

    /// How many values belong to keys that instances share (`shared_keys_usable_size` in `pycore_dict.h`).
    fn shared_capacity(&self, keys: u64) -> u64 {
        self.word(keys + 16).saturating_add(self.word(keys + 24))
    }

    /// The memory that an object occupies, in bytes. `size` is what `sys.getsizeof()` reports.
    #[must_use]
    pub fn occupied(&self, at: u64, info: &TypeInfo, size: u64) -> u64 {
        info.footprint.blocks.occupied(self.with_uncounted(at, info, size))
    }

    /// `size` and the storage of an object that `sys.getsizeof()` does not count. The padding of its blocks is only
    /// included for [`Blocks::Padded`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_as_large_as_its_allocator_makes_it() {
        let sizes = [0, 1, 16, 17, 512, 513, 520, 521, 1 << 20];
        let blocks = [0, 16, 16, 32, 512, 528, 528, 544, (1 << 20) + 16];
        assert_eq!(sizes.map(block), blocks);
        assert!(block(u64::MAX) >= u64::MAX - 16);
    }

    #[test]
    fn each_block_of_an_object_has_its_own_padding() {
        assert_eq!(Blocks::One { more: 0 }.occupied(28), 32);
        assert_eq!(Blocks::One { more: 8 }.occupied(28), 48);
        assert_eq!(Blocks::Two { own: 56, more: 0 }.occupied(56), 64);
        assert_eq!(Blocks::Two { own: 56, more: 0 }.occupied(56 + 88), 64 + 96);
        assert_eq!(Blocks::Two { own: 56, more: 16 }.occupied(56 + 8), 80 + 16);
        assert_eq!(Blocks::Two { own: 56, more: 0 }.occupied(40), 48, "a damaged object");
        assert_eq!(Blocks::Padded.occupied(123), 123);
    }
}
