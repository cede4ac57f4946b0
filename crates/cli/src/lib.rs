//! The command `mem_top`: arguments in, answers on standard output, talk on standard error, an exit status back.
//!
//! The console script of the Python package and the binary of this crate are both [`run`]. This is the only place
//! that prints. Each subcommand is a file: its arguments with their help, and a function that asks `analyze` and has
//! the answer told by `report`.
//!
//! Exit statuses: 0 for fine, 2 for failure; `leaks` has 1 for growth, 3 for what cannot be told yet and 130 for ^C too;
//! `run` passes on that of its program.
#![forbid(unsafe_code)]

mod clock;
mod console;
mod diff;
mod dump;
mod export;
mod failure;
mod input;
mod leaks;
mod live;
mod load;
mod output;
mod output_file;
mod overview;
mod pace;
mod page;
mod process_group;
mod processes;
mod progress;
mod ps;
mod report;
mod run;
mod signals;
mod watch;
mod why;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};

use clock::SystemClock;
use console::StandardError;
use failure::Failure;
use processes::System;

/// All went well.
const FINE: u8 = 0;
/// `leaks` found growth.
const GROWTH: u8 = 1;
/// Wrong arguments, or the work failed.
const FAILURE: u8 = 2;
/// `leaks` cannot tell yet.
const INCONCLUSIVE: u8 = 3;
/// ^C came before there was an answer.
const INTERRUPTED: u8 = 130;

const HELP: &str = "\
Names the memory leak in a Python program that is running, from outside of it.

    mem_top ps                       the Python processes that can be looked into
    mem_top 4711                     what is in one: refs, bytes, types, what retains most
    mem_top leaks 4711               what grows in it, held where, by how much
    mem_top leaks 4711 --children    the same for a server with its workers
    mem_top report 4711              what is in the heap, and what holds most
    mem_top why 4711 shop.Session    who keeps these objects alive
    mem_top why 4711 0x7f3c5a0e1d50  … and this one
    mem_top run worker.py            runs a program, and names what grew at its end

The process needs no preparation. It stands still while its memory is copied, mostly for
less than a tenth of a second, and each answer says for how long.

Snapshots keep a heap for later; commands take them as they take processes:

    mem_top dump 4711 -o 1.parquet   saves one; from within: mem_top.snapshot().save(…)
    mem_top leaks 1.parquet 2.parquet 3.parquet
    mem_top diff 1.parquet 3.parquet
    mem_top diff 1.parquet 4711      what changed until now
    mem_top export 4711 --to heapsnapshot -o 4711.heapsnapshot
                                     for Chrome's DevTools; also for pprof, speedscope, Graphviz

The answers of leaks, report and diff are written as a page for a browser too:

    mem_top leaks 4711 --html leaks.html

From within the program, three counters show what grows:

    from mem_top import mem_top

    logging.debug(mem_top())         # from time to time

Sizes are powers of ten: 1 kB is 1000 bytes. Each command answers on standard
output, as text or with --json; its own --help has examples.";

const EXIT: &str = "\
Exit status: 0 fine, 2 failure; of leaks also 1 for a leak or native growth, 3 if
it cannot be told yet, 130 if interrupted before it could; of run that of the program.";

/// Names the memory leak in a Python program, from outside of it.
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

/// The names of the commands.
fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Runs the command; `arguments` begins with the program's name. Returns the exit status: see the crate.
#[must_use]
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> u8 {
    run_with(arguments, None)
}

/// As [`run`]. The interpreter `python` runs the scripts of `mem_top run`; without one, `python3` does.
#[must_use]
pub fn run_with<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    python: Option<&Path>,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    // Without any, it says what there is. A reader that went away has seen enough.
    if arguments.len() < 2 {
        let _ = Arguments::command().print_long_help();
        return FINE;
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and the version are answers, on standard output; the rest is a failure, on standard error.
            let _ = error.print();
            return if error.use_stderr() { FAILURE } else { FINE };
        }
    };
    let output = arguments.output();
    failure::caught(|| arguments.run(python)).unwrap_or_else(|failure| output::complain(output, &failure))
}

impl Arguments {
    fn output(&self) -> &output::Output {
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
        match &self.command {
            None => overview::run(&self.overview, &System),
            Some(Command::Leaks(arguments)) => {
                leaks::run(arguments, &System, &SystemClock::new(), &StandardError::new())
            }
            Some(Command::Report(arguments)) => report::run(arguments, &System),
            Some(Command::Diff(arguments)) => diff::run(arguments, &System),
            Some(Command::Why(arguments)) => why::run(arguments, &System),
            Some(Command::Dump(arguments)) => dump::run(arguments, &System),
            Some(Command::Export(arguments)) => export::run(arguments, &System),
            Some(Command::Ps(arguments)) => ps::run(arguments),
            Some(Command::Run(arguments)) => run::run(arguments, &System, python),
        }
    }
}
