//! Another process's memory: finds the interpreter in it, stops it, copies what matters, lets it run on.
//!
//! [`Target::find`] looks for CPython in a process; [`Target::copy`] gives an [`Image`], a copy of its memory at one
//! moment that is read through `memtop_cpython::Memory`. What is in the memory, this crate does not know, but for the
//! interpreter's version. Linux only: elsewhere the same calls say so.
//!
//! Invariants: the process is only read: nothing is written, no code runs in it, it becomes no larger. It is stopped for
//! the copy alone, and runs on whatever happens to mem_top: the kernel releases what a thread traced when that thread
//! ends. No signal that arrives meanwhile is lost. A process that was stopped stays stopped.

mod error;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there is nothing to parse"))]
mod maps;
mod target;

#[cfg(target_os = "linux")]
mod access;
#[cfg(target_os = "linux")]
mod budget;
#[cfg(target_os = "linux")]
mod capture;
#[cfg(target_os = "linux")]
mod copy;
#[cfg(target_os = "linux")]
mod corefile;
#[cfg(target_os = "linux")]
mod elf;
#[cfg(target_os = "linux")]
mod find;
#[cfg(target_os = "linux")]
mod image;
#[cfg(target_os = "linux")]
mod list;
#[cfg(target_os = "linux")]
mod malloc;
#[cfg(target_os = "linux")]
mod memory_limit;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod pointer_free;
#[cfg(target_os = "linux")]
mod proc;
#[cfg(target_os = "linux")]
mod process_stats;
#[cfg(target_os = "linux")]
mod raw;
#[cfg(target_os = "linux")]
mod rooted;
#[cfg(target_os = "linux")]
mod stop;
#[cfg(target_os = "linux")]
mod version;

#[cfg(not(target_os = "linux"))]
mod unsupported;

#[cfg(target_os = "linux")]
pub use capture::{CaptureOptions, capture};
pub use error::RemoteError;
#[cfg(target_os = "linux")]
pub use image::Image;
#[cfg(target_os = "linux")]
pub use list::{children, processes};
pub use maps::Region;
pub use memory_limit::{FreeMemory, free_memory};
#[cfg(target_os = "linux")]
pub use proc::host;
#[cfg(target_os = "linux")]
pub use process_stats::{ProcessStats, process_stats};
#[cfg(target_os = "linux")]
pub use raw::{ignore_signals_in, real_time_signals, return_free_memory, send_real_time_signal};
pub use target::{Copied, CopyOptions, MemoryPlan, Process, Purpose, Target, Thread};
#[cfg(not(target_os = "linux"))]
pub use unsupported::{
    CaptureOptions, FreeMemory, Image, ProcessStats, capture, children, free_memory, host, ignore_signals_in,
    process_stats, processes, real_time_signals, return_free_memory, send_real_time_signal,
};
