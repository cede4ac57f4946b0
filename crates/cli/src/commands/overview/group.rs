//! `mem_top PID --children`: a process group at a glance, with a row for each process and their types added up.

use memtop_report::{ProcessGroup, json, text};

use crate::exit;
use crate::failure::Failure;
use crate::input::CaptureArguments;
use crate::output::Output;
use crate::processes::Processes;
use crate::progress::Progress;

/// # Errors
/// If no process can be captured.
pub(super) fn run(
    pid: u32,
    capture: &CaptureArguments,
    output: &Output,
    processes: &dyn Processes,
) -> Result<u8, Failure> {
    let progress = Progress::new();
    let mut answer = ProcessGroup::default();
    let mut first = None;
    for pid in std::iter::once(pid).chain(processes.children(pid)) {
        progress.set(format!("capturing process {pid} …"));
        // Each heap is dropped before the next one is captured.
        match processes.capture(pid, &capture.options()) {
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
    Ok(exit::SUCCESS)
}
