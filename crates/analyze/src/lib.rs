//! Questions about heaps: a file each, and each a function of one or more heaps to an answer of plain fields.
//!
//! Some questions share what is costly to find out: [`Dominators`] with [`Retained`] (who would be freed with whom)
//! and [`ShortestPaths`] (how an object is best reached). These are values of their own, made once by the caller
//! and handed to the questions, so that no order of calls can be wrong.
//!
//! Invariant: every algorithm is iterative (a linked list of ten million objects overflows no stack) and at most
//! linear but for sorting what is shown; sizes are `u64`; every order is total, so equal heaps give equal answers.
//! mem_top's own objects are in no answer.
//!
//! It needs no live process and no Python, and renders nothing but a path: views are the `report` crate's.
#![forbid(unsafe_code)]

mod accumulation;
mod counters;
mod diff;
mod dominators;
mod garbage;
mod group_leaks;
mod heap_series;
mod histogram;
mod leaks;
mod memory;
mod path;
mod path_nodes;
mod paths;
mod retained;
mod retained_tree;
mod series;
mod shortest;
mod similar_names;
mod top;

pub use accumulation::{
    Accumulation, AccumulationOptions, AccumulationPoint, AccumulationSuspect, accumulation,
};
pub use counters::{Counters, counters};
pub use diff::{Diff, DiffOptions, DiffRow, diff};
pub use dominators::{Dominator, DominatorTree, Dominators, keeps_alive};
pub use garbage::{Garbage, garbage};
pub use group_leaks::{GroupLeaks, GroupReason, MemberLeaks, ProcessCount, SharedSuspect, merge_members};
pub use heap_series::{HeapHandle, HeapSeries};
pub use histogram::{Amount, Histogram, HistogramOptions, HistogramOrder, TypeRow, histogram};
pub use leaks::{
    Cause, Considered, Doubt, DropRule, Evidence, GrowthUnit, Headline, LEAST_MINUTES, LeakStep, LeakedType,
    Leaks, LeaksError, LeaksOptions, Note, Per, Rate, Reason, SnapshotRow, Suspect, Thresholds, Verdict,
    explain, leaks, leaks_of,
};
pub use memory::{MemoryPart, MemoryTotal, memory_total};
pub use path::{Path, PathRoot, Step, StepLabel};
pub use path_nodes::{NodeKind, PathNode, PathNodeId, PathNodes, Placement};
pub use paths::{Cluster, ObjectPaths, PathOptions, TypePaths, path_to, paths_to_object, paths_to_types};
pub use retained::Retained;
pub use retained_tree::{Folded, RetainedPlace, RetainedTree, RetainedTreeOptions, retained_tree};
pub use series::{SeriesError, in_order, order_of, same_process};
pub use shortest::{Costs, Reached, ShortestPaths};
pub use similar_names::types_like;
pub use top::{Top, TopBy, TopOptions, TopRow, top};
