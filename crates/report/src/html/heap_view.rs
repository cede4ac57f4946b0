//! What the page tells of one heap: its report, more types than a report has, and where retained size is.

use memtop_analyze::{
    Costs, Histogram, HistogramOptions, HistogramOrder, Retained, RetainedTree, RetainedTreeOptions,
    ShortestPaths, histogram, retained_tree,
};
use memtop_heap::Heap;

use super::CAPS;
use crate::heap_report::{HeapReport, HeapReportOptions};

/// What the page tells of one heap.
#[derive(Debug, Clone, PartialEq)]
pub struct HeapView {
    /// The report, as the other formats tell it.
    pub report: HeapReport,
    /// The types, by what they retain.
    pub types: Histogram,
    /// Where retained size is.
    pub tree: RetainedTree,
}

impl HeapView {
    /// Asks `heap` all that the page tells. Linear, but for sorting; dominators and shortest paths are found once.
    #[must_use]
    pub fn new(heap: &Heap, options: &HeapReportOptions) -> Self {
        let (retained, shortest) = (Retained::new(heap), ShortestPaths::new(heap, &Costs::default()));
        let by_retained = HistogramOptions { order: HistogramOrder::Retained, limit: Some(CAPS[0].types) };
        Self {
            report: HeapReport::of(heap, &retained, &shortest, options),
            types: histogram(heap, Some(&retained), &by_retained),
            tree: retained_tree(heap, &retained, &shortest, &RetainedTreeOptions { limit: CAPS[0].places }),
        }
    }
}
