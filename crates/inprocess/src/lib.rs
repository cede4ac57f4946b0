//! The heap of this process, seen from inside.
//!
//! * [`counters`]: the three counters of the drop-in `mem_top()`, in one pass over the collector's lists.
//! * [`preview`]: the first characters of an object's repr, without building the whole.
//!
//! Invariants: while the heap is [frozen](raw), no Python code runs, no object is made or freed, and the GIL is
//! not released. Unsafe code stands in `raw.rs` alone. Nothing touches an object's `__dict__`.

pub mod counters;
pub mod escape;
pub mod graph;
pub mod growth;
mod heap_facts;
pub mod preview;
mod process;
mod raw;
mod runtime;
mod top;

pub use runtime::{probe, walks_lists};
