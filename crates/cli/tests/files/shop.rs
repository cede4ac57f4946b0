//! Snapshots of a shop in a folder, and the command run in that folder.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use expect_test::Expect;
use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, Heap, MemoryNumbers, ProcessIdentity, PythonVersion};

/// A capture of the process `pid` at a given minute.
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

/// A shop with a number of sessions. The n-th object has the same address in each of them.
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
pub(crate) fn folder() -> &'static Path {
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
pub(crate) fn mem_top(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mem_top"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR").env_remove("COLUMNS");
    command.env_remove("LC_ALL").env_remove("LC_CTYPE").env_remove("LANG");
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Checks an answer and its exit status.
pub(crate) fn answers(arguments: &[&str], status: i32, expected: &Expect) {
    let output = mem_top(folder(), arguments);
    expected.assert_eq(&stdout(&output));
    assert_eq!(output.status.code(), Some(status));
}

/// Checks an error.
pub(crate) fn fails(arguments: &[&str], expected: &Expect) {
    let output = mem_top(folder(), arguments);
    expected.assert_eq(&String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
}

/// The arguments of `leaks` for the shop that leaks.
pub(crate) const LEAK: [&str; 5] =
    ["leaks", "leak0.parquet", "leak1.parquet", "leak2.parquet", "leak3.parquet"];
/// The arguments of `leaks` for the shop that does not.
pub(crate) const CALM: [&str; 5] =
    ["leaks", "calm0.parquet", "calm1.parquet", "calm2.parquet", "calm3.parquet"];
