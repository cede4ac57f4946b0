//! Counts the used and free bytes of glibc's malloc by walking its chunks in the copy.
//!
//! A chunk begins with the size of the previous chunk, if that is free, and its own size, whose low
//! bits are flags: bit 0 says that the previous chunk is in use (`malloc/malloc.c` of glibc,
//! "Chunks of memory"). The main heap begins with a chunk. The heaps of other arenas are located at
//! multiples of 64 MiB and begin with `heap_info`; the first heap of an arena continues with its
//! `malloc_state` (`malloc/arena.c`). Other allocators have no such chain of chunks: then the
//! result is `None`, never a guess.
//!
//! Only resident bytes count: malloc keeps free chunks whose pages it gave back to the system.

use memtop_cpython::Memory;

use crate::ranges::Ranges;

/// The memory of malloc, in resident bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Malloc {
    /// In blocks that are in use, except those that have a mapping of their own.
    pub(crate) in_use: u64,
    /// In free blocks, and at the ends of its heaps.
    pub(crate) free: u64,
    /// The part of `free` that `malloc_trim(0)` would return to the system: whole pages of free
    /// blocks, and the end of the main heap.
    pub(crate) trimmable: u64,
    /// Its heaps.
    pub(crate) heaps: Ranges,
}

const SIZE_MASK: u64 = !7;
const PREVIOUS_IN_USE: u64 = 1;
const SMALLEST: u64 = 32;
const ARENA_HEAP: u64 = 64 << 20;
/// `malloc_state.top`, which follows a lock, flags, and ten lists of fast chunks.
const ARENA_TOP: u64 = 96;
/// The possible distances from a `malloc_state` to the first chunk, which differ by version.
const ARENA_SIZES: std::ops::Range<u64> = 2000..2400;
const PAGE: u64 = 4096;
/// The size of a free chunk's header; `malloc_trim` keeps the pages that it is on.
const FREE_HEADER: u64 = 48;
/// All pages of a smaller chunk are taken to be resident.
const LARGE: u64 = 2 * PAGE;

impl Malloc {
    /// Counts the chunks of the main heap and of the arenas in `mappings`, both as ranges of
    /// addresses. `resident` returns the resident bytes of a range. `None` if the main heap is not
    /// a chain of chunks.
    pub(crate) fn count(
        memory: &impl Memory,
        main: Option<(u64, u64)>,
        mappings: impl Iterator<Item = (u64, u64)>,
        resident: &impl Fn(u64, u64) -> u64,
    ) -> Option<Self> {
        let (start, end) = main?;
        let chunks = Chunks { memory, resident };
        let mut sum = chunks.chain(start.next_multiple_of(16), end, None)?;
        sum.heaps.push((start, end));
        for (start, end) in mappings {
            // Adjacent mappings of the same kind are one.
            let mut at = start.next_multiple_of(ARENA_HEAP);
            while at < end {
                if let Some((arena, size)) = chunks.arena(at, end) {
                    sum.in_use += arena.in_use;
                    sum.free += arena.free;
                    sum.trimmable += arena.trimmable;
                    sum.heaps.push((at, at + size));
                }
                at += ARENA_HEAP;
            }
        }
        sum.heaps.sort_unstable();
        Some(sum)
    }
}

struct Chunks<'m, M, R> {
    memory: &'m M,
    resident: &'m R,
}

