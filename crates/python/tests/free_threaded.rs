//! A build for a free-threaded interpreter stops with the package's message instead of compiler errors.
//!
//! The build script is run as Cargo runs it, with the description of an interpreter that PyO3 passes on to it. A build of
//! the whole extension takes minutes, and shows no more.

use std::env;
use std::fmt::Write as _;
use std::process::Command;

#[path = "../build.rs"]
#[expect(clippy::print_stdout, reason = "a build script prints what Cargo is to do")]
mod build;

const SENTENCE: &str = include_str!("../../../python/mem_top/_free_threaded.txt");

/// Prints what the build script prints for an interpreter that was built with `build_flags`.
fn build_for(build_flags: &str) -> String {
    let interpreter = format!(
        "implementation=CPython\nversion=3.14\nshared=true\nabi3=false\npointer_width=64\n\
         build_flags={build_flags}\nsuppress_build_script_link_lines=true\n"
    );
    let mut hexadecimal = String::new();
    for byte in interpreter.bytes() {
        write!(hexadecimal, "{byte:02x}").expect("a string takes any text");
    }
    let run = Command::new(env::current_exe().expect("a test has a binary"))
        .args(["--exact", "build_script", "--ignored", "--nocapture"])
        .env("DEP_PYTHON_PYO3_CONFIG", hexadecimal)
        .output()
        .expect("the test's binary starts");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("cargo::rerun-if-changed="), "it did not run: {said}");
    said
}

#[test]
#[ignore = "is the process that other tests start"]
fn build_script() {
    build::main();
}

#[test]
fn a_build_for_a_free_threaded_interpreter_says_why_it_stops() {
    let said = build_for("Py_GIL_DISABLED");
    for line in SENTENCE.trim().lines() {
        assert!(said.contains(&format!("cargo::error={line}\n")), "not said: {line}\n{said}");
    }
}

#[test]
fn a_build_for_another_interpreter_goes_on() {
    assert!(!build_for("").contains("cargo::error"));
}
