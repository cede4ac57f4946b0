//! Stops a build for a free-threaded interpreter with the sentence that the package says at import.

use pyo3_build_config::{BuildFlag, get};

const SENTENCE: &str = include_str!("../../python/mem_top/_free_threaded.txt");

pub(crate) fn main() {
    println!("cargo::rerun-if-changed=../../python/mem_top/_free_threaded.txt");
    if get().build_flags().0.contains(&BuildFlag::Py_GIL_DISABLED) {
        for line in SENTENCE.trim().lines() {
            println!("cargo::error={line}");
        }
    }
}
