//! `mem_top run [-m] PROGRAM ARGS…`: a program, looked at from outside while it runs; at its end, what grew.
//!
//! The program has the terminal, the standard streams and the exit status to itself: mem_top speaks on standard error, and
//! only when the program has ended. A process cannot be looked at after its end, and a Python that ends has let go of
//! its modules before; so it is the last look before that counts.
//!
//! However long it runs, at most [`MOST`] heaps are kept: when there are more, every other one goes, and looks become half
//! as frequent. So what is compared in the end is spread over the whole run.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use clap::Args;
use memtop_analyze::{LeaksOptions, MemberLeaks, Note, leaks_of, merge_members, same_process};
use memtop_heap::Heap;
use memtop_remote::Purpose;
use memtop_report::{json, text};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::failure::Failure;
use crate::input::Capturing;
use crate::leaks::{share, time};
use crate::output::Output;
use crate::pace::period;
use crate::processes::Processes;
use crate::signals::{Caught, PassedOn};
use crate::watch::Watched;

const LONG: &str = "\
Runs a program and looks at it from outside while it runs; when it has ended, says on
standard error what grew in it. The program's input, output, signals and exit status
are its own.

PROGRAM is a Python script, with -m a module, or any executable: gunicorn, python3.12,
a virtual environment's python.";

const EXAMPLES: &str = "\
Examples:
  mem_top run worker.py --queue mails
  mem_top run -m http.server 8000
  mem_top run --children gunicorn -w 4 shop.app:app
  mem_top run -o leaks.json --json pytest -q tests

Exit status: that of the program, or 128 + N if signal N killed it; 2 if it cannot be
started.";

/// Run a program, and name what grew in it when it ends
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
    /// PROGRAM is a module, as for python -m
    #[arg(short = 'm')]
    module: bool,
    /// The Python that runs scripts and modules [default: python3]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,
    /// The least time between two looks [default: 1s]; it becomes longer as the program runs on
    #[arg(long, value_name = "TIME", value_parser = time)]
    interval: Option<Duration>,
    /// Stop the program for at most this share of the time [default: 1%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    budget: Option<f64>,
    /// Look at its descendants that are Pythons too
    #[arg(long)]
    children: bool,
    /// Write the answer to this file
    #[arg(short, long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// At most so many heaps of a process are kept.
const MOST: usize = 8;
/// So often it is asked whether the program has ended.
const TICK: Duration = Duration::from_millis(20);

