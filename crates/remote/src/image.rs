//! The copy of a process's memory.

use memtop_cpython::Memory;

/// A mapping of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Whether it can be read.
    pub readable: bool,
    /// Whether it can be written to.
    pub writable: bool,
    /// Whether it is code.
    pub executable: bool,
    /// Whether other processes may share it.
    pub shared: bool,
    /// Where in its file it begins.
    pub offset: u64,
    /// The file's number; 0 for memory of no file.
    pub inode: u64,
    /// The file, or a name such as `[heap]`; empty for memory of no file.
    pub path: String,
}

/// A copy of a process's memory.
#[derive(Debug)]
pub struct Image;

impl Image {
    /// The mappings of the process, ascending.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &[]
    }

    /// Whether an address was mapped.
    #[must_use]
    pub fn is_mapped(&self, _address: u64) -> bool {
        false
    }

    /// How many bytes of a range were resident in memory of no file.
    #[must_use]
    pub fn resident(&self, _start: u64, _end: u64) -> u64 {
        0
    }
}

impl Memory for Image {
    fn word(&self, _address: u64) -> Option<u64> {
        None
    }
    fn half(&self, _address: u64) -> Option<u32> {
        None
    }
    fn byte(&self, _address: u64) -> Option<u8> {
        None
    }
    fn bytes(&self, _address: u64, _length: usize, _into: &mut Vec<u8>) -> Option<()> {
        None
    }
}
