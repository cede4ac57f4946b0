//! The state of the garbage collector (`struct _gc_runtime_state` in `pycore_gc.h`, to 3.8 in `pycore_pymem.h`, from
//! 3.14 in `pycore_interp_structs.h`), relative to the head of its youngest generation.
//!
//! Before the heads are `enabled` and `debug`, behind the permanent generation the statistics: to 3.14 three numbers
//! for each generation, from 3.15 a pointer to a ring of the latest collections of each generation, whose newest entry
//! has the totals.
//!
//! Invariant: a state with a number that no collector has is unknown.

use memtop_heap::CollectorState;

use crate::layout::{GENERATION, GENERATIONS, GcState, gc_head};
use crate::memory::Memory;

/// `gc_generation.threshold` and `count`, ints.
pub(super) const THRESHOLD: u64 = 16;
pub(super) const COUNT: u64 = 20;
/// `struct gc_generation_stats` to 3.14: `collections`, `collected`, `uncollectable`.
const STATISTICS: u64 = 24;
/// The same from 3.15, with the times of the collection before, and more behind.
const TIMED_STATISTICS: u64 = 64;
const COLLECTIONS: u64 = 16;
/// The entries of the ring of each generation in `struct gc_stats`. The index of the newest is behind them, in a word of
/// its own.
const RINGS: [u64; GENERATIONS] = [11, 3, 3];
/// More than the objects that 3.12 freezes when it starts, which are some 375, and fewer than any program has.
const FROZEN_AT_START: usize = 1000;
/// More than any collector counts to.
const MOST: u64 = 1 << 56;

/// Reads the state of the collector whose youngest generation has its head at `youngest`, and its permanent one
/// `permanent` bytes behind. `None` if it cannot be read, or is not that of a collector.
pub fn collector_state<M: Memory>(
    memory: &M,
    youngest: u64,
    permanent: u64,
    minor: u8,
) -> Option<CollectorState> {
    let layout = GcState::of(minor)?;
    // The distance between the lists and `collecting` is that of the table, if `permanent` is.
    let shift = permanent.wrapping_sub(layout.permanent as u64);
    let half = |offset: u64| memory.half(youngest.wrapping_add(offset));
    let word = |offset: u64| memory.word(youngest.wrapping_add(offset));
    let flag = |value: Option<u32>| value.filter(|&value| value <= 1).map(|value| value == 1);
    let enabled = flag(half((layout.enabled_before as u64).wrapping_neg()))?;
    let collecting = flag(half((layout.collecting as u64).wrapping_add(shift)))?;
    let head = youngest.wrapping_add(permanent);
    let after =
        |at: u64| memory.word(at.wrapping_add(gc_head::NEXT as u64)).map(|to| to & gc_head::MASK as u64);
    // 3.12 freezes some itself when it starts.
    let skipped = if minor == 12 { FROZEN_AT_START } else { 0 };
    let mut first = after(head)?;
    for _ in 0..skipped {
        if first == head {
            break;
        }
        first = after(first)?;
    }
    let frozen = first != head;
    let mut state = CollectorState { enabled, collecting, frozen, ..CollectorState::default() };
    let statistics = permanent.wrapping_add(GENERATION as u64);
    let mut ring = match minor {
        15.. => word(statistics)?,
        _ => youngest.wrapping_add(statistics),
    };
    for (generation, entries) in RINGS.into_iter().enumerate() {
        let head = (generation * GENERATION) as u64;
        state.thresholds[generation] = half(head + THRESHOLD)? as i32;
        state.counts[generation] = half(head + COUNT)? as i32;
        let numbers = match minor {
            15.. => {
                let newest = ring.wrapping_add(entries * TIMED_STATISTICS);
                let mut index = [0];
                memory.checked(newest, &mut index)?;
                let at = u64::from(index[0]);
                let entry = ring.wrapping_add(at * TIMED_STATISTICS);
                ring = newest.wrapping_add(8);
                (at < entries).then_some(entry.wrapping_add(COLLECTIONS))?
            }
            _ => ring.wrapping_add(generation as u64 * STATISTICS),
        };
        let mut both = [0; 16];
        memory.checked(numbers, &mut both)?;
        let both = u128::from_le_bytes(both);
        state.collections[generation] = Some(both as u64).filter(|&number| number < MOST)?;
        state.collected[generation] = Some((both >> 64) as u64).filter(|&number| number < MOST)?;
    }
    Some(state)
}
