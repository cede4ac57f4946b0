//! How much pymalloc holds free, told by the pools in which objects were found.
//!
//! A pool begins with the number of its blocks in use, and has at 32 the number of its arena and at 36 its class of size
//! (`Objects/obmalloc.c`, `pycore_obmalloc.h`): 16 KiB in arenas of 1 MiB from 3.10, 4 KiB in arenas of 256 KiB before.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

/// The pools of pymalloc that were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pools {
    /// Bytes of blocks in use.
    used: u64,
    /// Bytes of the arenas that are resident, from the first pool that is in use to the last.
    resident: u64,
}

/// The pieces of memory that are looked at.
const PIECE: u64 = 1 << 14;
/// More arenas than any process has.
const MOST_ARENAS: u32 = 1 << 24;

impl Pools {
    /// How much of a pool is read, in bytes.
    pub const HEAD: usize = 40;

    /// What the arenas have free, what the allocator needs for itself included, in bytes.
    #[must_use]
    pub fn free(self) -> u64 {
        self.resident.saturating_sub(self.used)
    }

    /// Counts the pools in pieces of 16 KiB that begin at these addresses. `read` gives the head of a pool, `resident`
    /// how many bytes of a range of addresses are resident. `None` if pymalloc is not in use: few look like pools then.
    pub fn count(
        minor: u8,
        pieces: impl Iterator<Item = u64>,
        read: impl Fn(u64) -> Option<[u8; Self::HEAD]>,
        resident: impl Fn(u64, u64) -> u64,
    ) -> Option<Self> {
        let (pool_size, arena_size) = if minor < 10 { (1 << 12, 1 << 18) } else { (PIECE, 1 << 20) };
        // The arena of a pool and the bytes of its blocks in use.
        let told = |head: [u8; Self::HEAD]| {
            let half =
                |offset: usize| head[offset..offset + 4].try_into().map_or(u32::MAX, u32::from_le_bytes);
            let (blocks, arena, class) = (half(0), half(32), half(36));
            let used = u64::from(blocks).saturating_mul((u64::from(class) + 1) * 16);
            let fits = class < 32 && blocks > 0 && used <= pool_size - 48 && arena <= MOST_ARENAS;
            Some((arena, used)).filter(|_| fits)
        };
        let mut arenas: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        // What is read once is not read again: each is a call of the system.
        let mut known = FxHashMap::default();
        let (mut good, mut bad) = (0_u64, 0_u64);
        for at in pieces.flat_map(|piece| (piece..piece + PIECE).step_by(pool_size as usize)) {
            let Some(head) = read(at) else { continue };
            let Some((arena, used)) = told(head) else {
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
        // In between there are pools without objects, of the tables of dicts and the items of lists.
        let (mut used, mut all) = (0, 0);
        for (&arena, &(first, last)) in &arenas {
            all += resident(first, last + pool_size);
            let pool = |at: u64| known.get(&at).copied().or_else(|| told(read(at)?));
            let inside = (first..=last).step_by(pool_size as usize).filter_map(pool);
            used += inside.filter(|&(of, _)| of == arena).map(|(_, used)| used).sum::<u64>();
        }
        Some(Self { used, resident: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool with so many blocks in use of a class of size, in an arena.
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
        let pieces = [start, start + 3 * PIECE];
        let free = |minor, of: fn(u64) -> Option<[u8; Pools::HEAD]>| {
            Pools::count(minor, pieces.into_iter(), of, |from, to| to - from).map(Pools::free)
        };
        assert_eq!(free(11, |_| Some(pool(100, 7, 3))), Some(4 * PIECE - 4 * 100 * 64));
        assert_eq!(free(9, |_| Some(pool(10, 7, 3))), Some(4 * PIECE - 16 * 10 * 64));
        // A pool that is empty, and one that was never used.
        let between = |at| Some(pool(if at == 0x7f00_0000_0000 + PIECE { 0 } else { 100 }, 7, 3));
        assert_eq!(free(11, between), Some(4 * PIECE - 3 * 100 * 64));
        assert_eq!(
            free(11, |_| Some(pool(u32::MAX, u32::MAX, u32::MAX))),
            None,
            "what is no pool may say anything"
        );
        assert_eq!(free(11, |_| Some(pool(100, 7, 32))), None, "no class of size is that large");
        assert_eq!(free(11, |_| None), None);
    }
}
