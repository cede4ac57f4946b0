//! The output options, and what happens if the output cannot be written.

use std::process::Stdio;

use crate::shop::{LEAK, command, folder, mem_top, stdout};

#[test]
fn a_limit_of_0_shows_all_rows() {
    let folder = folder();
    let report = |limit: &str| {
        let output = mem_top(folder, &["report", "leak0.parquet", "--json", "--limit", limit]);
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap()
    };
    let count = |limit: &str| report(limit)["top"].as_array().unwrap().len();
    assert_eq!((count("2"), count("0")), (2, 203));
    assert_eq!(report("0")["types_omitted"], 0);
}

#[test]
fn colour_is_used_only_on_request() {
    let folder = folder();
    let coloured = |extra: &[&str], variable: Option<(&str, &str)>| {
        let mut command = command(folder, &[&LEAK[..], extra].concat());
        command.envs(variable);
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], None), "a pipe is not a terminal");
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color=always"], Some(("NO_COLOR", "1"))), "always overrides NO_COLOR");
    assert!(!coloured(&["--color=never"], None));
}

#[test]
fn a_locale_without_unicode_gets_ascii() {
    let folder = folder();
    let output = command(folder, &LEAK).env("LC_ALL", "C").output().unwrap();
    assert!(stdout(&output).is_ascii());
}

#[test]
fn a_reader_that_closes_the_pipe_is_not_an_error() {
    let folder = folder();
    let arguments = [&LEAK[..], &["--json"]].concat();
    let mut child =
        command(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "the exit status is that of the verdict");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let folder = folder();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(folder, &LEAK).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: cannot write the answer"));
}

#[test]
fn the_help_of_each_command_has_examples() {
    let folder = folder();
    for name in ["leaks", "report", "diff", "why"] {
        let output = mem_top(folder, &[name, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        let help = stdout(&output);
        assert!(help.contains(&format!("  mem_top {name} ")), "{help}");
        for option in ["--json", "--limit", "--color"] {
            assert!(help.contains(option), "{help}");
        }
    }
}
