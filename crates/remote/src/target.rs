//! Processes with a CPython interpreter, and what copying one returns: plain data.

use std::time::Duration;

use memtop_heap::{MemoryNumbers, ProcessIdentity, PythonVersion};

use crate::image::Image;
use crate::maps::Region;

/// A process with a CPython interpreter that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The process.
    pub pid: u32,
    /// The version of its interpreter.
    pub version: PythonVersion,
    /// The address of `_PyRuntime`.
    pub runtime: u64,
    /// The mapped file that contains the interpreter, by the path that the process uses.
    pub file: String,
    /// The name of the script, the module or the program that it runs, without arguments.
    pub program: String,
    /// The identity of the process, with interpreter 0.
    pub identity: ProcessIdentity,
    /// The name of this host, unless the process was found in a core file.
    pub host: Option<String>,
    /// The container that it runs in, if known.
    pub container: Option<String>,
    /// The mapping that contains `runtime`.
    pub(crate) region: Region,
    /// Whether it was found in a core file, so that the process is gone.
    pub(crate) is_core: bool,
}

/// A thread of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub id: u32,
    /// The start and end of the mapping that contains its stack, if known.
    pub stack: Option<(u64, u64)>,
}

/// The copy of a process's memory, with facts about the process and the copying.
#[derive(Debug)]
pub struct Copied {
    /// The memory.
    pub image: Image,
    /// How long the process was stopped: from the request to stop the first thread until the
    /// release of the last. `None` if it was not stopped.
    pub pause: Option<Duration>,
    /// How long everything took.
    pub duration: Duration,
    /// The number of bytes that were copied.
    pub bytes: u64,
    /// How long reading the memory took, as part of the pause.
    pub copying: Duration,
    /// The number of system calls that were made while the process was stopped.
    pub system_calls: u64,
    /// The number of bytes that are swapped out and were not read.
    pub swapped: u64,
    /// The number of bytes in large mappings that were not copied.
    pub skipped: u64,
    /// Whether the process was not running anyway: stopped by a signal before, or gone (core file).
    pub was_stopped: bool,
    /// The time of the copy, in microseconds since 1970 (UTC).
    pub taken_at: i64,
    /// The time on a clock that never goes back, in microseconds.
    pub uptime: Option<u64>,
    /// The memory of the process as the system counts it, at the time of the copy.
    pub memory: MemoryNumbers,
    /// The identity of the process, with interpreter 0.
    pub identity: ProcessIdentity,
    /// Its threads.
    pub threads: Vec<Thread>,
    /// Remarks for the reader, a sentence each.
    pub notes: Vec<String>,
}

/// A Python process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its number in its own PID namespace, if known.
    pub namespace_pid: Option<u32>,
    /// The container that it runs in, if known.
    pub container: Option<String>,
    /// The version of its interpreter, if known.
    pub version: Option<PythonVersion>,
    /// Its resident memory in bytes.
    pub rss: u64,
    /// The name of its user, or `user 1000` if the user has none.
    pub user: String,
    /// Its command line.
    pub command: String,
    /// Why it cannot be read.
    pub problem: Option<String>,
}
