//! `mem_top why PID|FILE TYPE|ADDRESS`: who keeps an object, or the objects of a type, alive.

use clap::Args;
use memtop_analyze::{
    Costs, PathOptions, Retained, ShortestPaths, paths_to_object, paths_to_types, types_like,
};
use memtop_heap::{Heap, ObjectId, TypeId};
use memtop_report::{ObjectFacts, json, text};

use crate::FINE;
use crate::failure::Failure;
use crate::input::{Capturing, Input, subject};
use crate::output::Output;
use crate::processes::Processes;
use crate::progress::Progress;

const LONG: &str = "\
Says who keeps objects alive, as paths from where Python itself holds them (modules,
classes, frames, threads) that read like Python.

For a type: the ways in which its objects are held, the one that holds most first; keys
and indexes that vary are [*]. For an address: each way to that object, and the object
without which it would be freed.";

const EXAMPLES: &str = "\
Examples:
  mem_top why 4711 shop.models.Session
  mem_top why 3.parquet Session                   the last part of the name will do
  mem_top why 3.parquet 0x7f3c5a0e1d50            hex(id(obj)), or an address from report
  mem_top why --json 3.parquet dict | jq '.clusters[0].path.text'";

/// Who keeps an object, or the objects of a type, alive
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A process, or a snapshot; a file whose name is digits is ./1234
    #[arg(value_name = "PID|FILE", value_parser = subject())]
    subject: Input,
    /// The name of a type, or an address: 0x…, or decimal as id() gives it
    #[arg(value_name = "TYPE|ADDRESS")]
    asked: String,
    #[command(flatten)]
    capturing: Capturing,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    Address(u64),
    Type(&'a str),
}

/// # Errors
/// If it looks like an address and is none.
pub(crate) fn asked(text: &str) -> Result<Asked<'_>, Failure> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match digits {
        Some(digits) => u64::from_str_radix(digits, 16),
        // No type's name begins with a digit.
        None if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse(),
        None => return Ok(Asked::Type(text)),
    };
    number.map(Asked::Address).map_err(|_| {
        Failure::new(
            format!("{text:?} is no address"),
            "write an address as hex(id(obj)) does (0x7f3c5a0e1d50), or as id(obj) does",
        )
    })
}

/// # Errors
/// If the process cannot be captured or the file not be read, or what is asked for is not in it.
pub(crate) fn run(arguments: &Arguments, processes: &dyn Processes) -> Result<u8, Failure> {
    let asked = asked(&arguments.asked)?;
    let progress = Progress::new();
    let heap = arguments.subject.heap(&arguments.capturing, processes, &progress)?;
    progress.say("finding paths …");
    let answer = match asked {
        Asked::Address(address) => why_object(arguments, &heap, address)?,
        Asked::Type(name) => why_type(arguments, &heap, name)?,
    };
    drop(progress);
    Output::print(&answer)?;
    Ok(FINE)
}

fn why_object(arguments: &Arguments, heap: &Heap, address: u64) -> Result<String, Failure> {
    let id = object_at(heap, &arguments.subject, address)?;
    let costs = Costs::default();
    let shortest = ShortestPaths::new(heap, &costs);
    let answer = paths_to_object(heap, &shortest, &costs, id, &options(arguments));
    let keeper = ObjectFacts::of(heap, &Retained::new(heap), &shortest, id);
    Ok(match arguments.output.json {
        true => json::to_text(&json::object_paths(heap, &answer, &keeper)),
        false => text::object_paths(heap, &answer, &keeper, &arguments.output.style()),
    })
}

fn why_type(arguments: &Arguments, heap: &Heap, name: &str) -> Result<String, Failure> {
    let types = types_called(heap, &arguments.subject, name)?;
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let answer = paths_to_types(heap, &shortest, &types, &options(arguments));
    let name = names(heap, &types);
    Ok(match arguments.output.json {
        true => json::to_text(&json::type_paths(heap, &name, &answer)),
        false => text::type_paths(heap, &name, &answer, &arguments.output.style()),
    })
}

/// The object that lies at `address`.
///
/// # Errors
/// If there is none.
pub(crate) fn object_at(heap: &Heap, subject: &Input, address: u64) -> Result<ObjectId, Failure> {
    heap.objects().at_address(address).ok_or_else(|| {
        Failure::new(
            format!("no object lies at {address:#x} in {subject}"),
            "it may have died before the snapshot, or come after it; `mem_top report` shows addresses",
        )
    })
}

/// The types that `name` means.
///
/// # Errors
/// If there is none.
pub(crate) fn types_called(heap: &Heap, subject: &Input, name: &str) -> Result<Vec<TypeId>, Failure> {
    let types = heap.types().find(name);
    if types.is_empty() {
        let near = types_like(heap, name, 3);
        let hint = match near.as_slice() {
            [] => format!("`mem_top report {}` shows the types", subject.argument()),
            near => format!("did you mean {}?", near.join(", or ")),
        };
        return Err(Failure::new(format!("no type in {subject} is called {name:?}"), hint));
    }
    Ok(types)
}

fn options(arguments: &Arguments) -> PathOptions {
    PathOptions { limit: arguments.output.limit().unwrap_or(usize::MAX) }
}

/// The full names of the types that were meant, each once.
pub(crate) fn names(heap: &Heap, types: &[TypeId]) -> String {
    let mut names: Vec<&str> = types.iter().map(|&ty| heap.types().name(ty)).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_type() {
        let read = |text| asked(text).map_err(|failure| failure.message);
        assert_eq!(read("0x7F3c"), Ok(Asked::Address(0x7f3c)));
        assert_eq!(read("140"), Ok(Asked::Address(140)));
        assert_eq!(read(" shop.Session "), Ok(Asked::Type("shop.Session")));
        assert_eq!(read("0xyz"), Err("\"0xyz\" is no address".to_owned()));
        assert_eq!(read("0xffffffffffffffffff"), Err("\"0xffffffffffffffffff\" is no address".to_owned()));
        assert_eq!(read("-5"), Ok(Asked::Type("-5")));
    }
}
