//! Why a command failed, and what the user can do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use memtop_analyze::{LeaksError, SeriesError};
use memtop_remote::RemoteError;
use memtop_snapshot::SnapshotError;

use crate::exit;

/// Why a command failed. Printed on standard error as `error: …` and `hint: …`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The error: what failed, on what, and why.
    pub(crate) message: String,
    /// Advice to the user; one `hint:` a line.
    pub(crate) hint: Option<String>,
    /// The exit status.
    pub(crate) status: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), status: exit::FAILURE }
    }

    /// Why a series gave no answer; see [`Failure::series`].
    pub(crate) fn leaks(error: LeaksError<Self>, names: &[String], advice: &str) -> Self {
        match error {
            LeaksError::Series(error) => Self::series(&error, names, advice),
            LeaksError::Heap(failure) => failure,
        }
    }

    /// Why heaps cannot be compared. The hint names the two that differ, by their position in `names`.
    pub(crate) fn series(error: &SeriesError, names: &[String], advice: &str) -> Self {
        let numbers = match *error {
            SeriesError::OtherProcess { first, second, .. }
            | SeriesError::OtherProgram { first, second, .. }
            | SeriesError::OtherVersion { first, second, .. }
            | SeriesError::OtherInterpreter { first, second, .. } => [first, second],
            _ => [0, 0],
        };
        let names: Vec<String> = numbers
            .iter()
            .filter_map(|&number| Some((number, names.get(number.checked_sub(1)?)?)))
            .map(|(number, name)| format!("{number} is {name}"))
            .collect();
        let hint =
            if names.is_empty() { advice.to_owned() } else { format!("{}; {advice}", names.join(", ")) };
        Self::new(error.to_string(), hint)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Self { message: error.to_string(), hint: error.hint().map(str::to_owned), status: exit::FAILURE }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self { message: error.to_string(), hint: error.hint(), status: exit::FAILURE }
    }
}

/// Runs `work` and turns a panic, which is a bug in mem_top, into a failure. The panic hook has printed its location.
pub(crate) fn catch_panics<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(Failure::new(
            format!("internal error, please report it: {message}"),
            "include the lines above and the command in the report; no incomplete file was left behind",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        let failure = catch_panics::<u8>(|| panic!("row {} is missing", 7)).expect_err("it panicked");
        assert_eq!(failure.status, exit::FAILURE);
        assert_eq!(failure.message, "internal error, please report it: row 7 is missing");
        assert!(failure.hint.is_some_and(|hint| hint.contains("the lines above")));
    }

    #[test]
    fn a_result_is_passed_through() {
        assert_eq!(catch_panics(|| Ok(3)).map_err(|failure| failure.message), Ok(3));
    }
}
