//! Why a command failed, and what can be done.

use std::path::PathBuf;

use memtop_analyze::SeriesError;
use memtop_snapshot::SnapshotError;

/// Why a command failed. Told on standard error as `error: …` and `hint: …`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) message: String,
    /// What the user can do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }

    /// Why snapshots cannot be compared, with their files: the error knows their places in `paths`.
    pub(crate) fn series(error: &SeriesError, paths: &[PathBuf], advice: &str) -> Self {
        let places = match *error {
            SeriesError::OtherProcess { first, second, .. }
            | SeriesError::OtherVersion { first, second, .. }
            | SeriesError::OtherInterpreter { first, second, .. } => [first, second],
            _ => [0, 0],
        };
        let names: Vec<String> = places
            .iter()
            .filter_map(|&place| Some((place, paths.get(place.checked_sub(1)?)?)))
            .map(|(place, path)| format!("{place} is {}", path.display()))
            .collect();
        let hint =
            if names.is_empty() { advice.to_owned() } else { format!("{}; {advice}", names.join(", ")) };
        Self::new(error.to_string(), hint)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Self { message: error.to_string(), hint: error.hint().map(str::to_owned) }
    }
}
