//! The commands on snapshot files.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod answers;
mod errors;
mod shop;
mod streams;
