//! Answers as text, for a terminal, a file or a log: the answer in the first lines, then the facts it rests on.

mod diff;
mod group_leaks;
mod heap;
mod leaks;
mod memory;
mod overview;
mod parts;
mod process_group;
mod process_list;
mod types;
mod why;

pub use diff::diff;
pub use group_leaks::group_leaks;
pub use heap::heap_report;
pub use leaks::{leaks, suspect};
pub use memory::memory;
pub use overview::overview;
pub use parts::of_process;
pub use process_group::process_group;
pub use process_list::{processes, saved_snapshot};
pub use types::{histogram, top};
pub use why::{object_paths, type_paths};
