//! Where captures come from: what the live view asks of its caller.
//!
//! The view knows no process: whoever calls it gives a [`CaptureSource`] for each process that is looked at. All of a source's
//! methods are called from one thread, which is the source's own.

use std::path::PathBuf;
use std::time::Duration;

use memtop_heap::Heap;

/// Which process it is, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// Its number; none for what is no process.
    pub pid: Option<u32>,
    /// The program's name.
    pub name: String,
}

/// A limit of resident memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// How much, in bytes.
    pub bytes: u64,
    /// Whose limit it is, in a word or two: `cgroup`, `rlimit`, `machine`.
    pub name: String,
}

/// What can be known of a process without stopping it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessSample {
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// For how long the process has run.
    pub uptime: Option<Duration>,
    /// The limit of resident memory that is reached first.
    pub limit: Option<Limit>,
}

/// Why there is no capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The process ended. Nothing more is asked of the source but to save and to report.
    #[error("{0}")]
    Gone(String),
    /// This time it failed; it is tried again, later each time.
    #[error("{0}")]
    Failed(String),
}

/// A process that can be captured again and again.
pub trait CaptureSource: Send {
    /// Which process it is.
    fn title(&self) -> Title;

    /// Captures its heap.
    ///
    /// # Errors
    /// If the process ended, or if the capture failed.
    fn capture(&mut self) -> Result<Heap, SourceError>;

    /// What can be known without stopping it; asked about once a second.
    ///
    /// # Errors
    /// If the process ended. Any other failure is an empty sample.
    fn sample(&mut self) -> Result<ProcessSample, SourceError> {
        Ok(ProcessSample::default())
    }

    /// Saves a heap to a file, and says where.
    ///
    /// # Errors
    /// If it cannot be saved, with the reason.
    fn save(&self, heap: &Heap) -> Result<PathBuf, String>;

    /// Writes a report of a series of heaps, oldest first, to a file, and says where.
    ///
    /// # Errors
    /// If it cannot be written, with the reason.
    fn report(&self, heaps: &[&Heap]) -> Result<PathBuf, String>;
}
