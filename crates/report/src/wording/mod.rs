//! Sentences and phrases that several views have in common. An answer holds data; this makes it English, with the one
//! number format of [`crate::bytes`], [`crate::grouped`] and the others.
//!
//! It is below all views and imports none of them. The texts may quote names out of a heap: the view escapes them.

mod account;
mod capture;
mod heap;
mod suspect;
mod verdict;

pub(crate) use account::{account_part, malloc_of};
pub(crate) use capture::{capture, container, cost, implementation, place};
pub(crate) use heap::{accumulation, collector, cycles_through, path, path_and_chain};
pub use suspect::{doubt, evidence, short_summary, summary};
pub(crate) use suspect::{growth, held_in_processes, own_part, retained};
pub use verdict::{drop_rule, group_reason, group_verdicts, note, reason, reasons, verdicts};
