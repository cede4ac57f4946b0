//! The process that is read goes on as it was: whatever happens to the reader, whatever it does itself.
//!
//! The file is long because each test starts a process of its own kind (one that counts signals, forks, executes or
//! is killed), and the programs of these processes are in it.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test fails by it; a skipped one says why")]
#![expect(unsafe_code, reason = "signals that carry a number, which std does not send")]

mod common;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{ECHO, Python, newest, state, wait_until};
use memtop_remote::{CopyOptions, RemoteError, Target};

/// A real-time signal: each one that is sent is delivered, in order.
const COUNTED: i32 = 40;

/// Counts the signal's deliveries, each a byte that the interpreter's C handler writes, and tells the number.
const COUNTER: &str = "
import fcntl, os, signal, sys, threading, time
r, w = os.pipe()
fcntl.fcntl(w, 1031, 1 << 20)
os.set_blocking(w, False)
signal.signal(40, lambda *_: None)
signal.set_wakeup_fd(w)
count = 0
def drain():
    global count
    while True:
        count += len(os.read(r, 65536))
threading.Thread(target=drain, daemon=True).start()
ballast = [[i, str(i)] for i in range(200_000)]
print('ready', flush=True)
import select
while True:
    try:
        if select.select([0], [], [], 0.01)[0]:
            line = os.read(0, 100)
            if not line: break
            print(count, flush=True)
    except InterruptedError:
        pass
";

fn send(pid: u32) -> bool {
    let value = libc::sigval { sival_ptr: std::ptr::null_mut() };
    // SAFETY: sends a signal to a child of this test.
    unsafe { libc::sigqueue(pid.cast_signed(), COUNTED, value) == 0 }
}

fn signal(pid: u32, signal: i32) {
    // SAFETY: as above.
    assert_eq!(unsafe { libc::kill(pid.cast_signed(), signal) }, 0);
}

/// The test binary itself as a process that copies another again and again, until it is killed.
fn copier(pid: u32) -> std::process::Child {
    Command::new(std::env::current_exe().expect("a test has a binary"))
        .args(["--exact", "copies_again_and_again", "--ignored"])
        .env("MEMTOP_TEST_PID", pid.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test's binary starts")
}

#[test]
#[ignore = "is the process that another test kills"]
fn copies_again_and_again() {
    let Some(pid) = std::env::var("MEMTOP_TEST_PID").ok().and_then(|pid| pid.parse().ok()) else { return };
    loop {
        let _ = Target::find(pid).and_then(|target| target.copy(&CopyOptions::default()));
    }
}

/// Kills a copier so many times at any moment, while counted signals arrive all the time.
fn kill_copiers(times: u64) {
    let Some(python) = newest() else { return };
    let mut program = Python::start(python, COUNTER);
    assert_eq!(program.line(), "ready");
    let pid = program.pid;
    let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sent.fetch_add(u64::from(send(pid)), Ordering::Relaxed);
                thread::sleep(Duration::from_micros(200));
            }
        });
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut traced = 0;
        for time in 0..times {
            let mut copier = copier(pid);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // At any moment of its life, or while it holds the process.
            let range = if time % 4 == 0 {
                60_000
            } else {
                wait_until("it is held", || tracer(pid) != 0);
                10_000
            };
            thread::sleep(Duration::from_micros((random >> 33) % range));
            traced += u64::from(tracer(pid) != 0);
            copier.kill().expect("it runs");
            copier.wait().expect("it ended");
            wait_until("the process runs on", || tracer(pid) == 0 && !matches!(state(pid), 't' | 'T'));
            program.say("count");
            let _: u64 = program.line().parse().expect("it answers");
        }
        done.store(true, Ordering::Relaxed);
        eprintln!("{traced} of {times} copiers were killed while they held the process");
    });
    let sent = sent.into_inner();
    let mut counted = 0;
    wait_until("all signals are delivered", || {
        program.say("count");
        counted = program.line().parse().expect("a number");
        counted >= sent
    });
    assert_eq!(counted, sent, "signals were sent, and as many delivered");
    eprintln!("{sent} signals, none lost");
}

fn tracer(pid: u32) -> u32 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let tracers = tasks.filter_map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().to_owned();
        line.parse::<u32>().ok()
    });
    tracers.max().unwrap_or(0)
}

#[test]
fn a_killed_reader_leaves_the_process_running_and_loses_no_signal() {
    kill_copiers(20);
}

#[test]
#[ignore = "takes longer: make test-long"]
fn a_reader_killed_200_times_leaves_the_process_running_and_loses_no_signal() {
    kill_copiers(200);
}

