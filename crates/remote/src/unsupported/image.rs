//! The copy of a process's memory on systems other than Linux, where none can be made.

use std::convert::Infallible;

use memtop_cpython::Memory;

use crate::maps::Region;

/// A copy of a process's memory. There is none on this system.
#[derive(Debug)]
pub struct Image(Infallible);

impl Image {
    /// The mappings of the process.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        match self.0 {}
    }

    /// Whether an address was mapped and could be read.
    #[must_use]
    pub fn is_mapped(&self, _address: u64) -> bool {
        match self.0 {}
    }

    /// The resident bytes of anonymous memory in a range.
    #[must_use]
    pub fn resident(&self, _start: u64, _end: u64) -> u64 {
        match self.0 {}
    }

    /// The ranges of addresses that were copied.
    #[must_use]
    pub fn copied(&self) -> &[(u64, u64)] {
        match self.0 {}
    }

    /// The resident bytes of all anonymous memory.
    #[must_use]
    pub fn all_resident(&self) -> u64 {
        match self.0 {}
    }

    /// The number of bytes that were read from the process after it was resumed.
    #[must_use]
    pub fn read_late(&self) -> u64 {
        match self.0 {}
    }
}

impl Memory for Image {
    fn word(&self, _address: u64) -> Option<u64> {
        match self.0 {}
    }

    fn half(&self, _address: u64) -> Option<u32> {
        match self.0 {}
    }

    fn byte(&self, _address: u64) -> Option<u8> {
        match self.0 {}
    }

    fn bytes(&self, _address: u64, _length: usize, _into: &mut Vec<u8>) -> Option<()> {
        match self.0 {}
    }
}
