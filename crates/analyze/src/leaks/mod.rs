//! The finder: which place grows over a series of heaps, and what that says.

mod answer;

pub use answer::{Cause, LeakStep, LeakedType, Leaks, Rate, SnapshotRow, Suspect, Verdict};
