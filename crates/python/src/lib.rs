//! The extension module `mem_top._native`: conversions between Python and the crates that do the work, and
//! nothing else.

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    /// Runs the `mem_top` command with these arguments (the program's name first); returns its exit status.
    #[pyfunction]
    fn run_cli(py: Python<'_>, arguments: Vec<String>) -> u8 {
        py.detach(|| memtop_cli::run(arguments))
    }
}
