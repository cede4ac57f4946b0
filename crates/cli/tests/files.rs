//! The commands on files: their answers, their exit statuses, and what they say when they fail.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use expect_test::{Expect, expect};
use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, Heap, MemoryNumbers, ProcessIdentity, PythonVersion};

/// A minute's capture of the process `pid`.
fn info(pid: u32, minute: u64) -> CaptureInfo {
    CaptureInfo {
        taken_at: 1_795_420_213_000_000 + 60_000_000 * minute.cast_signed(),
        uptime: Some(60_000_000 * minute),
        process: ProcessIdentity { pid, started: 1, boot: "b".into(), ..ProcessIdentity::default() },
        python: PythonVersion { major: 3, minor: 11, micro: 7, suffix: String::new() },
        implementation: "cpython".into(),
        program: "worker.py".into(),
        pause: Some(12_300_000),
        memory: MemoryNumbers { rss: Some(9_000_000), ..MemoryNumbers::default() },
        ..CaptureInfo::default()
    }
}

/// A shop with so many sessions. Objects of one number lie at one address however many there are.
fn shop(sessions: usize, info: CaptureInfo) -> Heap {
    let mut text = "module:shop!own -> globals:dict[360] -> sessions:shop.Sessions('sessions')[56]
        sessions -> by_token:dict(.by_token)[2000]\n"
        .to_owned();
    for number in 0..sessions {
        let _ = writeln!(text, "by_token -> s{number}:shop.Session([*])[56] -> c{number}:list(.cart)[200]");
    }
    graph_with_accounts(&text, info).heap().clone()
}

/// A folder with four snapshots of a shop that leaks (`leak0` …), four of one that does not (`calm0` …), and one of
/// another process.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("files");
        std::fs::create_dir_all(&folder).unwrap();
        let save = |name: String, heap: &Heap| {
            let path = folder.join(name + ".parquet");
            memtop_snapshot::save(heap, None, &path, &memtop_snapshot::SaveOptions::default()).unwrap();
        };
        for minute in 0..4 {
            save(format!("leak{minute}"), &shop(100 * (minute + 1), info(4711, minute as u64)));
            save(format!("calm{minute}"), &shop(100, info(4711, minute as u64)));
        }
        save("other".to_owned(), &shop(100, info(4712, 9)));
        folder
    })
}

/// Runs `mem_top` in the folder.
fn mem_top(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mem_top"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR").env_remove("COLUMNS");
    command.env_remove("LC_ALL").env_remove("LC_CTYPE").env_remove("LANG");
    command
}

