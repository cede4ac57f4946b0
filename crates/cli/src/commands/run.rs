//! `mem_top run [-m] PROGRAM ARGS…`: runs a program, captures it while it runs, and reports what grew when it has
//! ended.
//!
//! The program has the terminal, the standard streams and the exit status to itself. mem_top prints on standard error
//! only when the program has ended. A process cannot be captured after its end, and a Python interpreter clears its
//! modules as it ends, so the last capture before the end is the one that counts.
//!
//! However long the program runs, at most [`MOST_HEAPS`] heaps of a process are kept: when there are more, every second
//! one is dropped and the interval doubles. So the heaps that are compared are spread over the whole run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use memtop_analyze::{
    LeaksOptions, MemberLeaks, Note, drop_every_second, leaks_of, merge_members, period_within_budget,
    same_process,
};
use memtop_heap::Heap;
use memtop_remote::Purpose;
use memtop_report::{duration, json, text};

use crate::context::Context;
use crate::failure::Failure;
use crate::input::CaptureArguments;
use crate::load::StoredSeries;
use crate::output::{self, Output};
use crate::output_file;
use crate::parse;
use crate::patterns::{OwnPatterns, PatternsFile};
use crate::processes::Processes;
use crate::program::{command, exit_status, has_ended};
use crate::signals::{CaughtSignals, SignalForwarder};
use crate::watch::ProcessSeries;

const LONG: &str = "\
Runs a program, captures it while it runs and, when it has ended, reports on standard
error what grew in it. The program keeps its own input, output, signals and exit status.

PROGRAM is a Python script, a module with -m, or any executable: gunicorn, python3.12,
the python of a virtual environment.";

const EXAMPLES: &str = "\
Examples:
  mem_top run worker.py --queue mails
  mem_top run -m http.server 8000
  mem_top run --children gunicorn -w 4 shop.app:app
  mem_top run -o leaks.json --json pytest -q tests

Exit status: that of the program, or 128 + N if signal N killed it; 2 if it cannot be
started.";

/// Run a program, and report what grew when it ends
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
    /// Run PROGRAM as a module, like python -m
    #[arg(short = 'm')]
    module: bool,
    /// Python interpreter that runs scripts and modules [default: python3]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,
    /// Shortest time between two captures [default: 1s]; it grows as the program runs on
    #[arg(short, long, value_name = "TIME", value_parser = parse::duration)]
    interval: Option<Duration>,
    /// Pause the program for at most this share of the time [default: 1%]
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    budget: Option<f64>,
    /// Include Python child processes, such as the workers of a server
    #[arg(long)]
    children: bool,
    /// Write the answer to FILE instead of standard error; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    patterns: PatternsFile,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// At most this many heaps of a process are kept.
const MOST_HEAPS: usize = 8;
/// How often to check whether the program has ended.
const TICK: Duration = Duration::from_millis(20);

/// Runs the program. `python` is the interpreter for scripts and modules unless `--python` is given; the default is
/// `python3`.
///
/// # Errors
/// If the program cannot be started. A later failure is printed, and the exit status is that of the program.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>, python: Option<&Path>) -> Result<u8, Failure> {
    let python = arguments.python.as_deref().or(python).unwrap_or(Path::new("python3"));
    let (program, rest) = arguments.command.split_first().ok_or_else(|| {
        Failure::new(
            "missing argument: PROGRAM",
            "give a script, a program in PATH, or a module with -m: `mem_top run script.py`",
        )
    })?;
    if let Some(path) = arguments.output_file.as_deref().filter(|path| !output_file::is_standard(path)) {
        // Checked before the program runs for hours.
        output_file::check(path)?;
    }
    let own = arguments.patterns.read()?;
    let mut command = command(program, rest, arguments.module, python)?;
    let name = Path::new(command.get_program()).display().to_string();
    let signals = CaughtSignals::new().map_err(|error| {
        let message = format!("cannot catch the signals that have to be forwarded to {name}: {error}");
        Failure::new(message, "run the program by itself, and use `mem_top leaks PID`")
    })?;
    let (mut child, forwarder) = signals.spawn(&mut command).map_err(|error| {
        let hint = "give a script, a program in PATH, or another --python";
        Failure::new(format!("cannot start {name}: {error}"), hint)
    })?;
    let captures = capture_until_end(arguments, child.id(), context.processes, &forwarder);
    // Forwarding ends before the program is reaped: afterwards its PID may belong to another process.
    forwarder.end();
    let status = child.wait().map_err(|error| {
        Failure::new(format!("cannot read the exit status of {name}: {error}"), "see its output above")
    })?;
    if let Err(failure) = captures.answer(arguments, &own).and_then(|answer| deliver(&answer, arguments)) {
        let _ = output::print_failure(&arguments.output, &failure);
    }
    Ok(exit_status(status))
}

/// The captures of a program.
#[derive(Debug, Default)]
struct Captures {
    processes: Vec<ProcessSeries>,
    /// Why the last capture that failed did so.
    failure: Option<Failure>,
    /// The number of captures, dropped ones included.
    taken: usize,
    /// The sum of their pauses, in nanoseconds.
    paused: u64,
    /// Notes for the user, a sentence each.
    notes: Vec<String>,
}

