//! Hostile processes: files with wrong sizes, paths that lead elsewhere, file systems that do not
//! answer. Also processes whose main thread has ended, or whose number was reused.
//!
//! The file is long because half of it is the hostile programs, among them a file system in user space.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test fails by it; a skipped one says why")]
#![expect(unsafe_code, reason = "asks the system which files are opened (inotify)")]

mod common;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::FromRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{ECHO, Python, interpreters, newest, state, wait_until};
use memtop_cpython::Layout;
use memtop_remote::{CaptureOptions, CopyOptions, RemoteError, Target, process_stats, processes};

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

/// A program that maps files privately, each several times, touches each page on request, and
/// waits.
const MAPPER: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **words) {
    long times = atol(words[1]), length = atol(words[2]), touch = atol(words[3]);
    volatile char sum = 0;
    for (int word = 4; word < count; word++) {
        int file = open(words[word], O_RDONLY);
        for (long time = 0; time < times; time++) {
            char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
            if (at == MAP_FAILED) { perror("mmap"); return 1; }
            for (long page = 0; touch && page < length; page += 4096) sum += at[page];
        }
    }
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
"#;

/// Compiles a program. `None` if there is no compiler.
fn compiled(scratch: &Scratch, text: &str) -> Option<PathBuf> {
    let (source, program) = (scratch.0.join("program.c"), scratch.0.join("program"));
    fs::write(&source, text).expect("a file");
    let done = Command::new("cc").arg("-o").arg(&program).arg(&source).status();
    if !done.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no C compiler");
        return None;
    }
    Some(program)
}

/// A mapper that is ready.
fn mapper(program: &Path, times: u64, length: u64, touch: bool, files: &[PathBuf]) -> Python {
    let mut command = Command::new(program);
    command.args([times.to_string(), length.to_string(), u8::from(touch).to_string()]).args(files);
    let mut mapper = Python::of(command);
    assert_eq!(mapper.line(), "ready");
    mapper
}

/// Writes a sparse ELF file: one writable segment of `length` bytes, a symbol table and the names,
/// each by offset and size. The first symbol after the null symbol is `_PyRuntime`.
fn sparse(path: &Path, length: u64, symbols: (u64, u64), names: (u64, u64)) {
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    let word = |bytes: &mut Vec<u8>, words: &[u64]| {
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    // No entry point; program and section headers; sizes and counts of both, and the section with
    // names.
    word(&mut head, &[0, 64, 120]);
    head.extend(0_u32.to_le_bytes());
    head.extend([64_u16, 56, 1, 64, 3, 2].into_iter().flat_map(u16::to_le_bytes));
    head.extend([1_u32, 6].into_iter().flat_map(u32::to_le_bytes));
    word(&mut head, &[0, 0, 0, length, length, 4096]);
    head.extend([0; 64]);
    for (kind, (place, size), link) in [(11_u32, symbols, 2_u32), (3, names, 0)] {
        head.extend([0, kind].into_iter().flat_map(u32::to_le_bytes));
        word(&mut head, &[0, 0, place, size]);
        head.extend([link, 0].into_iter().flat_map(u32::to_le_bytes));
        word(&mut head, &[8, 24]);
    }
    let mut symbol = [1_u32, 0x0001_0011].into_iter().flat_map(u32::to_le_bytes).collect();
    word(&mut symbol, &[0x1000, 8]);
    let mut file = File::create(path).expect("a file");
    file.write_all(&head).expect("room");
    for (place, bytes) in [(symbols.0 + 24, &symbol[..]), (names.0, b"\0_PyRuntime\0")] {
        file.seek(SeekFrom::Start(place)).expect("a place");
        file.write_all(bytes).expect("room");
    }
    let end = length.max(symbols.0 + symbols.1).max(names.0 + names.1);
    file.set_len(end).expect("a sparse file");
}

/// Finds the interpreter in a process, and prints the bytes that were read, the peak memory and the
/// result. Other tests run this in a process of its own.
#[test]
#[ignore = "another test starts it as a process"]
fn finds_and_counts() {
    let Some(pid) = std::env::var("MEMTOP_TEST_PID").ok().and_then(|pid| pid.parse().ok()) else { return };
    let number = |path: &str, name: &str| -> u64 {
        let text = fs::read_to_string(path).expect("a file of the system's");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
        line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
    };
    let before = number("/proc/self/io", "rchar:");
    // The test is about bytes, not about time.
    let found = Target::find_within(pid, Duration::from_secs(3600));
    let read = number("/proc/self/io", "rchar:") - before;
    let peak = number("/proc/self/status", "VmHWM:") * 1024;
    match found {
        Ok(target) => eprintln!("{read} {peak} found {} in {}", target.version, target.file),
        Err(error) => eprintln!("{read} {peak} {error}"),
    }
}

/// The output of `finds_and_counts` in a process of its own: bytes that it read, its peak memory,
/// and the result. It runs without the capabilities in `rights`.
fn look(pid: u32, rights: &str) -> Option<(u64, u64, String)> {
    let own = std::env::current_exe().expect("a test has a binary");
    let mut command = match rights {
        "" => Command::new(own),
        rights => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--bounding-set={rights}")).arg(own);
            command
        }
    };
    command.args(["--exact", "finds_and_counts", "--ignored", "--nocapture"]);
    let output = command.env("MEMTOP_TEST_PID", pid.to_string()).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
    let told = said.lines().find_map(|line| {
        let mut words = line.splitn(3, ' ');
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.to_owned()))
    });
    if told.is_none() {
        eprintln!("skipped: the process does not start: {said}");
    }
    told
}

