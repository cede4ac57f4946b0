//! The command `mem_top`: arguments in, answers on standard output, talk on standard error, an exit status back.
//!
//! The console script of the Python package and the binary of this crate are both [`run`]. This is the only place
//! that prints. There is no subcommand yet: the command says how the call is used from within a program.
#![forbid(unsafe_code)]

use clap::{CommandFactory, Parser};

/// All went well.
const FINE: u8 = 0;
/// Wrong arguments, or the work failed.
const FAILURE: u8 = 2;

const HELP: &str = "\
Names the memory leak in a Python program.

mem_top looks from within the program, today:

    from mem_top import mem_top

    logging.debug(mem_top())    # from time to time

Three counters come back: the objects with the most references (refs), the
largest (bytes), and the most numerous types (types). Those that keep growing
are the suspects. To see each row's change since the last call:

    mem_top(types_format=\"{num}\\t{growth}\\t{obj}\")";

/// Names the memory leak in a Python program.
#[derive(Debug, Parser)]
#[command(name = "mem_top", version, long_about = HELP)]
struct Arguments {}

/// Runs the command; `arguments` begins with the program's name. Returns the exit status: 0 for fine, 2 for failure.
#[must_use]
pub fn run(arguments: Vec<String>) -> u8 {
    let shown = match Arguments::try_parse_from(arguments) {
        Ok(Arguments {}) => Arguments::command().print_long_help(),
        Err(error) => {
            // Help and the version are answers, on standard output; the rest is a failure, on standard error.
            let status = if error.use_stderr() { FAILURE } else { FINE };
            return if error.print().is_ok() { status } else { closed() };
        }
    };
    if shown.is_ok() { FINE } else { closed() }
}

/// Nobody reads on: a quiet end.
fn closed() -> u8 {
    FINE
}
