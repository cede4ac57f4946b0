//! What CPython's memory looks like: layouts as data, one table a version.
//!
//! It knows no operating system and reads no memory itself; whoever holds the memory, from inside the process or
//! from outside, reads it by these tables.
//!
//! Invariant: every number here names the CPython source that it was read from, and is *checked on the process in
//! hand* before it is trusted; a version that is not in a table has no layout, and is never guessed.
#![forbid(unsafe_code)]

pub mod layout;
