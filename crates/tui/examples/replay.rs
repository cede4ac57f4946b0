//! Shows snapshot files in the live view, as if they were captures of a running process. For development, and for tests
//! in a real terminal.
//!
//! `replay [OPTIONS] FILE…` shows one process whose captures are the files, the last one repeatedly; with `--group`
//! each file is a process of its own. `--interval SECONDS`, `--budget SHARE` and `--limit BYTES` set the pace and the
//! memory limit. With `--die` the process ends after its last file. `--panic title` and `--panic capture` panic at that
//! point. The keys `s` and `r` write to the directory of `--out FOLDER`.
#![expect(clippy::print_stderr, reason = "an example says why it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use memtop_heap::{CaptureInfo, Heap};
use memtop_tui::{
    CaptureSource, Ended, Limit, LiveOptions, ProcessSample, SourceError, Theme, Title, run_all,
};

/// Snapshot files, one after the other.
struct Replay {
    files: Vec<PathBuf>,
    next: usize,
    die: bool,
    panic: Option<String>,
    limit: Option<u64>,
    out: PathBuf,
    begun: Instant,
    info: Option<CaptureInfo>,
}

impl Replay {
    fn load(path: &Path) -> Result<Heap, SourceError> {
        let loaded = memtop_snapshot::load(path);
        loaded.map(|loaded| loaded.heap).map_err(|error| SourceError::Failed(error.to_string()))
    }
}

impl CaptureSource for Replay {
    fn title(&self) -> Title {
        assert!(self.panic.as_deref() != Some("title"), "asked to panic");
        let info = self.files.first().and_then(|file| Self::load(file).ok()).map(|heap| heap.info().clone());
        let info = info.unwrap_or_default();
        Title { pid: Some(info.process.pid), name: info.program }
    }

    fn capture(&mut self) -> Result<Heap, SourceError> {
        assert!(self.panic.as_deref() != Some("capture"), "asked to panic");
        if self.die && self.next >= self.files.len() {
            return Err(SourceError::Gone("the last snapshot was shown".to_owned()));
        }
        let file = self.files.get(self.next).or(self.files.last());
        self.next += 1;
        let heap = Self::load(file.ok_or_else(|| SourceError::Failed("no files".to_owned()))?)?;
        self.info = Some(heap.info().clone());
        Ok(heap)
    }

    fn sample(&mut self) -> Result<ProcessSample, SourceError> {
        let limit = self.limit.map(|bytes| Limit { bytes, name: "cgroup".to_owned() });
        let rss = self.info.as_ref().and_then(|info| info.memory.rss);
        Ok(ProcessSample { rss, uptime: Some(self.begun.elapsed() + Duration::from_secs(7384)), limit })
    }

    fn save(&self, heap: &Heap) -> Result<PathBuf, String> {
        let path = self.out.join("replayed.parquet");
        let saved = memtop_snapshot::save(heap, None, &path, &memtop_snapshot::SaveOptions::default());
        saved.map(|_| path).map_err(|error| error.to_string())
    }

    fn report(&self, heaps: &[&Heap]) -> Result<PathBuf, String> {
        let path = self.out.join("replayed.txt");
        let answer = memtop_analyze::leaks(heaps, &memtop_analyze::LeaksOptions::default());
        let answer = answer.map_err(|error| error.to_string())?;
        let text = memtop_report::text::leaks(&answer, &memtop_report::Style::default());
        std::fs::write(&path, text).map(|()| path).map_err(|error| error.to_string())
    }
}

fn main() -> ExitCode {
    match replay(std::env::args().skip(1)) {
        Ok(Ended::Quit) => ExitCode::SUCCESS,
        Ok(Ended::Signal(signal)) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::from(2)
        }
    }
}

fn replay(mut arguments: impl Iterator<Item = String>) -> Result<Ended, Box<dyn std::error::Error>> {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut options = LiveOptions { theme: Theme { color: !plain, unicode: true }, ..LiveOptions::default() };
    let (mut files, mut group, mut die, mut panic, mut limit) = (Vec::new(), false, false, None, None);
    let mut out = std::env::temp_dir();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--interval" => options.interval = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--budget" => options.budget = value()?.parse()?,
            "--limit" => limit = Some(value()?.parse()?),
            "--out" => out = PathBuf::from(value()?),
            "--ascii" => options.theme.unicode = false,
            "--group" => group = true,
            "--die" => die = true,
            "--panic" => panic = Some(value()?),
            file => files.push(PathBuf::from(file)),
        }
    }
    let groups = if group { files.into_iter().map(|file| vec![file]).collect() } else { vec![files] };
    let source = |files| {
        let replay = Replay {
            files,
            next: 0,
            die,
            panic: panic.clone(),
            limit,
            out: out.clone(),
            begun: Instant::now(),
            info: None,
        };
        Box::new(replay) as Box<dyn CaptureSource>
    };
    Ok(run_all(groups.into_iter().map(source).collect(), options)?)
}
