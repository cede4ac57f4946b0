//! Processes themselves: the rows of a list of them, and a snapshot that was saved.

use memtop_heap::CaptureInfo;

/// A Python process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessRow {
    /// Its PID.
    pub pid: u32,
    /// Its PID in its own namespace, if known.
    pub namespace_pid: Option<u32>,
    /// The container that it is in, if known.
    pub container: Option<String>,
    /// The version of its interpreter, if known.
    pub python: Option<String>,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Its user.
    pub user: String,
    /// Its command line.
    pub command: String,
    /// Why it cannot be captured; none if it can.
    pub problem: Option<String>,
}

/// A heap that was saved to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedSnapshot {
    /// The process, and the time and cost of the capture.
    pub info: CaptureInfo,
    /// The file.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many objects are in it.
    pub objects: u64,
    /// Whether it replaced another file.
    pub replaced: bool,
}