/// # Errors
/// If the program cannot be started. What goes wrong later is said, and the program's status passed on.
pub(crate) fn run(
    arguments: &Arguments,
    processes: &dyn Processes,
    python: Option<&Path>,
) -> Result<u8, Failure> {
    let python = arguments.python.as_deref().or(python).unwrap_or(Path::new("python3"));
    let (program, rest) = arguments.command.split_first().ok_or_else(|| {
        Failure::new(
            "which program?",
            "mem_top run script.py, mem_top run -m module, mem_top run -- python x.py",
        )
    })?;
    if let Some(path) = &arguments.output_file {
        // Said before the program runs for hours.
        crate::output_file::check(path)?;
    }
    let mut command = match runs(program, arguments.module, std::env::var_os("PATH").as_deref())? {
        Runs::Module => with(python, &[OsStr::new("-m"), program], rest),
        Runs::Script => with(python, &[program], rest),
        Runs::Itself => with(Path::new(program), &[], rest),
    };
    let called = Path::new(command.get_program()).display().to_string();
    let signals = Caught::new().map_err(|error| {
        let message = format!("signals cannot be caught, so none could be passed on to {called}: {error}");
        Failure::new(message, "run the program by itself, and give its number: mem_top leaks PID")
    })?;
    let (mut child, signals) = signals.spawn(&mut command).map_err(|error| {
        let hint = "give a script, a program of PATH, or another --python";
        Failure::new(format!("{called} cannot be started: {error}"), hint)
    })?;
    let looks = look(arguments, child.id(), processes, &signals);
    // It is not waited for before nobody sends it signals any more: then its number may become another's.
    signals.end();
    let status = wait(&mut child)?;
    let told = match looks.answer(arguments) {
        Ok(answer) => deliver(&answer, arguments),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = told {
        let _ = crate::output::complain(&arguments.output, &failure);
    }
    Ok(exit_status(status))
}

/// How a program is run.
#[derive(Debug, PartialEq, Eq)]
enum Runs {
    Module,
    Script,
    Itself,
}

/// How `program` is to be run: as a module, if that was said; a Python file, or a directory or archive with a
/// `__main__`, by Python; anything that can be executed by itself.
///
/// # Errors
/// If there is no such thing.
fn runs(program: &OsStr, module: bool, search: Option<&OsStr>) -> Result<Runs, Failure> {
    if module {
        return Ok(Runs::Module);
    }
    let path = Path::new(program);
    let is_python = path
        .extension()
        .is_some_and(|extension| ["py", "pyw", "pyz", "pyc"].iter().any(|of| extension == *of));
    if (is_python && path.is_file()) || (path.is_dir() && path.join("__main__.py").is_file()) {
        return Ok(Runs::Script);
    }
    let is_path = path.components().count() > 1;
    let folders = search.map(std::env::split_paths).into_iter().flatten();
    if (is_path && is_executable(path))
        || (!is_path && folders.map(|folder| folder.join(path)).any(|file| is_executable(&file)))
    {
        return Ok(Runs::Itself);
    }
    if path.is_file() {
        return Ok(Runs::Script);
    }
    Err(Failure::new(
        format!("{}: no such program or script", path.display()),
        "give a script, a program of PATH, or a module with -m",
    ))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn with(program: &Path, first: &[&OsStr], rest: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.args(first).args(rest);
    command
}

/// Whether the program has ended; it is not waited for by this, and keeps its number.
fn has_ended(pid: u32) -> bool {
    let Some(pid) = Pid::from_raw(pid.cast_signed()) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(pid), options) {
        Ok(ended) => ended.is_some(),
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

fn wait(child: &mut Child) -> Result<ExitStatus, Failure> {
    child.wait().map_err(|error| {
        Failure::new(format!("how the program ended cannot be told: {error}"), "its output stands above")
    })
}

fn exit_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128_u8.saturating_add(signal as u8),
        (None, None) => crate::FAILURE,
    }
}

/// What was seen of a program.
#[derive(Debug, Default)]
struct Looks {
    watched: Vec<Watched>,
    /// Why the last look that failed did.
    failure: Option<Failure>,
    /// How many looks there were, and how long the program stood still for them in all, in nanoseconds.
    taken: usize,
    stopped: u64,
    /// What a reader should know, a sentence each.
    notes: Vec<String>,
}

/// Looks at a program until it has ended.
fn look(arguments: &Arguments, pid: u32, processes: &dyn Processes, signals: &PassedOn) -> Looks {
    let mut looks = Looks::default();
    let mut interval = arguments.interval.unwrap_or(Duration::from_secs(1));
    let budget = arguments.budget.unwrap_or(0.01);
    let options = arguments.capturing.options_for(Purpose::Series);
    let mut begun = Instant::now();
    let mut pause = Duration::ZERO;
    loop {
        // A look at a program that has just begun would say nothing.
        let wait = period(interval, pause, budget);
        while begun.elapsed() < wait {
            if has_ended(pid) {
                return looks;
            }
            signals.follow_stops();
            std::thread::sleep(wait.saturating_sub(begun.elapsed()).min(TICK));
        }
        if has_ended(pid) {
            return looks;
        }
        begun = Instant::now();
        pause = Duration::ZERO;
        let descendants = if arguments.children { processes.children(pid) } else { Vec::new() };
        for pid in std::iter::once(pid).chain(descendants) {
            match processes.capture(pid, &options) {
                Ok(heap) => {
                    pause = pause.max(Duration::from_nanos(heap.info().pause.unwrap_or(0)));
                    if looks.keep(pid, heap) {
                        interval = interval.saturating_mul(2);
                    }
                }
                Err(failure) => looks.failure = Some(failure),
            }
        }
    }
}

impl Looks {
    /// Keeps a heap; whether others had to go for it.
    fn keep(&mut self, pid: u32, heap: Heap) -> bool {
        self.taken += 1;
        self.stopped = self.stopped.saturating_add(heap.info().pause.unwrap_or(0));
        let at = self.watched.iter().position(|watched| watched.pid == pid).unwrap_or_else(|| {
            self.watched.push(Watched::new(pid));
            self.watched.len() - 1
        });
        let watched = &mut self.watched[at];
        let heaps = &mut watched.heaps.0;
        // Another program under the number (after an exec, or of a new worker) begins anew.
        if heaps.first().is_some_and(|first| same_process(first.info(), heap.info()).is_err()) {
            heaps.clear();
        }
        if let Some(note) = watched.keep(heap).filter(|note| !self.notes.contains(note)) {
            self.notes.push(note);
        }
        thin(&mut watched.heaps.0)
    }

    /// What grew, as text or JSON.
    ///
    /// # Errors
    /// If too little was seen.
    fn answer(self, arguments: &Arguments) -> Result<String, Failure> {
        let seen = self.watched.iter().map(|watched| watched.heaps.0.len()).max().unwrap_or(0);
        if seen < 2 {
            return Err(match self.failure {
                Some(failure) if seen == 0 => failure,
                _ => Failure::new(
                    match seen {
                        0 => "the program ended before the first look at it: too early to say what grew",
                        _ => "the program ended after one look at it: too early to say what grew",
                    },
                    "a shorter --interval looks more often",
                ),
            });
        }
        let limit = arguments.output.limit().unwrap_or(usize::MAX);
        let options = LeaksOptions { limit, ..LeaksOptions::default() };
        let note = format!(
            "{} looks in all, for which it stood still for {}; {seen} of them are kept, spread over the run",
            self.taken,
            memtop_report::duration(self.stopped)
        );
        let style = arguments.output.error_style(arguments.output_file.is_none());
        let mut answers = Vec::new();
        for Watched { pid, heaps } in self.watched {
            let answer = leaks_of(&heaps, &options)
                .map_err(|error| Failure::leaks(error, &[], "it became another program meanwhile"))?;
            answers.push(MemberLeaks { pid, answer });
        }
        if arguments.children {
            let mut answer = merge_members(answers, limit);
            answer.notes.push(Note::Text(note));
            answer.notes.extend(self.notes.into_iter().map(Note::Text));
            return Ok(match arguments.output.json {
                true => json::to_text(&json::group_leaks(&answer)),
                false => text::group_leaks(&answer, &style),
            });
        }
        let Some(MemberLeaks { mut answer, .. }) = answers.pop() else { return Ok(String::new()) };
        answer.notes.push(Note::Text(note));
        answer.notes.extend(self.notes.into_iter().map(Note::Text));
        Ok(match arguments.output.json {
            true => json::to_text(&json::leaks(&answer)),
            false => text::leaks(&answer, &style),
        })
    }
}

/// If there are more than [`MOST`], every other one goes, the first and the last stay. Whether any went.
fn thin<T>(kept: &mut Vec<T>) -> bool {
    if kept.len() <= MOST {
        return false;
    }
    let mut place = 0;
    kept.retain(|_| {
        place += 1;
        place % 2 == 1
    });
    true
}

/// Prints the answer on standard error, or writes it to the file that was given.
fn deliver(answer: &str, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.output_file {
        None => {
            crate::output::print_error(answer);
            Ok(())
        }
        Some(path) => crate::output_file::write(path, |out| out.write_all(answer.as_bytes())).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_spread_over_the_whole_run() {
        let mut kept = Vec::new();
        let (mut every, mut looks) = (1, 0);
        for moment in 0..1000 {
            if moment % every == 0 {
                looks += 1;
                kept.push(moment);
                if thin(&mut kept) {
                    every *= 2;
                }
            }
            assert!(kept.len() <= MOST && (moment < 3 || kept.len() >= 3), "{kept:?} at {moment}");
            // Evenly, from the first to the last.
            assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == every), "{kept:?} at {moment}");
            assert_eq!(kept[0], 0);
        }
        assert!(looks < 50, "{looks}");
    }

    #[test]
    fn a_program_is_told_from_a_script() {
        let folder = std::env::temp_dir().join(format!("mem_top-run-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("bin/package")).expect("a folder");
        let file = |name: &str, mode: u32| {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.join("bin").join(name);
            std::fs::write(&path, "").expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
            path
        };
        let (script, tool, plain) = (file("x.py", 0o755), file("tool", 0o755), file("plain", 0o644));
        file("package/__main__.py", 0o644);
        let search = folder.join("bin").into_os_string();
        let read =
            |program: &OsStr, module| runs(program, module, Some(&search)).map_err(|failure| failure.message);
        assert_eq!(read(script.as_os_str(), false), Ok(Runs::Script));
        assert_eq!(read(tool.as_os_str(), false), Ok(Runs::Itself));
        assert_eq!(read(OsStr::new("tool"), false), Ok(Runs::Itself));
        assert_eq!(read(plain.as_os_str(), false), Ok(Runs::Script));
        assert_eq!(read(folder.join("bin/package").as_os_str(), false), Ok(Runs::Script));
        assert_eq!(read(OsStr::new("http.server"), true), Ok(Runs::Module));
        assert_eq!(read(OsStr::new("plain"), false), Err("plain: no such program or script".to_owned()));
        std::fs::remove_dir_all(&folder).expect("it goes");
    }

    #[test]
    fn the_exit_status_is_the_programs() {
        assert_eq!(exit_status(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_status(ExitStatus::from_raw(15)), 143);
    }
}
