//! `mem_top report PID|FILE`: what one heap contains, and what retains most of it.

use clap::Args;
use memtop_report::html::{self, HeapView};
use memtop_report::{HeapReport, HeapReportOptions, json, text};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::html_page::HtmlPage;
use crate::input::{CaptureArguments, Input, input};
use crate::output::Output;
use crate::progress::Progress;

const LONG: &str = "\
Shows what the heap of a process or of a snapshot contains: where memory accumulates,
which types and objects retain most, what resident memory consists of, and how much
garbage awaits the collector.

The retained size of an object is the memory that would be freed with it. A large place
need not be a leak: `mem_top leaks` finds what grows.";

const EXAMPLES: &str = "\
Examples:
  mem_top report 4711
  mem_top report 3.parquet
  mem_top report --limit 30 3.parquet
  mem_top report --html heap.html 4711            as an HTML page too
  mem_top report --json 4711 | jq '.types[0]'";

/// Show what a heap contains, and what retains most of it
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// PID of a process, or a snapshot; a file named 1234 is ./1234
    #[arg(value_name = "PID|FILE", value_parser = input())]
    input: Input,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    page: HtmlPage,
}

/// # Errors
/// If the process cannot be captured, or the file cannot be read.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>) -> Result<u8, Failure> {
    arguments.page.check()?;
    let progress = Progress::new();
    let heap = arguments.input.heap(&arguments.capture, context.processes, &progress)?;
    progress.set("computing retained sizes …");
    let options = HeapReportOptions { limit: arguments.output.limit() };
    if arguments.page.is_wanted() {
        let view = HeapView::new(&heap, &options);
        drop(progress);
        print(&view.report, arguments)?;
        arguments.page.write(|| Ok(html::heap_report(&view)))?;
    } else {
        let answer = HeapReport::new(&heap, &options);
        drop(progress);
        print(&answer, arguments)?;
    }
    Ok(exit::SUCCESS)
}

fn print(answer: &HeapReport, arguments: &Arguments) -> Result<(), Failure> {
    arguments.page.print_answer(&match arguments.output.json {
        true => json::to_text(&json::heap_report(answer)),
        false => text::heap_report(answer, &arguments.output.style()),
    })
}
