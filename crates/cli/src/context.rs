//! The parts of the system that a command uses.

use crate::clock::Clock;
use crate::console::Console;
use crate::processes::Processes;

/// The processes, the time and standard error. Tests pass their own.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The processes that can be captured.
    pub(crate) processes: &'a dyn Processes,
    /// The time, and whether ^C was pressed.
    pub(crate) clock: &'a dyn Clock,
    /// Where progress is reported.
    pub(crate) console: &'a dyn Console,
}
