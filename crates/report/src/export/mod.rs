//! Exports heaps as files for other programs, one file for each format.
//!
//! Each is written in pieces to the caller's writer, so that a heap of ten million objects needs no second copy. Three
//! of the formats share [`Stacks`], which groups objects by path.
//!
//! Invariants: an export contains all objects of a heap without mem_top's own, and their bytes add up to those of the
//! heap; where objects are merged, the export says so. Names out of the heap are escaped for the format. Equal heaps
//! give equal bytes.

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
