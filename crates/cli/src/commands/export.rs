//! `mem_top export PID|FILE --to FORMAT -o OUT`: writes a heap in the format of another program.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use memtop_analyze::{AccumulationOptions, Costs, Retained, ShortestPaths, accumulation};
use memtop_heap::{Heap, ObjectId, TypeId};
use memtop_report::export::{
    self, DotOptions, HeapSnapshotOptions, HeapSnapshotWritten, Stacks, StacksOptions,
};
use memtop_report::{bytes, escape, grouped};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::input::{CaptureArguments, Input, input};
use crate::lookup::{Query, object_at, type_names, types_called};
use crate::output::{self, Output};
use crate::output_file;
use crate::progress::Progress;

const LONG: &str = "\
Writes the heap of a process or of a snapshot in a format that another program opens:

  heapsnapshot  Memory panel of Chrome DevTools, VS Code: objects and their retainers
  pprof         go tool pprof: flame graphs, tables, comparisons (-diff_base)
  speedscope    speedscope.app: flame graphs
  collapsed     flamegraph.pl, inferno: one line per stack
  dot           Graphviz: what holds an object, and what it holds
  json          your own programs: every object and reference

In a flame graph, a stack is the path from a root to objects, with keys and indexes
written as [*], and its width is bytes. The file is readable by its owner only (mode
0600) and appears when it is complete.";

const EXAMPLES: &str = "\
Examples:
  mem_top export 4711 --to heapsnapshot -o shop.heapsnapshot
  mem_top export 3.parquet --to pprof -o 3.pb.gz && go tool pprof -http : 3.pb.gz
  mem_top export 3.parquet --to collapsed -o - | flamegraph.pl > heap.svg
  mem_top export 3.parquet --to dot --of shop.Session -o - | dot -Tsvg > session.svg";

/// Write a heap for Chrome DevTools, pprof, speedscope or Graphviz
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// PID of a process, or a snapshot; a file named 1234 is ./1234
    #[arg(value_name = "PID|FILE", value_parser = input())]
    input: Input,
    /// The format to write
    #[arg(long, value_name = "FORMAT", value_enum)]
    to: Format,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output_file: PathBuf,
    /// Type or address to draw with --to dot [default: where most memory accumulates]
    #[arg(long, value_name = "TYPE|ADDRESS")]
    of: Option<String>,
    #[command(flatten)]
    capture: CaptureArguments,
    /// How failures are printed.
    #[arg(skip)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Heapsnapshot,
    Pprof,
    Speedscope,
    Collapsed,
    Dot,
    Json,
}

impl Format {
    /// How to open a file of this format.
    fn how_to_open(self) -> &'static str {
        match self {
            Self::Heapsnapshot => "open it in Chrome: DevTools, Memory, Load profile",
            Self::Pprof => "open it with: go tool pprof -http : FILE",
            Self::Speedscope => {
                "open it at https://www.speedscope.app, which reads it locally in the browser"
            }
            Self::Collapsed => "draw it with: flamegraph.pl FILE",
            Self::Dot => "draw it with: dot -Tsvg FILE",
            Self::Json => "its fields are described in docs/export.md",
        }
    }
}

/// The subject of a DOT graph.
enum Drawn {
    Object(ObjectId),
    Types(Vec<TypeId>, String),
}

/// # Errors
/// If the process cannot be captured, a file cannot be read or written, or the heap has no such type or object.
pub(crate) fn run(arguments: &Arguments, context: Context<'_>) -> Result<u8, Failure> {
    if arguments.of.is_some() && arguments.to != Format::Dot {
        return Err(Failure::new(
            "--of applies to --to dot only; the other formats contain the whole heap",
            "leave --of out, or use `mem_top why` to see what holds the objects of a type",
        ));
    }
    let query = arguments.of.as_deref().map(Query::parse).transpose()?;
    let to_stdout = output_file::is_standard(&arguments.output_file);
    if !to_stdout {
        output_file::check(&arguments.output_file)?;
    } else if arguments.to == Format::Pprof && io::stdout().is_terminal() {
        return Err(Failure::new(
            "a pprof profile is binary and cannot be shown in a terminal",
            "write it to a file: -o heap.pb.gz",
        ));
    }
    let progress = Progress::new();
    let heap = arguments.input.heap(&arguments.capture, context.processes, &progress)?;
    progress.set(match arguments.to {
        Format::Dot => "finding paths …",
        _ => "writing …",
    });
    let (size, mut notes) = write_format(arguments, &heap, query.as_ref())?;
    drop(progress);
    if !to_stdout {
        let name = arguments.output_file.display().to_string();
        notes.insert(0, format!("{}: {}; {}", escape(&name), bytes(size), arguments.to.how_to_open()));
    }
    notes.iter().for_each(|note| output::print_error(&format!("{note}\n")));
    Ok(exit::SUCCESS)
}

