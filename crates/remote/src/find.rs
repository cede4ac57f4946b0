//! Finds the interpreter in a process: a program, a shared library, or embedded in another program.
//! All mapped ELF files are searched, the likely ones first, and a result is checked against the
//! process's memory.
//!
//! A process can block its reader, by files on a file system that does not answer, or by memory
//! that is mapped from one. So the search runs on a thread of its own, with a deadline.

use std::fs;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use memtop_heap::{ProcessIdentity, PythonVersion};
use rustc_hash::FxHashMap;

use crate::access::Access;
use crate::budget::Budget;
use crate::elf::{self, Elf, MappedFile};
use crate::error::RemoteError;
use crate::maps::{Region, around, base};
use crate::process_memory::ProcessMemory;
use crate::target::Target;
use crate::version::{self, RuntimeLayout, word};
use memtop_procinfo as procinfo;

/// The files that were read so far, by device and inode: many processes map the same ones. Only
/// files that certainly have these numbers are kept, so that one process cannot influence the
/// search in another.
pub(crate) type KnownFiles = FxHashMap<((u32, u32), u64), MappedFile>;

/// How long the search in one process may take. It takes some milliseconds, a few hundred on a busy
/// machine.
const PATIENCE: Duration = Duration::from_secs(10);

impl Target {
    /// Finds the interpreter in a process.
    ///
    /// # Errors
    /// If there is no such process, or it may not be read, or runs no supported CPython that is
    /// initialized, or does not answer in time.
    pub fn find(pid: u32) -> Result<Self, RemoteError> {
        Self::find_within(pid, PATIENCE)
    }

    /// Like [`Self::find`], with another deadline.
    ///
    /// # Errors
    /// Those of [`Self::find`].
    pub fn find_within(pid: u32, patience: Duration) -> Result<Self, RemoteError> {
        let found = in_time(patience, move || Self::find_with(pid, &mut KnownFiles::default()));
        found.unwrap_or(Err(RemoteError::NoAnswer { pid, seconds: patience.as_secs() }))
    }

    /// Like [`Self::find`], without a deadline, and with the files that are known already.
    pub(crate) fn find_with(pid: u32, known: &mut KnownFiles) -> Result<Self, RemoteError> {
        let started = procinfo::started(pid).ok_or(RemoteError::NoSuchProcess { pid })?;
        let access = Access::open(pid)?;
        let regions = access.regions()?;
        let thread = access.thread().map_err(|_| RemoteError::Exited { pid })?;
        let program = fs::read_link(format!("/proc/{pid}/task/{thread}/exe"));
        let program = program.map_or_else(|_| String::new(), |path| path.to_string_lossy().into_owned());
        let called = procinfo::program(pid);
        let found = interpreter(&access, &regions, &program, &called, known, &Budget::default())?;
        let mut target = found.into_target(pid, called, procinfo::identity(pid, started, access.image()));
        (target.host, target.container) = (procinfo::host(), procinfo::container(pid));
        // Otherwise, the number may be another process's now.
        if procinfo::started(pid) != Some(started) {
            return Err(RemoteError::Exited { pid });
        }
        Ok(target)
    }
}

/// Runs `work` on a thread of its own and returns its result, or `None` if it takes longer than
/// `patience`. The thread is left behind then: a blocked system call cannot be ended from here.
pub(crate) fn in_time<R: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    let (answer, answered) = mpsc::sync_channel(1);
    let started = thread::Builder::new().name("finder".to_owned()).spawn(move || answer.send(work()));
    started.ok()?;
    answered.recv_timeout(patience).ok()
}

/// An interpreter that was found.
pub(crate) struct Interpreter {
    version: PythonVersion,
    runtime: u64,
    region: Region,
    file: String,
}

impl Interpreter {
    pub(crate) fn into_target(self, pid: u32, program: String, identity: ProcessIdentity) -> Target {
        let Self { version, runtime, region, file } = self;
        let (host, container) = (None, None);
        Target { pid, version, runtime, file, program, identity, host, container, region, is_core: false }
    }
}

