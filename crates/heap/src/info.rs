//! What is known of a capture beside the graph: when, of which process, at what cost, and the process's memory.
//!
//! Plain fields; what could not be known is `None`, never 0.

use crate::identity::ProcessIdentity;

/// How a heap was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum CaptureMethod {
    /// It was made by hand, as tests do.
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
    /// What comes after: `rc1`, or nothing.
    pub suffix: String,
}

impl std::fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.micro, self.suffix)
    }
}

/// The memory of the process as it was counted, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryNumbers {
    /// Resident memory.
    pub rss: Option<u64>,
    /// The highest that it ever was.
    pub peak_rss: Option<u64>,
    /// What is swapped out.
    pub swapped: Option<u64>,
    /// Held by pymalloc or mimalloc and free.
    pub allocator_free: Option<u64>,
    /// Held by malloc and in use.
    pub malloc_in_use: Option<u64>,
    /// Held by malloc and free.
    pub malloc_free: Option<u64>,
    /// What is known outside of Python objects: mapped memory, the stacks of threads.
    pub native_known: Option<u64>,
    /// Resident pages of files: the program and its libraries.
    pub file_backed: Option<u64>,
}

/// What is known of a capture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaptureInfo {
    /// When, in microseconds since 1970 (UTC).
    pub taken_at: i64,
    /// A clock that never goes back, in microseconds, comparable among captures of one process; `None` if not known.
    pub uptime: Option<u64>,
    /// Of which process.
    pub process: ProcessIdentity,
    /// The name of the host, as whoever captured it saw it: within a container, usually the container's own.
    pub host: Option<String>,
    /// The container of the process, where it is in one that can be named: see [`crate::container`].
    pub container: Option<String>,
    /// Its interpreter.
    pub python: PythonVersion,
    /// `cpython`, or another implementation.
    pub implementation: String,
    /// How the process was called: the script's or the program's name, without arguments.
    pub program: String,
    /// How it was captured.
    pub method: CaptureMethod,
    /// How long the process stood still, in nanoseconds.
    pub pause: Option<u64>,
    /// How long the whole capture took, in nanoseconds.
    pub duration: Option<u64>,
    /// The units of work that the process had done.
    pub work: Option<f64>,
    /// The process's memory.
    pub memory: MemoryNumbers,
    /// Whether keys that are no names were kept.
    pub with_keys: bool,
    /// Objects that were found and could not be read.
    pub damaged: u64,
    /// References that were found and lead to no object.
    pub dangling: u64,
    /// Whether the process ran on while it was captured: then the graph is approximate.
    pub approximate: bool,
    /// Anything else that a reader should know, a sentence each.
    pub notes: Vec<String>,
}
