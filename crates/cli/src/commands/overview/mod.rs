//! `mem_top PID`: the live view in a terminal; else one process, or with `--children` a group of them, at a glance.

mod group;
mod live;

use clap::Args;
use memtop_report::{Overview, json, text};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::input::{CaptureArguments, Input, input, refuse_options};
use crate::output::Output;
use crate::progress::Progress;

/// The arguments of `mem_top` without a command.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// PID of a process to show, or a snapshot
    #[arg(value_name = "PID|FILE", value_parser = input())]
    input: Option<Input>,
    /// Print a report once instead of opening the live view
    ///
    /// Without a terminal, or with --json, a report is printed in any case.
    #[arg(long)]
    once: bool,
    /// Include Python child processes, such as the workers of a server
    #[arg(long)]
    children: bool,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Shows a process or a snapshot. `commands` are the names of all commands, for the hint on a misspelled one.
///
/// # Errors
/// If the process cannot be captured, or the file cannot be read.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>, commands: &[String]) -> Result<u8, Failure> {
    let Some(input) = &arguments.input else {
        return Err(Failure::new(
            "missing argument: PID or FILE",
            "`mem_top ps` lists the Python processes, and `mem_top --help` the commands",
        ));
    };
    refuse_unknown_word(input, commands)?;
    let (capture, output) = (&arguments.capture, &arguments.output);
    if let Input::Process(pid) = *input
        && !arguments.once
        && !output.json
        && live::is_possible()
    {
        let mut pids = vec![pid];
        if arguments.children {
            pids.extend(context.processes.children(pid));
        }
        return live::run(&pids, capture.options(), output);
    }
    match *input {
        Input::Process(pid) if arguments.children => group::run(pid, capture, output, context.processes),
        _ => {
            refuse_options(&[("--children", arguments.children)])?;
            show(input, capture, output, context)
        }
    }
}

/// Prints the overview of one heap.
fn show(
    input: &Input,
    capture: &CaptureArguments,
    output: &Output,
    context: Context<'_>,
) -> Result<u8, Failure> {
    let progress = Progress::new();
    let heap = input.heap(capture, context.processes, &progress)?;
    progress.set("computing retained sizes …");
    let answer = Overview::new(&heap, output.limit());
    drop((heap, progress));
    Output::print(&match output.json {
        true => json::to_text(&json::overview(&answer)),
        false => text::overview(&answer, &output.style()),
    })?;
    Ok(exit::SUCCESS)
}

/// Refuses a single word that does not exist as a file, since it may be a misspelled command.
///
/// # Errors
/// If the input is such a word.
fn refuse_unknown_word(input: &Input, commands: &[String]) -> Result<(), Failure> {
    let Input::File(path) = input else { return Ok(()) };
    let Some(word) = path.to_str().filter(|word| word.bytes().all(|c| c.is_ascii_alphabetic())) else {
        return Ok(());
    };
    if path.exists() {
        return Ok(());
    }
    Err(unknown_word(word, commands))
}

/// Names a word that is not a command, a process or a file, and the command that it may be meant for. `commands` are the
/// names of all commands.
pub(crate) fn unknown_word(word: &str, commands: &[String]) -> Failure {
    let similar = commands.iter().map(|name| (strsim::damerau_levenshtein(word, name), name)).min();
    let hint = match similar {
        Some((distance, name)) if distance <= 2 => format!("did you mean `mem_top {name}`?"),
        _ => "`mem_top --help` lists the commands, and `mem_top ps` the processes".to_owned(),
    };
    Failure::new(format!("no such command, process or file: {word}"), hint)
}
