//! A core file is read like the process that dumped it.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test fails by it; a skipped one says why")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::interpreters;
use memtop_cpython::{Layout, Memory};
use memtop_remote::{CaptureOptions, CopyOptions, RemoteError, Target};

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("memtop-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a program that dumps a core file in the directory. Returns its output and the file.
fn crash(python: &str, directory: &Path) -> Option<(Vec<u64>, PathBuf)> {
    crash_of(python, TEXT, directory)
}

const TEXT: &str = "
import os
known = ['mem_top' * 3, 4242421]
rest = bytearray(1 << 22)
print(id(known), id(known[0]), os.getpid(), flush=True)
os.abort()";

/// Runs a program that prints numbers and dumps a core file in the directory.
fn crash_of(python: &str, text: &str, directory: &Path) -> Option<(Vec<u64>, PathBuf)> {
    let script = "ulimit -c unlimited && exec \"$0\" -c \"$1\"";
    let output = Command::new("sh")
        .args(["-c", script, python, text])
        .current_dir(directory)
        .stderr(Stdio::null())
        .output()
        .expect("sh starts");
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers = line.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let files = fs::read_dir(directory).expect("its own").flatten().map(|entry| entry.path());
    let core = files
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")));
    if core.is_none() {
        eprintln!("skipped: this machine stores core files elsewhere (kernel.core_pattern)");
    }
    Some((numbers, core?))
}

#[test]
fn a_known_object_is_read_back_from_a_core_file_on_every_version() {
    for (&minor, python) in interpreters().iter().filter(|(minor, _)| Layout::of(**minor).is_some()) {
        let scratch = Scratch::new(&format!("core-{minor}"));
        let Some((numbers, core)) = crash(python, &scratch.0) else { return };
        let (target, copied) =
            Target::of_core(&core, None).unwrap_or_else(|error| panic!("3.{minor}: {error}"));
        assert_eq!(target.version.minor, minor);
        assert_eq!((target.program.as_str(), target.pid), ("-c", numbers[2] as u32));
        let image = &copied.image;
        assert_eq!(image.word(numbers[0] + 16), Some(2));
        let items = image.word(numbers[0] + 24).expect("its items");
        assert_eq!(image.word(items), Some(numbers[1]));
        let mut bytes = Vec::new();
        image.bytes(numbers[1] + if minor < 12 { 48 } else { 40 }, 21, &mut bytes).expect("the text");
        assert_eq!(bytes, "mem_top".repeat(3).into_bytes());
        // The name of a C type is in the interpreter's file, and not in the core file.
        let name = image.word(image.word(numbers[0] + 8).expect("a type") + 24).expect("a name");
        assert_eq!(image.half(name), Some(u32::from_le_bytes(*b"list")), "3.{minor}");
        assert_eq!(copied.threads.len(), 1);
        assert!(copied.pause.is_none() && copied.taken_at > 0 && !copied.notes.is_empty());
        assert!(target.copy(&CopyOptions::default()).is_err(), "its process is gone");
        let heap = Target::capture_core(&core, None, &CaptureOptions::default());
        let heap = heap.unwrap_or_else(|error| panic!("3.{minor}: {error}"));
        assert!(heap.objects().len() > 5000, "3.{minor}: {} objects", heap.objects().len());
        assert!(!heap.info().approximate);
    }
}

#[test]
fn other_files_and_damaged_core_files_are_refused() {
    let Some((_, python)) = interpreters().iter().rfind(|(minor, _)| Layout::of(**minor).is_some()) else {
        return;
    };
    let scratch = Scratch::new("cores");
    let no_file = Target::of_core(&scratch.0.join("none"), None).expect_err("no such file");
    assert!(no_file.hint().is_some_and(|hint| hint == "check the path"), "{no_file}");
    for (path, message) in [
        (scratch.0.as_path(), "not a regular file"),
        (Path::new("/proc/self/exe"), "another type of ELF file"),
    ] {
        let error = Target::of_core(path, None).expect_err("no core file");
        assert!(error.to_string().contains(message), "{error}");
    }
    let Some((_, core)) = crash(python, &scratch.0) else { return };
    let whole = fs::read(&core).expect("its own");
    let damaged = scratch.0.join("damaged");
    for length in [0, 10, 100, 5000, whole.len() / 4, whole.len() / 2] {
        fs::write(&damaged, &whole[..length]).expect("its own");
        match Target::of_core(&damaged, None) {
            Ok((_, copied)) => assert!(copied.notes.iter().any(|note| note.contains("truncated"))),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    // The headers are in the first pages.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..300 {
        let mut bytes = whole[..whole.len().min(1 << 20)].to_vec();
        for _ in 0..20 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let place = (random >> 33) as usize % (1 << 14);
            if place > 20 && place < bytes.len() {
                bytes[place] = (random >> 25) as u8;
            }
        }
        fs::write(&damaged, &bytes).expect("its own");
        if let Ok((_, copied)) = Target::of_core(&damaged, None) {
            for region in copied.image.regions() {
                let _ = copied.image.word(region.start);
                let _ = copied.image.word(region.end.wrapping_sub(4));
            }
        }
    }
}

#[test]
fn a_replaced_interpreter_is_reported_and_another_path_can_be_passed() {
    let Some((&minor, python)) = interpreters().iter().rfind(|(minor, _)| (10..=13).contains(*minor)) else {
        return;
    };
    let python = fs::canonicalize(python).expect("it is there");
    let library = format!("libpython3.{minor}.so.1.0");
    let place = python.parent().and_then(Path::parent).map(|prefix| prefix.join("lib").join(&library));
    let Some(place) = place.filter(|place| place.is_file()) else {
        eprintln!("skipped: the interpreter is not a shared library");
        return;
    };
    let scratch = Scratch::new("replaced");
    let moved = scratch.0.join(&library);
    fs::copy(&place, &moved).expect("a copy");
    let script = scratch.0.join("python");
    let text =
        format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n", scratch.0.display(), python.display());
    fs::write(&script, text).expect("a script");
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, rights).expect("its own");
    let Some((_, core)) = crash(&script.display().to_string(), &scratch.0) else { return };
    assert!(Target::of_core(&core, None).is_ok());
    fs::write(&moved, b"something else").expect("its own");
    let error = Target::of_core(&core, None).expect_err("its file was replaced");
    assert!(matches!(error, RemoteError::CoreWithoutFile { .. }), "{error}");
    assert!(error.to_string().contains(&library) && error.hint().is_some_and(|hint| hint.contains("--exe")));
    let (target, _) = Target::of_core(&core, Some(&place)).expect("the path is passed");
    assert_eq!(target.version.minor, minor);
}

