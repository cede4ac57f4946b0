//! `mem_top report PID|FILE`: what is in one heap, and what holds most of it.

use clap::Args;
use memtop_report::html::{self, HeapView};
use memtop_report::{HeapReport, HeapReportOptions, json, text};

use crate::FINE;
use crate::failure::Failure;
use crate::input::{Capturing, Input, subject};
use crate::output::Output;
use crate::page::PageArguments;
use crate::processes::Processes;
use crate::progress::Progress;

const LONG: &str = "\
Says what is in the heap of a process, or of a snapshot of one: where memory
accumulates, the types and the objects that retain most, what resident memory is made
of, and what awaits the collector.

The retained size of an object is what would be freed if it went. What is large need
not be a leak: `mem_top leaks` tells what grows.";

const EXAMPLES: &str = "\
Examples:
  mem_top report 4711
  mem_top report 3.parquet
  mem_top report --limit 30 3.parquet
  mem_top report --html heap.html 4711            a page for a browser
  mem_top report --json 4711 | jq '.types[0]'";

/// What is in one heap, and what holds most of it
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A process, or a snapshot; a file whose name is digits is ./1234
    #[arg(value_name = "PID|FILE", value_parser = subject())]
    subject: Input,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    page: PageArguments,
}

/// # Errors
/// If the process cannot be captured, or the file not be read.
pub(crate) fn run(arguments: &Arguments, processes: &dyn Processes) -> Result<u8, Failure> {
    arguments.page.check()?;
    let progress = Progress::new();
    let heap = arguments.subject.heap(&arguments.capturing, processes, &progress)?;
    progress.say("finding out who retains what …");
    let options = HeapReportOptions { limit: arguments.output.limit() };
    if arguments.page.wanted() {
        let view = HeapView::new(&heap, &options);
        drop(progress);
        tell(&view.report, arguments)?;
        arguments.page.write(|| Ok(html::heap_report(&view)))?;
    } else {
        let answer = HeapReport::new(&heap, &options);
        drop(progress);
        tell(&answer, arguments)?;
    }
    Ok(FINE)
}

fn tell(answer: &HeapReport, arguments: &Arguments) -> Result<(), Failure> {
    Output::print(&match arguments.output.json {
        true => json::to_text(&json::heap_report(answer)),
        false => text::heap_report(answer, &arguments.output.style()),
    })
}
