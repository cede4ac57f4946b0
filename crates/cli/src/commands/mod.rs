//! The commands: a file each, with its arguments, its help and a function that runs it.
//!
//! A command asks `analyze` and has `report` render the answer. Commands do not use each other: what several need lies
//! beside this folder.

pub(crate) mod diff;
pub(crate) mod dump;
pub(crate) mod export;
pub(crate) mod leaks;
pub(crate) mod overview;
pub(crate) mod ps;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod why;