const MB: u64 = 1 << 20;

#[test]
fn sizes_in_a_file_are_not_trusted() {
    let scratch = Scratch::new("sparse");
    let Some(program) = compiled(&scratch, MAPPER) else { return };
    // Gigabytes of symbols; gigabytes of names.
    for (symbols, names) in [(3 << 30, MB), (MB, 3 << 30)] {
        let file = scratch.0.join("sparse");
        sparse(&file, 4096, (MB, symbols), (4 << 30, names));
        let mapper = mapper(&program, 1, 4096, true, &[file]);
        let Some((read, peak, said)) = look(mapper.pid, "") else { return };
        assert!(said.contains("is not a Python process"), "{said}");
        assert!(read < 16 * MB && peak < 64 * MB, "{read} bytes read, {peak} bytes of memory");
    }
}

#[test]
fn tables_of_many_files_are_read_up_to_a_bound() {
    let scratch = Scratch::new("tables");
    let Some(program) = compiled(&scratch, MAPPER) else { return };
    // Each table is small enough by itself.
    let files: Vec<PathBuf> = (0..40).map(|number| scratch.0.join(format!("sparse-{number}"))).collect();
    for file in &files {
        sparse(file, 4096, (MB, 60 * MB), (64 * MB, 60 * MB));
        // It does not contain `_PyRuntime`.
        let mut bytes = File::options().write(true).open(file).expect("its own");
        bytes.seek(SeekFrom::Start(64 * MB)).expect("a place");
        bytes.write_all(b"\0_PyNothing\0").expect("room");
    }
    let mapper = mapper(&program, 1, 4096, true, &files);
    let Some((read, peak, said)) = look(mapper.pid, "") else { return };
    assert!(said.contains("in the first 256 MiB of the symbols"), "{said}");
    assert!(read < 300 * MB && peak < 128 * MB, "{read} bytes read, {peak} bytes of memory");
}

#[test]
fn many_mappings_of_one_file_are_read_up_to_a_bound() {
    let scratch = Scratch::new("mappings");
    let Some(program) = compiled(&scratch, MAPPER) else { return };
    let file = scratch.0.join("interpreter");
    // An interpreter without `Py_Version`: the version is searched in the variables.
    sparse(&file, 15 * MB, (8192, 48), (4096, 12));
    let mapper = mapper(&program, 150, 15 * MB, true, &[file]);
    let Some((read, peak, said)) = look(mapper.pid, "") else { return };
    assert!(said.contains("cannot determine the version"), "{said}");
    assert!(read < 64 * MB && peak < 100 * MB, "{read} bytes read, {peak} bytes of memory");
}

