//! What a command looks at: a file, or a running process.
//!
//! An argument of digits is the number of a process; a file of that name is `./1234`.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use memtop_heap::Heap;
use memtop_remote::{CaptureOptions, MemoryPlan, Purpose};

use crate::failure::Failure;
use crate::leaks::size;
use crate::load;
use crate::processes::Processes;
use crate::progress::Progress;

/// What a command looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A snapshot.
    File(PathBuf),
    /// A running process, by its number.
    Process(u32),
}

impl Input {
    /// Reads an argument.
    ///
    /// # Errors
    /// If it is digits and no number of a process.
    pub(crate) fn parse(argument: OsString) -> Result<Self, String> {
        match argument.to_str() {
            Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let pid = text.parse().ok().filter(|&pid| 0 < pid && pid <= i32::MAX.cast_unsigned());
                pid.map(Self::Process).ok_or_else(|| {
                    format!("no process can have that number; a file of that name is ./{text}")
                })
            }
            _ => Ok(Self::File(PathBuf::from(argument))),
        }
    }

    /// The heap of the file, or of the process as it is now.
    ///
    /// # Errors
    /// If the file cannot be read or the process not be captured, with the reason and a hint.
    pub(crate) fn heap(
        &self,
        capturing: &Capturing,
        processes: &dyn Processes,
        progress: &Progress,
    ) -> Result<Heap, Failure> {
        self.heap_for(Purpose::Answers, capturing, processes, progress)
    }

    /// As [`Input::heap`], by what the heap is for.
    ///
    /// # Errors
    /// As [`Input::heap`].
    pub(crate) fn heap_for(
        &self,
        purpose: Purpose,
        capturing: &Capturing,
        processes: &dyn Processes,
        progress: &Progress,
    ) -> Result<Heap, Failure> {
        match self {
            Self::File(path) if is_core(path) => {
                capturing.only_for_a_core()?;
                progress.say("reading the core file …");
                let exe = capturing.exe.as_deref();
                Ok(memtop_remote::Target::capture_core(path, exe, &capturing.options_for(purpose))?)
            }
            Self::File(path) => {
                capturing.only_for_a_process()?;
                progress.say("loading …");
                load::heap(path)
            }
            Self::Process(pid) => {
                progress.say(format!("capturing process {pid} …"));
                processes.capture(*pid, &capturing.options_for(purpose))
            }
        }
    }
}

impl Input {
    /// As it is given on a command line.
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

/// Whether a file is a program's memory as the system writes it when the program crashes. Snapshots begin otherwise.
pub(crate) fn is_core(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x7fELF"
}

/// As [`Input::parse`], for arguments.
pub(crate) fn subject() -> impl clap::builder::TypedValueParser<Value = Input> {
    use clap::builder::TypedValueParser;
    clap::builder::OsStringValueParser::new().try_map(Input::parse)
}

/// How a process is captured.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Capturing a process")]
pub(crate) struct Capturing {
    /// Do not stop the process: the answer is approximate, and says so
    #[arg(long)]
    pub(crate) no_pause: bool,
    /// Read what is swapped out too, which brings it back into memory
    #[arg(long)]
    pub(crate) include_swapped: bool,
    /// Copy large mappings too that hold no objects, such as the numbers of arrays
    #[arg(long, alias = "all-mappings")]
    pub(crate) large_mappings: bool,
    /// Tell keys that are no names: they are often tokens and addresses of people
    #[arg(long)]
    pub(crate) with_keys: bool,
    /// Refuse, before the process is stopped, what would take more memory than SIZE: 500MB, 2GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_memory: Option<u64>,
    /// For a core file: the program that it is of, if it is no more where it was
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) exe: Option<PathBuf>,
}

impl Capturing {
    /// How a process is captured for answers about one heap.
    pub(crate) fn options(&self) -> CaptureOptions {
        self.options_for(Purpose::Answers)
    }

    /// How a process is captured, by what the heap is for.
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
    /// If an option was given that means nothing for a file.
    pub(crate) fn only_for_a_process(&self) -> Result<(), Failure> {
        let given = [
            ("--no-pause", self.no_pause),
            ("--include-swapped", self.include_swapped),
            ("--large-mappings", self.large_mappings),
            ("--with-keys", self.with_keys),
            ("--max-memory", self.max_memory.is_some()),
            ("--exe", self.exe.is_some()),
        ];
        Self::none_of(&given)
    }

    /// # Errors
    /// If an option was given that means nothing for a core file.
    fn only_for_a_core(&self) -> Result<(), Failure> {
        Self::none_of(&[
            ("--no-pause", self.no_pause),
            ("--include-swapped", self.include_swapped),
            ("--large-mappings", self.large_mappings),
        ])
    }

    fn none_of(given: &[(&str, bool)]) -> Result<(), Failure> {
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(for_a_process(name)),
        }
    }
}

/// Why an option is refused for a file.
pub(crate) fn for_a_process(option: &str) -> Failure {
    Failure::new(
        format!("{option} says how a process is captured, and a file was given"),
        "give the number of a process instead: `mem_top ps` lists them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_process_and_the_rest_are_files() {
        let read = |text: &str| Input::parse(text.into());
        assert_eq!(read("1234"), Ok(Input::Process(1234)));
        assert_eq!(read("0017"), Ok(Input::Process(17)));
        for file in ["./1234", "1234.parquet", "12a", "-12", "", "１２"] {
            assert_eq!(read(file), Ok(Input::File(file.into())), "{file:?}");
        }
        for none in ["0", "4294967296", "99999999999999999999"] {
            let error = read(none).expect_err(none);
            assert_eq!(error, format!("no process can have that number; a file of that name is ./{none}"));
        }
    }

    #[test]
    fn options_of_a_capture_are_refused_for_a_file() {
        assert!(Capturing::default().only_for_a_process().is_ok());
        let failure = Capturing { no_pause: true, ..Capturing::default() }.only_for_a_process();
        assert!(failure.expect_err("a file").message.starts_with("--no-pause says how"));
    }
}
