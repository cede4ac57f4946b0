//! The content of the page for one heap: its report, more types than a report has, and retained size by place.

use memtop_analyze::{
    Costs, Histogram, HistogramOptions, HistogramOrder, Retained, RetainedTree, RetainedTreeOptions,
    ShortestPaths, histogram, retained_tree,
};
use memtop_heap::Heap;

use super::caps::CAPS;
use crate::heap_report::{HeapReport, HeapReportOptions};

/// The content of the page for one heap.
#[derive(Debug, Clone, PartialEq)]
pub struct HeapView {
    /// The report, as in the other formats.
    pub report: HeapReport,
    /// The types, by retained size.
    pub types: Histogram,
    /// Retained size by place.
    pub tree: RetainedTree,
}

impl HeapView {
    /// Answers all questions of the page for `heap`. Linear, apart from sorting; dominators and shortest paths are
    /// computed once.
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
