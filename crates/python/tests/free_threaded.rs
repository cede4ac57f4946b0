//! A build for a free-threaded interpreter stops with the package's message instead of compiler errors.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const SENTENCE: &str = include_str!("../../../python/mem_top/_free_threaded.txt");

#[test]
fn the_build_says_why_it_stops() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    // A folder of its own, since the outer cargo holds the lock of the other.
    let target = root.join("target/free-threaded");
    fs::create_dir_all(&target).unwrap();
    let stub = target.join("interpreter.txt");
    fs::write(
        &stub,
        "implementation=CPython\nversion=3.14\nshared=true\nabi3=false\nlib_name=python3.14t\npointer_width=64\n\
         build_flags=Py_GIL_DISABLED\nsuppress_build_script_link_lines=true\n",
    )
    .unwrap();
    let build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--quiet", "--package", "memtop-python"])
        .env("PYO3_CONFIG_FILE", &stub)
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&build.stderr);
    assert!(!build.status.success(), "it was built");
    for line in SENTENCE.trim().lines() {
        assert!(said.contains(line), "not said: {line}\n{said}");
    }
}
