//! The blocks of memory that the allocator keeps for the objects of a type, and what of them `sys.getsizeof()` does
//! not count.
//!
//! Invariant: sums saturate.

use crate::objects::view::{ObjectView, WORD};

/// The blocks of the objects of a type.
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
    /// The growth of an object's size by values within it: of its own block, if that is padded by itself.
    pub(crate) fn inline(&self, values: u64) -> u64 {
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
