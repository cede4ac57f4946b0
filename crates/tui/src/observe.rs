//! The numbers of a capture that the view shows, so that its heap can be dropped.
//!
//! Invariant: an observation does not refer to a heap, so it costs little to keep. Its numbers are those of the
//! `analyze` crate. The names of types are escaped and cut; all other texts of a heap are escaped when they are drawn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::{
    Amount, Histogram, HistogramOptions, HistogramOrder, Leaks, LeaksOptions, MemoryTotal, Retained,
    SeriesError, histogram, leaks, memory_total,
};
use memtop_heap::{CaptureInfo, Heap, Origin};

use crate::text::shown;

/// The numbers of a type in one capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeNumbers {
    /// The key that identifies it in the next capture: its name, and which of the types with that name it is.
    pub key: Arc<str>,
    /// Its name, escaped.
    pub name: Arc<str>,
    /// Whether the program or a package defines it. If that is unknown, whether its name has a module.
    pub own: bool,
    /// The number of objects.
    pub objects: u64,
    /// The sum of their shallow sizes, in bytes.
    pub bytes: u64,
    /// The memory that they retain together, in bytes.
    pub retained: u64,
}

/// The results of one capture.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The number of the capture, from 1.
    pub number: u64,
    /// Its start, by the view's clock.
    pub at: Duration,
    /// Its time, process and cost.
    pub info: CaptureInfo,
    /// The time that it took, with its analysis.
    pub work: Duration,
    /// All objects except garbage and mem_top's own.
    pub total: Amount,
    /// The garbage that awaits the collector.
    pub garbage: Amount,
    /// The parts of resident memory.
    pub memory: MemoryTotal,
    /// The types, by retained size, the largest first.
    pub types: Vec<TypeNumbers>,
    /// The growth over the captures that are kept.
    pub leaks: Leaks,
}

impl Observation {
    /// Returns the pause of the process; if it is unknown, the duration of the whole capture.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let nanoseconds = self.info.pause.or(self.info.duration);
        nanoseconds.map_or(self.work, Duration::from_nanos)
    }
}

/// The most suspects, and the most candidates, that are shown.
const SUSPECTS: usize = 50;

/// Returns the numbers of `heap`, and the growth over `series`, which contains it. Linear; the leak finder takes most
/// of the time.
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

/// Returns the numbers of the types. Types with the same name are distinguished by their order in the heap.
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
        // Nearly every name needs no escaping and is unique, so that the key can share its text.
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

/// Splits a key into the name, and which of the types with that name it is.
pub(crate) fn split_key(key: &str) -> (&str, usize) {
    let numbered = key.rsplit_once('\0').and_then(|(name, nth)| Some((name, nth.parse().ok()?)));
    numbered.unwrap_or((key, 0))
}
