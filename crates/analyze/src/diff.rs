//! The changes between two heaps, by type.
//!
//! Types are matched by name: handles and addresses mean nothing in another heap, and a class that was redefined
//! counts with its predecessor. Garbage and mem_top's own objects are left out, as in the histogram.

use std::collections::BTreeMap;

use memtop_heap::Heap;

use crate::histogram::{Amount, HistogramOptions, histogram};
use crate::series::{SeriesError, same_process};

/// The size of the answer, and what may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffOptions {
    /// The largest number of rows; none for all.
    pub limit: Option<usize>,
    /// Compare heaps of different processes as well.
    pub any_process: bool,
}

/// A type that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffRow {
    /// Its name.
    pub name: String,
    /// Its objects in the older heap.
    pub old: Amount,
    /// Its objects in the newer heap.
    pub new: Amount,
}

impl DiffRow {
    /// How many objects more.
    #[must_use]
    pub fn objects_grown(&self) -> i64 {
        self.new.objects.cast_signed() - self.old.objects.cast_signed()
    }

    /// How many bytes more.
    #[must_use]
    pub fn bytes_grown(&self) -> i64 {
        self.new.bytes.wrapping_sub(self.old.bytes).cast_signed()
    }
}

/// The changes between two heaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The types of which the number or the bytes changed: the largest change of bytes first, then of objects.
    pub rows: Vec<DiffRow>,
    /// How many changed types are not shown.
    pub omitted: usize,
    /// All objects of the older heap.
    pub old: Amount,
    /// All objects of the newer heap.
    pub new: Amount,
}

/// The changes from `old` to `new`. Linear, apart from sorting the types.
///
/// # Errors
/// If the heaps are of different processes or versions, unless the options allow it.
pub fn diff(old: &Heap, new: &Heap, options: &DiffOptions) -> Result<Diff, SeriesError> {
    if !options.any_process {
        same_process(old.info(), new.info())?;
    }
    let [before, after] = [old, new].map(|heap| histogram(heap, None, &HistogramOptions::default()));
    let mut by_name: BTreeMap<String, [Amount; 2]> = BTreeMap::new();
    let totals = (before.total, after.total);
    for (side, answer) in [before, after].into_iter().enumerate() {
        for row in answer.rows {
            let amount = &mut by_name.entry(row.name).or_default()[side];
            amount.objects += row.objects;
            amount.bytes += row.bytes;
        }
    }
    let mut rows: Vec<DiffRow> = by_name
        .into_iter()
        .filter(|(_, [old, new])| old != new)
        .map(|(name, [old, new])| DiffRow { name, old, new })
        .collect();
    // Stable: equal changes stay in the order of their names.
    rows.sort_by_key(|row| {
        std::cmp::Reverse((row.bytes_grown().unsigned_abs(), row.objects_grown().unsigned_abs()))
    });
    let shown = options.limit.unwrap_or(usize::MAX).min(rows.len());
    let omitted = rows.len() - shown;
    rows.truncate(shown);
    Ok(Diff { rows, omitted, old: totals.0, new: totals.1 })
}