#[test]
fn no_link_of_a_process_leads_out_of_its_root() {
    let scratch = Scratch::new("links");
    let Some(program) = compiled(&scratch, MAPPER) else { return };
    let (secret, folder) = (scratch.0.join("secret"), scratch.0.join("folder"));
    fs::create_dir(&folder).expect("a directory");
    // The target of the link begins like the mapped file, and is another file.
    let library = folder.join("libpython-evil.so");
    sparse(&library, 4096, (8192, 48), (4096, 12));
    fs::copy(&library, &secret).expect("a copy");
    let script = format!(
        "{} 1 4096 1 {library} & mapper=$!; until grep -q evil /proc/$mapper/maps; do sleep 0.02; done; mount -t tmpfs none {folder} && ln -s {secret} {library} && \
         echo $mapper && wait",
        program.display(),
        library = library.display(),
        folder = folder.display(),
        secret = secret.display(),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &script]);
    let mut unshare = Python::of(command);
    let mut line = String::new();
    while !line.trim().bytes().all(|byte| byte.is_ascii_digit()) || line.trim().is_empty() {
        line.clear();
        if unshare.try_line(&mut line).is_none() {
            eprintln!("skipped: this machine permits no new namespace");
            return;
        }
    }
    let shell = fs::read_to_string(format!("/proc/{0}/task/{0}/children", unshare.pid)).expect("a child");
    let shell: u32 = shell.trim().parse().expect("one child");
    let of_shell = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("a child");
    let mapper: u32 =
        of_shell.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("the mapper");
    let watch = Watch::new(&secret);
    // Through its mapping, and by its path if that is not permitted.
    for rights in ["", "-sys_admin,-checkpoint_restore"] {
        let Some((_, _, said)) = look(mapper, rights) else { return };
        assert!(!said.contains("found"), "{said}");
        assert_eq!(watch.opened(), 0, "a file outside of the root was opened ({rights})");
    }
    File::open(&secret).expect("its own");
    assert!(watch.opened() > 0, "it is noticed when it is opened");
}

/// Watches a file for being opened or read.
struct Watch(File);

impl Watch {
    fn new(path: &Path) -> Self {
        let text = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
        // SAFETY: makes a descriptor, and adds a path to it that ends with a zero.
        let descriptor = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
        assert!(descriptor >= 0);
        // SAFETY: as above.
        let added =
            unsafe { libc::inotify_add_watch(descriptor, text.as_ptr(), libc::IN_OPEN | libc::IN_ACCESS) };
        assert!(added >= 0);
        // SAFETY: the descriptor was made above, and nothing else has it.
        Self(unsafe { File::from_raw_fd(descriptor) })
    }

    /// The number of bytes of events.
    fn opened(&self) -> usize {
        (&self.0).read(&mut [0; 4096]).unwrap_or(0)
    }
}

/// A file system in user space that answers everything but reads of its file, and a program that
/// maps that file. Numbers are those of `linux/fuse.h`.
const WITHHOLDING: &str = r#"
import ctypes, os, struct, subprocess, sys, threading
mapper, folder = sys.argv[1:]
fuse = os.open('/dev/fuse', os.O_RDWR)
options = f'fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other'.encode()
if ctypes.CDLL(None, use_errno=True).mount(b'fuse', folder.encode(), b'fuse', 0, options):
    print('no file system can be mounted', flush=True)
    sys.exit()
