//! What the view shows of a capture: plain numbers, so that the heap can go.
//!
//! Invariant: an observation refers to no heap, so that it costs little to keep. Its numbers are those of the `analyze`
//! crate; the names of types are escaped and cut, whatever else comes out of a heap is when it is drawn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::{
    Amount, Histogram, HistogramOptions, HistogramOrder, Leaks, LeaksOptions, MemoryTotal, Retained,
    SeriesError, histogram, leaks, memory_total,
};
use memtop_heap::{CaptureInfo, Heap, Origin};

use crate::text::shown;

/// A type in one capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeNumbers {
    /// What it is recognised by in the next capture: its name, and which of the types of that name it is.
    pub key: Arc<str>,
    /// Its name, made harmless.
    pub name: Arc<str>,
    /// Whether the program itself defines it, or a package; where that is not known, whether it is no builtin.
    pub own: bool,
    /// How many objects.
    pub objects: u64,
    /// Their shallow sizes together, in bytes.
    pub bytes: u64,
    /// What they retain together, in bytes.
    pub retained: u64,
}

/// What is known of one capture.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Which capture it is, from 1.
    pub number: u64,
    /// When it began, by the view's clock.
    pub at: Duration,
    /// When, of which process, at what cost.
    pub info: CaptureInfo,
    /// How long it took with all that was found out.
    pub work: Duration,
    /// All objects but garbage and mem_top's own.
    pub total: Amount,
    /// What awaits the collector.
    pub garbage: Amount,
    /// What resident memory is made of.
    pub memory: MemoryTotal,
    /// The types, those that retain most first.
    pub types: Vec<TypeNumbers>,
    /// What grows over the captures that are kept.
    pub leaks: Leaks,
}

impl Observation {
    /// For how long the process stood still; the whole capture, where that is not known.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let nanoseconds = self.info.pause.or(self.info.duration);
        nanoseconds.map_or(self.work, Duration::from_nanos)
    }
}

/// So many suspects and candidates are shown.
const SUSPECTS: usize = 50;

/// What `heap` shows, and what grows over `series`, of which it is one. Linear; the finder's cost is by far the largest.
///
/// # Errors
/// If the heaps of the series are of different processes.
pub fn observe(
    heap: &Heap,
    retained: &Retained,
    series: &[&Heap],
    number: u64,
    at: Duration,
) -> Result<Observation, SeriesError> {
    let leaks = leaks(series, &LeaksOptions { limit: SUSPECTS, ..LeaksOptions::default() })?;
    let by_retained = HistogramOptions { order: HistogramOrder::Retained, limit: None };
    let types = histogram(heap, Some(retained), &by_retained);
    Ok(Observation {
        number,
        at,
        info: heap.info().clone(),
        work: Duration::ZERO,
        total: types.total,
        garbage: types.garbage,
        memory: memory_total(heap),
        types: numbers(heap, types),
        leaks,
    })
}

/// Types of one name are told apart by their order in the heap.
fn numbers(heap: &Heap, types: Histogram) -> Vec<TypeNumbers> {
    let mut in_order: Vec<usize> = (0..types.rows.len()).collect();
    in_order.sort_unstable_by_key(|&place| types.rows[place].ty);
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut nth = vec![0; types.rows.len()];
    for place in in_order {
        let before = seen.entry(&types.rows[place].name).or_default();
        nth[place] = *before;
        *before += 1;
    }
    let rows = types.rows.iter().zip(nth);
    rows.map(|(row, nth)| {
        let name: Arc<str> = shown(&row.name).into();
        // Nearly every name is harmless and its type the only one: one text does for both.
        let key = if nth == 0 && *name == *row.name { Arc::clone(&name) } else { key(&row.name, nth) };
        let retained = row.retained.unwrap_or(row.bytes);
        let own = match heap.types().get(row.ty).origin {
            Origin::Own | Origin::Package => true,
            Origin::Standard => false,
            Origin::Unknown => row.name.contains('.'),
        };
        TypeNumbers { key, name, own, objects: row.objects, bytes: row.bytes, retained }
    })
    .collect()
}

fn key(name: &str, nth: u32) -> Arc<str> {
    if nth == 0 { name.into() } else { format!("{name}\0{nth}").into() }
}

/// The name and which of the types of that name a key means.
pub(crate) fn of_key(key: &str) -> (&str, usize) {
    let numbered = key.rsplit_once('\0').and_then(|(name, nth)| Some((name, nth.parse().ok()?)));
    numbered.unwrap_or((key, 0))
}
