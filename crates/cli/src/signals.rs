//! The signals of a program that mem_top runs: what is sent to mem_top is passed on to the program.
//!
//! What a terminal sends goes to the whole foreground group, so the program has it already, and mem_top does nothing by
//! itself. If the program stops for it (`^Z`), so does mem_top, since the shell waits for mem_top alone.
//!
//! Invariants: signals are caught before the program starts, so that none can end mem_top and leave the program; those
//! that come meanwhile are passed on as soon as it runs. A program ignores what it would have ignored without
//! mem_top. No signal is sent to a program that was waited for, since its number may be another's by then; from then on
//! signals do to mem_top what they do by default.

use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getsid, kill_process, waitid};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Chld};
use signal_hook::{flag, low_level};

/// The signals that are passed on, real-time signals aside: all but `KILL` and `STOP`, which no program can catch; `CHLD`,
/// which is of mem_top's own children; and those by which a fault of the receiver's own is told.
const PASSED_ON: &[Signal] = &[
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::ABORT,
    Signal::USR1,
    Signal::USR2,
    Signal::PIPE,
    Signal::ALARM,
    Signal::TERM,
    Signal::CONT,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::URG,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::VTALARM,
    Signal::PROF,
    Signal::WINCH,
    Signal::IO,
    #[cfg(target_os = "linux")]
    Signal::POWER,
    #[cfg(target_os = "linux")]
    Signal::STKFLT,
];

/// The signals that `std` and Python set for every program, whatever they found: these are not told from inherited ones.
const SET_BY_RUNTIMES: [Signal; 2] = [Signal::PIPE, Signal::XFSZ];

/// Signals that are caught, for a program that is to be started.
pub(crate) struct Caught {
    signals: SignalsInfo<WithOrigin>,
    /// Whether signals do what they do by default.
    ended: Arc<AtomicBool>,
    /// What is ignored, as it was inherited.
    ignored: Vec<i32>,
}

/// Signals that are passed on to a program.
pub(crate) struct PassedOn {
    /// The program; none when its number may be another's.
    program: Arc<Mutex<Option<Pid>>>,
    ended: Arc<AtomicBool>,
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Caught {
    /// Catches signals, from now on.
    ///
    /// # Errors
    /// If the system does not let them be caught.
    pub(crate) fn new() -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let named = PASSED_ON.iter().map(|signal| signal.as_raw());
        let numbers: Vec<i32> = named.chain(memtop_remote::real_time_signals()).collect();
        // What is not caught stays as it was inherited by itself.
        let mut ignored = ignored();
        ignored.retain(|number| numbers.contains(number) || *number == Signal::CHILD.as_raw());
        for &number in numbers.iter().filter(|number| !ignored.contains(number)) {
            // A default action can be emulated of signals with names only; that of a broken pipe is an error as ever.
            if low_level::signal_name(number).is_some() && number != Signal::PIPE.as_raw() {
                flag::register_conditional_default(number, Arc::clone(&ended))?;
            }
        }
        // Where the signal of children is ignored, as a parent may have left it, none can be waited for.
        let signals = SignalsInfo::new(numbers.into_iter().chain([Signal::CHILD.as_raw()]))?;
        Ok(Self { signals, ended, ignored })
    }

    /// Starts the program, with the signals ignored that it would have found ignored without mem_top, and passes on to it
    /// what came and what comes.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn spawn(mut self, command: &mut Command) -> io::Result<(Child, PassedOn)> {
        memtop_remote::ignore_signals_in(command, self.ignored);
        let program = Arc::new(Mutex::new(None));
        let passing = Arc::clone(&program);
        let (hand_over, to_pass_on) = channel::<SignalsInfo<WithOrigin>>();
        let pass_on = move || {
            let Ok(mut signals) = to_pass_on.recv() else { return };
            for origin in &mut signals {
                take(&passing, &origin);
            }
            // What came before the end was still the program's.
            for origin in signals.pending() {
                take(&passing, &origin);
            }
        };
        // Before the program: if there can be no thread, there is to be no program either.
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(pass_on)?;
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        *locked(&program) = pid;
        // Between fork and exec the program had mem_top's handlers, and may have missed what its terminal sent: whatever
        // came until now is passed on.
        let early: Vec<Origin> = self.signals.pending().collect();
        for origin in early.iter().filter(|origin| origin.signal != Signal::CHILD.as_raw()) {
            pid.into_iter().for_each(|pid| send(pid, origin.signal));
        }
        let handle = self.signals.handle();
        let _ = hand_over.send(self.signals);
        Ok((child, PassedOn { program, ended: self.ended, handle, thread }))
    }
}

