//! Systems other than Linux, where no process can be read. Functions that would read one return an
//! error.

use std::path::Path;
use std::time::Duration;

use memtop_heap::Heap;

use crate::error::RemoteError;
use crate::options::{CaptureOptions, CopyOptions};
use crate::target::{Copied, Process, Target};

/// Returns malloc's free memory to the system. Here that is left to malloc.
pub fn return_free_memory() {}

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

    /// Finds the interpreter in a process.
    ///
    /// # Errors
    /// Always, on this system.
    pub fn find_within(pid: u32, _patience: Duration) -> Result<Self, RemoteError> {
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

/// The Python processes of this machine. None are found on this system.
#[must_use]
pub fn processes() -> Vec<Process> {
    Vec::new()
}

/// The descendants of a process that run Python. None are found on this system.
#[must_use]
pub fn children(_pid: u32) -> Vec<u32> {
    Vec::new()
}

/// Makes a program that is about to be run ignore signals. Has no effect on this system.
pub fn ignore_signals_in(_command: &mut std::process::Command, _signals: Vec<i32>) {}

/// The real-time signals that programs may use. They are not known on this system.
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