#[test]
fn no_signal_is_lost_while_the_process_is_copied() {
    let Some(python) = newest() else { return };
    let mut program = Python::start(python, COUNTER);
    assert_eq!(program.line(), "ready");
    let pid = program.pid;
    let target = Target::find(pid).expect("a Python");
    let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sent.fetch_add(u64::from(send(pid)), Ordering::Relaxed);
                thread::sleep(Duration::from_micros(20));
            }
        });
        for _ in 0..30 {
            target.copy(&CopyOptions::default()).expect("it can be copied");
        }
        done.store(true, Ordering::Relaxed);
    });
    let sent = sent.into_inner();
    let mut counted = 0;
    wait_until("all signals are delivered", || {
        program.say("count");
        counted = program.line().parse().expect("a number");
        counted >= sent
    });
    assert_eq!(counted, sent);
    eprintln!("{sent} signals, none lost");
}

#[test]
fn a_stopped_process_is_copied_and_stays_stopped() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import threading, time
for _ in range(3): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
known = [1, 2, 3]
print(id(known), flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    let known = program.numbers()[0];
    signal(program.pid, libc::SIGSTOP);
    wait_until("it is stopped", || state(program.pid) == 'T');
    let target = Target::find(program.pid).expect("a Python");
    for _ in 0..5 {
        let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
        assert!(copied.was_stopped && !copied.notes.is_empty());
        assert_eq!(copied.image_word(known + 16), Some(3));
        assert_eq!(copied.threads.len(), 4);
        wait_until("it is stopped again", || state(program.pid) == 'T');
        thread::sleep(Duration::from_millis(20));
        assert_eq!(state(program.pid), 'T', "it stays stopped");
    }
    signal(program.pid, libc::SIGCONT);
    assert!(program.is_alive());
    assert!(!target.copy(&CopyOptions::default()).expect("it can be copied").was_stopped);
}

/// Reads of a copy, for short.
trait Word {
    fn image_word(&self, address: u64) -> Option<u64>;
}

impl Word for memtop_remote::Copied {
    fn image_word(&self, address: u64) -> Option<u64> {
        memtop_cpython::Memory::word(&self.image, address)
    }
}

#[test]
fn stops_and_continues_that_arrive_meanwhile_have_their_effect() {
    let Some(python) = newest() else { return };
    let mut program = Python::start(python, &format!("print('ready', flush=True)\n{ECHO}"));
    assert_eq!(program.line(), "ready");
    let pid = program.pid;
    let target = Target::find(pid).expect("a Python");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                signal(pid, libc::SIGSTOP);
                thread::sleep(Duration::from_millis(1));
                signal(pid, libc::SIGCONT);
                thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..50 {
            target.copy(&CopyOptions::default()).expect("it can be copied");
        }
        done.store(true, Ordering::Relaxed);
    });
    signal(pid, libc::SIGSTOP);
    wait_until("it is stopped", || state(pid) == 'T');
    signal(pid, libc::SIGCONT);
    assert!(program.is_alive());
}

#[test]
fn five_hundred_threads_are_stopped_and_released() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import threading
threading.stack_size(65536)
event = threading.Event()
for _ in range(500): threading.Thread(target=event.wait, daemon=True).start()
print('ready', flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    assert_eq!(program.line(), "ready");
    let target = Target::find(program.pid).expect("a Python");
    for _ in 0..3 {
        let copied = target.copy(&CopyOptions::default()).expect("it can be copied");
        assert_eq!(copied.threads.len(), 501);
        assert!(copied.threads.iter().filter(|thread| thread.stack.is_some()).count() > 490);
        eprintln!("501 threads: {:?}, {} system calls", copied.pause, copied.system_calls);
    }
    assert_eq!(tracer(program.pid), 0);
    assert!(program.is_alive());
}

#[test]
fn a_process_that_is_busy_on_eight_threads_and_collects_is_copied() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import gc, threading
def busy():
    kept = []
    while True:
        kept.append([len(kept), {{'a': kept[-1:]}}])
        if len(kept) > 10000: kept.clear()
def collect():
    while True: gc.collect()
for target in [busy] * 8 + [collect]: threading.Thread(target=target, daemon=True).start()
known = [1, 2, 3]
print(id(known), flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    let known = program.numbers()[0];
    let target = Target::find(program.pid).expect("a Python");
    for pause in [true, true, true, true, false] {
        let copied = target.copy(&CopyOptions { pause, ..CopyOptions::default() }).expect("it can be copied");
        assert_eq!(copied.image_word(known + 16), Some(3));
    }
    assert!(program.is_alive());
}

