//! All that the report of a single heap tells, gathered: the answers to several questions, and what is known of the
//! capture. Text, JSON and HTML are made of it.

use std::collections::BTreeMap;

use memtop_analyze::{
    Accumulation, AccumulationOptions, Amount, Costs, Garbage, Histogram, HistogramOptions, HistogramOrder,
    MemoryTotal, Path, Retained, ShortestPaths, Top, TopBy, TopOptions, TopRow, accumulation, garbage,
    histogram, memory_total, path_to, top,
};
use memtop_heap::{CaptureInfo, Heap, RootKind};

/// What to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapReportOptions {
    /// How many rows of each table at most; all, if none is given.
    pub limit: Option<usize>,
}

impl Default for HeapReportOptions {
    fn default() -> Self {
        Self { limit: Some(10) }
    }
}

/// A large object and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopObject {
    /// The object.
    pub row: TopRow,
    /// The best path to it; none if no root reaches it.
    pub path: Option<Path>,
}

impl TopObject {
    /// The rows of `top` with their paths.
    #[must_use]
    pub fn of(heap: &Heap, shortest: &ShortestPaths, top: Top) -> Vec<Self> {
        let located = |row: TopRow| Self { path: path_to(heap, shortest, row.object), row };
        top.rows.into_iter().map(located).collect()
    }
}

/// The roots of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootsRow {
    /// The kind.
    pub kind: RootKind,
    /// How many there are.
    pub roots: u64,
}

/// The report of one heap.
#[derive(Debug, Clone, PartialEq)]
pub struct HeapReport {
    /// When, of which process, and at what cost.
    pub info: CaptureInfo,
    /// All objects but garbage and mem_top's own.
    pub total: Amount,
    /// How many references there are.
    pub references: u64,
    /// Where memory accumulates.
    pub accumulation: Accumulation,
    /// The types, by what they retain.
    pub types: Histogram,
    /// The largest objects, by what they retain.
    pub top: Vec<TopObject>,
    /// What resident memory is made of.
    pub memory: MemoryTotal,
    /// What awaits the collector.
    pub garbage: Garbage,
    /// The roots by kind.
    pub roots: Vec<RootsRow>,
}

impl HeapReport {
    /// Asks `heap` everything: dominators, shortest paths, and a pass for each question. Linear, but for sorting.
    #[must_use]
    pub fn new(heap: &Heap, options: &HeapReportOptions) -> Self {
        let shortest = ShortestPaths::new(heap, &Costs::default());
        Self::of(heap, &Retained::new(heap), &shortest, options)
    }

    /// As [`HeapReport::new`], where dominators and shortest paths are known.
    #[must_use]
    pub fn of(
        heap: &Heap,
        retained: &Retained,
        shortest: &ShortestPaths,
        options: &HeapReportOptions,
    ) -> Self {
        let by_retained = HistogramOptions { order: HistogramOrder::Retained, limit: options.limit };
        let types = histogram(heap, Some(retained), &by_retained);
        let limit = options.limit.unwrap_or(usize::MAX);
        let largest = top(heap, Some(retained), &TopOptions { by: TopBy::Retained, limit });
        let mut roots: BTreeMap<RootKind, u64> = BTreeMap::new();
        for (_, root) in heap.roots().iter() {
            *roots.entry(root.kind).or_default() += 1;
        }
        Self {
            info: heap.info().clone(),
            total: types.total,
            references: heap.references().len() as u64,
            accumulation: accumulation(
                heap,
                retained,
                shortest,
                &AccumulationOptions { limit, ..AccumulationOptions::default() },
            ),
            types,
            top: TopObject::of(heap, shortest, largest),
            memory: memory_total(heap),
            garbage: garbage(heap, options.limit),
            roots: roots.into_iter().map(|(kind, roots)| RootsRow { kind, roots }).collect(),
        }
    }
}
