//! Stops all threads of a process, and resumes them.
//!
//! A dedicated thread traces them. When it ends, for whatever reason, the kernel releases the
//! threads that it traced. Normally the thread releases them itself, and delivers the signals that
//! stopped threads meanwhile. A process that was stopped by a signal before stays stopped: the
//! kernel continues that stop.
//!
//! A process can notice a stop, because a few system calls end with `EINTR` (`signal(7)`,
//! "Interruption of system calls by stop signals"). Measured on Linux 6.18: `epoll_wait`, `semop`,
//! `sigwaitinfo`, and `recv` on a socket with a timeout do; `poll`, `select`, `nanosleep`, `read`,
//! `recv`, `sem_wait`, `msgrcv`, `waitpid` and `pause` continue. The interpreter repeats the calls
//! that Python makes (PEP 475).

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use crate::access::refusal;
use crate::error::RemoteError;
use crate::raw::{self, Wait};
use memtop_procinfo::{self as procinfo, Status};

/// How long a thread may take to stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same of a thread that could run and waits for a processor.
const BUSY_PATIENCE: Duration = Duration::from_secs(1);
/// How long all threads may take to stop. A process can start threads faster than they are stopped.
const ALL_PATIENCE: Duration = Duration::from_secs(2);
/// The time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_micros(20);

/// All threads of a process, stopped until this is dropped.
pub(crate) struct Stopped {
    pid: u32,
    threads: Vec<Traced>,
    begun: Instant,
    /// The number of system calls that were made.
    pub(crate) calls: u64,
}

/// A thread that is traced.
struct Traced {
    thread: u32,
    asked: Instant,
    wait: Wait,
}

