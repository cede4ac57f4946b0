//! The content of the report of a single heap: the answers to several questions, and the facts of the capture. Text,
//! JSON and HTML render it.

use std::collections::BTreeMap;

use memtop_analyze::{
    Accumulation, AccumulationOptions, Amount, Costs, Garbage, Histogram, HistogramOptions, HistogramOrder,
    MemoryTotal, Path, Retained, ShortestPaths, Top, TopBy, TopOptions, TopRow, accumulation, garbage,
    histogram, memory_total, path_to, top,
};
use memtop_heap::{CaptureInfo, Heap, RootKind};

/// The size of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapReportOptions {
    /// The largest number of rows of each table; none for all.
    pub limit: Option<usize>,
}

impl Default for HeapReportOptions {
    fn default() -> Self {
        Self { limit: Some(10) }
    }
}

/// A large object and its path.
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
    /// The process, and the time and cost of the capture.
    pub info: CaptureInfo,
    /// All objects, without garbage and mem_top's own.
    pub total: Amount,
    /// How many references there are.
    pub references: u64,
    /// The points where memory accumulates.
    pub accumulation: Accumulation,
    /// The types, by retained size.
    pub types: Histogram,
    /// The largest objects, by retained size.
    pub top: Vec<TopObject>,
    /// The parts of resident memory.
    pub memory: MemoryTotal,
    /// The garbage that awaits the collector.
    pub garbage: Garbage,
    /// The roots by kind.
    pub roots: Vec<RootsRow>,
}

impl HeapReport {
    /// Computes dominators, shortest paths, and the answer to each question. Linear, apart from sorting.
    #[must_use]
    pub fn new(heap: &Heap, options: &HeapReportOptions) -> Self {
        let shortest = ShortestPaths::new(heap, &Costs::default());
        Self::of(heap, &Retained::new(heap), &shortest, options)
    }

    /// As [`HeapReport::new`], with dominators and shortest paths that are already computed.
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
