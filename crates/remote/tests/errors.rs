//! Processes that cannot be read are refused, each with its own message and a hint.
//!
//! The file is long because each reason for a refusal has a test, and most need a process that is prepared for it.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test fails by it; a skipped one says why")]
#![expect(unsafe_code, reason = "traces a process as a debugger does")]

mod common;

use std::os::unix::process::CommandExt;
use std::process::Command;

use common::{ECHO, Python, interpreters, newest, state, wait_until};
use memtop_remote::{CaptureOptions, CopyOptions, RemoteError, Target};

/// Finds and copies a process.
fn look(pid: u32) -> Result<(), RemoteError> {
    Target::find(pid)?.copy(&CopyOptions::default()).map(|_| ())
}

#[track_caller]
fn refused(pid: u32, message: &str) -> RemoteError {
    let error = look(pid).expect_err("it is refused");
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(error.pid(), pid);
    error
}

#[test]
fn processes_that_do_not_run_python_are_distinguished() {
    refused(u32::MAX >> 2, "no such process");
    refused(std::process::id(), "mem_top itself");
    let mut sleep = Command::new("sleep").arg("1000").spawn().expect("sleep starts");
    wait_until("it is sleep", || state(sleep.id()) == 'S');
    let error = refused(sleep.id(), "(sleep) is not a Python process");
    assert!(error.hint().is_some_and(|hint| hint.contains("mem_top ps")));
    sleep.kill().expect("it runs");
    wait_until("it is a zombie", || state(sleep.id()) == 'Z');
    refused(sleep.id(), "is a zombie");
    sleep.wait().expect("it ended");
    let thread = std::fs::read_dir("/proc/self/task").expect("threads").flatten().find_map(|task| {
        task.file_name().to_str()?.parse().ok().filter(|&thread: &u32| thread != std::process::id())
    });
    refused(thread.expect("a test has a thread of its own"), "is a thread of process");
    // A kernel thread.
    if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
        assert!(look(2).is_err());
    }
}

#[test]
fn a_traced_process_names_its_tracer() {
    let Some(python) = newest() else { return };
    let mut program = Python::start(python, &format!("print('ready', flush=True)\n{ECHO}"));
    assert_eq!(program.line(), "ready");
    let pid = program.pid;
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: traces a child of this test, without an option and without data.
    let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid.cast_signed(), none, none) };
    assert_eq!(traced, 0);
    let error = refused(pid, "is being traced by");
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())));
    assert!(error.hint().is_some_and(|hint| hint.contains("debugger")));
}

#[test]
fn unsupported_versions_are_named() {
    let home = std::env::var("HOME").unwrap_or_default();
    let versions = std::fs::read_dir(format!("{home}/.pyenv/versions")).into_iter().flatten().flatten();
    for version in versions {
        let name = version.file_name().to_string_lossy().into_owned();
        if ["2.7.", "3.6.", "3.7."].iter().any(|known| name.starts_with(known)) {
            let python = version.path().join("bin/python").display().to_string();
            let text = "import time, sys\nsys.stdout.write('ready\\n')\nsys.stdout.flush()\ntime.sleep(1000)";
            let mut program = Python::start(&python, text);
            assert_eq!(program.line(), "ready");
            let error = refused(program.pid, &format!("runs CPython {name}, which mem_top does not support"));
            eprintln!("{error}");
        }
    }
}

#[test]
fn free_threaded_builds_and_foreign_layouts_are_refused() {
    // No such build is needed: a process may write into its own interpreter's debug offsets.
    let Some(python) = interpreters().get(&13).or_else(|| interpreters().get(&14)) else {
        eprintln!("skipped: no CPython 3.13 or 3.14 was found");
        return;
    };
    for (place, message) in [(16, "runs a free-threaded build of CPython 3.1"), (0, "debug offsets")] {
        let text = format!(
            "
import ctypes
runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, '_PyRuntime'))
ctypes.memset(runtime + {place}, 1, 1)
print('ready', flush=True)
{ECHO}"
        );
        let mut program = Python::start(python, &text);
        assert_eq!(program.line(), "ready");
        refused(program.pid, message);
        assert!(program.is_alive());
    }
}

