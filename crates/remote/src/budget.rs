//! A limit on how much of a process is read to find the interpreter in it.
//!
//! A process chooses the sizes in its files and the number of its mappings, and `mem_top ps`
//! searches all processes. So the bytes that are read from each are counted and limited.

use std::cell::Cell;

/// The most bytes of all its files. A Python process has the interpreter in one of the first files,
/// and most libraries have a few hundred kilobytes of symbols. Two files with the largest tables
/// that are read fit.
const OF_FILES: u64 = 1 << 28;
/// The most bytes of its memory. The variables of the interpreter take a few hundred kilobytes.
const OF_MEMORY: u64 = 1 << 25;

/// The bytes of one process that may still be read.
#[derive(Debug)]
pub(crate) struct Budget {
    files: Cell<u64>,
    memory: Cell<u64>,
    is_exceeded: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { files: Cell::new(OF_FILES), memory: Cell::new(OF_MEMORY), is_exceeded: Cell::new(false) }
    }
}

impl Budget {
    /// Counts bytes of its files as read, and returns whether they may be.
    pub(crate) fn of_files(&self, bytes: u64) -> bool {
        self.take(&self.files, bytes)
    }

    /// Counts bytes of its memory as read, and returns whether they may be.
    pub(crate) fn of_memory(&self, bytes: u64) -> bool {
        self.take(&self.memory, bytes)
    }

    fn take(&self, left: &Cell<u64>, bytes: u64) -> bool {
        match left.get().checked_sub(bytes) {
            Some(rest) => left.set(rest),
            None => self.is_exceeded.set(true),
        }
        !self.is_exceeded.get()
    }

    /// Whether more was requested than may be read. From then on, nothing may be read.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.is_exceeded.get()
    }
}

#[cfg(test)]
impl Budget {
    /// The bytes of files and of memory read so far.
    pub(crate) fn read(&self) -> (u64, u64) {
        (OF_FILES - self.files.get(), OF_MEMORY - self.memory.get())
    }
}
