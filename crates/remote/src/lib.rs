//! Another process's memory: finds the interpreter in it, stops it, copies what matters, lets it run on.
//!
//! [`Target::find`] looks for CPython in a process; [`Target::copy`] gives an [`Image`], a copy of its memory at one
//! moment that is read through `memtop_cpython::Memory`. What is in the memory, this crate does not know, but for the
//! interpreter's version. Linux only.
//!
//! Invariants: the process is only read: nothing is written, no code runs in it, it becomes no larger. It is stopped for
//! the copy alone, and runs on whatever happens to mem_top: the kernel releases what a thread traced when that thread
//! ends. No signal that arrives meanwhile is lost. A process that was stopped stays stopped.

mod access;
mod bare;
mod copy;
mod elf;
mod error;
mod image;
mod list;
mod maps;
mod pages;
mod proc;
mod raw;
mod room;
mod stop;
mod target;
mod version;

pub use error::RemoteError;
pub use image::Image;
pub use list::{Process, children, processes};
pub use maps::Region;
pub use target::{Copied, CopyOptions, Target, Thread};