#[test]
fn an_interpreter_that_starts_or_ends_is_refused_or_read() {
    let Some(python) = newest() else { return };
    for _ in 0..5 {
        let mut command = Command::new(python);
        let program = Python::of({
            command.args(["-c", "import time; time.sleep(1000)"]);
            command
        });
        loop {
            match look(program.pid) {
                Ok(()) => break,
                Err(
                    RemoteError::NotPython { .. }
                    | RemoteError::Starting { .. }
                    | RemoteError::Execed { .. }
                    | RemoteError::NoVersion { .. }
                    | RemoteError::Itself { .. },
                ) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    let text = "
import sys, time
class Last:
    def __del__(self, print=print, sleep=time.sleep):
        print('ending', flush=True)
        sleep(1000)
last = Last()
";
    let mut program = Python::start(python, text);
    assert_eq!(program.line(), "ending");
    refused(program.pid, "is being finalized");
}

/// Finds and copies a process. Another test runs this as another user.
#[test]
#[ignore = "another test starts it as a process"]
fn finds_as_another_user() {
    let Some(pid) = std::env::var("MEMTOP_TEST_PID").ok().and_then(|pid| pid.parse().ok()) else { return };
    match look(pid) {
        Ok(()) => eprintln!("read"),
        Err(error) => eprintln!("{error}\n{}", error.hint().unwrap_or_default()),
    }
}

const NOBODY: u32 = 65534;

fn look_as_nobody(pid: u32) -> Option<String> {
    let own = std::env::current_exe().expect("a test has a binary");
    let mut command = Command::new(own);
    command.uid(NOBODY).gid(NOBODY);
    look_as(command, pid)
}

/// The output of `finds_as_another_user` in a process: the test binary, started by a command that
/// ends with its name.
fn look_as(mut command: Command, pid: u32) -> Option<String> {
    let output = command
        .args(["--exact", "finds_as_another_user", "--ignored", "--nocapture"])
        .env("MEMTOP_TEST_PID", pid.to_string())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

#[test]
fn processes_of_another_user_and_without_privileges_are_refused() {
    let Some(python) = newest() else { return };
    let is_root =
        std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t0\t"));
    if !is_root {
        let other = look(1).expect_err("root's process is refused");
        assert!(matches!(other, RemoteError::OtherUser { .. }), "{other}");
        return;
    }
    let mut program = Python::start(python, &format!("print('ready', flush=True)\n{ECHO}"));
    assert_eq!(program.line(), "ready");
    let Some(said) = look_as_nobody(program.pid) else { return };
    assert!(said.contains("belongs to root, and mem_top runs as nobody"), "{said}");
    assert!(said.contains(&format!("sudo mem_top {}", program.pid)), "{said}");
    // Like a server that is started as root.
    let text =
        format!("import os\nos.setgid({NOBODY}); os.setuid({NOBODY})\nprint('ready', flush=True)\n{ECHO}");
    let mut program = Python::start(python, &text);
    assert_eq!(program.line(), "ready");
    let said = look_as_nobody(program.pid).expect("it started before");
    assert!(said.contains("is not dumpable"), "{said}");
    look(program.pid).expect("root may read it");
    assert!(program.is_alive());
}

#[test]
fn a_32_bit_program_is_named() {
    // An ELF header, one segment, and code: an endless loop of pause() (`mov eax, 29; int 0x80;
    // jmp`).
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0".to_vec();
    let words = [0x0804_8054_u32, 52, 0, 0, 0x0020_0034, 0x0028_0001, 0];
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let header = [1_u32, 0, 0x0804_8000, 0x0804_8000, 0x5d, 0x5d, 5, 0x1000];
    file.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    file.extend(b"\xb8\x1d\0\0\0\xcd\x80\xeb\xf7");
    let path = std::env::temp_dir().join(format!("memtop-32-bit-{}", std::process::id()));
    std::fs::write(&path, &file).expect("a file");
    let mut rights = std::fs::metadata(&path).expect("it is there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o755);
    std::fs::set_permissions(&path, rights).expect("its own");
    match Command::new(&path).spawn() {
        Err(error) => eprintln!("skipped: this machine runs no 32-bit programs ({error})"),
        Ok(mut program) => {
            let mut ended = None;
            wait_until("it pauses or ended", || {
                ended = program.try_wait().expect("a child");
                ended.is_some() || state(program.id()) == 'S'
            });
            if ended.is_none() {
                refused(program.id(), "is a 32-bit program");
            } else {
                eprintln!("skipped: this machine runs no 32-bit programs");
            }
            let _ = program.kill();
            program.wait().expect("it ended");
        }
    }
    std::fs::remove_file(&path).expect("its own");
}

#[test]
fn a_process_in_a_container_is_read_through_its_root() {
    let Some((_, python)) = interpreters().iter().rfind(|(minor, _)| (10..=13).contains(*minor)) else {
        return;
    };
    let python = std::fs::canonicalize(python).expect("it is there");
    let Some(prefix) = python.parent().and_then(std::path::Path::parent) else { return };
    // A path that does not exist outside, and process numbers that differ outside.
    let script = format!(
        "mount -t tmpfs none /mnt && mkdir /mnt/python && mount --bind '{}' /mnt/python && mount -t proc none /proc && \
         export LD_LIBRARY_PATH=/mnt/python/lib PYTHONHOME=/mnt/python && \
         exec /mnt/python/bin/{} -c \"import os; print(os.getpid(), id([]), flush=True); input()\"",
        prefix.display(),
        python.file_name().expect("a name").to_string_lossy(),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script]);
    let mut unshare = Python::of(command);
    let mut line = String::new();
    if unshare.try_line(&mut line).is_none() {
        eprintln!("skipped: this machine permits no new namespace");
        return;
    }
    assert!(line.starts_with("1 "), "it is the first of its namespace: {line}");
    let [child] = memtop_remote::children(unshare.pid)[..] else { panic!("one child") };
    let target = Target::find(child).expect("a Python");
    assert!(target.file.starts_with("/mnt/python/"), "{}", target.file);
    assert_eq!(target.identity.pid, child, "as it was asked for");
    assert_eq!(target.identity.namespace_pid, Some(1), "as it knows itself");
    assert_eq!(target.identity.to_string(), format!("PID {child} (1 in its namespace)"));
    let heap = target.capture(&CaptureOptions::default()).expect("it can be captured");
    assert!(heap.objects().len() > 5000 && heap.info().damaged == 0, "{} objects", heap.objects().len());
    let roots = heap.roots();
    assert!(roots.iter().any(|(_, root)| heap.text(root.name) == "__main__"), "its modules are named");
    let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
    let list: u64 = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("an address");
    let of = memtop_cpython::Memory::word(&copied.image, list + 8).expect("its type");
    let name = memtop_cpython::Memory::word(&copied.image, of + 24).expect("its name");
    // It is read from the file, which cannot be opened by its path.
    assert_eq!(memtop_cpython::Memory::half(&copied.image, name), Some(u32::from_le_bytes(*b"list")));
}

#[test]
fn a_process_in_the_middle_of_a_collection_is_captured_whole() {
    // While finalizers run, the unreachable objects are in a list on the collector's stack.
    let text = "
import gc, sys
class Held:
    def __init__(self):
        self.me = self
held = [Held() for _ in range(1000)]
class Last:
    def __del__(self):
        print('collecting', flush=True)
        sys.stdin.readline()
gc.disable()
last = Last()
last.me = last
for _ in range(100):
    garbage = Held()
del last, garbage
gc.collect()
";
    for (&minor, python) in interpreters().iter().filter(|(minor, _)| (8..=15).contains(*minor)) {
        let mut program = Python::start(python, text);
        assert_eq!(program.line(), "collecting");
        let heap = Target::find(program.pid).and_then(|target| target.capture(&CaptureOptions::default()));
        let heap = heap.unwrap_or_else(|error| panic!("3.{minor}: {error}"));
        let objects = heap.objects();
        let held = objects.ids().filter(|&id| heap.type_name(id) == "__main__.Held").count();
        assert!((1000..=1100).contains(&held), "3.{minor}: {held}");
        assert!(
            objects.ids().any(|id| heap.type_name(id) == "__main__.Last"),
            "3.{minor}: its finalizer holds it"
        );
        assert_eq!(heap.info().damaged, 0, "3.{minor}");
    }
}

#[test]
fn a_process_that_is_starting_says_so_or_is_captured_whole() {
    let Some(python) = newest() else { return };
    let mut refused = 0;
    for delay in (0..12).map(|step| step * 2) {
        let program = Python::start(python, "import time; time.sleep(1000)");
        std::thread::sleep(std::time::Duration::from_millis(delay));
        match Target::find(program.pid).and_then(|target| target.capture(&CaptureOptions::default())) {
            Ok(heap) => assert!(heap.objects().len() > 1000, "{} objects", heap.objects().len()),
            Err(error) => {
                refused += 1;
                assert!(
                    matches!(
                        error,
                        RemoteError::NotPython { .. }
                            | RemoteError::Starting { .. }
                            | RemoteError::Execed { .. }
                            | RemoteError::NoVersion { .. }
                            | RemoteError::Itself { .. }
                    ),
                    "{error}"
                );
            }
        }
    }
    eprintln!("{refused} of 12 were starting");
}

#[test]
fn root_without_the_capability_to_trace_gets_a_hint_for_containers() {
    let Some(python) = newest() else { return };
    let mut program = Python::start(python, &format!("print('ready', flush=True)\n{ECHO}"));
    assert_eq!(program.line(), "ready");
    // Like in a container: root without all capabilities.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]);
    command.arg(std::env::current_exe().expect("a test has a binary"));
    let Some(said) = look_as(command, program.pid) else { return };
    if said.contains("setpriv:") || said.contains("read\n") {
        eprintln!("skipped: capabilities cannot be dropped, or the program has none: {said}");
        return;
    }
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    if scope.trim().is_empty() || scope.trim() == "0" {
        assert!(said.contains("this container or sandbox forbids ptrace"), "{said}");
        assert!(said.contains("--cap-add SYS_PTRACE") && said.contains("outside of the container"), "{said}");
    } else {
        assert!(said.contains("kernel.yama.ptrace_scope is"), "{said}");
    }
    assert!(program.is_alive());
}

/// A C program with these variables, which waits. `None` if there is no compiler.
fn compiled(name: &str, variables: &str) -> Option<(std::path::PathBuf, std::process::Child)> {
    let path = std::env::temp_dir().join(format!("memtop-{name}-{}", std::process::id()));
    let source = path.with_extension("c");
    let text = format!("#include <unistd.h>\n{variables}\nint main(void) {{ for (;;) pause(); }}\n");
    std::fs::write(&source, text).expect("a file");
    let compiled = Command::new("cc").args(["-rdynamic", "-o"]).arg(&path).arg(&source).status();
    std::fs::remove_file(&source).expect("its own");
    if !compiled.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no C compiler");
        return None;
    }
    let child = Command::new(&path).stdout(std::process::Stdio::null()).spawn().expect("it was compiled");
    let running = format!("/proc/{}/exe", child.id());
    wait_until("it runs", || std::fs::read_link(&running).is_ok_and(|of| of == path));
    wait_until("it waits", || state(child.id()) == 'S');
    Some((path, child))
}

#[test]
fn debug_builds_and_other_implementations_are_named_by_their_symbols() {
    // The symbols that identify them are enough; the builds are not needed.
    let debug = "unsigned long Py_Version = 0x030b07f0; char _PyRuntime[4096] = {1}; long _Py_RefTotal = 1;";
    for (name, variables, message, hint) in [
        ("debug", debug, "runs a debug build of CPython 3.11.7", "release build"),
        ("pypy", "int pypy_main_startup = 1;", "runs PyPy, not CPython", "CPython only"),
        ("graal", "int graal_create_isolate = 1;", "runs GraalPy, not CPython", "CPython only"),
    ] {
        let Some((path, mut child)) = compiled(name, variables) else { return };
        let error = look(child.id());
        child.kill().expect("it runs");
        child.wait().expect("it ended");
        std::fs::remove_file(&path).expect("its own");
        let error = error.expect_err("it is refused");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().is_some_and(|said| said.contains(hint)), "{error}");
    }
}
