//! `mem_top PID` in a terminal: the live view of processes.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use memtop_analyze::LeaksOptions;
use memtop_heap::Heap;
use memtop_remote::{CaptureOptions, RemoteError, process_stats};
use memtop_report::{Style, text};
use memtop_snapshot::SaveOptions;
use memtop_tui::{CaptureSource, Ended, Limit, ProcessSample, SourceError, Title, run_all};

use crate::exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::terminal::understands_escapes;

/// Whether standard input and standard output, which the view reads keys from and draws on, are terminals that it can
/// draw on.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal() && understands_escapes()
}

/// Shows processes until the user quits. Returns the exit status.
///
/// # Errors
/// If a process cannot be captured, which is checked before the terminal is switched to the view; or if the terminal
/// cannot be used.
pub(super) fn run(pids: &[u32], options: CaptureOptions, output: &Output) -> Result<u8, Failure> {
    let mut sources: Vec<Box<dyn CaptureSource>> = Vec::new();
    for &pid in pids {
        let target = memtop_remote::Target::find(pid)?;
        sources.push(Box::new(Process { pid, name: target.program, options }));
    }
    let style = output.style();
    let theme = memtop_tui::Theme { color: style.color, unicode: style.unicode };
    let ended = run_all(sources, memtop_tui::LiveOptions { theme, ..memtop_tui::LiveOptions::default() });
    match ended {
        Ok(Ended::Quit) => Ok(exit::SUCCESS),
        Ok(Ended::Signal(number)) => Ok(u8::try_from(128 + number).unwrap_or(u8::MAX)),
        Err(error) => Err(Failure::new(error.to_string(), "add --once to print a report instead")),
    }
}

/// A process that is captured repeatedly.
struct Process {
    pid: u32,
    name: String,
    options: CaptureOptions,
}

impl Process {
    /// Candidate names for a file in the current directory. If several files are written in one second, the later ones
    /// get a number.
    fn names(&self, ending: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let name = format!("mem_top-{}-{now}", self.pid);
        let first = PathBuf::from(format!("{name}.{ending}"));
        let more = (2_u32..).map(move |nth| PathBuf::from(format!("{name}-{nth}.{ending}")));
        std::iter::once(first).chain(more)
    }
}

impl CaptureSource for Process {
    fn title(&self) -> Title {
        Title { pid: Some(self.pid), name: self.name.clone() }
    }

    fn capture(&mut self) -> Result<Heap, SourceError> {
        memtop_remote::capture(self.pid, &self.options).map_err(|error| match error {
            RemoteError::NoSuchProcess { .. }
            | RemoteError::Exited { .. }
            | RemoteError::Zombie { .. }
            | RemoteError::Replaced { .. }
            | RemoteError::Execed { .. } => SourceError::Gone(error.to_string()),
            other => SourceError::Failed(other.to_string()),
        })
    }

    fn sample(&mut self) -> Result<ProcessSample, SourceError> {
        let now = process_stats(self.pid)
            .ok_or_else(|| SourceError::Gone(RemoteError::Exited { pid: self.pid }.to_string()))?;
        let limit = now.limit.map(|(bytes, name)| Limit { bytes, name: name.to_owned() });
        Ok(ProcessSample { rss: now.rss, uptime: now.uptime, limit })
    }

    fn save(&self, heap: &Heap) -> Result<PathBuf, String> {
        let options = SaveOptions { with_keys: self.options.with_keys };
        let saved = memtop_snapshot::save_new(heap, self.names("parquet"), &options);
        saved.map(|(path, _)| path).map_err(|error| error.to_string())
    }

    fn report(&self, heaps: &[&Heap]) -> Result<PathBuf, String> {
        let answer =
            memtop_analyze::leaks(heaps, &LeaksOptions::default()).map_err(|error| error.to_string())?;
        let text = text::leaks(&answer, &Style::default());
        let written = memtop_snapshot::write_new(self.names("txt"), |out| out.write_all(text.as_bytes()));
        written.map_err(|error| error.to_string())
    }
}
