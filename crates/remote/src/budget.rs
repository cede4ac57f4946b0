//! How much is read of one process to find the interpreter in it.
//!
//! Sizes in files and the number of mappings are the process's own to choose: what is read for it in all is bounded, be
//! it a program that nobody asked about and that `mem_top ps` comes across.

use std::cell::Cell;

/// Of all its files: a Python has the interpreter in one of the first, and most libraries have some hundred kilobytes of
/// symbols. Two tables of the largest size that is read fit twice.
const OF_FILES: u64 = 1 << 28;
/// Of its memory: the variables of the interpreter take some hundred kilobytes.
const OF_MEMORY: u64 = 1 << 25;

/// How many bytes of one process may still be read.
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
    /// Whether so many bytes of its files may be read. They count as read then.
    pub(crate) fn of_files(&self, bytes: u64) -> bool {
        self.take(&self.files, bytes)
    }

    /// Whether so many bytes of its memory may be read. They count as read then.
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

    /// Whether more was asked for than may be read: then nothing more is.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.is_exceeded.get()
    }
}

#[cfg(test)]
impl Budget {
    /// What has been read of files and of memory, in bytes.
    pub(crate) fn read(&self) -> (u64, u64) {
        (OF_FILES - self.files.get(), OF_MEMORY - self.memory.get())
    }
}
