//! Why a command failed, and what can be done.

use std::panic::{AssertUnwindSafe, catch_unwind};

use memtop_analyze::{LeaksError, SeriesError};
use memtop_snapshot::SnapshotError;

use crate::FAILURE;

/// Why a command failed. Told on standard error as `error: …` and `hint: …`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) message: String,
    /// What the user can do, a line each.
    pub(crate) hint: Option<String>,
    /// The exit status.
    pub(crate) status: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), status: FAILURE }
    }

    /// Why a series gave no answer, as [`Failure::series`].
    pub(crate) fn leaks(error: LeaksError<Self>, names: &[String], advice: &str) -> Self {
        match error {
            LeaksError::Series(error) => Self::series(&error, names, advice),
            LeaksError::Heap(failure) => failure,
        }
    }

    /// Why heaps cannot be compared, with what each is: the error knows their places in `names`.
    pub(crate) fn series(error: &SeriesError, names: &[String], advice: &str) -> Self {
        let places = match *error {
            SeriesError::OtherProcess { first, second, .. }
            | SeriesError::OtherProgram { first, second, .. }
            | SeriesError::OtherVersion { first, second, .. }
            | SeriesError::OtherInterpreter { first, second, .. } => [first, second],
            _ => [0, 0],
        };
        let names: Vec<String> = places
            .iter()
            .filter_map(|&place| Some((place, names.get(place.checked_sub(1)?)?)))
            .map(|(place, name)| format!("{place} is {name}"))
            .collect();
        let hint =
            if names.is_empty() { advice.to_owned() } else { format!("{}; {advice}", names.join(", ")) };
        Self::new(error.to_string(), hint)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Self { message: error.to_string(), hint: error.hint().map(str::to_owned), status: FAILURE }
    }
}

/// Does `work`; if that panics, which is a mistake of mem_top's, it is a failure as any other. The panic has said where
/// it happened by itself.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why");
        Err(Failure::new(
            format!("mem_top made a mistake of its own: {message}"),
            "nothing was written under its final name; please report it, with the lines above and the command",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_a_status_of_its_own() {
        let failure = caught::<u8>(|| panic!("a row {} that is not there", 7)).expect_err("it panicked");
        assert_eq!(failure.status, FAILURE);
        assert_eq!(failure.message, "mem_top made a mistake of its own: a row 7 that is not there");
        assert!(failure.hint.is_some_and(|hint| hint.contains("report it")));
    }

    #[test]
    fn what_goes_well_is_passed_on() {
        assert_eq!(caught(|| Ok(3)).map_err(|failure| failure.message), Ok(3));
    }
}
