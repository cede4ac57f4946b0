//! Counts the used and free bytes of glibc's malloc by walking its chunks in the copy.
//!
//! A chunk begins with the size of the previous chunk, if that is free, and its own size, whose low
//! bits are flags: bit 0 says that the previous chunk is in use (`malloc/malloc.c` of glibc,
//! "Chunks of memory"). The main heap begins with a chunk. The heaps of other arenas are located at
//! multiples of 64 MiB and begin with `heap_info`; the first heap of an arena continues with its
//! `malloc_state` (`malloc/arena.c`). Other allocators have no such chain of chunks: then the
//! result is `None`, never a guess.

use memtop_cpython::Memory;

/// The memory of malloc, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Malloc {
    /// In blocks that are in use, except those that have a mapping of their own.
    pub(crate) in_use: u64,
    /// In free blocks, and at the ends of its heaps.
    pub(crate) free: u64,
}

const SIZE_MASK: u64 = !7;
const PREVIOUS_IN_USE: u64 = 1;
const SMALLEST: u64 = 32;
const ARENA_HEAP: u64 = 64 << 20;
/// `malloc_state.top`, which follows a lock, flags, and ten lists of fast chunks.
const ARENA_TOP: u64 = 96;
/// The possible distances from a `malloc_state` to the first chunk, which differ by version.
const ARENA_SIZES: std::ops::Range<u64> = 2000..2400;

impl Malloc {
    /// Counts the chunks of the main heap and of the arenas in `mappings`, both as ranges of
    /// addresses. `None` if the main heap is not a chain of chunks.
    pub(crate) fn count(
        memory: &impl Memory,
        main: Option<(u64, u64)>,
        mappings: impl Iterator<Item = (u64, u64)>,
    ) -> Option<Self> {
        let (start, end) = main?;
        let mut sum = chain(memory, start.next_multiple_of(16), end, None)?;
        for (start, end) in mappings.filter(|(start, _)| start.is_multiple_of(ARENA_HEAP)) {
            if let Some(arena) = arena(memory, start, end) {
                sum.in_use += arena.in_use;
                sum.free += arena.free;
            }
        }
        Some(sum)
    }
}

/// Counts the chunks from `start` to `end`, or to the `top` of the heap.
fn chain(memory: &impl Memory, start: u64, end: u64, top: Option<u64>) -> Option<Malloc> {
    let mut counted = Malloc::default();
    let mut at = start;
    loop {
        let size = memory.word(at + 8)? & SIZE_MASK;
        let next = at.checked_add(size)?;
        if size < SMALLEST || !size.is_multiple_of(16) || next > end {
            return None;
        }
        if top == Some(at) || (top.is_none() && end - next < SMALLEST) {
            counted.free += size;
            return Some(counted);
        }
        match memory.word(next + 8)? & PREVIOUS_IN_USE {
            0 => counted.free += size,
            _ => counted.in_use += size,
        }
        at = next;
    }
}

/// Counts the chunks of one heap of an arena.
fn arena(memory: &impl Memory, start: u64, end: u64) -> Option<Malloc> {
    let (state, previous) = (memory.word(start)?, memory.word(start + 8)?);
    let size = memory.word(start + 16)?;
    if !state.is_multiple_of(16) || size > ARENA_HEAP || start + size > end.next_multiple_of(ARENA_HEAP) {
        return None;
    }
    let end = start + size;
    let top = memory.word(state.checked_add(ARENA_TOP)?)?;
    let top = (start..end).contains(&top).then_some(top);
    if previous != 0 || !(start..start + 256).contains(&state) {
        return [32, 48, 64].into_iter().find_map(|header| chain(memory, start + header, end, top));
    }
    let starts = ARENA_SIZES.map(|size| state + size).filter(|at| at.is_multiple_of(16));
    starts.into_iter().find_map(|first| chain(memory, first, end, top))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Words(BTreeMap<u64, u64>);

    impl Memory for Words {
        fn word(&self, address: u64) -> Option<u64> {
            self.0.get(&address).copied()
        }
        fn half(&self, _: u64) -> Option<u32> {
            None
        }
        fn byte(&self, _: u64) -> Option<u8> {
            None
        }
        fn bytes(&self, _: u64, _: usize, _: &mut Vec<u8>) -> Option<()> {
            None
        }
    }

    /// Adjacent chunks, by their sizes with flags.
    fn chunks(start: u64, sizes: &[u64]) -> Words {
        let mut words = BTreeMap::new();
        let mut at = start;
        for &size in sizes {
            words.insert(at + 8, size);
            at += size & SIZE_MASK;
        }
        Words(words)
    }

    #[test]
    fn a_chunk_is_free_if_the_next_one_says_so() {
        let memory = chunks(0x1000, &[64 | 1, 32 | 1, 48, 112 | 1]);
        let counted = Malloc::count(&memory, Some((0x1000, 0x1100)), std::iter::empty());
        assert_eq!(counted, Some(Malloc { in_use: 64 + 48, free: 32 + 112 }));
    }

    #[test]
    fn a_broken_chain_is_not_counted() {
        for sizes in [&[64 | 1, 8][..], &[64 | 1, 33 | 1], &[64 | 1, 1 << 40], &[]] {
            assert_eq!(
                Malloc::count(&chunks(0x1000, sizes), Some((0x1000, 0x1100)), std::iter::empty()),
                None
            );
        }
    }
}
