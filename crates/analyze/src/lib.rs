//! Questions about heaps, one file each: every question is a function from one or more heaps to an answer of plain
//! fields.
//!
//! Some questions share costly indexes: [`Dominators`] with [`Retained`] (which objects would be freed with an object)
//! and [`ShortestPaths`] (the best path to an object). These are values of their own, made once by the caller and
//! passed to the questions, so that no order of calls can be wrong.
//!
//! Invariant: every algorithm is iterative (a linked list of ten million objects does not overflow the stack) and at
//! most linear, apart from sorting rows; sizes are `u64`; every order is total, so equal heaps give equal answers.
//! mem_top's own objects are not in an answer.
//!
//! It needs no live process and no Python. Answers hold data, with numbers and paths; the `report` crate makes the
//! sentences and renders the views.
#![forbid(unsafe_code)]

mod account;
mod accumulation;
mod chains;
mod contradiction;
mod counters;
mod diff;
mod dominators;
mod durable_paths;
mod garbage;
mod group_leaks;
mod heap_series;
mod histogram;
mod leaks;
mod memory;
mod path;
mod path_headline;
mod path_nodes;
mod paths;
mod retained;
mod retained_tree;
mod schedule;
mod series;
mod shortest;
mod similar_names;
mod top;

pub use account::{Account, AccountPart, AccountRow};
pub use accumulation::{
    Accumulation, AccumulationOptions, AccumulationPoint, AccumulationSuspect, accumulation,
};
pub use contradiction::Contradiction;
pub use counters::{Counters, counters};
pub use diff::{Diff, DiffOptions, DiffRow, diff};
pub use dominators::{Dominator, DominatorTree, Dominators, keeps_alive};
pub use garbage::{Garbage, garbage};
pub use group_leaks::{
    GroupLeaks, GroupReason, GroupVerdict, MemberLeaks, ProcessCount, SharedSuspect, merge_members,
};
pub use heap_series::{HeapHandle, HeapSeries};
pub use histogram::{Amount, Histogram, HistogramOptions, HistogramOrder, TypeRow, histogram};
pub use leaks::{
    Advice, Cause, Considered, Doubt, DropRule, Evidence, GarbageCause, GarbageGrowth, GarbageType,
    GrowthUnit, GrowthVerdict, Headline, ItemWrapper, LEAST_MINUTES, LeakStep, LeakedType, Leaks, LeaksError,
    LeaksOptions, NativeEvidence, Note, Pattern, Patterns, PatternsError, Per, Rate, Reason, SnapshotRow,
    Suspect, Thresholds, Verdict, explain, leaks, leaks_of,
};
pub use memory::{MemoryPart, MemoryTotal, NativeParts, memory_total};
pub use path::{Path, PathRoot, PathStep, StepLabel};
pub use path_nodes::{NodeKind, PathNode, PathNodeId, PathNodes, Placement};
pub use paths::{Cluster, ObjectPaths, PathOptions, TypePaths, path_to, paths_to_object, paths_to_types};
pub use retained::Retained;
pub use retained_tree::{Folded, RetainedPlace, RetainedTree, RetainedTreeOptions, retained_tree};
pub use schedule::{drop_every_second, period_within_budget};
pub use series::{SeriesError, in_order, order_of, same_process};
pub use shortest::{Costs, Reached, ShortestPaths};
pub use similar_names::types_like;
pub use top::{Top, TopBy, TopOptions, TopRow, top};
