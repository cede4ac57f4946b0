//! Forwards the signals that mem_top receives to the program that `mem_top run` started.
//!
//! A signal from the terminal goes to the whole foreground process group, so the program receives it by itself and
//! mem_top ignores it. If the program stops (`^Z`), mem_top stops too, because the shell waits for mem_top only.
//!
//! Invariants: signals are caught before the program starts, so that none can end mem_top and leave the program behind;
//! those that arrive before it runs are forwarded as soon as it does. The program ignores the same signals as without
//! mem_top. No signal is sent once the program is reaped, because its PID may belong to another process by then; from
//! then on, signals have their default effect on mem_top.

use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, getsid, kill_process, waitid};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Chld};
use signal_hook::{flag, low_level};

/// The signals that are forwarded, besides real-time signals. Left out are `KILL` and `STOP`, which cannot be caught;
/// `CHLD`, which reports mem_top's own children; and those that report a fault in the receiver itself, such as `SEGV`.
const FORWARDED: &[Signal] = &[
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

/// The signals that `std` and Python ignore in every program. Whether they were ignored before cannot be known.
const SET_BY_RUNTIMES: [Signal; 2] = [Signal::PIPE, Signal::XFSZ];

/// Signals that are caught until the program is started.
pub(crate) struct CaughtSignals {
    signals: SignalsInfo<WithOrigin>,
    /// Whether signals have their default effect.
    ended: Arc<AtomicBool>,
    /// The signals that this process inherited as ignored.
    ignored: Vec<i32>,
}

/// Forwards signals to a running program.
pub(crate) struct SignalForwarder {
    /// The program; none once its PID may belong to another process.
    program: Arc<Mutex<Option<Pid>>>,
    ended: Arc<AtomicBool>,
    handle: Handle,
    thread: JoinHandle<()>,
}

impl CaughtSignals {
    /// Begins to catch signals.
    ///
    /// # Errors
    /// If the system does not let them be caught.
    pub(crate) fn new() -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let named = FORWARDED.iter().map(|signal| signal.as_raw());
        let numbers: Vec<i32> = named.chain(memtop_remote::real_time_signals()).collect();
        // A signal that is not caught keeps its inherited disposition anyway.
        let mut ignored = ignored();
        ignored.retain(|number| numbers.contains(number) || *number == Signal::CHILD.as_raw());
        for &number in numbers.iter().filter(|number| !ignored.contains(number)) {
            // Only the default effect of a signal with a name can be emulated. A broken pipe stays an error.
            if low_level::signal_name(number).is_some() && number != Signal::PIPE.as_raw() {
                flag::register_conditional_default(number, Arc::clone(&ended))?;
            }
        }
        // CHLD is caught too: while it is ignored, as a parent may have left it, no child can be waited for.
        let signals = SignalsInfo::new(numbers.into_iter().chain([Signal::CHILD.as_raw()]))?;
        Ok(Self { signals, ended, ignored })
    }

    /// Starts the program with the inherited ignored signals, and forwards to it the signals that arrived already and
    /// those that follow.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn spawn(mut self, command: &mut Command) -> io::Result<(Child, SignalForwarder)> {
        memtop_remote::ignore_signals_in(command, self.ignored);
        let program = Arc::new(Mutex::new(None));
        let target = Arc::clone(&program);
        let (hand_over, receiver) = channel::<SignalsInfo<WithOrigin>>();
        let forward = move || {
            let Ok(mut signals) = receiver.recv() else { return };
            for origin in &mut signals {
                handle(&target, &origin);
            }
            // Signals that arrived before the end are forwarded too.
            for origin in signals.pending() {
                handle(&target, &origin);
            }
        };
        // The thread comes first, so that no program is started if it fails.
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(forward)?;
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        *locked(&program) = pid;
        // Between fork and exec the program had mem_top's handlers, and may have missed signals from the terminal.
        // Everything that arrived until now is forwarded.
        let early: Vec<Origin> = self.signals.pending().collect();
        for origin in early.iter().filter(|origin| origin.signal != Signal::CHILD.as_raw()) {
            pid.into_iter().for_each(|pid| send(pid, origin.signal));
        }
        let handle = self.signals.handle();
        let _ = hand_over.send(self.signals);
        Ok((child, SignalForwarder { program, ended: self.ended, handle, thread }))
    }
}

impl SignalForwarder {
    /// Stops mem_top if the program was stopped from its terminal. Call it regularly: several CHLD signals may arrive
    /// as one.
    pub(crate) fn follow_stops(&self) {
        follow_stop(*locked(&self.program));
    }

