//! Renders answers as text, JSON, an HTML page, HTML fragments for notebooks, and exports for other tools.
//!
//! Pure functions from an answer of the `analyze` crate to a text; one file for each answer and format. [`wording`]
//! makes the sentences that several formats share. Answers that combine several questions about one heap are values of
//! their own: [`HeapReport`], [`Overview`], [`ProcessGroup`].
//!
//! Invariants: equal answers give equal texts. Text out of a heap (names of types, keys, paths) is escaped, so that it
//! can steer neither a terminal nor a page. An unknown number is shown as unknown, or is `null`, never 0. Nothing is
//! printed here, and nothing asked of the system: the caller chooses colour, width and letters, in a [`Style`].
#![forbid(unsafe_code)]

mod escape;
pub mod export;
mod heap_report;
pub mod html;
pub mod html_fragment;
pub mod json;
mod markup;
mod numbers;
mod object_facts;
mod overview;
mod process_group;
mod process_list;
mod style;
mod table;
pub mod text;
mod time;
mod tree;
pub mod wording;

pub use escape::{cut, escape};
pub use heap_report::{HeapReport, HeapReportOptions, RootsRow, TopObject};
pub use numbers::{bytes, duration, grouped, percent, signed, signed_bytes};
pub use object_facts::ObjectFacts;
pub use overview::Overview;
pub use process_group::{GroupType, Member, ProcessGroup};
pub use process_list::{ProcessRow, SavedSnapshot};
pub use style::Style;
pub use time::iso8601;