/// Finds the interpreter in memory. `program` is the path of the program's file, `called` the name
/// of the process.
pub(crate) fn interpreter(
    source: &impl ProcessMemory,
    regions: &[Region],
    program: &str,
    called: &str,
    known: &mut KnownFiles,
    budget: &Budget,
) -> Result<Interpreter, RemoteError> {
    let pid = source.pid();
    let mut first_error = None;
    for first in likely_first(regions, program) {
        if budget.is_exceeded() {
            break;
        }
        let numbers = (first.device, first.inode);
        let kind = match known.get(&numbers) {
            Some(kind) => kind.clone(),
            None => match source.file(first) {
                Some((file, is_certain)) => {
                    let kind = elf::read(&file, budget);
                    // If the budget was exceeded, another process may still read the whole file.
                    if is_certain && !budget.is_exceeded() {
                        known.insert(numbers, kind.clone());
                    }
                    kind
                }
                None => source.mapped(first, budget),
            },
        };
        let elf = match &kind {
            MappedFile::Other => continue,
            MappedFile::Foreign(what) => {
                if first.path == program {
                    let file = base(program).to_owned();
                    return Err(RemoteError::OtherArchitecture { pid, file, what });
                }
                continue;
            }
            MappedFile::Elf(elf) => elf,
        };
        if let Some(implementation) = elf.implementation {
            return Err(RemoteError::OtherImplementation { pid, implementation });
        }
        let candidate = Candidate { source, regions, elf, first, budget };
        match candidate.interpreter() {
            None => {}
            Some(Ok((version, runtime, region))) => {
                return Ok(Interpreter { version, runtime, region, file: first.path.clone() });
            }
            Some(Err(error)) => {
                first_error.get_or_insert(error);
            }
        }
    }
    let program = if program.is_empty() { called } else { base(program) }.to_owned();
    Err(first_error.unwrap_or(match budget.is_exceeded() {
        true => RemoteError::TooMuchToRead { pid, program },
        false => RemoteError::NotPython { pid, program },
    }))
}

/// The first mapping of each file: first the program itself, then files named after Python, then
/// the rest.
fn likely_first<'r>(regions: &'r [Region], program: &str) -> Vec<&'r Region> {
    let mut firsts: Vec<&Region> = Vec::new();
    let mut seen = FxHashMap::default();
    for region in regions.iter().filter(|region| region.is_file()) {
        let index = *seen.entry((region.device, region.inode)).or_insert(firsts.len());
        match firsts.get_mut(index) {
            None => firsts.push(region),
            // The mapping of a library's beginning need not have the lowest address.
            Some(first) if region.offset < first.offset => *first = region,
            Some(_) => {}
        }
    }
    firsts.sort_by_key(|region| match &region.path {
        path if path == program => 0,
        path if base(path).contains("python") || base(path).contains("pypy") => 1,
        _ => 2,
    });
    firsts
}

/// A mapped ELF file that may contain an interpreter.
struct Candidate<'f, S> {
    source: &'f S,
    regions: &'f [Region],
    elf: &'f Elf,
    first: &'f Region,
    budget: &'f Budget,
}

