//! The input of a command: a snapshot file, a core file or a running process.
//!
//! An argument of digits is a PID; a file with such a name is written `./1234`.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use memtop_heap::Heap;
use memtop_remote::{CaptureOptions, MemoryPlan, Purpose};

use crate::failure::Failure;
use crate::load;
use crate::output_file::is_standard;
use crate::parse;
use crate::processes::Processes;
use crate::progress::Progress;

/// The input of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A snapshot or a core file.
    File(PathBuf),
    /// A running process, by its PID.
    Process(u32),
}

impl Input {
    /// Parses an argument.
    ///
    /// # Errors
    /// If it consists of digits but cannot be a PID.
    pub(crate) fn parse(argument: OsString) -> Result<Self, String> {
        match argument.to_str() {
            Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let pid = text.parse().ok().filter(|&pid| 0 < pid && pid <= i32::MAX.cast_unsigned());
                pid.map(Self::Process)
                    .ok_or_else(|| format!("not a valid PID; for a file with that name, write ./{text}"))
            }
            _ => Ok(Self::File(PathBuf::from(argument))),
        }
    }

    /// Returns the heap of the file, or of the process as it is now.
    ///
    /// # Errors
    /// If the file cannot be read, or the process cannot be captured.
    pub(crate) fn heap(
        &self,
        capture: &CaptureArguments,
        processes: &dyn Processes,
        progress: &Progress,
    ) -> Result<Heap, Failure> {
        self.heap_for(Purpose::Answers, capture, processes, progress)
    }

    /// Returns the heap for a given purpose; see [`Input::heap`].
    ///
    /// # Errors
    /// As for [`Input::heap`].
    pub(crate) fn heap_for(
        &self,
        purpose: Purpose,
        capture: &CaptureArguments,
        processes: &dyn Processes,
        progress: &Progress,
    ) -> Result<Heap, Failure> {
        match self {
            Self::File(path) if is_core(path) => {
                capture.refuse_for_a_core()?;
                progress.set("reading the core file …");
                let exe = capture.exe.as_deref();
                Ok(memtop_remote::Target::capture_core(path, exe, &capture.options_for(purpose))?)
            }
            Self::File(path) => {
                capture.refuse_for_a_file()?;
                progress.set("loading the snapshot …");
                load::heap(path)
            }
            Self::Process(pid) => {
                progress.set(format!("capturing process {pid} …"));
                processes.capture(*pid, &capture.options_for(purpose))
            }
        }
    }

    /// Returns the input as it is written on a command line.
    pub(crate) fn argument(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Process(pid) => pid.to_string(),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Process(pid) => write!(f, "process {pid}"),
        }
    }
}

/// Whether a file is an ELF file, as core files are and snapshots are not.
pub(crate) fn is_core(path: &Path) -> bool {
    if is_standard(path) {
        return false;
    }
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x7fELF"
}

/// The clap value parser for [`Input::parse`].
pub(crate) fn input() -> impl clap::builder::TypedValueParser<Value = Input> {
    use clap::builder::TypedValueParser;
    clap::builder::OsStringValueParser::new().try_map(Input::parse)
}

/// How a process is captured.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Capture options")]
pub(crate) struct CaptureArguments {
    /// Do not pause the process; the answer is approximate and says so
    ///
    /// Memory that changes while it is copied is not consistent everywhere.
    #[arg(long)]
    pub(crate) no_pause: bool,
    /// Also read memory that is swapped out, which swaps it back in
    #[arg(long)]
    pub(crate) include_swapped: bool,
    /// Also copy large mappings that hold no objects, such as the data of arrays
    ///
    /// By default, large mappings without addresses are left out, since they cannot refer to objects.
    #[arg(long, alias = "all-mappings")]
    pub(crate) large_mappings: bool,
    /// Include dict keys that are not identifiers (may contain secrets or personal data)
    #[arg(long)]
    pub(crate) with_keys: bool,
    /// Refuse a capture that needs more memory than SIZE, such as 500MB or 2GiB
    ///
    /// The need is estimated before the process is paused.
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) max_memory: Option<u64>,
    /// Path of the executable that dumped the core file, if it has moved
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) exe: Option<PathBuf>,
}

impl CaptureArguments {
    /// The options of a capture that answers questions about one heap.
    pub(crate) fn options(&self) -> CaptureOptions {
        self.options_for(Purpose::Answers)
    }

    /// The options of a capture for a given purpose.
    pub(crate) fn options_for(&self, purpose: Purpose) -> CaptureOptions {
        CaptureOptions {
            work: None,
            with_keys: self.with_keys,
            pause: !self.no_pause,
            include_swapped: self.include_swapped,
            large_mappings: self.large_mappings,
            memory: MemoryPlan { most_bytes: self.max_memory.unwrap_or(u64::MAX), purpose },
        }
    }

    /// # Errors
    /// If an option was given, since none of them applies to a snapshot file.
    pub(crate) fn refuse_for_a_file(&self) -> Result<(), Failure> {
        refuse_options(&[
            ("--no-pause", self.no_pause),
            ("--include-swapped", self.include_swapped),
            ("--large-mappings", self.large_mappings),
            ("--with-keys", self.with_keys),
            ("--max-memory", self.max_memory.is_some()),
        ])?;
        match self.exe {
            None => Ok(()),
            Some(_) => Err(Failure::new("--exe applies to a core file", "leave it out")),
        }
    }

    /// # Errors
    /// If an option was given that does not apply to a core file.
    fn refuse_for_a_core(&self) -> Result<(), Failure> {
        refuse_options(&[
            ("--no-pause", self.no_pause),
            ("--include-swapped", self.include_swapped),
            ("--large-mappings", self.large_mappings),
        ])
    }
}

/// Refuses options that apply to a process where a file was given. Each option comes with whether it was given.
///
/// # Errors
/// If one was given.
pub(crate) fn refuse_options(options: &[(&str, bool)]) -> Result<(), Failure> {
    match options.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(Failure::new(
            format!("{name} applies to a running process, not to a file"),
            "give a PID instead of the file (`mem_top ps` lists them), or leave the option out",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_pid_and_anything_else_is_a_file() {
        let read = |text: &str| Input::parse(text.into());
        assert_eq!(read("1234"), Ok(Input::Process(1234)));
        assert_eq!(read("0017"), Ok(Input::Process(17)));
        for file in ["./1234", "1234.parquet", "12a", "-12", "", "１２"] {
            assert_eq!(read(file), Ok(Input::File(file.into())), "{file:?}");
        }
        for invalid in ["0", "4294967296", "99999999999999999999"] {
            let error = read(invalid).expect_err(invalid);
            assert_eq!(error, format!("not a valid PID; for a file with that name, write ./{invalid}"));
        }
    }

    #[test]
    fn capture_options_are_refused_for_a_file() {
        assert!(CaptureArguments::default().refuse_for_a_file().is_ok());
        let arguments = CaptureArguments { no_pause: true, ..CaptureArguments::default() };
        let failure = arguments.refuse_for_a_file().expect_err("a file");
        assert_eq!(failure.message, "--no-pause applies to a running process, not to a file");
    }
}
