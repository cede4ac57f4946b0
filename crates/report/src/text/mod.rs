//! Answers as text, for a terminal, a file or a log: the answer in the first lines, then what it rests on.

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
pub use group_leaks::workers;
pub(crate) use heap::accumulation;
pub use heap::heap_report;
pub(crate) use leaks::{facts, keeps, minutes, own_part};
pub use leaks::{leaks, suspect};
pub(crate) use memory::allocator_free;
pub use memory::memory;
pub use overview::overview;
pub use parts::of_process;
pub(crate) use parts::{capture, cost, place};
pub use process_group::process_group;
pub use process_list::{dumped, processes};
pub use types::{histogram, top};
pub use why::{object_paths, type_paths};