#[test]
fn a_process_that_starts_threads_and_forks_all_the_time_is_copied() {
    let Some(python) = newest() else { return };
    let text = format!(
        "
import os, threading, time
def fork():
    while True:
        pid = os.fork()
        if pid == 0: os._exit(0)
        os.waitpid(pid, 0)
def start():
    while True:
        thread = threading.Thread(target=time.sleep, args=(0.001,)); thread.start(); thread.join()
for target in [fork, start]: threading.Thread(target=target, daemon=True).start()
known = [1, 2, 3]
print(id(known), flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    let known = program.numbers()[0];
    let target = Target::find(program.pid).expect("a Python");
    let mut copies = 0;
    for _ in 0..30 {
        match target.copy(&CopyOptions::default()) {
            Ok(copied) => {
                copies += 1;
                assert_eq!(copied.image_word(known + 16), Some(3));
            }
            // On a machine that is busy, a thread may wait for its turn for too long.
            Err(RemoteError::DoesNotStop { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(copies > 0, "it was never copied");
    assert!(program.is_alive());
}

#[test]
fn a_process_that_ends_or_becomes_another_at_any_moment_gives_an_error_or_a_copy() {
    let Some(python) = newest() else { return };
    let (mut copied, mut failed) = (0, 0);
    for round in 0..40_u64 {
        let end = match round % 3 {
            0 => "os._exit(0)",
            1 => "os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(0.05)'])",
            _ => "sys.exit()",
        };
        let text = format!(
            "
import os, sys, threading, time
ballast = [[i] for i in range(100_000)]
for _ in range(4): threading.Thread(target=time.sleep, args=(0.01,)).start()
print('ready', flush=True)
time.sleep({})
{end}",
            round as f64 * 0.0007
        );
        let mut program = Python::start(python, &text);
        assert_eq!(program.line(), "ready");
        for _ in 0..1000 {
            match Target::find(program.pid).and_then(|target| target.copy(&CopyOptions::default())) {
                Ok(_) => copied += 1,
                Err(
                    RemoteError::Exited { .. }
                    | RemoteError::Execed { .. }
                    | RemoteError::Zombie { .. }
                    | RemoteError::Starting { .. }
                    | RemoteError::Finalizing { .. }
                    | RemoteError::DoesNotStop { .. }
                    | RemoteError::NotPython { .. },
                ) => failed += 1,
                Err(error) => panic!("{error} ({error:?})"),
            }
            if state(program.pid) == 'Z' {
                break;
            }
        }
        program.child.wait().expect("it ended");
        assert!(matches!(Target::find(program.pid), Err(RemoteError::NoSuchProcess { .. })));
    }
    eprintln!("{copied} copies, {failed} errors");
    assert!(copied > 0 && failed > 0);
}

/// A process that a thread of another started.
fn child_of(pid: u32) -> Option<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut children = threads.flatten().filter_map(|thread| {
        let children = std::fs::read_to_string(thread.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    });
    children.next()
}

#[test]
fn a_thread_that_cannot_stop_ends_the_attempt_and_all_run_on() {
    let Some(python) = newest() else { return };
    // A thread whose child shares its memory waits for it uninterruptibly, as vfork does. The child ends when the test
    // kills it: an attempt that waited for it would not end as it should, however fast the machine is.
    let text = format!(
        "
import ctypes, threading, time
libc = ctypes.CDLL(None)
libc.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
stack = ctypes.create_string_buffer(1 << 16)
top = ctypes.addressof(stack) + (1 << 16) - 64
sleep = ctypes.cast(libc.sleep, ctypes.c_void_p)
thread = threading.Thread(target=lambda: libc.clone(sleep, top & ~15, 0x4100 | 17, 600), daemon=True)
thread.start()
print('ready', flush=True)
{ECHO}"
    );
    let mut program = Python::start(python, &text);
    assert_eq!(program.line(), "ready");
    let mut child = None;
    wait_until("it has a child", || {
        child = child_of(program.pid);
        child.is_some()
    });
    let target = Target::find(program.pid).expect("a Python");
    match target.copy(&CopyOptions::default()) {
        Err(error @ RemoteError::DoesNotStop { .. }) => eprintln!("{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(tracer(program.pid), 0, "no thread is traced any more");
    assert!(program.is_alive());
    let approximate = target.copy(&CopyOptions { pause: false, ..CopyOptions::default() });
    assert!(approximate.is_ok(), "without a stop it can be copied");
    signal(child.expect("it has a child"), libc::SIGKILL);
    wait_until("its child ended", || target.copy(&CopyOptions::default()).is_ok());
    assert!(program.is_alive());
}