def attributes(node):
    mode, size = (0o40755, 0) if node == 1 else (0o100644, 1 << 20)
    return struct.pack('<6Q10I', node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
def serve():
    while True:
        request = os.read(fuse, 1 << 20)
        _, kind, unique, node = struct.unpack_from('<IIQQ', request)
        if kind == 26:
            answer = struct.pack('<IIIIHHIIHHI7I', 7, 31, 0, 0, 8, 8, 1 << 16, 1, 0, 0, 0, *[0] * 7)
        elif kind == 1:
            answer = struct.pack('<QQQQII', 2, 1, 3600, 3600, 0, 0) + attributes(2)
        elif kind == 3:
            answer = struct.pack('<QII', 3600, 0, 0) + attributes(node)
        elif kind == 14:
            answer = struct.pack('<QII', 1, 0, 0)
        elif kind in (2, 15, 36, 42):
            continue
        else:
            os.write(fuse, struct.pack('<IiQ', 16, -38, unique))
            continue
        os.write(fuse, struct.pack('<IiQ', 16 + len(answer), 0, unique) + answer)
threading.Thread(target=serve, daemon=True).start()
child = subprocess.Popen([mapper, '1', '4096', '0', folder + '/file'], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.readline()
os._exit(0)
"#;

#[test]
fn a_process_whose_files_do_not_answer_is_given_up_and_the_others_are_listed() {
    let Some(python) = newest() else { return };
    let scratch = Scratch::new("withheld");
    let Some(program) = compiled(&scratch, MAPPER) else { return };
    let folder = scratch.0.join("folder");
    fs::create_dir(&folder).expect("a directory");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", python, "-c", WITHHOLDING]);
    let mut server = Python::of({
        command.arg(&program).arg(&folder);
        command
    });
    let mut line = String::new();
    let told = server.try_line(&mut line).and_then(|()| line.trim().parse::<u32>().ok());
    let Some(pid) = told else {
        eprintln!("skipped: this machine permits no file system in user space: {line}");
        return;
    };
    let error = Target::find(pid).expect_err("it cannot be read");
    assert!(matches!(error, RemoteError::NoAnswer { .. }), "{error}");
    assert!(error.to_string().contains("did not answer") && error.hint().is_some(), "{error}");
    let listed = processes();
    let found = |pid: u32| listed.iter().find(|process| process.pid == pid);
    let problem = found(pid).and_then(|process| process.problem.clone()).unwrap_or_default();
    assert!(problem.contains("did not answer"), "{problem}");
    assert!(found(server.pid).is_some_and(|process| process.problem.is_none()), "the others are listed");
    server.say("end");
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    wait_until("it ended", || matches!(state(pid), 'Z' | '?'));
}

#[test]
fn a_process_whose_main_thread_has_ended_is_read_through_another() {
    let text = "
import ctypes, os, sys, threading, time
class Kept:
    pass
def work():
    keep = [Kept() for _ in range(1000)]
    print(id(keep), flush=True)
    sys.stdin.readline()
    os._exit(0)
threading.Thread(target=work).start()
time.sleep(0.1)
ctypes.CDLL(None).pthread_exit(0)
";
    for (&minor, python) in interpreters().iter().filter(|(minor, _)| Layout::of(**minor).is_some()) {
        let mut program = Python::start(python, text);
        let pid = program.pid;
        let keep = program.numbers()[0];
        wait_until("its main thread has ended", || state(pid) == 'Z');
        let target = Target::find(pid).unwrap_or_else(|error| panic!("3.{minor}: {error}"));
        assert_eq!((target.pid, target.identity.pid, target.program.as_str()), (pid, pid, "-c"));
        for pause in [true, false] {
            let options = CaptureOptions { pause, ..CaptureOptions::default() };
            let heap = target.capture(&options).unwrap_or_else(|error| panic!("3.{minor}: {error}"));
            let id = heap.objects().at_address(keep).expect("the list that a thread has");
            assert_eq!((heap.type_name(id), heap.references().count_of(id)), ("list", 1000), "3.{minor}");
            assert_eq!(heap.info().damaged, 0);
            assert!(heap.info().memory.rss.is_some_and(|rss| rss > 1 << 20), "3.{minor}");
        }
        let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
        assert_eq!(copied.missing_notes(), 0, "{:?}", copied.notes);
        let listed = processes();
        let row = listed.iter().find(|process| process.pid == pid).expect("it is listed");
        assert!(row.problem.is_none() && row.rss > 1 << 20 && row.command.contains("-c"), "{row:?}");
        assert!(process_stats(pid).is_some_and(|pulse| pulse.rss.is_some()));
        // The process ends with its last thread.
        program.say("end");
        wait_until("all have ended", || {
            fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|tasks| tasks.count() == 1)
        });
        assert!(matches!(Target::find(pid), Err(RemoteError::Zombie { .. })), "3.{minor}");
        assert!(process_stats(pid).is_none());
    }
}

trait Notes {
    /// The number of notes about memory that could not be read.
    fn missing_notes(&self) -> usize;
}

impl Notes for memtop_remote::Copied {
    fn missing_notes(&self) -> usize {
        self.notes.iter().filter(|note| note.contains("could not be read")).count()
    }
}

#[test]
fn another_process_with_the_same_number_is_not_read() {
    let Some(python) = newest() else { return };
    let mut program = Python::start(python, &format!("print('ready', flush=True)\n{ECHO}"));
    assert_eq!(program.line(), "ready");
    let mut target = Target::find(program.pid).expect("a Python");
    // As if it was found before another process got its number, with the same mappings, like forked
    // workers.
    target.identity.started -= 1;
    for pause in [true, false] {
        let error = target.copy(&CopyOptions { pause, ..CopyOptions::default() }).expect_err("another one");
        assert!(matches!(error, RemoteError::Replaced { .. }), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("mem_top ps")));
    }
    assert!(program.is_alive());
}
