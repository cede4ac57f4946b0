//! The command as a person runs it.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::{Command, Output, Stdio};

fn mem_top(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mem_top")).args(arguments).output().unwrap()
}

#[test]
fn help_teaches_and_is_an_answer() {
    for arguments in [&[][..], &["--help"], &["-h"]] {
        let output = mem_top(arguments);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Names the memory leak in a Python program"), "{text}");
        assert!(output.stderr.is_empty());
    }
    assert!(String::from_utf8(mem_top(&[]).stdout).unwrap().contains("from mem_top import mem_top"));
}

#[test]
fn the_version_is_the_packages() {
    let output = mem_top(&["--version"]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        concat!("mem_top ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn an_unknown_argument_fails_on_standard_error() {
    let output = mem_top(&["--wrong"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("--wrong"));
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mem_top"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