impl PassedOn {
    /// Stops mem_top if the program was stopped from its terminal. To be asked from time to time: signals of children
    /// that come close together are one.
    pub(crate) fn follow_stops(&self) {
        follow_stop(*locked(&self.program));
    }

    /// Passes nothing on any more, as the program has ended; now it may be waited for.
    pub(crate) fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        self.handle.close();
        let _ = self.thread.join();
        *locked(&self.program) = None;
    }
}

fn locked(program: &Mutex<Option<Pid>>) -> MutexGuard<'_, Option<Pid>> {
    program.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a signal that came.
fn take(program: &Mutex<Option<Pid>>, origin: &Origin) {
    let program = locked(program);
    if origin.signal != Signal::CHILD.as_raw() {
        let passed_on = program.filter(|&program| is_for(program, origin));
        passed_on.into_iter().for_each(|program| send(program, origin.signal));
    } else if origin.cause == Cause::Chld(Chld::Stopped) {
        follow_stop(*program);
    }
}

/// Whether a signal is one that the program has not got by itself.
fn is_for(program: Pid, origin: &Origin) -> bool {
    if let Cause::Sent(_) = origin.cause {
        // What the program sends to its parent or its group, it does not want back.
        let knows = [program, rustix::process::getpid()];
        return !origin.process.is_some_and(|sender| knows.iter().any(|pid| pid.as_raw_pid() == sender.pid));
    }
    let is_one_of = |signals: &[Signal]| signals.iter().any(|signal| signal.as_raw() == origin.signal);
    // A timer that was set before mem_top was run in the place of who set it.
    if is_one_of(&[Signal::ALARM, Signal::VTALARM, Signal::PROF]) {
        return true;
    }
    // When a terminal hangs up, the leader of its session alone is told.
    is_one_of(&[Signal::HUP, Signal::CONT])
        && getsid(None).is_ok_and(|leader| leader == rustix::process::getpid())
}

/// Sends a signal; a program that has ended does not need it any more.
fn send(pid: Pid, number: i32) {
    let _ = match Signal::from_named_raw(number) {
        Some(signal) => kill_process(pid, signal).map_err(io::Error::from),
        None => memtop_remote::send_real_time_signal(pid.as_raw_pid().cast_unsigned(), number),
    };
}

/// Stops this process if the program was stopped by its terminal, until it is continued; then continues the program too.
///
/// Its number is locked meanwhile: it must not be found stopped once more before it is continued. Without a terminal there
/// is no shell that would continue mem_top; and whoever stops the program with `SIGSTOP` continues it by itself.
fn follow_stop(program: Option<Pid>) {
    let Some(pid) = program else { return };
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let Ok(Some(status)) = waitid(WaitId::Pid(pid), options) else { return };
    let is_from_terminal = status.stopped()
        && status
            .stopping_signal()
            .and_then(Signal::from_named_raw)
            .is_some_and(|signal| [Signal::TSTP, Signal::TTIN, Signal::TTOU].contains(&signal));
    if is_from_terminal && std::fs::File::open("/dev/tty").is_ok() {
        let _ = low_level::raise(Signal::STOP.as_raw());
        send(pid, Signal::CONT.as_raw());
    }
}

/// The signals that this process ignores by inheritance. It must not have caught any yet.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let by_runtimes = SET_BY_RUNTIMES.map(Signal::as_raw);
    (1..=64).filter(|number| mask >> (number - 1) & 1 == 1 && !by_runtimes.contains(number)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// One test, since signals are those of the whole process.
    #[test]
    fn what_comes_before_the_program_runs_is_passed_on_to_it_and_ends_nothing_here() {
        let before = ignored();
        assert!(!before.contains(&Signal::TERM.as_raw()), "{before:?}");
        let caught = Caught::new().expect("signals can be caught");
        low_level::raise(Signal::TERM.as_raw()).expect("it can be sent");
        let (mut child, passed_on) = caught.spawn(Command::new("sleep").arg("60")).expect("it starts");
        let pid = WaitId::Pid(Pid::from_child(&child));
        let ended = waitid(pid, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("it ends");
        assert!(ended.is_some());
        passed_on.end();
        assert_eq!(child.wait().expect("it ended").signal(), Some(Signal::TERM.as_raw()));
    }
}
