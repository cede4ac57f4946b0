//! The extension module `mem_top._native`: conversions between Python and the crates that do the work, and nothing
//! else.

mod processes;
mod snapshot;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::time::Duration;

    use memtop_inprocess::counters::{self, Request, Row};
    use memtop_inprocess::preview;
    use pyo3::exceptions::PyTypeError;
    use pyo3::prelude::*;
    use pyo3::types::{PyString, PyType};

    /// Types whose objects are all wanted. The collector does not track it, so that it is not counted.
    #[pyclass(frozen, module = "mem_top._native")]
    struct Types(Vec<Py<PyType>>);

    #[pymethods]
    impl Types {
        #[new]
        #[pyo3(signature = (types, /))]
        fn new(types: &Bound<'_, PyAny>) -> PyResult<Self> {
            let error = |of: &Bound<'_, PyAny>| {
                let name = of.get_type().qualname().map_or_else(|_| "?".to_owned(), |name| name.to_string());
                PyTypeError::new_err(format!("verbose_types must be types, not {name}"))
            };
            let iterator = types.try_iter().map_err(|_| error(types))?;
            let types = iterator
                .map(|of| of?.cast_into::<PyType>().map(Bound::unbind).map_err(|e| error(&e.into_inner())));
            Ok(Self(types.collect::<PyResult<_>>()?))
        }

        fn __len__(&self) -> usize {
            self.0.len()
        }
    }

    type RowTuple = (u64, Option<i64>, Py<PyAny>);

    #[pymodule_export]
    use crate::processes::processes;
    #[pymodule_export]
    use crate::snapshot::{Snapshot, StoredSnapshot, leaks, leaks_of_stored, load, snapshot, store};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        memtop_inprocess::probe(module.py())
    }

    fn rows(section: Vec<Row>) -> Vec<RowTuple> {
        section.into_iter().map(|row| (row.number, row.growth, row.object)).collect()
    }

    /// Counts references, bytes and types of all objects that the collector tracks.
    ///
    /// Returns three lists of (number, growth or None, object), and for each wanted type the list of its objects.
    #[pyfunction]
    #[expect(clippy::type_complexity, reason = "the type of the Python tuple")]
    fn count(
        py: Python<'_>,
        limit: Option<usize>,
        wanted: Option<&Bound<'_, Types>>,
        safe: bool,
    ) -> PyResult<(Vec<RowTuple>, Vec<RowTuple>, Vec<RowTuple>, Vec<Vec<Py<PyAny>>>)> {
        let collect =
            wanted.map(|types| types.get().0.iter().map(|of| of.clone_ref(py)).collect()).unwrap_or_default();
        let counted = counters::count(py, &Request { limit, collect, safe })?;
        Ok((rows(counted.references), rows(counted.bytes), rows(counted.types), counted.collected))
    }

    /// The first `width` characters of `repr(obj)`, without building the rest, escaped for logs.
    #[pyfunction]
    #[pyo3(name = "preview")]
    fn preview_of<'py>(
        obj: &Bound<'py, PyAny>,
        width: Option<usize>,
        safe: bool,
    ) -> PyResult<Bound<'py, PyString>> {
        preview::preview(obj, width, safe)
    }

    /// Escapes control characters, lone surrogates and similar in a text, and cuts it to `width` characters.
    #[pyfunction]
    fn escape<'py>(text: &Bound<'py, PyString>, width: Option<usize>) -> PyResult<Bound<'py, PyString>> {
        memtop_inprocess::escape::escape(text, width)
    }

    /// The least number of seconds between two captures, the first of which paused the process for `pause` seconds, so
    /// that it is paused for at most the share `budget` of the time.
    #[pyfunction]
    fn period_within_budget(pause: f64, budget: f64) -> f64 {
        let pause = Duration::try_from_secs_f64(pause).unwrap_or_default();
        memtop_analyze::period_within_budget(pause, budget).as_secs_f64()
    }

    /// The series without every second snapshot, counted from the newest, which stays.
    #[pyfunction]
    fn drop_every_second(mut snapshots: Vec<Py<StoredSnapshot>>) -> Vec<Py<StoredSnapshot>> {
        memtop_analyze::drop_every_second(&mut snapshots);
        snapshots
    }

    /// True if the collector's lists are read directly, which is faster.
    #[pyfunction]
    fn walks_lists(py: Python<'_>) -> bool {
        memtop_inprocess::walks_lists(py)
    }

    /// Runs the `mem_top` command with these arguments (the program's name first); returns its exit status. `python`
    /// runs the scripts of `mem_top run`.
    #[pyfunction]
    #[pyo3(signature = (arguments, python=None))]
    fn run_cli(py: Python<'_>, arguments: Vec<OsString>, python: Option<PathBuf>) -> u8 {
        py.detach(|| memtop_cli::run_with(arguments, python.as_deref()))
    }
}
