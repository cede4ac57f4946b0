//! Another process's memory: finds the interpreter in it, stops the process, copies its memory and
//! resumes it.
//!
//! [`Target::find`] looks for CPython in a process; [`Target::copy`] returns an [`Image`], a copy
//! of its memory at one moment that is read through `memtop_cpython::Memory`. On systems other than
//! Linux the same functions return an error.
//!
//! Invariants: the process is only read. Nothing is written to it, no code runs in it, and it does
//! not grow. It is stopped only while it is copied, and is resumed whatever happens to mem_top: the
//! kernel releases the threads that a thread traced when that thread ends. No signal that arrives
//! meanwhile is lost. A process that was stopped before stays stopped.

mod error;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there are no mappings to parse"))]
mod maps;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is copied"))]
mod options;
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
mod copy_plan;
#[cfg(target_os = "linux")]
mod core_elf;
#[cfg(target_os = "linux")]
mod corefile;
#[cfg(target_os = "linux")]
mod elf;
#[cfg(target_os = "linux")]
mod elf_headers;
#[cfg(target_os = "linux")]
mod find;
#[cfg(target_os = "linux")]
mod image;
#[cfg(target_os = "linux")]
mod list;
#[cfg(target_os = "linux")]
mod malloc;
#[cfg(target_os = "linux")]
mod mapped_files;
#[cfg(target_os = "linux")]
mod memory_check;
#[cfg(target_os = "linux")]
mod oom_guard;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod parallel_read;
#[cfg(target_os = "linux")]
mod pointer_free;
#[cfg(target_os = "linux")]
mod process_memory;
#[cfg(target_os = "linux")]
mod ranges;
#[cfg(target_os = "linux")]
mod raw;
#[cfg(target_os = "linux")]
mod rooted;
#[cfg(target_os = "linux")]
mod stop;
#[cfg(target_os = "linux")]
mod version;

#[cfg(not(target_os = "linux"))]
#[path = "unsupported/image.rs"]
mod image;
#[cfg(not(target_os = "linux"))]
mod unsupported;

#[cfg(target_os = "linux")]
pub use capture::capture;
pub use error::RemoteError;
pub use image::Image;
#[cfg(target_os = "linux")]
pub use list::{children, processes};
pub use maps::Region;
pub use memtop_procinfo::{FreeMemory, ProcessStats, free_memory, host, process_stats};
pub use options::{CaptureOptions, CopyOptions, MemoryPlan, Purpose};
#[cfg(target_os = "linux")]
pub use raw::{ignore_signals_in, real_time_signals, return_free_memory, send_real_time_signal};
pub use target::{Copied, Process, Target, Thread};
#[cfg(not(target_os = "linux"))]
pub use unsupported::{
    capture, children, ignore_signals_in, processes, real_time_signals, return_free_memory,
    send_real_time_signal,
};