impl<M: Memory, R: Fn(u64, u64) -> u64> Chunks<'_, M, R> {
    /// Counts the chunks from `start` to `end`, or to the `top` of the heap.
    fn chain(&self, start: u64, end: u64, top: Option<u64>) -> Option<Malloc> {
        let mut counted = Malloc::default();
        let mut at = start;
        loop {
            let size = self.memory.word(at + 8)? & SIZE_MASK;
            let next = at.checked_add(size)?;
            if size < SMALLEST || !size.is_multiple_of(16) || next > end {
                return None;
            }
            let bytes = if size < LARGE { size } else { (self.resident)(at, next) };
            if top == Some(at) || (top.is_none() && end - next < SMALLEST) {
                counted.free += bytes;
                // Only the main heap shrinks at its end.
                counted.trimmable += if top.is_none() { self.whole_pages(at, next) } else { 0 };
                return Some(counted);
            }
            match self.memory.word(next + 8)? & PREVIOUS_IN_USE {
                0 => {
                    counted.free += bytes;
                    counted.trimmable += self.whole_pages(at, next);
                }
                _ => counted.in_use += bytes,
            }
            at = next;
        }
    }

    /// The resident pages that are within a free chunk.
    fn whole_pages(&self, start: u64, end: u64) -> u64 {
        let (first, last) = ((start + FREE_HEADER).next_multiple_of(PAGE), end / PAGE * PAGE);
        if first < last { (self.resident)(first, last) } else { 0 }
    }

    /// Counts the chunks of one heap of an arena; also returns the size of the heap.
    fn arena(&self, start: u64, end: u64) -> Option<(Malloc, u64)> {
        let word = |address| self.memory.word(address);
        let (state, previous, size) = (word(start)?, word(start + 8)?, word(start + 16)?);
        if !state.is_multiple_of(16) || size > ARENA_HEAP || start + size > end.next_multiple_of(ARENA_HEAP) {
            return None;
        }
        let end = start + size;
        let top = word(state.checked_add(ARENA_TOP)?)?;
        let top = (start..end).contains(&top).then_some(top);
        let counted = if previous != 0 || !(start..start + 256).contains(&state) {
            [32, 48, 64].into_iter().find_map(|header| self.chain(start + header, end, top))
        } else {
            let starts = ARENA_SIZES.map(|size| state + size).filter(|at| at.is_multiple_of(16));
            starts.into_iter().find_map(|first| self.chain(first, end, top))
        };
        Some((counted?, size))
    }
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

    /// Counts a main heap of which everything is resident.
    fn count(memory: &Words, end: u64) -> Option<Malloc> {
        Malloc::count(memory, Some((0x1000, end)), std::iter::empty(), &|start, end| end - start)
    }

    #[test]
    fn a_chunk_is_free_if_the_next_one_says_so() {
        let memory = chunks(0x1000, &[64 | 1, 32 | 1, 48, 112 | 1]);
        let counted = count(&memory, 0x1100).expect("a chain");
        assert_eq!((counted.in_use, counted.free, counted.trimmable), (64 + 48, 32 + 112, 0));
        assert_eq!(counted.heaps, [(0x1000, 0x1100)]);
    }

    #[test]
    fn whole_resident_pages_of_free_chunks_can_be_trimmed() {
        // A free chunk of five pages, one in use, and the end of the heap with three.
        let memory = chunks(0x1000, &[(5 * PAGE) | 1, 64, (3 * PAGE - 64) | 1]);
        let counted = count(&memory, 0x1000 + 8 * PAGE).expect("a chain");
        assert_eq!((counted.in_use, counted.trimmable), (64, 4 * PAGE + 2 * PAGE));
        // Of the first chunk, only the page with its header is still there.
        let resident = |start: u64, end: u64| end.saturating_sub(start.max(0x1000 + 5 * PAGE));
        let heap = Some((0x1000, 0x1000 + 8 * PAGE));
        let counted = Malloc::count(&memory, heap, std::iter::empty(), &resident).expect("a chain");
        assert_eq!((counted.free, counted.trimmable), (3 * PAGE - 64, 2 * PAGE));
    }

    #[test]
    fn a_broken_chain_is_not_counted() {
        for sizes in [&[64 | 1, 8][..], &[64 | 1, 33 | 1], &[64 | 1, 1 << 40], &[]] {
            assert_eq!(count(&chunks(0x1000, sizes), 0x1100), None);
        }
    }
}
