//! `mem_top why PID|FILE TYPE|ADDRESS`: what keeps an object, or the objects of a type, alive.

use clap::Args;
use memtop_analyze::{Costs, PathOptions, Retained, ShortestPaths, paths_to_object, paths_to_types};
use memtop_heap::Heap;
use memtop_report::{ObjectFacts, json, text};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::input::{CaptureArguments, Input, input};
use crate::lookup::{Query, object_at, type_names, types_called};
use crate::output::Output;
use crate::progress::Progress;

const LONG: &str = "\
Shows what keeps objects alive: the paths to them from modules, classes, frames and
threads, written like Python expressions.

For a type, it shows the ways in which its objects are held, the most common first, with
varying keys and indexes written as [*]. For an address, it shows each path to the
object, and the object without which it would be freed.";

const EXAMPLES: &str = "\
Examples:
  mem_top why 4711 shop.models.Session
  mem_top why 3.parquet Session                   the last part of the name is enough
  mem_top why 3.parquet 0x7f3c5a0e1d50            hex(id(obj)), or an address from report
  mem_top why --json 3.parquet dict | jq '.clusters[0].path.text'";

/// Show what keeps an object, or the objects of a type, alive
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// PID of a process, or a snapshot; a file named 1234 is ./1234
    #[arg(value_name = "PID|FILE", value_parser = input())]
    input: Input,
    /// Name of a type, or address of an object: 0x…, or decimal as from id()
    #[arg(value_name = "TYPE|ADDRESS")]
    query: String,
    #[command(flatten)]
    capture: CaptureArguments,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// # Errors
/// If the process cannot be captured, the file cannot be read, or the heap has no such type or object.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>) -> Result<u8, Failure> {
    let query = Query::parse(&arguments.query)?;
    let progress = Progress::new();
    let heap = arguments.input.heap(&arguments.capture, context.processes, &progress)?;
    progress.set("finding paths …");
    let answer = match query {
        Query::Address(address) => why_object(arguments, &heap, address)?,
        Query::Type(name) => why_type(arguments, &heap, name)?,
    };
    drop(progress);
    Output::print(&answer)?;
    Ok(exit::SUCCESS)
}

fn why_object(arguments: &Arguments, heap: &Heap, address: u64) -> Result<String, Failure> {
    let id = object_at(heap, &arguments.input, address)?;
    let costs = Costs::default();
    let shortest = ShortestPaths::new(heap, &costs);
    let answer = paths_to_object(heap, &shortest, &costs, id, &options(arguments));
    let facts = ObjectFacts::of(heap, &Retained::new(heap), &shortest, id);
    Ok(match arguments.output.json {
        true => json::to_text(&json::object_paths(heap, &answer, &facts)),
        false => text::object_paths(heap, &answer, &facts, &arguments.output.style()),
    })
}

fn why_type(arguments: &Arguments, heap: &Heap, name: &str) -> Result<String, Failure> {
    let types = types_called(heap, &arguments.input, name)?;
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let answer = paths_to_types(heap, &shortest, &types, &options(arguments));
    let names = type_names(heap, &types);
    Ok(match arguments.output.json {
        true => json::to_text(&json::type_paths(heap, &names, &answer)),
        false => text::type_paths(heap, &names, &answer, &arguments.output.style()),
    })
}

fn options(arguments: &Arguments) -> PathOptions {
    PathOptions { limit: arguments.output.limit().unwrap_or(usize::MAX) }
}
