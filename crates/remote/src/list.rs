//! The Python processes of this machine.

use memtop_heap::PythonVersion;

/// A Python process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its interpreter's version, if that can be told.
    pub version: Option<PythonVersion>,
    /// Its resident memory in bytes.
    pub rss: u64,
    /// Whose it is: a name, or a number without one.
    pub user: String,
    /// Its command line.
    pub command: String,
    /// Why it cannot be looked into.
    pub problem: Option<String>,
}

/// The Python processes of this machine, as far as can be told, by their numbers.
#[must_use]
pub fn processes() -> Vec<Process> {
    Vec::new()
}

/// The descendants of a process that are Pythons, by their numbers.
#[must_use]
pub fn children(_pid: u32) -> Vec<u32> {
    Vec::new()
}
