//! Garbage that becomes more over a series of heaps, and why the collector does not free it.
//!
//! Garbage rises until the collector runs, and then falls: that is its own rhythm, and no finding. It is a finding if
//! it rose and hardly ever fell, and the collector's state says why.
//!
//! Invariant: if a full collection ran between two heaps, what was garbage in the first was freed, or is not garbage.
//! The collector counts the objects that it frees; fewer of them than there were objects of garbage contradict the
//! first heap. Objects are not compared by address, since addresses are reused.

use memtop_heap::{CollectorState, Flags, Heap};

use super::thresholds::Thresholds;

/// Why the collector does not free garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GarbageCause {
    /// It is off.
    Off,
    /// `gc.freeze()` has put the garbage out of its reach.
    Frozen,
    /// So many objects have to be created between two collections that none took place.
    HighThreshold {
        /// The number of objects.
        threshold: u64,
    },
    /// A full collection is due by its thresholds, but is put off because most objects are old.
    PutOff {
        /// The collections of the middle generation since the last full one.
        count: u64,
        /// The number from which a full collection is due.
        threshold: u64,
    },
    /// It is on, and has not collected all generations.
    NotYet,
    /// Full collections took place, and did not free it: the capture misses what holds it, or a type written in C hides
    /// references of a cycle.
    Survived {
        /// How many objects survived, at least.
        objects: u64,
    },
    /// Its state is not known.
    Unknown,
}

/// A type of garbage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarbageType {
    /// The name of the type.
    pub type_name: String,
    /// How many objects there are in the last heap.
    pub objects: u64,
    /// By how many there are more than in the first.
    pub growth: i64,
    /// By how many shallow bytes they grew.
    pub bytes_growth: i64,
}

/// Garbage that grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarbageGrowth {
    /// Its shallow bytes in each heap.
    pub bytes: Vec<u64>,
    /// By how many bytes it grew from the first heap to the last.
    pub grown: u64,
    /// Why the collector does not free it.
    pub cause: GarbageCause,
    /// The collector at the last heap.
    pub collector: Option<CollectorState>,
    /// The types that grew, most bytes first.
    pub types: Vec<GarbageType>,
}

/// The largest number of types.
const TYPES: usize = 8;
/// Of what garbage rises by, it may fall by this share: the youngest generation has a rhythm of its own.
const FALLEN: f64 = 0.1;
/// A threshold of the youngest generation from which it is high: ten times the default of any version.
const HIGH_THRESHOLD: i32 = 20_000;

/// By interval: by how many bytes garbage grew.
pub(super) fn steps(bytes: &[u64]) -> Vec<i64> {
    bytes.windows(2).map(|pair| pair[1].cast_signed().wrapping_sub(pair[0].cast_signed())).collect()
}

/// By how many bytes garbage grew, if it rose and hardly ever fell, by its `bytes` in each heap.
pub(super) fn rise(bytes: &[u64], limits: &Thresholds) -> Option<u64> {
    let steps = steps(bytes);
    let of = |sign: i64| -> i64 { steps.iter().map(|&step| (sign * step).max(0)).sum() };
    let (risen, fallen) = (of(1), of(-1));
    let grown = u64::try_from(risen - fallen).ok()?;
    let rose = steps.iter().filter(|&&step| step > 0).count();
    let often = rose >= limits.required(steps.len()) || rose > 1 && grown >= limits.native_bytes;
    (often && grown >= limits.few_items_bytes && fallen as f64 <= FALLEN * risen as f64).then_some(grown)
}

