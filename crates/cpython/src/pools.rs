//! The free memory that pymalloc holds, by the pools in which objects were found.
//!
//! A pool begins with the number of its blocks in use, and has the number of its arena at 32 and its size
//! class at 36 (`Objects/obmalloc.c`, `pycore_obmalloc.h`): 16 KiB in arenas of 1 MiB from 3.10, 4 KiB in
//! arenas of 256 KiB before.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

/// The pools of pymalloc that were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pools {
    /// Bytes of blocks in use.
    used: u64,
    /// Resident bytes of the arenas, from the first pool in use to the last.
    resident: u64,
}

/// The size of the blocks of memory that are searched.
const BLOCK: u64 = 1 << 14;
/// More arenas than any process has.
const MOST_ARENAS: u32 = 1 << 24;

impl Pools {
    /// The size of a pool's header, in bytes.
    pub const HEAD: usize = 40;

    /// The free bytes of the arenas, those included that the allocator needs for itself.
    #[must_use]
    pub fn free(self) -> u64 {
        self.resident.saturating_sub(self.used)
    }

    /// Counts the pools in the 16 KiB blocks at these addresses. `read` returns the header of a pool,
    /// `resident` the number of resident bytes of a range of addresses. `None` if pymalloc is not in use: few
    /// blocks look like pools then.
    pub fn count(
        minor: u8,
        blocks: impl Iterator<Item = u64>,
        read: impl Fn(u64) -> Option<[u8; Self::HEAD]>,
        resident: impl Fn(u64, u64) -> u64,
    ) -> Option<Self> {
        let (pool_size, arena_size) = if minor < 10 { (1 << 12, 1 << 18) } else { (BLOCK, 1 << 20) };
        // The arena of a pool and the bytes of its blocks in use.
        let header = |head: [u8; Self::HEAD]| {
            let half =
                |offset: usize| head[offset..offset + 4].try_into().map_or(u32::MAX, u32::from_le_bytes);
            let (blocks, arena, class) = (half(0), half(32), half(36));
            let used = u64::from(blocks).saturating_mul((u64::from(class) + 1) * 16);
            let fits = class < 32 && blocks > 0 && used <= pool_size - 48 && arena <= MOST_ARENAS;
            Some((arena, used)).filter(|_| fits)
        };
        let mut arenas: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        // Each read is a system call, so that none is repeated.
        let mut known = FxHashMap::default();
        let (mut good, mut bad) = (0_u64, 0_u64);
        for at in blocks.flat_map(|block| (block..block + BLOCK).step_by(pool_size as usize)) {
            let Some(head) = read(at) else { continue };
            let Some((arena, used)) = header(head) else {
                bad += 1;
                continue;
            };
            known.insert(at, (arena, used));
            let (first, last) = arenas.entry(arena).or_insert((at, at));
            let (lower, upper) = ((*first).min(at), (*last).max(at));
            if upper - lower >= arena_size {
                bad += 1;
                continue;
            }
            (*first, *last) = (lower, upper);
            good += 1;
        }
        if good == 0 || good <= bad / 4 {
            return None;
        }
        // Between them are pools without objects: the tables of dicts, the items of lists.
        let (mut used, mut all) = (0, 0);
        for (&arena, &(first, last)) in &arenas {
            all += resident(first, last + pool_size);
            let pool = |at: u64| known.get(&at).copied().or_else(|| header(read(at)?));
            let inside = (first..=last).step_by(pool_size as usize).filter_map(pool);
            used += inside.filter(|&(of, _)| of == arena).map(|(_, used)| used).sum::<u64>();
        }
        Some(Self { used, resident: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool with this number of blocks in use of a size class, in an arena.
    fn pool(blocks: u32, arena: u32, class: u32) -> [u8; Pools::HEAD] {
        let mut head = [0; Pools::HEAD];
        head[..4].copy_from_slice(&blocks.to_le_bytes());
        head[32..36].copy_from_slice(&arena.to_le_bytes());
        head[36..].copy_from_slice(&class.to_le_bytes());
        head
    }

    #[test]
    fn pools_without_objects_between_others_are_in_use() {
        let start = 0x7f00_0000_0000;
        let blocks = [start, start + 3 * BLOCK];
        let free = |minor, of: fn(u64) -> Option<[u8; Pools::HEAD]>| {
            Pools::count(minor, blocks.into_iter(), of, |from, to| to - from).map(Pools::free)
        };
        assert_eq!(free(11, |_| Some(pool(100, 7, 3))), Some(4 * BLOCK - 4 * 100 * 64));
        assert_eq!(free(9, |_| Some(pool(10, 7, 3))), Some(4 * BLOCK - 16 * 10 * 64));
        // A pool that is empty, and one that was never used.
        let between = |at| Some(pool(if at == 0x7f00_0000_0000 + BLOCK { 0 } else { 100 }, 7, 3));
        assert_eq!(free(11, between), Some(4 * BLOCK - 3 * 100 * 64));
        assert_eq!(
            free(11, |_| Some(pool(u32::MAX, u32::MAX, u32::MAX))),
            None,
            "other memory may have any values"
        );
        assert_eq!(free(11, |_| Some(pool(100, 7, 32))), None, "no size class is that large");
        assert_eq!(free(11, |_| None), None);
    }
}
