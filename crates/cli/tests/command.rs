//! The command without input: help, version, invalid arguments.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::{Command, Output, Stdio};

fn mem_top(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mem_top")).args(arguments).output().unwrap()
}

#[test]
fn help_is_printed_on_standard_output() {
    for arguments in [&[][..], &["--help"], &["-h"]] {
        let output = mem_top(arguments);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("memory leaks in running Python processes"), "{text}");
        assert!(output.stderr.is_empty());
    }
    assert!(String::from_utf8(mem_top(&[]).stdout).unwrap().contains("from mem_top import mem_top"));
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = mem_top(&["--version"]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        concat!("mem_top ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn an_unknown_argument_is_refused_on_standard_error() {
    let output = mem_top(&["--wrong"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("--wrong"));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mem_top"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_a_process_the_missing_argument_is_named() {
    let output = mem_top(&["--once"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: missing argument: PID or FILE\nhint: "), "{stderr}");
}

#[test]
fn a_misspelled_command_is_corrected() {
    let output = mem_top(&["leeks"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = "error: no such command, process or file: leeks\nhint: did you mean `mem_top leaks`?\n";
    assert_eq!(stderr, expected);
}
