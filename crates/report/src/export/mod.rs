//! Heaps as files that other programs open: a file a format.
//!
//! Each is written piece by piece to what the caller hands in, so that a heap of ten million objects needs no second copy
//! of itself. [`Stacks`], where each object is by its path, is what three of the formats have in common.
//!
//! Invariants: an export tells all objects of a heap but mem_top's own, and their bytes add up to those of the heap;
//! where something is put together, the export says so. Names come out of the heap and are made harmless for the format.
//! The same heap gives the same bytes.

mod collapsed;
mod dot;
mod heapsnapshot;
mod json;
mod names;
mod pprof;
mod speedscope;
mod stacks;

pub use collapsed::collapsed;
pub use dot::{DotOptions, dot_of_object, dot_of_types};
pub use heapsnapshot::{HeapSnapshotOptions, HeapSnapshotWritten, heapsnapshot};
pub use json::json;
pub use pprof::pprof;
pub use speedscope::speedscope;
pub use stacks::{Stacks, StacksOptions};
