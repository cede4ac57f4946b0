//! `mem_top export PID|FILE --to FORMAT -o OUT`: a heap as a file that another program opens.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use memtop_analyze::{AccumulationOptions, Costs, Retained, ShortestPaths, accumulation};
use memtop_heap::{Heap, ObjectId, TypeId};
use memtop_report::export::{
    self, DotOptions, HeapSnapshotOptions, HeapSnapshotWritten, Stacks, StacksOptions,
};
use memtop_report::{bytes, escape, grouped};

use crate::FINE;
use crate::failure::Failure;
use crate::input::{Capturing, Input, subject};
use crate::output::{self, Output};
use crate::output_file;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::why::{Asked, asked, names, object_at, types_called};

const LONG: &str = "\
Writes the heap of a process, or of a snapshot, as a file that another program opens:

  heapsnapshot  the Memory panel of Chrome's DevTools, VS Code: objects, who retains them
  pprof         go tool pprof: flame graphs, tables, and what changed (-diff_base)
  speedscope    speedscope.app: flame graphs
  collapsed     flamegraph.pl, inferno: a line a stack
  dot           Graphviz: who holds an object, and what it holds
  json          programs of your own: every object and reference

In the flame graphs a stack is the path from a root to objects, keys and indexes being
[*]; its width is bytes. The file is for its owner alone (mode 0600), and appears when
it is complete.";

const EXAMPLES: &str = "\
Examples:
  mem_top export 4711 --to heapsnapshot -o shop.heapsnapshot
  mem_top export 3.parquet --to pprof -o 3.pb.gz && go tool pprof -http : 3.pb.gz
  mem_top export 3.parquet --to collapsed -o - | flamegraph.pl > heap.svg
  mem_top export 3.parquet --to dot --of shop.Session -o - | dot -Tsvg > session.svg";

/// Write a heap as a file that Chrome, pprof, speedscope or Graphviz opens
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A process, or a snapshot; a file whose name is digits is ./1234
    #[arg(value_name = "PID|FILE", value_parser = subject())]
    subject: Input,
    /// The format
    #[arg(long, value_name = "FORMAT", value_enum)]
    to: Format,
    /// The file; - for standard output
    #[arg(short, long, value_name = "FILE")]
    output_file: PathBuf,
    /// With --to dot: the type or the address that is drawn [default: where most memory accumulates]
    #[arg(long, value_name = "TYPE|ADDRESS")]
    of: Option<String>,
    #[command(flatten)]
    capturing: Capturing,
    /// How failures are told.
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
    /// What opens a file of it.
    fn opened(self) -> &'static str {
        match self {
            Self::Heapsnapshot => "Chrome opens it: DevTools, Memory, Load profile",
            Self::Pprof => "go tool pprof -http : FILE opens it",
            Self::Speedscope => "https://www.speedscope.app opens it, which reads it within the browser",
            Self::Collapsed => "flamegraph.pl FILE draws it",
            Self::Dot => "dot -Tsvg FILE draws it",
            Self::Json => "docs/export.md tells its fields",
        }
    }
}

/// What is drawn.
enum Drawn {
    Object(ObjectId),
    Types(Vec<TypeId>, String),
}