/// Why the collector did not free garbage that grew by `grown` bytes, by its state at each heap and the number of
/// tracked objects of garbage in each. `None` if that is its ordinary rhythm.
pub(super) fn cause(
    collectors: &[Option<CollectorState>],
    tracked: &[u64],
    grown: u64,
    limits: &Thresholds,
) -> Option<GarbageCause> {
    let Some(states) = collectors.iter().copied().collect::<Option<Vec<CollectorState>>>() else {
        return (grown >= limits.native_bytes).then_some(GarbageCause::Unknown);
    };
    let (first, last) = (states.first()?, states.last()?);
    let collections =
        |generation: usize| last.collections[generation].saturating_sub(first.collections[generation]);
    if let Some(objects) = survivors(&states, tracked) {
        return Some(if last.frozen { GarbageCause::Frozen } else { GarbageCause::Survived { objects } });
    }
    let ran = (0..3).any(|generation| collections(generation) > 0);
    if last.is_off() && !ran {
        return Some(GarbageCause::Off);
    }
    if !ran {
        // New garbage is in the youngest generation, unless it was frozen.
        let more = tracked.last()?.saturating_sub(*tracked.first()?);
        let young = u64::try_from(last.counts[0]).unwrap_or(0);
        let threshold = last.thresholds[0];
        return match () {
            () if last.frozen && more > 2 * young => Some(GarbageCause::Frozen),
            () if threshold >= HIGH_THRESHOLD => {
                Some(GarbageCause::HighThreshold { threshold: u64::from(threshold.unsigned_abs()) })
            }
            () => None,
        };
    }
    if grown < limits.native_bytes {
        return None;
    }
    let is_due = last.thresholds[2] > 0 && last.counts[2] > last.thresholds[2];
    match collections(2) {
        0 if is_due && !last.is_off() => Some(GarbageCause::PutOff {
            count: u64::from(last.counts[2].unsigned_abs()),
            threshold: u64::from(last.thresholds[2].unsigned_abs()),
        }),
        _ => Some(GarbageCause::NotYet),
    }
}

/// How many tracked objects of garbage a full collection left, at least, by the collector's state at each heap and the
/// number of those objects in it. `None` if none did, or too few to tell them from what ended in another way.
pub(super) fn survivors(states: &[CollectorState], tracked: &[u64]) -> Option<u64> {
    const FEW: u64 = 100;
    let intervals = states.windows(2).zip(tracked.windows(2));
    let left = intervals.filter_map(|(states, tracked)| {
        let (old, new) = (states[0], states[1]);
        // One that was running had looked at the objects before the first heap.
        let began = !old.collecting && new.full_collections() > old.full_collections();
        let freed = new.freed().checked_sub(old.freed())?;
        let left = tracked[0].saturating_sub(freed).min(tracked[1]);
        (began && left >= FEW && left >= tracked[0] / 2).then_some(left)
    });
    left.max()
}

/// How many objects of garbage a heap has that the collector tracks.
pub(super) fn tracked(heap: &Heap) -> u64 {
    let of = Flags::GARBAGE | Flags::TRACKED;
    let is_counted = |flags: &&Flags| flags.contains(of) && !flags.contains(Flags::OWN);
    heap.objects().all_flags().iter().filter(is_counted).count() as u64
}

