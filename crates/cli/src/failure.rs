//! Why a command failed, and what can be done.

use memtop_analyze::SeriesError;
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

    /// Why heaps cannot be compared, with what each is: the error knows their places in `names`.
    pub(crate) fn series(error: &SeriesError, names: &[String], advice: &str) -> Self {
        let places = match *error {
            SeriesError::OtherProcess { first, second, .. }
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
