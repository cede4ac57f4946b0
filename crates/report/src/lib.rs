//! Answers as a person or a program reads them: text, JSON, a page of HTML, and fragments of it for notebooks.
//!
//! Pure functions: an answer of the `analyze` crate in, a text out; one file an answer and format. What several formats
//! need for one file (the report of a single heap) is gathered in [`HeapReport`].
//!
//! Invariants: the same answer gives the same text. Whatever comes out of a heap (names of types, keys, paths) is
//! escaped, so that it can steer neither a terminal nor a page. What is not known is said to be so, or is `null`,
//! never 0. Nothing is printed here, and nothing asked of the system: colour, width and letters are the caller's to
//! tell, in a [`Style`].
#![forbid(unsafe_code)]

mod escape;
pub mod export;
mod heap_report;
pub mod html;
pub mod html_fragment;
pub mod json;
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

pub use escape::{cut, escape};
pub use heap_report::{HeapReport, HeapReportOptions, RootsRow, TopObject};
pub use numbers::{bytes, duration, grouped, percent, signed, signed_bytes};
pub use object_facts::ObjectFacts;
pub use overview::Overview;
pub use process_group::{GroupType, Member, ProcessGroup};
pub use process_list::{ProcessRow, SavedSnapshot};
pub use style::Style;
pub use time::iso8601;