/// The types of garbage that grew from one heap to another, most bytes first.
pub(super) fn types(first: &Heap, last: &Heap) -> Vec<GarbageType> {
    let mut sums: std::collections::BTreeMap<&str, GarbageType> = std::collections::BTreeMap::new();
    for (heap, sign) in [(first, -1), (last, 1)] {
        let objects = heap.objects();
        let is_counted = |id| {
            let flags = objects.flags(id);
            flags.contains(Flags::GARBAGE) && !flags.contains(Flags::OWN)
        };
        let mut by_type = vec![(0_u64, 0_u64); heap.types().len()];
        for id in objects.ids().filter(|&id| is_counted(id)) {
            let sum = &mut by_type[objects.type_of(id).index()];
            *sum = (sum.0 + 1, sum.1.saturating_add(objects.size(id)));
        }
        for (ty, _) in heap.types().iter().filter(|(ty, _)| by_type[ty.index()].0 > 0) {
            let (count, bytes) = by_type[ty.index()];
            let name = heap.types().name(ty);
            let sum = sums.entry(name).or_insert_with(|| GarbageType {
                type_name: name.to_owned(),
                objects: 0,
                growth: 0,
                bytes_growth: 0,
            });
            sum.objects += if sign > 0 { count } else { 0 };
            sum.growth += sign * count.cast_signed();
            sum.bytes_growth = sum.bytes_growth.saturating_add(sign * bytes.cast_signed());
        }
    }
    let mut types: Vec<GarbageType> = sums.into_values().filter(|of| of.bytes_growth > 0).collect();
    // Stable: equal ones stay in the order of their names.
    types.sort_by_key(|of| std::cmp::Reverse(of.bytes_growth));
    types.truncate(TYPES);
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn on(collections: [u64; 3], collected: u64) -> CollectorState {
        CollectorState {
            enabled: true,
            thresholds: [700, 10, 10],
            collections,
            collected: [0, 0, collected],
            ..CollectorState::default()
        }
    }

    fn cause_of(states: &[CollectorState], tracked: &[u64], grown: u64) -> Option<GarbageCause> {
        let states: Vec<_> = states.iter().copied().map(Some).collect();
        cause(&states, tracked, grown, &Thresholds::default())
    }

    #[test]
    fn garbage_that_rises_and_falls_is_the_collectors_rhythm() {
        let limits = Thresholds::default();
        assert_eq!(rise(&[0, MB, 2 * MB, 3 * MB], &limits), Some(3 * MB));
        assert_eq!(rise(&[0, MB, 2 * MB, MB / 2, 2 * MB], &limits), None);
        assert_eq!(rise(&[3 * MB, 2 * MB, MB], &limits), None);
        // Bursts, and what the youngest generation gives back.
        assert_eq!(rise(&[0, MB, MB, MB, 2 * MB], &limits), Some(2 * MB));
        assert_eq!(rise(&[0, 10 * MB, 10 * MB - 1000, 20 * MB], &limits), Some(20 * MB));
        assert_eq!(rise(&[0, 5_000, 10_000], &limits), None);
        assert_eq!(rise(&[MB], &limits), None);
    }

    #[test]
    fn a_collector_that_is_off_leaves_all_garbage() {
        let off = CollectorState { enabled: false, ..on([5, 0, 0], 0) };
        assert_eq!(cause_of(&[off, off], &[0, 500], 30_000), Some(GarbageCause::Off));
        let no_threshold = CollectorState { thresholds: [0, 10, 10], ..on([5, 0, 0], 0) };
        assert_eq!(cause_of(&[no_threshold; 3], &[0, 250, 500], 30_000), Some(GarbageCause::Off));
    }

    #[test]
    fn a_young_generation_that_fills_up_is_no_finding() {
        let young = |count| CollectorState { counts: [count, 3, 3], ..on([5, 0, 0], 0) };
        assert_eq!(cause_of(&[young(100), young(600)], &[0, 500], 2 * MB), None);
        let high = |count| CollectorState { thresholds: [1_000_000, 10, 10], ..young(count) };
        let threshold = 1_000_000;
        let expected = Some(GarbageCause::HighThreshold { threshold });
        assert_eq!(cause_of(&[high(100), high(9000)], &[0, 9000], 2 * MB), expected);
        let frozen = CollectorState { frozen: true, ..young(10) };
        assert_eq!(cause_of(&[frozen, frozen], &[0, 9000], 2 * MB), Some(GarbageCause::Frozen));
        let frozen_before = |count| CollectorState { frozen: true, ..young(count) };
        assert_eq!(cause_of(&[frozen_before(100), frozen_before(600)], &[0, 500], 2 * MB), None);
    }

    #[test]
    fn a_full_collection_that_is_put_off_leaves_old_garbage() {
        let due = |young, middle| CollectorState { counts: [9, 9, middle], ..on([young, young / 10, 1], 7) };
        let expected = Some(GarbageCause::PutOff { count: 14, threshold: 10 });
        assert_eq!(cause_of(&[due(50, 11), due(90, 14)], &[10, 9000], 2 * MB), expected);
        assert_eq!(cause_of(&[due(50, 2), due(90, 6)], &[10, 9000], 2 * MB), Some(GarbageCause::NotYet));
        assert_eq!(cause_of(&[due(50, 2), due(90, 6)], &[10, 9000], MB / 2), None);
    }

    #[test]
    fn garbage_that_a_full_collection_did_not_free_is_not_garbage() {
        let tracked = [1000, 2000];
        let expected = Some(GarbageCause::Survived { objects: 990 });
        assert_eq!(cause_of(&[on([1, 1, 1], 5), on([9, 2, 2], 15)], &tracked, 2 * MB), expected);
        // It freed as many, and others are garbage now.
        let freed = [on([1, 1, 1], 5), on([9, 2, 2], 1005)];
        assert_eq!(cause_of(&freed, &tracked, 2 * MB), Some(GarbageCause::NotYet));
        let frozen = [on([1, 1, 1], 5), CollectorState { frozen: true, ..on([9, 2, 2], 15) }];
        assert_eq!(cause_of(&frozen, &tracked, 2 * MB), Some(GarbageCause::Frozen));
        let running = [CollectorState { collecting: true, ..on([1, 1, 1], 5) }, on([9, 2, 2], 15)];
        assert_eq!(survivors(&running, &tracked), None);
    }

    #[test]
    fn an_unknown_state_accuses_nothing_else() {
        let limits = Thresholds::default();
        assert_eq!(cause(&[None, None], &[0, 9], 2 * MB, &limits), Some(GarbageCause::Unknown));
        assert_eq!(cause(&[None, None], &[0, 9], 30_000, &limits), None);
    }
}
