//! The messages between the view and the threads of its sources.

use std::path::PathBuf;
use std::time::Duration;

use crate::inspect::{Details, Subject};
use crate::observe::Observation;
use crate::source::ProcessSample;

/// A request of the view to a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Pause captures, or resume them.
    Freeze(bool),
    /// Capture as soon as the budget allows.
    CaptureNow,
    /// Change the interval between captures.
    Interval(Duration),
    /// Find the details of a subject. The heap is kept until [`Command::Release`].
    Explain(Subject),
    /// Drop the heap that was kept for details.
    Release,
    /// Save a snapshot of the latest capture.
    Save,
    /// Write a report on the heaps that are kept.
    Report,
    /// End the thread.
    Stop,
}

/// A message of a source to the view.
#[derive(Debug, Clone)]
pub enum Update {
    /// A capture begins: the process is about to be paused.
    Capturing,
    /// The process runs again, and the capture is being analysed.
    Analysing,
    /// A capture is complete. The next one may begin after this time, counted from the start of the capture.
    Captured(Box<Observation>, Duration),
    /// A sample that was taken without pausing the process, at a time of the view's clock.
    ProcessSample(Duration, ProcessSample),
    /// A capture failed. The next one follows after this time.
    Failed(String, Duration),
    /// The process ended, or mem_top cannot go on with it.
    Gone(String),
    /// The details of a subject; none if it no longer exists.
    Details(Subject, Option<Box<Details>>),
    /// A snapshot or a report: which of them, and its path or why it could not be written.
    Written(&'static str, Result<PathBuf, String>),
}