/// Runs `work` while all threads of a process are stopped. Returns its result, and how long they
/// were stopped.
///
/// # Errors
/// If they cannot be stopped. All are resumed then.
pub(crate) fn stopped<R: Send>(
    pid: u32,
    work: impl FnOnce(&Stopped) -> R + Send,
) -> Result<(R, Duration), RemoteError> {
    let result = thread::scope(|scope| {
        let tracer = thread::Builder::new().name("tracer".to_owned()).spawn_scoped(scope, || {
            let stopped = Stopped::all(pid)?;
            let answer = work(&stopped);
            Ok((answer, stopped.release()))
        });
        let tracer = tracer.map_err(|source| RemoteError::Refused {
            pid,
            what: "starting a thread of mem_top",
            source,
        })?;
        tracer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    if result.is_err() {
        await_release(pid);
    }
    result
}

/// Waits until the kernel has released the threads that could not be stopped, which is shortly
/// after the thread that traced them has ended.
fn await_release(pid: u32) {
    let own = std::process::id();
    let begun = Instant::now();
    // A tracer whose process is unknown is the thread that has just ended.
    let traced = || {
        let mut tracers = procinfo::threads(pid).into_iter().filter_map(|thread| {
            let status = Status::of_thread(pid, thread).ok()?;
            status.tracer()
        });
        tracers.any(|(_, process)| process.is_none_or(|process| process == own))
    };
    while begun.elapsed() < PATIENCE && traced() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a thread runs, or would if a processor were free.
fn is_runnable(pid: u32, thread: u32) -> bool {
    Status::of_thread(pid, thread).is_ok_and(|status| status.state() == 'R')
}

impl Stopped {
    /// Stops all threads: asks the listed ones to stop, until the list contains no new one.
    fn all(pid: u32) -> Result<Self, RemoteError> {
        let mut stopped = Self { pid, threads: Vec::new(), begun: Instant::now(), calls: 0 };
        loop {
            let listed = procinfo::threads(pid);
            stopped.calls += 2;
            if listed.is_empty() {
                return Err(RemoteError::Exited { pid });
            }
            let new = stopped.ask(&listed)?;
            stopped.wait()?;
            if !new {
                break;
            }
            if stopped.begun.elapsed() > ALL_PATIENCE {
                return Err(stopped.does_not_stop(listed.last().copied().unwrap_or(pid), ALL_PATIENCE));
            }
        }
        if stopped.threads.is_empty() {
            // All threads have ended, and so will the process.
            return Err(match Status::of(pid) {
                Ok(status) if status.is_dead() => RemoteError::Zombie { pid },
                _ => RemoteError::Exited { pid },
            });
        }
        Ok(stopped)
    }

    /// Asks the threads to stop that are not yet traced. Returns whether there were any.
    fn ask(&mut self, listed: &[u32]) -> Result<bool, RemoteError> {
        let mut new = false;
        // Threads that ended are not in it: their numbers may be reused.
        let known: FxHashSet<u32> = self.threads().collect();
        for &thread in listed.iter().filter(|thread| !known.contains(thread)) {
            self.calls += 2;
            match raw::seize(thread) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
                Err(error) => match self.refused(thread, error) {
                    Some(error) => return Err(error),
                    None => continue,
                },
            }
            new = true;
            self.threads.push(Traced { thread, asked: Instant::now(), wait: Wait::Running });
            if let Err(error) = raw::interrupt(thread)
                && error.raw_os_error() != Some(libc::ESRCH)
            {
                return Err(refusal(self.pid, "stopping a thread", error));
            }
        }
        Ok(new)
    }

    /// The reason why a thread cannot be traced; `None` if it is dead.
    fn refused(&self, thread: u32, error: io::Error) -> Option<RemoteError> {
        let status = Status::of_thread(self.pid, thread).ok().filter(|status| !status.is_dead())?;
        if let Some((tracing, process)) = status.tracer() {
            let tracer_pid = process.unwrap_or(tracing);
            let tracer = Status::of(tracer_pid).map_or_else(|_| "?".to_owned(), |status| status.name());
            return Some(RemoteError::AlreadyTraced { pid: self.pid, tracer, tracer_pid });
        }
        Some(refusal(self.pid, "ptrace", error))
    }

    /// Waits until all threads have stopped or ended.
    fn wait(&mut self) -> Result<(), RemoteError> {
        loop {
            let mut late = None;
            let mut waiting = false;
            for traced in self.threads.iter_mut().filter(|traced| traced.wait == Wait::Running) {
                self.calls += 1;
                traced.wait = raw::peek(traced.thread)
                    .map_err(|error| refusal(self.pid, "waiting for a thread", error))?;
                if traced.wait == Wait::Running {
                    waiting = true;
                    let waited = traced.asked.elapsed();
                    if waited > PATIENCE && (waited > BUSY_PATIENCE || !is_runnable(self.pid, traced.thread))
                    {
                        late = Some((traced.thread, waited));
                    }
                }
            }
            self.threads.retain(|traced| traced.wait != Wait::Gone);
            if !waiting {
                return Ok(());
            }
            if let Some((thread, waited)) = late {
                return Err(self.does_not_stop(thread, waited));
            }
            thread::sleep(CHECK_INTERVAL);
            self.calls += 1;
        }
    }

    fn does_not_stop(&self, thread: u32, waited: Duration) -> RemoteError {
        let name =
            Status::of_thread(self.pid, thread).map_or_else(|_| "?".to_owned(), |status| status.name());
        let waits = procinfo::read(&format!("/proc/{}/task/{thread}/wchan", self.pid)).unwrap_or_default();
        let waits =
            if waits.is_empty() || waits == "0" { String::new() } else { format!(", waiting in {waits}") };
        let milliseconds = waited.as_millis() as u64;
        let is_runnable = is_runnable(self.pid, thread);
        RemoteError::DoesNotStop { pid: self.pid, thread, name, milliseconds, waits, is_runnable }
    }

    /// The stopped threads.
    pub(crate) fn threads(&self) -> impl Iterator<Item = u32> + '_ {
        self.threads.iter().map(|traced| traced.thread)
    }

    /// Resumes all threads. Returns how long they were stopped.
    fn release(mut self) -> Duration {
        self.detach();
        self.begun.elapsed()
    }

    fn detach(&mut self) {
        for traced in self.threads.drain(..) {
            // A thread that cannot be detached has ended, or is running. Then it is released when
            // this thread ends.
            let _ = match traced.wait {
                Wait::Stopped => raw::detach(traced.thread, 0),
                Wait::Signal(signal) => raw::detach(traced.thread, signal),
                Wait::Running | Wait::Gone => Ok(()),
            };
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.detach();
    }
}
