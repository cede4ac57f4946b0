//! The heap of this process, seen from inside.
//!
//! * [`counters`]: the three counters of the drop-in `mem_top()`, in one pass over the collector's lists.
//! * [`preview`]: the first characters of an object's repr, without building the rest.
//! * [`graph`]: the whole heap as a [`memtop_heap::Heap`].
//!
//! Invariants: while the heap is [frozen](raw), no Python code runs, no object is made or freed, and the GIL is
//! not released. Unsafe code is in the folder `raw/` only. Nothing touches an object's `__dict__`.

pub mod counters;
pub mod escape;
pub mod graph;
mod growth;
pub mod preview;
mod process;
mod raw;
mod residency;
mod top;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// Finds how this interpreter's memory is laid out, and compares that with what Python answers. Called when
/// the extension module is imported; takes a few milliseconds.
///
/// # Errors
/// If the interpreter lacks what every CPython has; an ImportError in a second interpreter of the process, since the
/// remembered lists and types belong to the first.
pub fn probe(py: Python<'_>) -> PyResult<()> {
    preview::probe(py)?;
    if raw::Runtime::get(py)?.interpreter == raw::interpreter(py) {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "mem_top works in one interpreter per process, and another interpreter has already imported it\n\
         hint: import mem_top only in the interpreter whose memory you want to examine",
    ))
}

/// Whether the collector's lists are walked directly. If not, `gc.get_objects()` is used, which is slower.
#[must_use]
pub fn walks_lists(py: Python<'_>) -> bool {
    raw::Runtime::walks_lists(py)
}
