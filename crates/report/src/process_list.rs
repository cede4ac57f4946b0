//! What is said of processes themselves: which there are, and which was saved.

use memtop_heap::CaptureInfo;

/// A Python process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessRow {
    /// Its number.
    pub pid: u32,
    /// Its number in its own PID namespace, where that can be told.
    pub namespace_pid: Option<u32>,
    /// The container that it is in, where that can be told.
    pub container: Option<String>,
    /// The version of its interpreter, where that can be told.
    pub python: Option<String>,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Whose it is.
    pub user: String,
    /// Its command line.
    pub command: String,
    /// Why it cannot be looked into; none if it can.
    pub problem: Option<String>,
}

/// A heap that was saved to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedSnapshot {
    /// When, of which process, and at what cost.
    pub info: CaptureInfo,
    /// The file.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many objects are in it.
    pub objects: u64,
    /// Whether another file stood there before.
    pub replaced: bool,
}
