//! The command `mem_top`: parses arguments, runs a command and returns its exit status. Answers go to standard output,
//! everything else to standard error.
//!
//! The console script of the Python package and the binary of this crate both call [`run_with`] or [`run`]. No other
//! crate prints. Each command is a file in `commands`; what they share lies beside that folder.
//!
//! Exit statuses: 0 for success, 2 for failure. `leaks` also returns 1 for growth, 3 if it cannot decide yet and 130 if
//! ^C came too early; `run` returns that of its program.
#![forbid(unsafe_code)]

mod clock;
mod commands;
mod console;
mod context;
mod exit;
mod failure;
mod html_page;
mod input;
mod load;
mod lookup;
mod output;
mod output_file;
mod parse;
mod patterns;
mod processes;
mod program;
mod progress;
mod save;
mod series_arguments;
mod signals;
mod terminal;
mod watch;

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use clock::SystemClock;
pub use commands::ps::processes;
use commands::{diff, dump, export, leaks, overview, ps, report, run, why};
use console::StandardError;
use context::Context;
use failure::{Failure, catch_panics};
use output::{Output, print_failure};
use processes::System;

const HELP: &str = "\
Finds memory leaks in running Python processes, from outside and without changes to the
program.

    mem_top ps                       list the Python processes
    mem_top 4711                     show one live: its types, and what retains most
    mem_top leaks 4711               find what grows in it, and where it is held
    mem_top leaks 4711 --children    the same for a server and its workers
    mem_top report 4711              show what its heap contains
    mem_top why 4711 shop.Session    show what keeps these objects alive
    mem_top why 4711 0x7f3c5a0e1d50  show what keeps this object alive
    mem_top run worker.py            run a program, and report what grew when it ends

A process is paused only while its memory is copied, usually for less than a tenth of a
second. Each answer says for how long.

Snapshots keep a heap for later. Commands take them in place of a process:

    mem_top dump 4711 -o 1.parquet   save one; in Python: mem_top.snapshot().save(…)
    mem_top leaks 1.parquet 2.parquet 3.parquet
    mem_top diff 1.parquet 3.parquet
    mem_top diff 1.parquet 4711      compare with the process now
    mem_top export 4711 --to heapsnapshot -o 4711.heapsnapshot
                                     for Chrome DevTools; also pprof, speedscope, Graphviz

The commands leaks, report and diff also write their answer as an HTML page:

    mem_top leaks 4711 --html leaks.html

In a program of your own, three counters show what grows:

    from mem_top import mem_top

    logging.debug(mem_top())         # from time to time

Sizes are powers of ten: 1 kB is 1000 bytes. Every command prints its answer to standard
output, as text or with --json, and has examples in its own --help.";

const EXIT: &str = "\
Exit status: 0 success, 2 failure. leaks also returns 1 for a leak or native growth, 3 if
the answer is inconclusive, and 130 if interrupted too early for an answer. run returns
the exit status of its program.";

/// Find memory leaks in running Python processes
#[derive(Debug, Parser)]
#[command(name = "mem_top", version, long_about = HELP, after_help = EXIT)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    overview: overview::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Leaks(leaks::Arguments),
    Report(report::Arguments),
    Diff(diff::Arguments),
    Why(why::Arguments),
    Dump(dump::Arguments),
    Export(export::Arguments),
    Ps(ps::Arguments),
    Run(run::Arguments),
}

/// Runs the command. `arguments` begins with the name of the program. Returns the exit status.
#[must_use]
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> u8 {
    run_with(arguments, None)
}

/// Runs the command as [`run`] does, with the interpreter that runs the scripts of `mem_top run`; the default is
/// `python3`.
#[must_use]
pub fn run_with<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    python: Option<&Path>,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    // A reader that closes the pipe early is not an error.
    if arguments.len() < 2 {
        let _ = Arguments::command().print_long_help();
        return exit::SUCCESS;
    }
    let words = arguments.clone();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(failure) = first_word_unknown(&words, &error) {
                return print_failure(&Output::default(), &failure);
            }
            // Help and the version are answers too; clap prints them on standard output.
            let _ = error.print();
            return if error.use_stderr() { exit::FAILURE } else { exit::SUCCESS };
        }
    };
    let output = arguments.output();
    catch_panics(|| arguments.run(python)).unwrap_or_else(|failure| print_failure(output, &failure))
}

/// Why the arguments cannot be parsed, if it is the first word: clap takes it for a process or a file, and complains about
/// the second.
fn first_word_unknown(words: &[OsString], error: &clap::Error) -> Option<Failure> {
    let (first, second) = (words.get(1)?.to_str()?, words.get(2)?.to_str()?);
    let names = command_names();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    if error.kind() == ErrorKind::ArgumentConflict && is_number(first) && is_number(second) {
        return Some(Failure::new(
            format!("two processes were given, {first} and {second}, and one is shown at a time"),
            "`mem_top PID --children` shows a process with its children, and `mem_top diff` compares two heaps",
        ));
    }
    let is_word = first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let may_be_meant = error.use_stderr() && is_word && !names.iter().any(|name| name == first);
    (may_be_meant && !Path::new(first).exists()).then(|| overview::unknown_word(first, &names))
}

fn command_names() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

impl Arguments {
    fn output(&self) -> &Output {
        match &self.command {
            None => &self.overview.output,
            Some(Command::Leaks(arguments)) => &arguments.output,
            Some(Command::Report(arguments)) => &arguments.output,
            Some(Command::Diff(arguments)) => &arguments.output,
            Some(Command::Why(arguments)) => &arguments.output,
            Some(Command::Dump(arguments)) => &arguments.output,
            Some(Command::Export(arguments)) => &arguments.output,
            Some(Command::Ps(arguments)) => &arguments.output,
            Some(Command::Run(arguments)) => &arguments.output,
        }
    }

    fn run(&self, python: Option<&Path>) -> Result<u8, Failure> {
        let (clock, console) = (SystemClock::new(), StandardError::new());
        let context = Context { processes: &System, clock: &clock, console: &console };
        match &self.command {
            None => overview::run(&self.overview, context, &command_names()),
            Some(Command::Leaks(arguments)) => leaks::run(arguments, context),
            Some(Command::Report(arguments)) => report::run(arguments, context),
            Some(Command::Diff(arguments)) => diff::run(arguments, context),
            Some(Command::Why(arguments)) => why::run(arguments, context),
            Some(Command::Dump(arguments)) => dump::run(arguments, context),
            Some(Command::Export(arguments)) => export::run(arguments, context),
            Some(Command::Ps(arguments)) => ps::run(arguments),
            Some(Command::Run(arguments)) => run::run(arguments, context, python),
        }
    }
}