    /// Ends forwarding, when the program has ended. Afterwards the program may be reaped.
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

/// Handles a signal that arrived.
fn handle(program: &Mutex<Option<Pid>>, origin: &Origin) {
    let program = locked(program);
    if origin.signal == Signal::CHILD.as_raw() {
        if origin.cause == Cause::Chld(Chld::Stopped) {
            follow_stop(*program);
        }
        return;
    }
    let Some(pid) = program.filter(|&program| is_for(program, origin)) else { return };
    // A shell continues its whole job. A second CONT would undo a ^Z that came after the first.
    if origin.signal == Signal::CONT.as_raw() && has_moved_on(pid) {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG);
        return;
    }
    send(pid, origin.signal);
}

/// Whether the program has not received the signal by itself.
fn is_for(program: Pid, origin: &Origin) -> bool {
    if let Cause::Sent(_) = origin.cause {
        // Signals that the program itself sent to its parent or its group are not sent back.
        let knows = [program, rustix::process::getpid()];
        return !origin.process.is_some_and(|sender| knows.iter().any(|pid| pid.as_raw_pid() == sender.pid));
    }
    let is_one_of = |signals: &[Signal]| signals.iter().any(|signal| signal.as_raw() == origin.signal);
    // A timer that was set before exec replaced the process that set it with mem_top.
    if is_one_of(&[Signal::ALARM, Signal::VTALARM, Signal::PROF]) {
        return true;
    }
    // When a terminal hangs up, only the session leader receives the signal.
    is_one_of(&[Signal::HUP, Signal::CONT])
        && getsid(None).is_ok_and(|leader| leader == rustix::process::getpid())
}

/// Sends a signal. Errors are ignored: a program that has ended needs no signal.
fn send(pid: Pid, number: i32) {
    let _ = match Signal::from_named_raw(number) {
        Some(signal) => kill_process(pid, signal).map_err(io::Error::from),
        None => memtop_remote::send_real_time_signal(pid.as_raw_pid().cast_unsigned(), number),
    };
}

/// Stops this process if the program was stopped by its terminal; when the shell continues it, continues the program
/// too.
///
/// The program's PID stays locked meanwhile, so that the same stop is not found a second time. Without a terminal there
/// is no shell that would continue mem_top. A program that was stopped with `SIGSTOP` is continued by whoever did that.
fn follow_stop(program: Option<Pid>) {
    let Some(pid) = program else { return };
    let stop = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    let Ok(Some(status)) = waitid(WaitId::Pid(pid), stop | WaitIdOptions::NOWAIT) else { return };
    if is_from_terminal(&status) && std::fs::File::open("/dev/tty").is_ok() {
        // This stop is taken, so that a later one can be distinguished from it.
        let _ = waitid(WaitId::Pid(pid), stop);
        let _ = low_level::raise(Signal::STOP.as_raw());
        if !has_moved_on(pid) {
            send(pid, Signal::CONT.as_raw());
        }
    }
}

/// Whether the program was continued, or stopped anew by its terminal, since it was last waited for.
fn has_moved_on(pid: Pid) -> bool {
    let change =
        WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(pid), change).ok().flatten();
    status.is_some_and(|status| status.continued() || is_from_terminal(&status))
}

fn is_from_terminal(status: &WaitIdStatus) -> bool {
    let signal = status.stopping_signal().and_then(Signal::from_named_raw);
    status.stopped()
        && signal.is_some_and(|signal| [Signal::TSTP, Signal::TTIN, Signal::TTOU].contains(&signal))
}

/// Returns the signals that this process inherited as ignored. Call it before any signal is caught.
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

    /// A single test, because signals concern the whole test process.
    #[test]
    fn a_signal_before_the_start_is_forwarded_and_does_not_end_mem_top() {
        let before = ignored();
        assert!(!before.contains(&Signal::TERM.as_raw()), "{before:?}");
        let caught = CaughtSignals::new().expect("signals can be caught");
        low_level::raise(Signal::TERM.as_raw()).expect("it can be sent");
        let (mut child, forwarded) = caught.spawn(Command::new("sleep").arg("60")).expect("it starts");
        let pid = WaitId::Pid(Pid::from_child(&child));
        let ended = waitid(pid, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("it ends");
        assert!(ended.is_some());
        forwarded.end();
        assert_eq!(child.wait().expect("it ended").signal(), Some(Signal::TERM.as_raw()));
    }
}
