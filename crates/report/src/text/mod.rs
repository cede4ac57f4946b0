//! Answers as text, for a terminal, a file or a log: the answer in the first lines, then what it rests on.

mod diff;
mod heap;
mod leaks;
mod memory;
mod parts;
mod types;
mod why;

pub use diff::diff;
pub(crate) use heap::accumulation;
pub use heap::heap_report;
pub(crate) use leaks::own_part;
pub use leaks::{leaks, suspect};
pub(crate) use memory::allocator_free;
pub use memory::memory;
pub use types::{histogram, top};
pub use why::{object_paths, type_paths};
