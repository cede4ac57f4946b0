//! What `mem_top PID` tells of one heap, gathered: the three counters of `mem_top()`, the objects that retain most, and
//! what resident memory is made of. Text and JSON are made of it.

use memtop_analyze::{
    Amount, Costs, MemoryTotal, Retained, ShortestPaths, Top, TopBy, TopOptions, TopRow, TypeRow, counters,
    histogram, memory_total, top,
};
use memtop_heap::{CaptureInfo, Heap};

use crate::heap_report::TopObject;

/// One heap at a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// When, of which process, and at what cost.
    pub info: CaptureInfo,
    /// All objects but garbage and mem_top's own.
    pub total: Amount,
    /// How many references there are.
    pub references: u64,
    /// Those of the objects that the garbage collector tracks, of which the three counters are.
    pub tracked: Amount,
    /// The objects with the most references to others.
    pub refs: Vec<TopObject>,
    /// The largest objects by their own size.
    pub bytes: Vec<TopObject>,
    /// The most numerous types.
    pub types: Vec<TypeRow>,
    /// The objects that retain most, whether tracked or not.
    pub retained: Vec<TopObject>,
    /// What resident memory is made of.
    pub memory: MemoryTotal,
}

impl Overview {
    /// Asks `heap`; so many rows of each list, or all. Linear, but for sorting.
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
