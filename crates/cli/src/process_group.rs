//! `mem_top PID --children`: a server and its workers at a look: a row a process, and their types together.

use memtop_report::{ProcessGroup, json, text};

use crate::FINE;
use crate::failure::Failure;
use crate::input::{Capturing, Input};
use crate::output::Output;
use crate::processes::Processes;
use crate::progress::Progress;

/// # Errors
/// If nothing can be captured.
pub(crate) fn run(
    subject: &Input,
    capturing: &Capturing,
    output: &Output,
    processes: &dyn Processes,
    progress: Progress,
) -> Result<u8, Failure> {
    let Input::Process(pid) = *subject else { return Err(crate::input::for_a_process("--children")) };
    let mut answer = ProcessGroup::default();
    let mut first = None;
    for pid in std::iter::once(pid).chain(processes.children(pid)) {
        progress.say(format!("capturing process {pid} …"));
        // Each heap is let go before the next one is captured.
        match processes.capture(pid, &capturing.options()) {
            Ok(heap) => answer.add(&heap),
            Err(failure) => {
                answer.failed(pid, &failure.message);
                first.get_or_insert(failure);
            }
        }
    }
    if let Some(failure) = first.filter(|_| answer.members.is_empty()) {
        return Err(failure);
    }
    answer.finish(output.limit());
    drop(progress);
    Output::print(&match output.json {
        true => json::to_text(&json::process_group(&answer)),
        false => text::process_group(&answer, &output.style()),
    })?;
    Ok(FINE)
}