/// # Errors
/// If the process cannot be captured or the file not be read, what is asked for is not in it, or the file not be written.
pub(crate) fn run(arguments: &Arguments, processes: &dyn Processes) -> Result<u8, Failure> {
    if arguments.of.is_some() && arguments.to != Format::Dot {
        return Err(Failure::new(
            "--of says what --to dot draws; the other formats tell the whole heap",
            "leave it out, or see `mem_top why` for who holds the objects of a type",
        ));
    }
    let asked = arguments.of.as_deref().map(asked).transpose()?;
    let to_stdout = arguments.output_file.as_os_str() == "-";
    // Known before the process is stopped for nothing.
    if !to_stdout {
        output_file::check(&arguments.output_file)?;
    } else if arguments.to == Format::Pprof && io::stdout().is_terminal() {
        return Err(Failure::new("a profile is no text for a terminal", "give a file: -o heap.pb.gz"));
    }
    let progress = Progress::new();
    let heap = arguments.subject.heap(&arguments.capturing, processes, &progress)?;
    progress.say(match arguments.to {
        Format::Dot => "finding paths …",
        _ => "writing …",
    });
    let mut notes = Vec::new();
    let size = match arguments.to {
        Format::Heapsnapshot => {
            let mut told = None;
            let size = write(arguments, |out| {
                told = Some(export::heapsnapshot(&heap, &HeapSnapshotOptions::default(), out)?);
                Ok(())
            })?;
            notes.extend(told.iter().flat_map(remarks));
            size
        }
        Format::Pprof | Format::Speedscope | Format::Collapsed => {
            let stacks = Stacks::new(&heap, &StacksOptions::default());
            write(arguments, |out| match arguments.to {
                Format::Pprof => export::pprof(&stacks, heap.info(), out),
                Format::Speedscope => export::speedscope(&stacks, heap.info(), out),
                _ => export::collapsed(&stacks, out),
            })?
        }
        Format::Dot => draw(arguments, &heap, asked.as_ref())?,
        Format::Json => write(arguments, |out| export::json(&heap, out))?,
    };
    drop(progress);
    if !to_stdout {
        let name = arguments.output_file.display().to_string();
        notes.insert(0, format!("{}: {}; {}", escape(&name), bytes(size), arguments.to.opened()));
    }
    notes.iter().for_each(|note| output::print_error(&format!("{note}\n")));
    Ok(FINE)
}

/// What a reader of a `.heapsnapshot` should know of it.
fn remarks(told: &HeapSnapshotWritten) -> Vec<String> {
    let mut remarks = Vec::new();
    if told.folded > 0 {
        remarks.push(format!(
            "pruned: {} objects that retain least are put together as \"(smaller objects)\", since DevTools opens no \
             more than some ten million nodes; the {} others retain what they do",
            grouped(told.folded),
            grouped(told.objects)
        ));
    }
    if told.bytes_left_out > 0 {
        remarks.push(format!("{} of objects beyond all measure are left out", bytes(told.bytes_left_out)));
    }
    if told.names_left_out {
        remarks.push("names are left out, since DevTools opens no more than 512 MiB of them".to_owned());
    }
    remarks
}

/// Draws what was asked for, or where most accumulates; gives the size in bytes.
fn draw(arguments: &Arguments, heap: &Heap, asked: Option<&Asked<'_>>) -> Result<u64, Failure> {
    let shortest = ShortestPaths::new(heap, &Costs::default());
    let retained = Retained::new(heap);
    let types = |name: &str| -> Result<Drawn, Failure> {
        let types = types_called(heap, &arguments.subject, name)?;
        let full = names(heap, &types);
        Ok(Drawn::Types(types, full))
    };
    let drawn = match asked {
        Some(Asked::Address(address)) => Drawn::Object(object_at(heap, &arguments.subject, *address)?),
        Some(Asked::Type(name)) => types(name)?,
        None => {
            let found = accumulation(heap, &retained, &shortest, &AccumulationOptions::default());
            let first = found.suspects.first().ok_or_else(|| {
                Failure::new(
                    format!("memory accumulates nowhere in {}", arguments.subject),
                    "say what is to be drawn: --of shop.Session, or --of 0x7f3c5a0e1d50",
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

/// Writes the file whole, or to standard output, where a reader that goes away has read enough. Gives the size in bytes;
/// 0 for standard output.
fn write(
    arguments: &Arguments,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, Failure> {
    let path: &Path = &arguments.output_file;
    if path.as_os_str() != "-" {
        return output_file::write(path, write);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // What is left in the buffer has no reader.
            drop(out.into_parts());
            Ok(0)
        }
        Err(error) => Err(Failure::new(
            format!("the export cannot be written: {error}"),
            "free some space, or write elsewhere",
        )),
        Ok(()) => Ok(0),
    }
}
