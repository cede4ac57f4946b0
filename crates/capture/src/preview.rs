//! The first characters of a repr. For now the whole repr, cut: native previews follow.
use pyo3::prelude::*;
use pyo3::types::PyString;
/// The repr, cut to `width` characters and escaped.
pub fn preview<'py>(
    obj: &Bound<'py, PyAny>,
    width: Option<usize>,
    _safe: bool,
) -> PyResult<Bound<'py, PyString>> {
    crate::escape::escape(&obj.repr()?, width)
}
