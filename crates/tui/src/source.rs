//! The interface to the caller of the live view, which provides the captures.
//!
//! The view itself knows nothing about processes: its caller passes a [`CaptureSource`] for each. All methods of a
//! source are called from one thread, its own, except [`CaptureSource::title`], which is called once before.

use std::path::PathBuf;
use std::time::Duration;

use memtop_heap::Heap;

/// The identity of a process, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// Its PID; none if it is not a process.
    pub pid: Option<u32>,
    /// The program's name.
    pub name: String,
}

/// A limit of resident memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The limit, in bytes.
    pub bytes: u64,
    /// Its origin, in a word or two: `cgroup`, `rlimit`, `machine`.
    pub name: String,
}

/// Facts about a process that can be read without pausing it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessSample {
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// The time since the process started.
    pub uptime: Option<Duration>,
    /// The limit of resident memory that applies first.
    pub limit: Option<Limit>,
}

/// Why a capture failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The process ended. From now on the source is only asked to save and to report.
    #[error("{0}")]
    Gone(String),
    /// This capture failed. It is tried again, after a longer wait each time.
    #[error("{0}")]
    Failed(String),
}

/// A process that can be captured again and again.
pub trait CaptureSource: Send {
    /// Returns the identity of the process.
    fn title(&self) -> Title;

    /// Captures its heap.
    ///
    /// # Errors
    /// If the process ended, or if the capture failed.
    fn capture(&mut self) -> Result<Heap, SourceError>;

    /// Reads the facts that need no pause; called about once a second.
    ///
    /// # Errors
    /// If the process ended. Any other failure gives an empty sample.
    fn sample(&mut self) -> Result<ProcessSample, SourceError> {
        Ok(ProcessSample::default())
    }

    /// Saves a heap as a snapshot. Returns its path.
    ///
    /// # Errors
    /// The reason if it cannot be saved.
    fn save(&self, heap: &Heap) -> Result<PathBuf, String>;

    /// Writes a report on a series of heaps, oldest first. Returns its path.
    ///
    /// # Errors
    /// The reason if it cannot be written.
    fn report(&self, heaps: &[&Heap]) -> Result<PathBuf, String>;
}
