//! `mem_top PID`: one process at a look: refs, bytes and types as `mem_top()` has them, what retains most, what its memory
//! is made of, and what looking cost.

use clap::Args;
use memtop_report::{Overview, json, text};

use crate::failure::Failure;
use crate::input::{Capturing, Input, subject};
use crate::output::Output;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::{FINE, live, process_group};

/// What is looked at without a subcommand.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// A process to look into; or a snapshot
    #[arg(value_name = "PID|FILE", value_parser = subject())]
    pub(crate) subject: Option<Input>,
    /// Look once and print a report, also in a terminal; without, a terminal has the live view
    #[arg(long)]
    once: bool,
    /// Take its descendants that are Pythons too: a server and its workers
    #[arg(long)]
    children: bool,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If the process cannot be captured, or the file not be read.
pub(crate) fn run(arguments: &Arguments, processes: &dyn Processes) -> Result<u8, Failure> {
    let Some(subject) = &arguments.subject else {
        return Err(Failure::new(
            "which process?",
            "give its number: `mem_top ps` lists the Python processes",
        ));
    };
    known(subject)?;
    if let Input::Process(pid) = *subject
        && !arguments.once
        && !arguments.output.json
        && live::is_possible()
    {
        let mut pids = vec![pid];
        if arguments.children {
            pids.extend(processes.children(pid));
        }
        return live::run(&pids, arguments.capturing.options(), &arguments.output);
    }
    let progress = Progress::new();
    if arguments.children {
        return process_group::run(subject, &arguments.capturing, &arguments.output, processes, progress);
    }
    let heap = subject.heap(&arguments.capturing, processes, &progress)?;
    progress.say("finding out who retains what …");
    let answer = Overview::new(&heap, arguments.output.limit());
    drop((heap, progress));
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::overview(&answer)),
        false => text::overview(&answer, &arguments.output.style()),
    })?;
    Ok(FINE)
}

/// What is neither a process nor there as a file may be a command that was misspelled.
///
/// # Errors
/// If it is so.
fn known(subject: &Input) -> Result<(), Failure> {
    let Input::File(path) = subject else { return Ok(()) };
    let Some(word) = path.to_str().filter(|word| word.bytes().all(|c| c.is_ascii_alphabetic())) else {
        return Ok(());
    };
    if path.exists() {
        return Ok(());
    }
    let near =
        crate::commands().into_iter().map(|name| (strsim::damerau_levenshtein(word, &name), name)).min();
    let hint = match near {
        Some((distance, name)) if distance <= 2 => format!("did you mean `mem_top {name}`?"),
        _ => "`mem_top --help` lists the commands, `mem_top ps` the processes".to_owned(),
    };
    Err(Failure::new(format!("{word:?} is no command, no process and no file"), hint))
}
