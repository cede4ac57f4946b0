//! The memory in which an interpreter is looked for: of a running process, or in a core file.

use std::fs::File;
use std::io;

use crate::budget::Budget;
use crate::elf::MappedFile;
use crate::error::RemoteError;
use crate::maps::Region;

/// Memory of a process that may contain an interpreter.
pub(crate) trait ProcessMemory {
    /// The process.
    fn pid(&self) -> u32;
    /// A word of the memory. `NotFound` if its page is neither in memory nor swapped out.
    fn word(&self, address: u64) -> io::Result<u64>;
    /// The reason why a word could not be read, if the process is gone or runs another program.
    fn gone(&self, error: io::Error) -> Option<RemoteError>;
    /// The file of a mapping, and whether it certainly has the mapping's device and inode numbers.
    fn file(&self, region: &Region) -> Option<(File, bool)>;
    /// The mapped part of a file that cannot be opened because it was deleted or replaced.
    fn mapped(&self, region: &Region, budget: &Budget) -> MappedFile;
    /// The pages in memory of those mappings that are wanted, concatenated, as far as the budget
    /// allows.
    fn present(&self, regions: &[Region], wanted: &dyn Fn(&Region) -> bool, budget: &Budget) -> Vec<u8>;
}
