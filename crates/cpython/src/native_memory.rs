//! Divides the anonymous memory of a process among its users: pymalloc, malloc, stacks of Python frames, and mappings of
//! unknown purpose.
//!
//! Nothing says where pymalloc's arenas are, so each resident page is classified by the header that it begins with:
//!
//! * a pool of pymalloc (`Objects/obmalloc.c`, `pycore_obmalloc.h`): 16 KiB from CPython 3.10, 4 KiB before. Its header
//!   has the number of blocks in use at 0, the first free block at 8, the size class at 36, and the offsets of the next
//!   and of the last block that was never used at 40 and 44. These numbers must agree with each other;
//! * a block of glibc's malloc with a mapping of its own (`struct malloc_chunk` in `malloc/malloc.c`): its size at 8,
//!   with only the flag `IS_MMAPPED`;
//! * a stack of Python frames (`_PyStackChunk` in `pycore_pystate.h`, from 3.11): the previous stack at 0, its size at 8,
//!   the number of words in use at 16. CPython maps them one by one. Those of greenlets that are switched out stay.
//!
//! Invariant: each resident byte is in exactly one number, or held by an object.

use std::iter::Peekable;

/// The anonymous memory to divide. All ranges ascend and do not overlap.
#[derive(Debug, Clone, Copy)]
pub struct AnonymousMemory<'a> {
    /// The minor version of CPython.
    pub minor: u8,
    /// Private, readable and writable mappings without a file.
    pub mappings: &'a [(u64, u64)],
    /// Their resident pages.
    pub resident: &'a [(u64, u64)],
    /// The heaps of malloc within them.
    pub malloc_heaps: &'a [(u64, u64)],
    /// Memory within them whose user is known: stacks of threads and of their frames.
    pub known: &'a [(u64, u64)],
    /// Buffers that are part of the sizes of objects.
    pub held: &'a [(u64, u64)],
}

/// The bytes of anonymous memory, by user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NativeMemory {
    /// Resident bytes of pymalloc's pools.
    pub pools: u64,
    /// Bytes of pymalloc's blocks that are in use.
    pub pymalloc_in_use: u64,
    /// Resident bytes of malloc's blocks with a mapping of their own, known ones included.
    pub malloc_mapped: u64,
    /// Resident bytes in malloc's blocks that are known or held by objects.
    pub malloc_known: u64,
    /// Resident bytes of stacks of Python frames.
    pub frame_stacks: u64,
    /// Resident bytes that are known, malloc's blocks included. What objects hold is not among them.
    pub known: u64,
    /// Resident bytes of unknown purpose.
    pub other: u64,
}

/// The size of a header that is read, in bytes.
pub const HEADER: usize = 48;

const PAGE: u64 = 4096;
/// The size of a pool's header.
const POOL_HEADER: u64 = 48;
const SIZE_CLASSES: u64 = 32;
const IS_MAPPED: u64 = 2;
/// `DATA_STACK_CHUNK_SIZE` in `pycore_pystate.h`; a larger stack is a power of two.
const FRAME_STACK: u64 = 16 << 10;

#[derive(Debug, Clone, Copy)]
enum User {
    Pymalloc,
    MallocHeap,
    MallocMapped,
    FrameStack,
    Other,
}

impl NativeMemory {
    /// Free bytes of pymalloc's pools, those included that the allocator needs for itself. `None` if there are no pools:
    /// pymalloc is not in use.
    #[must_use]
    pub fn pymalloc_free(&self) -> Option<u64> {
        (self.pools > 0).then(|| self.pools.saturating_sub(self.pymalloc_in_use))
    }

    /// Divides the memory. `read` returns the header at an address, or `None` if it cannot be read. Takes one read for
    /// each block that is found, and for each page of unknown purpose.
    #[must_use]
    pub fn divide(memory: &AnonymousMemory<'_>, read: impl Fn(u64) -> Option<[u8; HEADER]>) -> Self {
        let pool_size: u64 = if memory.minor < 10 { 1 << 12 } else { 1 << 14 };
        let mut sum = Self::default();
        let mut mappings = memory.mappings.iter().peekable();
        let mut heaps = memory.malloc_heaps.iter().peekable();
        let mut known = memory.known.iter().peekable();
        let mut held = memory.held.iter().peekable();
        let (mut user, mut until) = (User::Other, 0);
        for &(start, end) in memory.resident {
            let mut at = start;
            while at < end {
                while mappings.next_if(|mapping| mapping.1 <= at).is_some() {}
                while heaps.next_if(|heap| heap.1 <= at).is_some() {}
                if at >= until {
                    let mapped =
                        mappings.peek().filter(|mapping| mapping.0 <= at).map_or(end, |found| found.1);
                    (user, until) = match heaps.peek().filter(|heap| heap.0 <= at) {
                        Some(heap) => (User::MallocHeap, heap.1),
                        None => sum.classify(memory.minor, pool_size, at, mapped, &read),
                    };
                    // A heap that begins within a page of unknown purpose.
                    if let Some(heap) = heaps.peek().filter(|heap| heap.0 > at) {
                        until = until.min(heap.0);
                    }
                }
                let stop = until.min(end);
                sum.add(user, at, stop, &mut known, &mut held);
                at = stop;
            }
        }
        sum
    }