impl<S: ProcessMemory> Candidate<'_, S> {
    fn mapped(&self) -> impl Iterator<Item = &Region> + Clone {
        self.regions.iter().filter(|region| region.is_same_file(self.first))
    }

    /// The interpreter's version, the address of `_PyRuntime`, and the mapping that contains it.
    /// `None` if there is none.
    fn interpreter(&self) -> Option<Result<(PythonVersion, u64, Region), RemoteError>> {
        let pid = self.source.pid();
        let Some(address) = self.elf.runtime else {
            // Before 3.7 there was no `_PyRuntime`.
            let version = self.elf.python.then(|| self.version())?;
            let version = version.map_or_else(|| "before 3.7".to_owned(), |version| version.to_string());
            return Some(Err(RemoteError::UnknownVersion { pid, version, known: version::known() }));
        };
        let runtime = address.wrapping_add(self.elf.bias(self.mapped())?);
        let region = around(self.regions, runtime)?.clone();
        let Some(version) = self.version() else {
            return Some(Err(RemoteError::NoVersion { pid, file: self.first.path.clone() }));
        };
        Some(self.check(&version, runtime).map(|()| (version, runtime, region)))
    }

    /// Checks that this build can be read and its interpreter is initialized.
    fn check(&self, version: &PythonVersion, runtime: u64) -> Result<(), RemoteError> {
        let pid = self.source.pid();
        let text = version.to_string();
        let word_at = |address: u64| {
            self.source.word(address).map_err(|error| {
                // The page was never written to.
                if error.kind() == io::ErrorKind::NotFound {
                    return RemoteError::Starting { pid };
                }
                self.source.gone(error).unwrap_or_else(|| {
                    let what = "_PyRuntime cannot be read".to_owned();
                    RemoteError::OtherLayout { pid, version: text.clone(), what }
                })
            })
        };
        let layout = match RuntimeLayout::of(version.minor) {
            Some(layout) => layout,
            None if version.minor >= 13 => {
                let mut words = [0; word::COUNT];
                for (index, word) in words.iter_mut().enumerate() {
                    *word = word_at(runtime.wrapping_add(index as u64 * 8))?;
                }
                if words[0].to_le_bytes() != *version::COOKIE {
                    let what = "_PyRuntime does not begin with its debug offsets".to_owned();
                    return Err(RemoteError::OtherLayout { pid, version: text, what });
                }
                if words[word::FREE_THREADED] != 0 {
                    return Err(RemoteError::FreeThreaded { pid, version: text });
                }
                RuntimeLayout {
                    initialized: None,
                    finalizing: words[word::FINALIZING],
                    head: words[word::HEAD],
                }
            }
            None => return Err(RemoteError::UnknownVersion { pid, version: text, known: version::known() }),
        };
        if self.elf.debug {
            return Err(RemoteError::DebugBuild { pid, version: text });
        }
        if !version::is_known(version) {
            return Err(RemoteError::UnknownVersion { pid, version: text, known: version::known() });
        }
        if word_at(runtime.wrapping_add(layout.finalizing))? != 0 {
            return Err(RemoteError::Finalizing { pid });
        }
        let initialized = match layout.initialized {
            Some(offset) => word_at(runtime.wrapping_add(offset))? as u32 != 0,
            None => true,
        };
        if !initialized || word_at(runtime.wrapping_add(layout.head))? == 0 {
            return Err(RemoteError::Starting { pid });
        }
        Ok(())
    }

    fn version(&self) -> Option<PythonVersion> {
        if let Some(number) = self.elf.version {
            return version::of_number(number);
        }
        version::in_memory(&self.variables()).or_else(|| {
            let (file, _) = self.source.file(self.first)?;
            version::among_constants(&self.elf.constants(&file, self.budget).ok()?)
        })
    }

    /// The present pages of the file's variables: of its writable mappings, and of the anonymous
    /// memory right after them.
    fn variables(&self) -> Vec<u8> {
        const MOST: u64 = 1 << 24;
        let last = self.mapped().map(|region| region.end).max().unwrap_or(0);
        let follows = |region: &Region| region.start == last && region.inode == 0;
        let wanted = |region: &Region| {
            region.writable
                && !region.shared
                && region.length() <= MOST
                && (region.is_same_file(self.first) || follows(region))
        };
        self.source.present(self.regions, &wanted, self.budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_takes_too_long_is_given_up() {
        let (_keep, never) = mpsc::channel::<()>();
        assert_eq!(in_time(Duration::from_millis(10), move || never.recv().is_ok()), None);
        assert_eq!(in_time(Duration::from_secs(600), || 7), Some(7));
    }
}