fn stdout(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The answer and its exit status.
fn answers(arguments: &[&str], status: i32, expected: &Expect) {
    let output = mem_top(folder(), arguments);
    expected.assert_eq(&stdout(&output));
    assert_eq!(output.status.code(), Some(status));
}

/// What it says when it fails.
fn fails(arguments: &[&str], expected: &Expect) {
    let output = mem_top(folder(), arguments);
    expected.assert_eq(&String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
}

const LEAK: [&str; 5] = ["leaks", "leak0.parquet", "leak1.parquet", "leak2.parquet", "leak3.parquet"];
const CALM: [&str; 5] = ["leaks", "calm0.parquet", "calm1.parquet", "calm2.parquet", "calm3.parquet"];

#[test]
fn a_leak_is_named_and_exits_with_1() {
    answers(
        &LEAK,
        1,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:53:13 UTC
            verdict: leak
            shop.sessions.by_token keeps growing: 76.8 kB in total

            suspect · confidence 88 % · cause: container
            shop.sessions.by_token (a dict) gained 100 shop.Session objects per minute in each of 3 intervals (100 % of all growth)
            and retains 104.4 kB.

            ┬───
            │ module shop
            ├─ sessions → shop.Sessions
            ╰→ .by_token → dict    400 items  (+100 per minute, in each of 3 intervals)
                 retains 104.4 kB (+25.6 kB per minute) · 100 % of all growth
                 items by type  now  growth     bytes
                 shop.Session   400    +300  +16.8 kB
                 list           400    +300  +60.0 kB
                 in your code: shop.sessions
                 - it grew in each of 3 intervals: +100, +100, +100 items
                 - about 100 items per interval, at least 100 (Theil–Sen, 95 %)
                 - 76.8 kB in total, 100 % of all growth
                 - it retains 104.4 kB (+76.8 kB)
                 fingerprint cb136cac7ba4fd88

            memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
              after  objects  resident    Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB   28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              1 min      403    9.0 MB   53.6 kB     ?        ?      ?       8.9 MB  12.3 ms
              2 min      603    9.0 MB   79.2 kB     ?        ?      ?       8.9 MB  12.3 ms
              3 min      803    9.0 MB  104.8 kB     ?        ?      ?       8.9 MB  12.3 ms
            cost: the process was paused for 49.2 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn no_growth_exits_with_0() {
    answers(
        &CALM,
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:53:13 UTC
            verdict: no growth
            no place grew in every interval; growth of 334 B per interval in one place would have been detected

            memory over time: 4 snapshots in 3 min, from 2026-11-23 07:50:13 UTC
              after  objects  resident   Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              1 min      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              2 min      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              3 min      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
            cost: the process was paused for 49.2 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn what_cannot_be_told_exits_with_3() {
    answers(
        &["leaks", "leak0.parquet"],
        3,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC
            verdict: inconclusive
            one snapshot shows where memory is, not where it grows: take three or more

            candidate · cause: container
            shop.sessions.by_token retains 27.6 kB, 99 % of the heap.
            in doubt: one snapshot shows what is large, not what grows

            ┬───
            │ module shop
            ├─ sessions → shop.Sessions
            ╰→ .by_token → dict
                 retains 27.6 kB
                 items by type  now  growth    bytes
                 shop.Session   100       ?  25.6 kB
                 - it retains 27.6 kB, 99 % of the heap
                 fingerprint cb136cac7ba4fd88

            memory over time: 1 snapshot, 2026-11-23 07:50:13 UTC
              after  objects  resident   Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
            cost: the process was paused for 12.3 ms in total, 12.3 ms at most
        "#]],
    );
    answers(
        &["leaks", "leak0.parquet", "leak1.parquet"],
        3,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:51:13 UTC
            verdict: inconclusive
            shop.sessions.by_token grew, but with only 2 snapshots, its growth may be warm-up; take 4 or more

            candidate · confidence 25 % · cause: container
            shop.sessions.by_token (a dict) gained 100 shop.Session objects per minute in one interval (100 % of all growth) and
            retains 53.2 kB.
            in doubt: with only 2 snapshots, its growth may be warm-up; take 4 or more

            ┬───
            │ module shop
            ├─ sessions → shop.Sessions
            ╰→ .by_token → dict    200 items  (+100 per minute, in one interval)
                 retains 53.2 kB (+25.6 kB per minute) · 100 % of all growth
                 items by type  now  growth     bytes
                 shop.Session   200    +100   +5.6 kB
                 list           200    +100  +20.0 kB
                 in your code: shop.sessions
                 - it grew in one interval: +100 items
                 - 25.6 kB in total, 100 % of all growth
                 - it retains 53.2 kB (+25.6 kB)
                 fingerprint cb136cac7ba4fd88

            memory over time: 2 snapshots in 1 min, from 2026-11-23 07:50:13 UTC
              after  objects  resident   Python  free  buffers  files  unexplained    pause
                0 s      203    9.0 MB  28.0 kB     ?        ?      ?       9.0 MB  12.3 ms
              1 min      403    9.0 MB  53.6 kB     ?        ?      ?       8.9 MB  12.3 ms
            cost: the process was paused for 24.6 ms in total, 12.3 ms at most
        "#]],
    );
}

#[test]
fn a_large_threshold_lets_a_small_leak_go() {
    let output = mem_top(folder(), &[&LEAK[..], &["--min-growth", "1 MiB"]].concat());
    assert!(stdout(&output).contains("\nverdict: no growth\n"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn files_in_another_order_are_put_in_order() {
    let folder = folder();
    let shuffled = ["leaks", "leak2.parquet", "leak0.parquet", "leak3.parquet", "leak1.parquet"];
    let [sorted, shuffled] = [&LEAK, &shuffled].map(|arguments| stdout(&mem_top(folder, arguments)));
    let note = "note: the snapshots were not in chronological order, and were sorted\n";
    assert!(shuffled.contains(note), "{shuffled}");
    assert_eq!(shuffled.replace(note, ""), sorted);
}

#[test]
fn the_json_of_leaks_is_read_by_a_reader() {
    let output = mem_top(folder(), &[&LEAK[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["suspects"][0]["holder"], "shop.sessions.by_token");
    assert_eq!(answer["suspects"][0]["leaked"][0]["type"], "shop.Session");
    assert_eq!(answer["snapshots"].as_array().unwrap().len(), 4);
}

#[test]
fn the_report_of_one_heap() {
    answers(
        &["report", "leak3.parquet", "--limit", "3"],
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:53:13 UTC
            803 objects, 104.8 kB, 802 references; resident memory 9.0 MB

            where memory accumulates
              1. One shop.Sessions object, at shop.sessions, retains 104.5 kB (100 % of the heap). The memory accumulates in
                 shop.sessions.by_token (dict), which retains 104.4 kB. It holds 400 shop.Session objects (102.4 kB).

            types by retained size
              objects    bytes  retained  type
                    2   2.4 kB  104.8 kB  dict
                    1     56 B  104.5 kB  shop.Sessions
                  400  22.4 kB  102.4 kB  shop.Session
              and 1 more type

            objects by retained size
              retained    size  references  address  type           path
              104.8 kB   360 B           1   0x1000  dict           shop
              104.5 kB    56 B           1   0x1010  shop.Sessions  shop.sessions
              104.4 kB  2.0 kB         400   0x1020  dict           shop.sessions.by_token

            resident memory: 9.0 MB
              part                            bytes    share
              Python objects               104.8 kB      1 %
                list                        80.0 kB    0.9 %
                other classes               22.5 kB    0.2 %
                dict                         2.4 kB  < 0.1 %
              free, held by pymalloc        unknown
              free, held by malloc          unknown
              known (mmap, thread stacks)   unknown
              pages of files                unknown
              unexplained                    8.9 MB     99 %

            roots
              roots  kind
                  1  module

            held by native code, and garbage
              no object is held by native code alone
              there is no garbage

            the capture
              made by hand; paused for 12.3 ms
        "#]],
    );
}

#[test]
fn a_diff_of_two() {
    answers(
        &["diff", "leak0.parquet", "leak2.parquet"],
        0,
        &expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:52:13 UTC
        +400 objects, +51.2 kB within 2 min: from 203 (28.0 kB) to 603 (79.2 kB)

             bytes  objects  bytes now  objects now  type
          +40.0 kB     +200    60.0 kB          300  list
          +11.2 kB     +200    16.8 kB          300  shop.Session
    "#]],
    );
    answers(
        &["diff", "calm0.parquet", "calm1.parquet"],
        0,
        &expect![[r#"
        PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:51:13 UTC
        0 objects, 0 B within 1 min: from 203 (28.0 kB) to 203 (28.0 kB)

        no type changed
    "#]],
    );
}

#[test]
fn different_processes_are_compared_only_if_asked_for() {
    let advice = expect![[r#"
        error: snapshots 1 and 2 are of different processes (PID 4711 and PID 4712): growth can only be measured within one process
        hint: 1 is leak0.parquet, 2 is other.parquet; to compare them all the same, add --any-process
    "#]];
    fails(&["diff", "leak0.parquet", "other.parquet"], &advice);
    let output = mem_top(folder(), &["diff", "--any-process", "leak1.parquet", "other.parquet"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("shop.Session"));
    fails(
        &["leaks", "leak0.parquet", "leak1.parquet", "other.parquet"],
        &expect![[r#"
            error: snapshots 1 and 3 are of different processes (PID 4711 and PID 4712): growth can only be measured within one process
            hint: 1 is leak0.parquet, 3 is other.parquet; give snapshots of one process, taken while it ran one program
        "#]],
    );
}

#[test]
fn why_a_type_and_an_object_are_alive() {
    answers(
        &["why", "leak0.parquet", "Session"],
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC
            shop.Session: 100 objects
              objects   bytes  held by                    one of them
                  100  5.6 kB  shop.sessions.by_token[*]       0x1030
        "#]],
    );
    answers(
        &["why", "leak0.parquet", "0x1050"],
        0,
        &expect![[r#"
            PID 4711, worker.py, CPython 3.11.7, 2026-11-23 07:50:13 UTC
            shop.Session at 0x1050: 56 B, retains 256 B
            it stays alive as long as one of these paths exists:
              shop.sessions.by_token[*]
            it would be freed without this object, its immediate dominator:
              shop.sessions.by_token
        "#]],
    );
    answers(
        &["why", "leak0.parquet", "4176", "--json"],
        0,
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "why",
              "object": {
                "address": "0x1050",
                "type": "shop.Session",
                "bytes": 56,
                "retained_bytes": 256,
                "garbage": false
              },
              "paths": [
                {
                  "text": "shop.sessions.by_token[*]",
                  "root": {
                    "kind": "module",
                    "name": "shop",
                    "file": null,
                    "line": null,
                    "thread": null
                  },
                  "steps": [
                    {
                      "label": ".sessions",
                      "type": "shop.Sessions",
                      "repeated": false
                    },
                    {
                      "label": ".by_token",
                      "type": "dict",
                      "repeated": false
                    },
                    {
                      "label": "[*]",
                      "type": "shop.Session",
                      "repeated": false
                    }
                  ]
                }
              ],
              "omitted": 0,
              "dominator": {
                "text": "shop.sessions.by_token",
                "root": {
                  "kind": "module",
                  "name": "shop",
                  "file": null,
                  "line": null,
                  "thread": null
                },
                "steps": [
                  {
                    "label": ".sessions",
                    "type": "shop.Sessions",
                    "repeated": false
                  },
                  {
                    "label": ".by_token",
                    "type": "dict",
                    "repeated": false
                  }
                ]
              },
              "capture": {
                "taken_at": "2026-11-23T07:50:13Z",
                "pid": 4711,
                "namespace_pid": null,
                "host": null,
                "container": null,
                "program": "worker.py",
                "implementation": "cpython",
                "python": "3.11.7",
                "method": "made",
                "pause_ms": 12.3,
                "duration_ms": null,
                "work": null,
                "with_keys": false,
                "approximate": false,
                "damaged": 0,
                "dangling": 0,
                "notes": []
              }
            }
        "#]],
    );
}

#[test]
fn what_is_not_there_is_told_with_what_is_near() {
    fails(
        &["why", "leak0.parquet", "shop.Sesion"],
        &expect![[r#"
        error: no type in leak0.parquet is called "shop.Sesion"
        hint: did you mean shop.Session, or shop.Sessions?
    "#]],
    );
    fails(
        &["why", "leak0.parquet", "zzz"],
        &expect![[r#"
        error: no type in leak0.parquet is called "zzz"
        hint: `mem_top report leak0.parquet` shows the types
    "#]],
    );
    fails(
        &["why", "leak0.parquet", "0x1"],
        &expect![[r#"
        error: no object lies at 0x1 in leak0.parquet
        hint: it may have died before the snapshot, or come after it; `mem_top report` shows addresses
    "#]],
    );
    fails(
        &["why", "leak0.parquet", "0xnone"],
        &expect![[r#"
        error: "0xnone" is no address
        hint: write an address as hex(id(obj)) does (0x7f3c5a0e1d50), or as id(obj) does
    "#]],
    );
    fails(
        &["report", "missing.parquet"],
        &expect![[r#"
        error: missing.parquet: no such file
        hint: check the path; snapshot.save() or mem_top dump creates a snapshot
    "#]],
    );
    fails(
        &["report", "."],
        &expect![[r#"
        error: .: not a regular file but a directory
        hint: give the path of a file
    "#]],
    );
    fails(
        &["leaks", "leak0.parquet", "leak1.parquet", "./leak0.parquet"],
        &expect![[r#"
        error: leak0.parquet and ./leak0.parquet are one file
        hint: give each snapshot once
    "#]],
    );
    fails(
        &["leaks", "--min-growth", "3 apples", "leak0.parquet"],
        &expect![[r#"
        error: invalid value '3 apples' for '--min-growth <SIZE>': "apples" is no unit of size: B, kB, MB, GB, TB (powers of ten), KiB, MiB, GiB, TiB (powers of two)

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn a_name_in_a_failure_cannot_steer_the_terminal() {
    fails(
        &["report", "\x1b[2J.parquet"],
        &expect![[r#"
        error: \x1b[2J.parquet: no such file
        hint: check the path; snapshot.save() or mem_top dump creates a snapshot
    "#]],
    );
}

#[test]
fn a_limit_of_none_shows_all() {
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
fn colour_is_for_who_asks() {
    let folder = folder();
    let coloured = |extra: &[&str], variable: Option<(&str, &str)>| {
        let mut command = command(folder, &[&LEAK[..], extra].concat());
        command.envs(variable);
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], None), "a pipe is no terminal");
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color=always"], Some(("NO_COLOR", "1"))), "who says always means it");
    assert!(!coloured(&["--color=never"], None));
}

#[test]
fn a_locale_without_unicode_gets_ascii() {
    let folder = folder();
    let output = command(folder, &LEAK).env("LC_ALL", "C").output().unwrap();
    assert!(stdout(&output).is_ascii());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder();
    let arguments = [&LEAK[..], &["--json"]].concat();
    let mut child =
        command(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "the verdict stands, read or not");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let folder = folder();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(folder, &LEAK).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: the answer cannot be written"));
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
