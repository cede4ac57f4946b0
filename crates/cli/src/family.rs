//! `mem_top PID --children`: a server and its workers at a look: a row a process, and their types together.

use memtop_report::{Family, json, text};

use crate::FINE;
use crate::failure::Failure;
use crate::output::Output;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::subject::{Capturing, Subject};

/// # Errors
/// If nothing can be captured.
pub(crate) fn run(
    subject: &Subject,
    capturing: &Capturing,
    output: &Output,
    processes: &dyn Processes,
    progress: Progress,
) -> Result<u8, Failure> {
    let Subject::Process(pid) = *subject else { return Err(crate::subject::for_a_process("--children")) };
    let mut answer = Family::default();
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
        true => json::to_text(&json::family(&answer)),
        false => text::family(&answer, &output.style()),
    })?;
    Ok(FINE)
}
