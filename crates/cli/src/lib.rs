//! The command `mem_top`: arguments in, answers on standard output, talk on standard error, an exit status back.
//!
//! The console script of the Python package and the binary of this crate are both [`run`]. This is the only place
//! that prints. Each subcommand is a file: its arguments with their help, and a function that asks `analyze` and has
//! the answer told by `report`.
//!
//! Exit statuses: 0 for fine, 2 for failure; `leaks` has 1 for growth and 3 for what cannot be told yet, too.
#![forbid(unsafe_code)]

mod diff;
mod failure;
mod leaks;
mod load;
mod output;
mod progress;
mod report;
mod why;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;

/// All went well.
const FINE: u8 = 0;
/// `leaks` found growth.
const GROWTH: u8 = 1;
/// Wrong arguments, or the work failed.
const FAILURE: u8 = 2;
/// `leaks` cannot tell yet.
const INCONCLUSIVE: u8 = 3;

const HELP: &str = "\
Names the memory leak in a Python program.

Take snapshots in the program, some minutes apart:

    import mem_top

    mem_top.snapshot().save(\"1.parquet\")       # later 2.parquet, 3.parquet, …

Then ask:

    mem_top leaks 1.parquet 2.parquet 3.parquet      what grows, held where, by how much
    mem_top report 3.parquet                         what is in the heap, and what holds most
    mem_top diff 1.parquet 3.parquet                 which types became more
    mem_top why 3.parquet shop.Session               who keeps these objects alive
    mem_top why 3.parquet 0x7f3c5a0e1d50             … and this one

Without snapshots, three counters show what grows, from within the program:

    from mem_top import mem_top

    logging.debug(mem_top())    # from time to time

Sizes are powers of ten: 1 kB is 1000 bytes. Each command answers on standard
output, as text or with --json; its own --help has examples.";

const EXIT: &str = "\
Exit status: 0 fine, 2 failure; of leaks also 1 for a leak or native growth, 3 if
it cannot be told yet.";

/// Names the memory leak in a Python program.
#[derive(Debug, Parser)]
#[command(name = "mem_top", version, long_about = HELP, after_help = EXIT)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Leaks(leaks::Arguments),
    Report(report::Arguments),
    Diff(diff::Arguments),
    Why(why::Arguments),
}

/// Runs the command; `arguments` begins with the program's name. Returns the exit status: see the crate.
#[must_use]
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> u8 {
    let command = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command: Some(command) }) => command,
        // Without a command, it says what there is. A reader that went away has seen enough.
        Ok(Arguments { command: None }) => {
            let _ = Arguments::command().print_long_help();
            return FINE;
        }
        Err(error) => {
            // Help and the version are answers, on standard output; the rest is a failure, on standard error.
            let _ = error.print();
            return if error.use_stderr() { FAILURE } else { FINE };
        }
    };
    let (output, result) = match &command {
        Command::Leaks(arguments) => (&arguments.output, leaks::run(arguments)),
        Command::Report(arguments) => (&arguments.output, report::run(arguments)),
        Command::Diff(arguments) => (&arguments.output, diff::run(arguments)),
        Command::Why(arguments) => (&arguments.output, why::run(arguments)),
    };
    result.unwrap_or_else(|failure| output::complain(output, &failure))
}
