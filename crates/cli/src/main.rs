//! The binary of the command; see the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(memtop_cli::run(std::env::args_os()))
}
