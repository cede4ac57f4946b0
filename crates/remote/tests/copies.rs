//! Values that are read from a copy are those of the process, on every CPython that is found.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test fails by it; a skipped one says why")]

mod common;

use common::{ECHO, Python, interpreters, newest, state};
use memtop_cpython::{Layout, Memory};
use memtop_remote::{CopyOptions, RemoteError, Target, children, processes};

const PROGRAM: &str = "
known = ['mem_top' * 3, 4242421, b'bytes of it']
class Known:
    def __init__(self):
        self.names = known
held = Known()
print(id(known), id(known[0]), id(Known), id(type(known)), flush=True)
";

/// Reads a C string.
fn c_string(memory: &impl Memory, address: u64) -> String {
    let bytes = (0..100).map_while(|at| memory.byte(address + at).filter(|&byte| byte != 0));
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

#[test]
fn a_known_object_is_read_back_on_every_version() {
    if interpreters().is_empty() {
        eprintln!("skipped: no CPython was found");
    }
    for (&minor, python) in interpreters() {
        let mut program = Python::start(python, &format!("{PROGRAM}{ECHO}"));
        let numbers = program.numbers();
        let [list, text, class, list_type] = numbers[..] else { panic!("four numbers") };
        let target = match Target::find(program.pid) {
            Err(RemoteError::UnknownVersion { version, .. }) if Layout::of(minor).is_none() => {
                assert!(version.starts_with(&format!("3.{minor}.")), "{version}");
                eprintln!("3.{minor}: not supported");
                continue;
            }
            found => found.unwrap_or_else(|error| panic!("3.{minor}: {error}")),
        };
        assert_eq!((target.version.major, target.version.minor), (3, minor));
        assert_eq!(target.program, "-c");
        for pause in [true, false] {
            let copied = target
                .copy(&CopyOptions { pause, ..CopyOptions::default() })
                .unwrap_or_else(|error| panic!("3.{minor}: {error}"));
            let image = &copied.image;
            assert_eq!(copied.pause.is_some(), pause);
            assert_eq!(image.word(list + 8), Some(list_type), "3.{minor}: the list's type");
            assert_eq!(image.word(list + 16), Some(3), "3.{minor}: its length");
            let items = image.word(list + 24).expect("its items");
            assert_eq!(image.word(items), Some(text));
            let mut bytes = Vec::new();
            let ascii = if minor < 12 { 48 } else { 40 };
            image.bytes(text + ascii, 21, &mut bytes).expect("the text");
            assert_eq!(bytes, "mem_top".repeat(3).into_bytes());
            // The name of a C type is a constant in the file; that of a class is a str.
            assert_eq!(c_string(image, image.word(list_type + 24).expect("a name")), "list");
            assert_eq!(c_string(image, image.word(class + 24).expect("a name")), "Known");
            assert!(image.is_mapped(list) && !image.is_mapped(8));
            assert_eq!(image.word(8), None);
            assert!(image.resident(list & !4095, (list & !4095) + 4096) == 4096);
            assert!(copied.memory.rss.is_some_and(|rss| rss >= image.all_resident()));
            assert_eq!(copied.threads.len(), 1);
            assert_eq!(copied.identity.pid, program.pid);
        }
        assert!(program.is_alive());
        eprintln!("3.{minor}: {} in {}", target.version, target.file);
    }
}

#[test]
fn words_across_pages_are_whole_and_unread_memory_is_zero() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
at = libc.mmap(None, 1 << 24, 3, 0x22, -1, 0)
ctypes.memset(at + 4092, 0x11, 4)
ctypes.memset(at + 4096, 0x22, 4)
print(at, flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    let at = program.numbers()[0];
    let copied = Target::find(program.pid).and_then(|target| target.copy(&CopyOptions::default()));
    let copied = copied.expect("it can be copied");
    assert_eq!(copied.image.word(at + 4092), Some(0x2222_2222_1111_1111));
    assert_eq!(copied.image.half(at + 4094), Some(0x2222_1111));
    assert_eq!(copied.image.word(at + (8 << 20)), Some(0));
    assert_eq!(copied.image.resident(at, at + (1 << 24)) / 4096, 2);
    let mut bytes = Vec::new();
    assert_eq!(copied.image.bytes(at, 9000, &mut bytes), Some(()));
    assert_eq!((bytes[4095], bytes[4096], bytes[8999]), (0x11, 0x22, 0));
    assert_eq!(
        copied.image.bytes(at, 1 << 50, &mut bytes),
        None,
        "nothing is allocated for what is not there"
    );
}

#[test]
fn reading_does_not_grow_the_process() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
at = libc.mmap(None, 1 << 28, 3, 0x22, -1, 0)
print(at, flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    let at = program.numbers()[0];
    let status = || std::fs::read_to_string(format!("/proc/{}/status", program.pid)).expect("it lives");
    let number = |status: &str, name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a field");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    };
    let target = Target::find(program.pid).expect("a Python");
    let before = status();
    for _ in 0..3 {
        let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
        assert_eq!(copied.image.word(at + (1 << 27)), Some(0));
        // Names in files are read later, from the files.
        for region in copied.image.regions() {
            let _ = copied.image.word(region.start);
        }
    }
    let after = status();
    for field in ["VmRSS:", "RssAnon:", "RssFile:", "VmPTE:", "VmSwap:"] {
        assert_eq!(number(&after, field), number(&before, field), "{field}");
    }
    common::wait_until("it waits again", || state(program.pid) == 'S');
}

#[test]
fn large_numbers_are_skipped_and_large_lists_are_not() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import array
numbers = array.array('d', [1.5]) * (8 << 20)
things = [object() for _ in range(1000)] * 8000
keys = dict.fromkeys(range(3_000_000))
more = array.array('d', [1.5]) * (8 << 20)
text = 'x' * (64 << 20)
print(id(things), numbers.buffer_info()[0], id(things[-1]), id(keys), id(text), flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    let numbers = program.numbers();
    let target = Target::find(program.pid).expect("a Python");
    let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
    assert!(copied.skipped > 150 << 20, "{} bytes were left out", copied.skipped);
    let items = copied.image.word(numbers[0] + 24).expect("the list's items");
    assert_eq!(copied.image.read_late(), 0);
    for item in 0..8_000_000 {
        let object = copied.image.word(items + item * 8).expect("an item");
        assert!(copied.image.word(object + 8).is_some());
    }
    assert_eq!(copied.image.word(items + 7_999_999 * 8), Some(numbers[2]));
    // The header of a large key table, which contains no address; the header of a str.
    let table = copied.image.word(numbers[3] + 32).expect("the dict's keys");
    assert_eq!(copied.image.word(table), Some(1), "its reference count");
    assert!(copied.image.word(table + 16).is_some());
    assert_eq!(copied.image.word(numbers[4] + 16), Some(64 << 20), "the text's length");
    assert_eq!(copied.image.read_late(), 0, "all that is needed was copied");
    // Skipped memory can still be read.
    let middle = numbers[1] + (32 << 20);
    assert_eq!(copied.image.word(middle), Some(1.5_f64.to_bits()));
    assert!(copied.image.read_late() > 0);
    let whole = target.copy(&CopyOptions { large_mappings: true, ..CopyOptions::default() });
    let whole = whole.expect("it can be copied");
    assert_eq!(whole.skipped, 0);
    assert!(whole.bytes > copied.bytes + (50 << 20));
    assert_eq!(whole.image.word(middle), Some(1.5_f64.to_bits()));
    assert_eq!(whole.image.read_late(), 0);
}

#[test]
fn python_processes_and_children_are_listed() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import os, sys, subprocess
child = subprocess.Popen([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(1000)'], stdout=-1)
child.stdout.readline()
other = subprocess.Popen(['sleep', '1000'])
print(child.pid, other.pid, flush=True)
{ECHO}
child.kill(); other.kill()
"
    );
    let mut program = Python::start(python, &text);
    let numbers = program.numbers();
    let (child, other) = (numbers[0] as u32, numbers[1] as u32);
    let listed = processes();
    let of = |pid| listed.iter().find(|process| process.pid == pid);
    let found = of(program.pid).expect("it is listed");
    assert_eq!(found.problem, None);
    assert!(found.version.is_some() && found.rss > 1 << 20 && found.command.contains("-c"));
    assert!(of(child).is_some());
    assert!(of(other).is_none(), "sleep is no Python");
    assert!(of(std::process::id()).is_none());
    assert_eq!(children(program.pid), [child]);
    assert!(matches!(Target::find(other), Err(RemoteError::NotPython { .. })));
    for pid in [child, other] {
        let _ = std::process::Command::new("kill").arg(pid.to_string()).status();
    }
}

/// Finds and copies a process. Another test runs this with fewer capabilities.
#[test]
#[ignore = "another test starts it as a process"]
fn finds_with_fewer_capabilities() {
    let Some(pid) = std::env::var("MEMTOP_TEST_PID").ok().and_then(|pid| pid.parse().ok()) else { return };
    let target = Target::find(pid).expect("a Python");
    let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
    eprintln!("found {} in {}, {} bytes", target.version, target.file, copied.bytes);
}

#[test]
fn an_interpreter_whose_file_was_deleted_is_found_in_memory() {
    let Some((minor, python)) = interpreters().iter().rfind(|(minor, _)| (10..=13).contains(*minor)) else {
        return;
    };
    let python = std::fs::canonicalize(python).expect("it is there");
    let library = format!("libpython3.{minor}.so.1.0");
    let place = python.parent().and_then(|bin| bin.parent()).map(|prefix| prefix.join("lib").join(&library));
    let Some(place) = place.filter(|place| place.is_file()) else {
        eprintln!("skipped: the interpreter is not a shared library");
        return;
    };
    let scratch = std::env::temp_dir().join(format!("memtop-deleted-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a directory");
    std::fs::copy(&place, scratch.join(&library)).expect("a copy");
    let mut command = std::process::Command::new(&python);
    command.args(["-c", &format!("print('ready', flush=True)\n{ECHO}")]).env("LD_LIBRARY_PATH", &scratch);
    let mut program = Python::of(command);
    assert_eq!(program.line(), "ready");
    std::fs::remove_dir_all(&scratch).expect("its own");
    let whole = Target::find(program.pid).expect("it is found");
    assert!(whole.file.ends_with("(deleted)"), "{}", whole.file);
    whole.copy(&CopyOptions::default()).expect("it can be copied");
    // Root may open a deleted file through its mapping; others may not.
    let output = std::process::Command::new("setpriv")
        .arg("--bounding-set=-sys_admin,-checkpoint_restore")
        .arg(std::env::current_exe().expect("a test has a binary"))
        .args(["--exact", "finds_with_fewer_capabilities", "--ignored", "--nocapture"])
        .env("MEMTOP_TEST_PID", program.pid.to_string())
        .output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
    if said.contains("setpriv:") || said.is_empty() {
        eprintln!("skipped: capabilities cannot be dropped ({said})");
        return;
    }
    assert!(said.contains(&format!("found {} in {}", whole.version, whole.file)), "{said}");
}