/// Captures a program again and again until it has ended.
fn capture_until_end(
    arguments: &Arguments,
    pid: u32,
    processes: &dyn Processes,
    forwarder: &SignalForwarder,
) -> Captures {
    let mut captures = Captures::default();
    let mut interval = arguments.interval.unwrap_or(Duration::from_secs(1));
    let budget = arguments.budget.unwrap_or(0.01);
    let options = arguments.capture.options_for(Purpose::Series);
    let mut start = Instant::now();
    let mut pause = Duration::ZERO;
    loop {
        // The first wait too: a program that has just started has nothing to show.
        let wait = interval.max(period_within_budget(pause, budget));
        while start.elapsed() < wait {
            if has_ended(pid) {
                return captures;
            }
            forwarder.follow_stops();
            std::thread::sleep(wait.saturating_sub(start.elapsed()).min(TICK));
        }
        if has_ended(pid) {
            return captures;
        }
        start = Instant::now();
        pause = Duration::ZERO;
        let descendants = if arguments.children { processes.children(pid) } else { Vec::new() };
        for pid in std::iter::once(pid).chain(descendants) {
            match processes.capture(pid, &options) {
                Ok(heap) => {
                    pause = pause.max(Duration::from_nanos(heap.info().pause.unwrap_or(0)));
                    if captures.add(pid, heap) {
                        interval = interval.saturating_mul(2);
                    }
                }
                Err(failure) => captures.failure = Some(failure),
            }
        }
    }
}

impl Captures {
    /// Adds a heap. Returns whether earlier ones were dropped for it.
    fn add(&mut self, pid: u32, heap: Heap) -> bool {
        self.taken += 1;
        self.paused = self.paused.saturating_add(heap.info().pause.unwrap_or(0));
        let known = self.processes.iter().position(|process| process.pid == pid);
        let index = known.unwrap_or_else(|| {
            self.processes.push(ProcessSeries::new(pid));
            self.processes.len() - 1
        });
        let process = &mut self.processes[index];
        let heaps = &mut process.heaps;
        // Another program with the same PID, after an exec or as a new child, starts a new series.
        if heaps.first().is_some_and(|first| same_process(first.info(), heap.info()).is_err()) {
            heaps.clear();
        }
        if let Some(note) = process.add(heap).filter(|note| !self.notes.contains(note)) {
            self.notes.push(note);
        }
        let heaps = &mut process.heaps;
        let too_many = heaps.len() > MOST_HEAPS;
        if too_many {
            drop_every_second(heaps);
        }
        too_many
    }

    /// Returns what grew, as text or JSON.
    ///
    /// # Errors
    /// If there are fewer than two captures of each process.
    fn answer(self, arguments: &Arguments, own: &OwnPatterns) -> Result<String, Failure> {
        let kept = self.processes.iter().map(|process| process.heaps.len()).max().unwrap_or(0);
        if kept < 2 {
            return Err(match self.failure {
                Some(failure) if kept == 0 => failure,
                _ => Failure::new(
                    match kept {
                        0 => "the program ended before the first capture: too early to report growth",
                        _ => "the program ended after a single capture: too early to report growth",
                    },
                    "use a shorter --interval to capture more often",
                ),
            });
        }
        let limit = arguments.output.limit().unwrap_or(usize::MAX);
        let options = LeaksOptions { limit, ..LeaksOptions::default() };
        let mut notes = vec![format!(
            "{} captures, which paused the program for {} in total; {kept} of them are kept, spread over the run",
            self.taken,
            duration(self.paused)
        )];
        notes.extend(self.notes);
        let style = arguments.output.error_style(arguments.output_file.is_none());
        let mut answers = Vec::new();
        for ProcessSeries { pid, heaps } in self.processes {
            let mut answer = leaks_of(&StoredSeries::new(heaps), &options).map_err(|error| {
                Failure::leaks(error, &[], "a process started another program; run the command again")
            })?;
            own.advise(&mut answer);
            answers.push(MemberLeaks { pid, answer });
        }
        if arguments.children {
            let mut answer = merge_members(answers, limit);
            answer.notes.extend(notes.into_iter().map(Note::Text));
            return Ok(match arguments.output.json {
                true => json::to_text(&json::group_leaks(&answer)),
                false => text::group_leaks(&answer, &style),
            });
        }
        let Some(MemberLeaks { mut answer, .. }) = answers.pop() else { return Ok(String::new()) };
        answer.notes.extend(notes.into_iter().map(Note::Text));
        Ok(match arguments.output.json {
            true => json::to_text(&json::leaks(&answer)),
            false => text::leaks(&answer, &style),
        })
    }
}

/// Prints the answer on standard error, or writes it to the file that was given.
fn deliver(answer: &str, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.output_file {
        None => {
            output::print_error(answer);
            Ok(())
        }
        Some(path) if output_file::is_standard(path) => Output::print(answer),
        Some(path) => output_file::write(path, |out| out.write_all(answer.as_bytes())).map(|_| ()),
    }
}