/// Writes the file in its format. Returns its size in bytes, and notes for the user.
fn write_format(
    arguments: &Arguments,
    heap: &Heap,
    query: Option<&Query<'_>>,
) -> Result<(u64, Vec<String>), Failure> {
    let mut notes = Vec::new();
    let size = match arguments.to {
        Format::Heapsnapshot => {
            let mut written = None;
            let size = write(arguments, |out| {
                written = Some(export::heapsnapshot(heap, &HeapSnapshotOptions::default(), out)?);
                Ok(())
            })?;
            notes.extend(written.iter().flat_map(omissions));
            size
        }
        Format::Pprof | Format::Speedscope | Format::Collapsed => {
            let stacks = Stacks::new(heap, &StacksOptions::default());
            write(arguments, |out| match arguments.to {
                Format::Pprof => export::pprof(&stacks, heap.info(), out),
                Format::Speedscope => export::speedscope(&stacks, heap.info(), out),
                _ => export::collapsed(&stacks, out),
            })?
        }
        Format::Dot => draw(arguments, heap, query)?,
        Format::Json => write(arguments, |out| export::json(heap, out))?,
    };
    Ok((size, notes))
}

/// Notes on the omissions of a `.heapsnapshot`, a sentence each.
fn omissions(written: &HeapSnapshotWritten) -> Vec<String> {
    let mut notes = Vec::new();
    if written.folded > 0 {
        notes.push(format!(
            "pruned: the {} objects that retain least are merged into \"(smaller objects)\", because DevTools opens at \
             most about ten million nodes; the other {} keep their retained sizes",
            grouped(written.folded),
            grouped(written.objects)
        ));
    }
    if written.bytes_left_out > 0 {
        notes.push(format!(
            "left out: {} of objects that are too large for the format",
            bytes(written.bytes_left_out)
        ));
    }
    if written.names_left_out {
        notes.push("left out: names, because DevTools opens at most 512 MiB of them".to_owned());
    }
    notes
}

/// Draws what the query names, or the place where most memory accumulates. Returns the size in bytes.
fn draw(arguments: &Arguments, heap: &Heap, query: Option<&Query<'_>>) -> Result<u64, Failure> {
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let retained = Retained::new(heap);
    let types = |name: &str| -> Result<Drawn, Failure> {
        let types = types_called(heap, &arguments.input, name)?;
        let names = type_names(heap, &types);
        Ok(Drawn::Types(types, names))
    };
    let drawn = match query {
        Some(Query::Address(address)) => Drawn::Object(object_at(heap, &arguments.input, *address)?),
        Some(Query::Type(name)) => types(name)?,
        None => {
            let found = accumulation(heap, &retained, &shortest, &AccumulationOptions::default());
            let first = found.suspects.first().ok_or_else(|| {
                Failure::new(
                    format!("memory does not accumulate anywhere in {}", arguments.input),
                    "say what to draw: --of shop.Session, or --of 0x7f3c5a0e1d50",
                )
            })?;
            match first.point.object {
                Some(id) => Drawn::Object(id),
                None => types(&first.type_name)?,
            }
        }
    };
    let options = DotOptions::default();
    write(arguments, |out| match &drawn {
        Drawn::Object(id) => export::dot_of_object(heap, &retained, &shortest, *id, &options, out),
        Drawn::Types(types, name) => export::dot_of_types(heap, &shortest, types, name, &options, out),
    })
}

/// Writes the file atomically, or writes to standard output. Returns the size in bytes; 0 for standard output.
fn write(
    arguments: &Arguments,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, Failure> {
    let path: &Path = &arguments.output_file;
    if !output_file::is_standard(path) {
        return output_file::write(path, write);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        // A reader that closes the pipe early is not an error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // Discards the buffer, which would be flushed once more when it is dropped.
            drop(out.into_parts());
            Ok(0)
        }
        Err(error) => Err(Failure::new(
            format!("cannot write the export: {error}"),
            "free some disk space, or write to another place",
        )),
        Ok(()) => Ok(0),
    }
}
