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
mod bare;
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
mod pages;
#[cfg(target_os = "linux")]
mod proc;
#[cfg(target_os = "linux")]
mod pulse;
#[cfg(target_os = "linux")]
mod raw;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod rooted;
#[cfg(target_os = "linux")]
mod stop;
#[cfg(target_os = "linux")]
mod version;

#[cfg(not(target_os = "linux"))]
mod elsewhere;

#[cfg(target_os = "linux")]
pub use capture::{Options, capture};
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    FreeMemory, Image, Options, Pulse, capture, children, free_memory, host, ignore_signals_in, processes,
    pulse, real_time_signals, return_free_memory, send_real_time_signal,
};
pub use error::RemoteError;
#[cfg(target_os = "linux")]
pub use image::Image;
#[cfg(target_os = "linux")]
pub use list::{children, processes};
pub use maps::Region;
#[cfg(target_os = "linux")]
pub use proc::host;
#[cfg(target_os = "linux")]
pub use pulse::{Pulse, pulse};
#[cfg(target_os = "linux")]
pub use raw::{ignore_signals_in, real_time_signals, return_free_memory, send_real_time_signal};
pub use room::{Free as FreeMemory, free as free_memory};
pub use target::{Copied, CopyOptions, MemoryPlan, Process, Purpose, Target, Thread};
