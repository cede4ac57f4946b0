//! The list of other processes, for Python.

use memtop_report::json;
use pyo3::prelude::*;

/// The Python processes of this machine, as the JSON of `mem_top ps`.
#[pyfunction]
pub(crate) fn processes(py: Python<'_>) -> String {
    py.detach(|| {
        json::to_text(&json::processes(&memtop_cli::processes(), 0, memtop_remote::host().as_deref()))
    })
}
