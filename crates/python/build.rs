//! Stops a build for a free-threaded interpreter, with the message that the package shows at import.

use pyo3_build_config::{BuildFlag, get};

const MESSAGE: &str = include_str!("../../python/mem_top/_free_threaded.txt");

pub(crate) fn main() {
    println!("cargo::rerun-if-changed=../../python/mem_top/_free_threaded.txt");
    if get().build_flags().0.contains(&BuildFlag::Py_GIL_DISABLED) {
        for line in MESSAGE.trim().lines() {
            println!("cargo::error={line}");
        }
    }
}