    /// The user of the memory that begins at a page, and where it ends. Adds what a pool has in use.
    fn classify(
        &mut self,
        minor: u8,
        pool_size: u64,
        at: u64,
        mapped: u64,
        read: &impl Fn(u64) -> Option<[u8; HEADER]>,
    ) -> (User, u64) {
        let other = (User::Other, (at / PAGE + 1) * PAGE);
        if !at.is_multiple_of(PAGE) {
            return other;
        }
        let Some(header) = read(at) else { return other };
        let word = |offset: usize| header[offset..offset + 8].try_into().map_or(0, u64::from_le_bytes);
        let left = mapped.saturating_sub(at);
        if at.is_multiple_of(pool_size)
            && pool_size <= left
            && let Some(in_use) = pool(at, pool_size, &header)
        {
            self.pymalloc_in_use += in_use;
            return (User::Pymalloc, at + pool_size);
        }
        let (first, second, third) = (word(0), word(8), word(16));
        // In newer versions of glibc, the size does not include the header.
        let size = second & !7;
        let whole = size.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
        if first == 0
            && second & 7 == IS_MAPPED
            && size > 0
            && [0, 16].contains(&(whole - size))
            && whole <= left
        {
            return (User::MallocMapped, at + whole);
        }
        let is_stack = minor >= 11
            && first.is_multiple_of(PAGE)
            && second >= FRAME_STACK
            && second.is_power_of_two()
            && second <= left
            && third <= second / 8;
        if is_stack { (User::FrameStack, at + second) } else { other }
    }

    /// Adds resident memory, without the parts of it that are known or held.
    fn add<'k>(
        &mut self,
        user: User,
        at: u64,
        end: u64,
        known: &mut Peekable<impl Iterator<Item = &'k (u64, u64)>>,
        held: &mut Peekable<impl Iterator<Item = &'k (u64, u64)>>,
    ) {
        split(at, end, known, |from, to, is_known| {
            if is_known {
                self.known += to - from;
                self.add_excluded(user, to - from);
                return;
            }
            split(from, to, held, |from, to, is_held| match is_held {
                true => self.add_excluded(user, to - from),
                false => self.add_rest(user, to - from),
            });
        });
    }

    /// Adds memory that something else accounts for.
    fn add_excluded(&mut self, user: User, size: u64) {
        match user {
            User::Pymalloc => self.pools += size,
            User::MallocHeap => self.malloc_known += size,
            User::MallocMapped => {
                self.malloc_mapped += size;
                self.malloc_known += size;
            }
            User::FrameStack | User::Other => {}
        }
    }

    fn add_rest(&mut self, user: User, size: u64) {
        match user {
            User::Pymalloc => self.pools += size,
            User::MallocHeap => {}
            User::MallocMapped => self.malloc_mapped += size,
            User::FrameStack => self.frame_stacks += size,
            User::Other => self.other += size,
        }
    }
}

/// Divides a range by whether it is within one of `ranges`, which ascend from call to call.
fn split<'k>(
    mut at: u64,
    end: u64,
    ranges: &mut Peekable<impl Iterator<Item = &'k (u64, u64)>>,
    mut visit: impl FnMut(u64, u64, bool),
) {
    while at < end {
        while ranges.next_if(|range| range.1 <= at).is_some() {}
        let next = ranges.peek().filter(|range| range.0 < end);
        let (from, to) = next.map_or((end, end), |range| (range.0.max(at), range.1.min(end)));
        if at < from {
            visit(at, from, false);
        }
        if from < to {
            visit(from, to, true);
        }
        at = to;
    }
}

