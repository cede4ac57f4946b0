//! `mem_top ps`: lists the Python processes of this machine, and whether they can be captured.

use clap::Args;
use memtop_report::{ProcessRow, json, text};

use crate::exit;
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Lists the Python processes of this machine: PID, version of the interpreter, resident
memory, user and command line. For a process that mem_top cannot capture, it shows the
reason. Lists all of them unless --limit is given.";

const EXAMPLES: &str = "\
Examples:
  mem_top ps
  sudo mem_top ps                                 include processes of other users
  mem_top ps --json | jq '.processes[] | select(.problem == null) | .pid'";

/// List the Python processes of this machine
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES, mut_arg("limit", |limit| limit.default_value("0")))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If the answer cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let mut rows = processes();
    let omitted = rows.len().saturating_sub(arguments.output.limit().unwrap_or(usize::MAX));
    rows.truncate(rows.len() - omitted);
    let host = memtop_remote::host();
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::processes(&rows, omitted, host.as_deref())),
        false => text::processes(&rows, omitted, host.as_deref(), &arguments.output.style()),
    })?;
    Ok(exit::SUCCESS)
}

/// The Python processes of this machine but this one, by their PIDs.
#[must_use]
pub fn processes() -> Vec<ProcessRow> {
    let row = |process: memtop_remote::Process| ProcessRow {
        pid: process.pid,
        namespace_pid: process.namespace_pid,
        container: process.container,
        python: process.version.map(|version| version.to_string()),
        rss: process.rss,
        user: process.user,
        command: process.command,
        problem: process.problem,
    };
    let mut rows: Vec<ProcessRow> = memtop_remote::processes().into_iter().map(row).collect();
    rows.sort_by_key(|row| row.pid);
    rows
}
