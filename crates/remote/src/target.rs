//! A process with a CPython interpreter in it, how it is copied, and what that gives: plain structs.

use std::time::Duration;

use memtop_heap::{MemoryNumbers, ProcessIdentity, PythonVersion};

use crate::Image;
use crate::maps::Region;

/// A process with a CPython interpreter in it that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The process.
    pub pid: u32,
    /// The version of its interpreter.
    pub version: PythonVersion,
    /// The address of `_PyRuntime` in it.
    pub runtime: u64,
    /// The mapped file that the interpreter is in, as the process calls it.
    pub file: String,
    /// How the process was called: the script's, the module's or the program's name, without arguments.
    pub program: String,
    /// Which process it is, with interpreter 0.
    pub identity: ProcessIdentity,
    /// The name of this host, unless it was found in a core file.
    pub host: Option<String>,
    /// The container that it is in, where that can be told.
    pub container: Option<String>,
    /// The mapping that `runtime` is in.
    pub(crate) region: Region,
    /// Whether it was found in a core file: the process is gone.
    pub(crate) is_core: bool,
}

/// How a process is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyOptions {
    /// Whether the process is stopped for the copy. Without, what it says is approximate.
    pub pause: bool,
    /// Whether pages are read that are swapped out, which brings them back into memory.
    pub include_swapped: bool,
    /// Whether large mappings are copied too that hold no addresses, such as the numbers of arrays. Without, they are
    /// read when they are asked for, from the process as it is then.
    pub large_mappings: bool,
    /// How much memory may be taken, and what for.
    pub memory: MemoryPlan,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self { pause: true, include_swapped: false, large_mappings: false, memory: MemoryPlan::default() }
    }
}

/// What is to be made of a heap, and so how much memory is needed in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// The heap itself, to be saved.
    Heap,
    /// Answers about it, with retained sizes.
    #[default]
    Answers,
    /// What grows over several heaps, of which two are needed at once.
    Series,
}

impl Purpose {
    /// What is needed beside the copy of the process's memory, at most, in tenths of it: the heap is made beside the
    /// copy, and what is found out about it when that is gone. `docs/pid.md` has the figures that these rest on.
    pub(crate) fn tenths_beside_the_copy(self) -> u64 {
        match self {
            Self::Heap => 8,
            Self::Answers => 10,
            Self::Series => 18,
        }
    }
}

/// How much memory may be taken, and what for. It is held against what is needed before the process is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Bytes that may be taken in all; less, if less is free.
    pub most_bytes: u64,
    /// What is to be made of the heap.
    pub purpose: Purpose,
}

impl Default for MemoryPlan {
    fn default() -> Self {
        Self { most_bytes: u64::MAX, purpose: Purpose::default() }
    }
}

/// A thread of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub id: u32,
    /// Where the mapping begins and ends that its stack is in, where that could be told.
    pub stack: Option<(u64, u64)>,
}

/// What copying a process gives.
#[derive(Debug)]
pub struct Copied {
    /// Its memory.
    pub image: Image,
    /// How long it stood still: from the first thread that was asked to stop until the last that was released. `None`
    /// if it was not stopped.
    pub pause: Option<Duration>,
    /// How long the whole copy took.
    pub duration: Duration,
    /// Bytes that were copied.
    pub bytes: u64,
    /// How long the copying itself took, of the pause.
    pub copying: Duration,
    /// System calls that were made while the process stood still.
    pub system_calls: u64,
    /// Bytes that are swapped out and were not read.
    pub swapped: u64,
    /// Bytes of large mappings that were not copied.
    pub left_out: u64,
    /// Whether the process stood still anyway: stopped before by a signal, as it still is, or gone, of a core file.
    pub was_stopped: bool,
    /// When it was, in microseconds since 1970 (UTC).
    pub taken_at: i64,
    /// A clock that never goes back, in microseconds.
    pub uptime: Option<u64>,
    /// The process's memory as the system counts it, at that moment.
    pub memory: MemoryNumbers,
    /// Which process it was, with interpreter 0.
    pub identity: ProcessIdentity,
    /// Its threads.
    pub threads: Vec<Thread>,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// A Python process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its number in its own PID namespace, where that can be told.
    pub namespace_pid: Option<u32>,
    /// The container that it is in, where that can be told.
    pub container: Option<String>,
    /// Its interpreter's version, if that can be told.
    pub version: Option<PythonVersion>,
    /// Its resident memory in bytes.
    pub rss: u64,
    /// Whose it is: a name, or `user 1000` without one.
    pub user: String,
    /// Its command line.
    pub command: String,
    /// Why it cannot be looked into.
    pub problem: Option<String>,
}