#[test]
fn a_core_file_from_a_debugger_is_read() {
    let Some((_, python)) = interpreters().iter().rfind(|(minor, _)| (10..=13).contains(*minor)) else {
        return;
    };
    let mut program = common::Python::start(
        python,
        &format!("known = ['mem_top']\nprint(id(known), flush=True)\n{}", common::ECHO),
    );
    let known = program.numbers()[0];
    let scratch = Scratch::new("debugger");
    let core = scratch.0.join("core");
    let wrote = Command::new("gcore").arg("-o").arg(&core).arg(program.pid.to_string()).output();
    let core = scratch.0.join(format!("core.{}", program.pid));
    if !wrote.is_ok_and(|output| output.status.success()) || !core.is_file() {
        eprintln!("skipped: there is no gcore (gdb), or it wrote no file");
        return;
    }
    // It contains neither code nor constants of the interpreter, nor that they were mapped.
    let heap = Target::capture_core(&core, None, &CaptureOptions::default()).expect("it is read");
    let id = heap.objects().at_address(known).expect("the list is in it");
    assert_eq!((heap.type_name(id), heap.references().count_of(id)), ("list", 1));
    assert!(heap.objects().len() > 5000 && heap.info().damaged == 0);
    // A core file does not contain the start time of the process; the program is recognised by its
    // image.
    let process = Target::find(program.pid).expect("it runs on").identity;
    assert_eq!(heap.info().process.compare(&process), memtop_heap::SameProcess::Yes);
    // Another program is recognised by the addresses of its segments and by its dynamic section.
    let error = Target::of_core(&core, Some(Path::new("/bin/sh"))).expect_err("that is another program");
    assert!(matches!(error, RemoteError::NotItsFile { .. }), "{error}");
}

#[test]
fn a_path_in_a_core_file_is_not_trusted() {
    let Some((_, python)) = interpreters().iter().rfind(|(minor, _)| (10..=13).contains(*minor)) else {
        return;
    };
    let scratch = Scratch::new("believed");
    // A file whose second page was mapped. The core file contains neither page, since both are the
    // same as in the file.
    let text = "
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def mapped(name, text):
    with open(name, 'wb') as file:
        file.write(text * 2048)
    return libc.mmap(None, 4096, 1, 2, os.open(name, os.O_RDONLY), 4096)
text = mapped('secret', b'secret! ')
elf = mapped('program', open(sys.executable, 'rb').read(4096) + b'secret! ')
print(text, elf, flush=True)
os.abort()";
    let Some((numbers, core)) = crash_of(python, text, &scratch.0) else { return };
    let (target, copied) = Target::of_core(&core, None).expect("a Python");
    assert!(target.version.minor >= 10);
    for (number, what) in numbers.iter().zip(["a text", "an ELF file that fits nowhere"]) {
        let region = copied.image.regions().iter().find(|region| region.start == *number);
        let region = region.expect("its mapping is known");
        assert!(region.path.starts_with(&scratch.0.display().to_string()), "{}", region.path);
        assert_eq!(copied.image.word(*number), None, "{what} was taken for memory by its path");
    }
    // Opening a pipe would block.
    fs::remove_file(scratch.0.join("secret")).expect("its own");
    let made = Command::new("mkfifo").arg(scratch.0.join("secret")).status();
    assert!(made.is_ok_and(|status| status.success()));
    Target::of_core(&core, None).expect("a pipe is not opened");
}

#[test]
fn a_file_that_the_process_did_not_run_is_refused() {
    let Some((_, python)) = interpreters().iter().rfind(|(minor, _)| (10..=13).contains(*minor)) else {
        return;
    };
    let scratch = Scratch::new("other");
    let Some((_, core)) = crash(python, &scratch.0) else { return };
    let error = Target::of_core(&core, Some(Path::new("/bin/sh"))).expect_err("not Python");
    assert!(error.to_string().starts_with("/bin/sh: not the file that the process ran as /"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("the exact build")));
    let nowhere = scratch.0.join("none");
    let error = Target::of_core(&core, Some(&nowhere)).expect_err("no such file");
    assert!(error.to_string().starts_with(&format!("{}: cannot be read", nowhere.display())), "{error}");
    assert!(Target::of_core(&core, Some(Path::new(python))).is_ok(), "the program that it ran may be passed");
}
