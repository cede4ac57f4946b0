//! Other processes, for Python: the list of them, and the heap of one, as the command reads it.

use memtop_remote::{CaptureOptions, RemoteError};
use memtop_report::{ProcessRow, json};
use pyo3::exceptions::{PyOSError, PyPermissionError, PyProcessLookupError};
use pyo3::prelude::*;

use crate::snapshot::Snapshot;

/// Captures the heap of another process, which is stopped while its memory is copied.
#[pyfunction]
pub(crate) fn snapshot_of(
    py: Python<'_>,
    pid: u32,
    work: Option<f64>,
    with_keys: bool,
) -> PyResult<Snapshot> {
    let options = CaptureOptions { work, with_keys, ..CaptureOptions::default() };
    let heap = py.detach(|| memtop_remote::capture(pid, &options));
    heap.map(Snapshot::new).map_err(|error| remote_error(&error))
}

/// The Python processes of this machine, as the JSON of `mem_top ps`.
#[pyfunction]
pub(crate) fn processes(py: Python<'_>) -> String {
    py.detach(|| {
        let own = std::process::id();
        let found = memtop_remote::processes().into_iter().filter(|process| process.pid != own);
        let mut rows: Vec<ProcessRow> = found
            .map(|process| ProcessRow {
                pid: process.pid,
                namespace_pid: process.namespace_pid,
                container: process.container,
                python: process.version.map(|version| version.to_string()),
                rss: process.rss,
                user: process.user,
                command: process.command,
                problem: process.problem,
            })
            .collect();
        rows.sort_by_key(|row| row.pid);
        json::to_text(&json::processes(&rows, 0, memtop_remote::host().as_deref()))
    })
}

fn remote_error(error: &RemoteError) -> PyErr {
    let text = match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    };
    match error {
        RemoteError::NoSuchProcess { .. }
        | RemoteError::Zombie { .. }
        | RemoteError::Exited { .. }
        | RemoteError::Replaced { .. } => PyProcessLookupError::new_err(text),
        RemoteError::OtherUser { .. }
        | RemoteError::NotDumpable { .. }
        | RemoteError::AlreadyTraced { .. }
        | RemoteError::Yama { .. }
        | RemoteError::Sandboxed { .. }
        | RemoteError::Refused { .. } => PyPermissionError::new_err(text),
        _ => PyOSError::new_err(text),
    }
}
