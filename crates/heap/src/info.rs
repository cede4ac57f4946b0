//! Information about a capture besides the graph: its time, process and cost, and the process's memory.
//!
//! All fields are plain; an unknown value is `None`, never 0.

use crate::identity::ProcessIdentity;

/// The way in which a heap was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum CaptureMethod {
    /// Built by hand, as in tests.
    #[default]
    Made = 0,
    /// From inside the process.
    InProcess = 1,
    /// From outside, of a stopped process or a core file.
    Remote = 2,
}

impl CaptureMethod {
    /// Every method, by its number.
    pub const ALL: [Self; 3] = [Self::Made, Self::InProcess, Self::Remote];
}

/// The version of an interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PythonVersion {
    /// 3 in 3.11.7.
    pub major: u8,
    /// 11 in 3.11.7.
    pub minor: u8,
    /// 7 in 3.11.7.
    pub micro: u8,
    /// The rest: `rc1`, or nothing.
    pub suffix: String,
}

impl std::fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.micro, self.suffix)
    }
}

/// The memory of the process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryNumbers {
    /// Resident memory.
    pub rss: Option<u64>,
    /// The peak of resident memory.
    pub peak_rss: Option<u64>,
    /// Swapped-out memory.
    pub swapped: Option<u64>,
    /// Memory that pymalloc or mimalloc holds free.
    pub allocator_free: Option<u64>,
    /// Memory of malloc that is in use.
    pub malloc_in_use: Option<u64>,
    /// Memory that malloc holds free.
    pub malloc_free: Option<u64>,
    /// Known memory outside of Python objects: stacks of frames and threads.
    pub native_known: Option<u64>,
    /// Resident pages of mapped files: the program and its libraries.
    pub file_backed: Option<u64>,
}

/// The state of the garbage collector of the main interpreter. Arrays are by generation, the youngest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorState {
    /// Whether it runs by itself.
    pub enabled: bool,
    /// Whether it was running.
    pub collecting: bool,
    /// Whether `gc.freeze()` has put objects out of its reach.
    pub frozen: bool,
    /// A generation is collected when its count exceeds this. If the first is 0, none is.
    pub thresholds: [i32; 3],
    /// Of the youngest, the objects since its last collection; of the others, the collections of the next younger one.
    pub counts: [i32; 3],
    /// The collections since the interpreter started.
    pub collections: [u64; 3],
    /// The objects that those freed.
    pub collected: [u64; 3],
}

impl CollectorState {
    /// Whether nothing is collected unless the program calls `gc.collect()`.
    #[must_use]
    pub fn is_off(&self) -> bool {
        !self.enabled || self.thresholds[0] == 0
    }

    /// The number of collections of all generations: those that free all garbage.
    #[must_use]
    pub fn full_collections(&self) -> u64 {
        self.collections[2]
    }

    /// The objects that all collections freed.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.collected.iter().fold(0, |sum, &collected| sum.saturating_add(collected))
    }
}

/// Information about a capture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaptureInfo {
    /// The time of the capture, in microseconds since 1970 (UTC).
    pub taken_at: i64,
    /// A monotonic clock, in microseconds, comparable among captures of one process; `None` if unknown.
    pub uptime: Option<u64>,
    /// The captured process.
    pub process: ProcessIdentity,
    /// The host name as seen by whoever captured the process; within a container, usually the container's own.
    pub host: Option<String>,
    /// The container of the process, if it can be named: see [`crate::container`].
    pub container: Option<String>,
    /// The version of its interpreter.
    pub python: PythonVersion,
    /// `cpython`, or another implementation.
    pub implementation: String,
    /// The name of the script or program, without arguments.
    pub program: String,
    /// The way in which it was captured.
    pub method: CaptureMethod,
    /// How long the process was paused, in nanoseconds.
    pub pause: Option<u64>,
    /// How long the whole capture took, in nanoseconds.
    pub duration: Option<u64>,
    /// The units of work that the process had done.
    pub work: Option<f64>,
    /// The process's memory.
    pub memory: MemoryNumbers,
    /// The garbage collector; `None` if its state is unknown, or there are several interpreters, each with its own.
    pub collector: Option<CollectorState>,
    /// True if keys that are not identifiers were kept.
    pub with_keys: bool,
    /// The number of objects that were found but could not be read.
    pub damaged: u64,
    /// The number of references that lead to no object.
    pub dangling: u64,
    /// True if the process kept running while it was captured, so that the graph is approximate.
    pub approximate: bool,
    /// Anything else that a reader should know, one sentence each.
    pub notes: Vec<String>,
}
