//! The content of `mem_top PID` for one heap: the three counters of `mem_top()`, the objects with the largest retained
//! size, and the parts of resident memory. Text and JSON render it.

use memtop_analyze::{
    Amount, Costs, MemoryTotal, Retained, ShortestPaths, Top, TopBy, TopOptions, TopRow, TypeRow, counters,
    histogram, memory_total, top,
};
use memtop_heap::{CaptureInfo, Heap};

use crate::heap_report::TopObject;

/// One heap at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The process, and the time and cost of the capture.
    pub info: CaptureInfo,
    /// All objects, without garbage and mem_top's own.
    pub total: Amount,
    /// How many references there are.
    pub references: u64,
    /// The objects that the garbage collector tracks, which the three counters count.
    pub tracked: Amount,
    /// The objects with the most references to others.
    pub refs: Vec<TopObject>,
    /// The largest objects by their own size.
    pub bytes: Vec<TopObject>,
    /// The most numerous types.
    pub types: Vec<TypeRow>,
    /// The objects with the largest retained size, tracked or not.
    pub retained: Vec<TopObject>,
    /// The parts of resident memory.
    pub memory: MemoryTotal,
}

impl Overview {
    /// Answers the questions for `heap`, with at most `limit` rows of each list. Linear, apart from sorting.
    #[must_use]
    pub fn new(heap: &Heap, limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(usize::MAX);
        let retained = Retained::new(heap);
        let shortest = ShortestPaths::new(heap, &Costs::default());
        let counted = counters(heap, limit);
        let located = |by: TopBy, rows: Vec<TopRow>| {
            let with_retained =
                rows.into_iter().map(|row| TopRow { retained: retained.of(row.object), ..row }).collect();
            TopObject::of(heap, &shortest, Top { by, rows: with_retained })
        };
        let largest = top(heap, Some(&retained), &TopOptions { by: TopBy::Retained, limit });
        Self {
            info: heap.info().clone(),
            total: histogram(heap, None, &Default::default()).total,
            references: heap.references().len() as u64,
            tracked: counted.tracked,
            refs: located(TopBy::References, counted.references),
            bytes: located(TopBy::Shallow, counted.bytes),
            types: counted.types,
            retained: TopObject::of(heap, &shortest, largest),
            memory: memory_total(heap),
        }
    }
}