/// The bytes in use in the pool with this header; `None` if it is not the header of a pool.
fn pool(at: u64, pool_size: u64, header: &[u8; HEADER]) -> Option<u64> {
    let word = |offset: usize| header[offset..offset + 8].try_into().map_or(0, u64::from_le_bytes);
    let half = |offset: usize| {
        header[offset..offset + 4].try_into().map_or(u64::MAX, |bytes| u64::from(u32::from_le_bytes(bytes)))
    };
    let (count, free, class, next, last) = (half(0), word(8), half(36), half(40), half(44));
    if class >= SIZE_CLASSES {
        return None;
    }
    let size = (class + 1) * 16;
    let is_block = |offset: u64| offset >= POOL_HEADER && (offset - POOL_HEADER).is_multiple_of(size);
    let fits = count <= (pool_size - POOL_HEADER) / size
        && last == pool_size - size
        && is_block(next)
        && next <= last + size
        && (free == 0 || free.checked_sub(at).is_some_and(|offset| is_block(offset) && offset <= last));
    fits.then_some(count * size)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const START: u64 = 0x7f00_0000_0000;
    const POOL: u64 = 1 << 14;

    fn header(words: &[(usize, u64)]) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        for &(offset, word) in words {
            header[offset..offset + 8].copy_from_slice(&word.to_le_bytes());
        }
        header
    }

    /// A pool of blocks of 64 bytes, `count` of them in use, all of which were used once.
    fn pool_of_64(count: u64) -> [u8; HEADER] {
        let last = POOL - 64;
        let next = POOL_HEADER + (POOL - POOL_HEADER) / 64 * 64;
        header(&[(0, count), (32, 3 << 32 | 7), (40, last << 32 | next)])
    }

    fn divide(pages: &[(u64, [u8; HEADER])], resident: &[(u64, u64)], known: &[(u64, u64)]) -> NativeMemory {
        divide_with(pages, resident, known, &[])
    }

    fn divide_with(
        pages: &[(u64, [u8; HEADER])],
        resident: &[(u64, u64)],
        known: &[(u64, u64)],
        held: &[(u64, u64)],
    ) -> NativeMemory {
        let pages: BTreeMap<u64, [u8; HEADER]> = pages.iter().copied().collect();
        let memory = AnonymousMemory {
            minor: 12,
            mappings: &[(START, START + (1 << 20))],
            resident,
            malloc_heaps: &[],
            known,
            held,
        };
        NativeMemory::divide(&memory, |at| Some(pages.get(&at).copied().unwrap_or([0xAA; HEADER])))
    }

    #[test]
    fn pools_are_found_wherever_they_are_and_whatever_is_in_them() {
        let pages = [(START, pool_of_64(100)), (START + 2 * POOL, pool_of_64(0))];
        let found = divide(&pages, &[(START, START + 3 * POOL)], &[]);
        assert_eq!((found.pools, found.pymalloc_in_use), (2 * POOL, 6400));
        assert_eq!((found.other, found.pymalloc_free()), (POOL, Some(2 * POOL - 6400)));
        assert_eq!(divide(&[], &[(START, START + POOL)], &[]).pymalloc_free(), None);
    }

    #[test]
    fn a_header_whose_numbers_disagree_is_not_that_of_a_pool() {
        let good = pool_of_64(10);
        assert_eq!(pool(START, POOL, &good), Some(640));
        // More blocks than fit, another size class, a free block elsewhere.
        for (offset, value) in [(0, 256), (36, 4), (36, 32), (40, 49), (44, 0)] {
            let mut bad = good;
            bad[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));
            assert_eq!(pool(START, POOL, &bad), None, "{offset}");
        }
        let mut bad = good;
        bad[8..16].copy_from_slice(&(START - 64).to_le_bytes());
        assert_eq!(pool(START, POOL, &bad), None);
    }

    #[test]
    fn blocks_and_frame_stacks_with_a_mapping_of_their_own_are_told_apart() {
        let pages =
            [(START, header(&[(8, 0x40000 | 2)])), (START + 0x40000, header(&[(8, 16 << 10), (16, 90)]))];
        // The middle of the block was never touched.
        let resident = [(START, START + PAGE), (START + 0x3F000, START + 0x45000)];
        let found = divide(&pages, &resident, &[]);
        assert_eq!((found.malloc_mapped, found.frame_stacks, found.other), (2 * PAGE, 4 * PAGE, PAGE));
        // A block that is longer than its mapping is none.
        let pages = [(START, header(&[(8, 1 << 30 | 2)]))];
        assert_eq!(divide(&pages, &[(START, START + PAGE)], &[]).other, PAGE);
    }

    #[test]
    fn each_resident_byte_counts_once() {
        let pages = [(START, header(&[(8, 0x40000 | 2)]))];
        let resident = [(START, START + 0x42000)];
        let known = [(START + PAGE, START + 3 * PAGE), (START + 0x41000, START + 0x50000)];
        let found = divide(&pages, &resident, &known);
        assert_eq!((found.malloc_mapped, found.malloc_known), (0x40000, 2 * PAGE));
        assert_eq!((found.other, found.known), (PAGE, 3 * PAGE));
    }

    #[test]
    fn what_objects_hold_is_not_counted_again() {
        let pages = [(START, header(&[(8, 0x40000 | 2)]))];
        let resident = [(START, START + 0x44000)];
        let known = [(START + 0x41000, START + 0x42000)];
        // Within malloc's block; around the known page, which counts as known; and not resident in part.
        let held = [(START + 16, START + 0x3F000), (START + 0x40800, START + 0x50000)];
        let found = divide_with(&pages, &resident, &known, &held);
        assert_eq!((found.malloc_mapped, found.malloc_known), (0x40000, 0x3F000 - 16));
        assert_eq!((found.other, found.known), (0x800, PAGE));
    }
}
