//! Systems other than Linux: nothing can be looked into, and whoever asks is told so.

use std::convert::Infallible;
use std::path::Path;

use memtop_cpython::Memory;
use memtop_heap::Heap;

use crate::error::RemoteError;
use crate::maps::Region;
use crate::target::{Copied, CopyOptions, MemoryPlan, Process, Target};

/// A copy of a process's memory, of which there is none on this system.
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

    /// How many bytes of a range were in memory.
    #[must_use]
    pub fn resident(&self, _start: u64, _end: u64) -> u64 {
        match self.0 {}
    }

    /// The ranges of addresses that were copied.
    #[must_use]
    pub fn copied(&self) -> &[(u64, u64)] {
        match self.0 {}
    }

    /// How many bytes were in memory in all.
    #[must_use]
    pub fn all_resident(&self) -> u64 {
        match self.0 {}
    }

    /// How many bytes were read after the process ran on.
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

/// Memory that can still be taken, and what limits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeMemory {
    /// Bytes.
    pub bytes: u64,
    /// What limits them.
    pub limit: String,
}

/// How much memory this process can still take: here it is not known, and nothing limits it.
#[must_use]
pub fn free_memory() -> FreeMemory {
    FreeMemory { bytes: u64::MAX, limit: "nothing".to_owned() }
}

/// Gives the system back what malloc holds free: here it is left to malloc.
pub fn return_free_memory() {}

/// What to capture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptureOptions {
    /// Units of work that the program has done so far.
    pub work: Option<f64>,
    /// Whether keys that are no names are kept.
    pub with_keys: bool,
    /// Whether the process is stopped.
    pub pause: bool,
    /// Whether pages are read that are swapped out.
    pub include_swapped: bool,
    /// Whether large mappings are copied too that hold no addresses.
    pub large_mappings: bool,
    /// How much memory may be taken, and what for.
    pub memory: MemoryPlan,
}

impl Default for CaptureOptions {
    fn default() -> Self {
        Self {
            work: None,
            with_keys: false,
            pause: true,
            include_swapped: false,
            large_mappings: false,
            memory: MemoryPlan::default(),
        }
    }
}

/// Captures the heap of a process.
///
/// # Errors
/// Always, on this system.
pub fn capture(pid: u32, _options: &CaptureOptions) -> Result<Heap, RemoteError> {
    Err(RemoteError::OtherSystem { pid })
}

impl Target {
    /// Captures the heap of this process.
    ///
    /// # Errors
    /// Always, on this system.
    pub fn capture(&self, _options: &CaptureOptions) -> Result<Heap, RemoteError> {
        Err(RemoteError::OtherSystem { pid: self.pid })
    }

    /// Captures the heap in a core file.
    ///
    /// # Errors
    /// Always, on this system.
    pub fn capture_core(
        _path: &Path,
        _exe: Option<&Path>,
        _options: &CaptureOptions,
    ) -> Result<Heap, RemoteError> {
        Err(RemoteError::OtherSystem { pid: 0 })
    }

    /// Finds the interpreter in a process.
    ///
    /// # Errors
    /// Always, on this system.
    pub fn find(pid: u32) -> Result<Self, RemoteError> {
        Err(RemoteError::OtherSystem { pid })
    }

    /// Copies the process's memory.
    ///
    /// # Errors
    /// Always, on this system.
    pub fn copy(&self, _options: &CopyOptions) -> Result<Copied, RemoteError> {
        Err(RemoteError::OtherSystem { pid: self.pid })
    }
}

/// The Python processes of this machine that can be looked into: none, on this system.
#[must_use]
pub fn processes() -> Vec<Process> {
    Vec::new()
}

/// The descendants of a process that are Pythons: none, on this system.
#[must_use]
pub fn children(_pid: u32) -> Vec<u32> {
    Vec::new()
}

/// The name of this host: not known, on this system.
#[must_use]
pub fn host() -> Option<String> {
    None
}

/// Makes a program that is to be run ignore signals: not on this system.
pub fn ignore_signals_in(_command: &mut std::process::Command, _signals: Vec<i32>) {}

/// The real-time signals that programs may use: not known, on this system.
pub fn real_time_signals() -> std::iter::Empty<i32> {
    std::iter::empty()
}

/// Sends a real-time signal.
///
/// # Errors
/// Always, on this system.
pub fn send_real_time_signal(_child: u32, _signal: i32) -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

/// What can be known of a process without stopping it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessStats {
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// For how long the process has run.
    pub uptime: Option<std::time::Duration>,
    /// The limit of its memory in bytes, and whose it is.
    pub limit: Option<(u64, &'static str)>,
}

/// Nothing is known of any process here.
#[must_use]
pub fn process_stats(_pid: u32) -> Option<ProcessStats> {
    None
}
