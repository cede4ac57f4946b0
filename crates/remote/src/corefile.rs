//! Reads the memory of a process that dumped a core file: what the kernel wrote, and the files that
//! the process had mapped.
//!
//! Pages that were never touched are holes in the core file, and are not read. Pages that are the
//! same as in a file are not in the core file; they are read from the file, if it is still the same
//! ([`crate::mapped_files`]).

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use memtop_heap::{MemoryNumbers, ProcessIdentity, ProgramImage};
use memtop_procinfo as procinfo;
use rustix::fs::SeekFrom;

use crate::budget::Budget;
use crate::core_elf::{self, CoreBytes, Notes, PAGE, Piece};
use crate::elf::MappedFile;
use crate::error::RemoteError;
use crate::find::{KnownFiles, interpreter};
use crate::image::{Backing, Image, Parts};
use crate::mapped_files::CoreFiles;
use crate::maps::{self, Region, around, base};
use crate::memory_check;
use crate::oom_guard::OomGuard;
use crate::options::MemoryPlan;
use crate::process_memory::ProcessMemory;
use crate::ranges::{Ranges, push, total};
use crate::rooted::FoundFile;
use crate::target::{Copied, Target, Thread};

impl Target {
    /// Finds the interpreter in a core file and reads the memory in it. `exe` is the program (or
    /// the library) that the process ran, if it has moved. The returned target describes what was
    /// found; it cannot be copied again.
    ///
    /// # Errors
    /// If the file cannot be read, is not a core file of a 64-bit process, has no CPython whose
    /// layout is known, or does not fit into memory.
    pub fn of_core(path: &Path, exe: Option<&Path>) -> Result<(Self, Copied), RemoteError> {
        Self::of_core_within(path, exe, &MemoryPlan::default())
    }

    /// Like [`Self::of_core`], within a limit of memory.
    pub(crate) fn of_core_within(
        path: &Path,
        exe: Option<&Path>,
        memory: &MemoryPlan,
    ) -> Result<(Self, Copied), RemoteError> {
        let start = Instant::now();
        let core = CoreFile::open(path)?;
        let regions: Vec<Region> = core.pieces.iter().map(|piece| piece.region.clone()).collect();
        let program = around(&regions, core.notes.entry).map_or("", |region| region.path.as_str());
        let files = CoreFiles::new(core.bytes(), program, exe)?;
        let target = core.target(&files, &regions, program)?;
        let parts = core.read(&regions, memory)?;
        let notes = core.notes(&files);
        let threads = core.notes.threads.iter();
        let threads = threads
            .map(|&(id, pointer)| Thread { id, stack: maps::stack_around(&regions, pointer) })
            .collect();
        let taken_at = core.metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let bytes = total(&parts.copied) - total(&parts.unread);
        let oom_guard = OomGuard::raise();
        let copied = Copied {
            image: Image::new(parts, Backing::Core(files), oom_guard),
            pause: None,
            duration: start.elapsed(),
            bytes,
            copying: Duration::ZERO,
            system_calls: 0,
            swapped: 0,
            skipped: 0,
            was_stopped: true,
            taken_at: taken_at.map_or(0, |since| since.as_micros() as i64),
            uptime: None,
            memory: MemoryNumbers::default(),
            identity: target.identity.clone(),
            threads,
            notes,
        };
        Ok((target, copied))
    }
}

/// A core file that is open and parsed.
struct CoreFile<'p> {
    path: &'p Path,
    file: File,
    metadata: Metadata,
    pieces: Vec<Piece>,
    notes: Notes,
}

impl<'p> CoreFile<'p> {
    fn open(path: &'p Path) -> Result<Self, RemoteError> {
        let unreadable = |source: io::Error| RemoteError::CoreUnreadable { path: path.to_owned(), source };
        let no_core = |what: &str| RemoteError::NoCore { path: path.to_owned(), what: what.to_owned() };
        let found = FoundFile::of(path).map_err(unreadable)?;
        if !found.is_regular() {
            return Err(no_core("it is not a regular file"));
        }
        let file = found.open().map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let (pieces, notes) = core_elf::parse(&file).map_err(|what| no_core(&what))?;
        Ok(Self { path, file, metadata, pieces, notes })
    }

    fn bytes(&self) -> CoreBytes<'_> {
        CoreBytes { file: &self.file, pieces: &self.pieces }
    }

    /// Finds the interpreter. `program` is the path of the program's file.
    fn target(&self, files: &CoreFiles, regions: &[Region], program: &str) -> Result<Target, RemoteError> {
        let core = CoreMemory { core: self.bytes(), pid: self.notes.pid, files };
        let called = procinfo::called(&self.notes.arguments).unwrap_or_else(|| self.notes.name.clone());
        let found =
            interpreter(&core, regions, program, &called, &mut KnownFiles::default(), &Budget::default());
        let found = found.map_err(|error| self.missing_file(error, files, regions))?;
        let image = ProgramImage::new(&self.notes.auxiliary_vector, |at| {
            let (first, second) = (core.word(at).ok()?, core.word(at.checked_add(8)?).ok()?);
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&first.to_le_bytes());
            bytes[8..].copy_from_slice(&second.to_le_bytes());
            Some(bytes)
        });
        let identity = ProcessIdentity { pid: self.notes.pid, image, ..ProcessIdentity::default() };
        let mut target = found.into_target(self.notes.pid, called, identity);
        target.is_core = true;
        Ok(target)
    }

    /// Names the missing file if no interpreter was found because of it.
    fn missing_file(&self, error: RemoteError, files: &CoreFiles, regions: &[Region]) -> RemoteError {
        if !matches!(error, RemoteError::NotPython { .. }) {
            return error;
        }
        let gone = regions.iter().filter(|region| region.is_file() && !files.is_proved(region));
        let mut gone: Vec<&str> = gone.map(|region| region.path.as_str()).collect();
        gone.sort_by_key(|path| !base(path).contains("python"));
        match gone.first() {
            Some(file) => {
                RemoteError::CoreWithoutFile { path: self.path.to_owned(), file: (*file).to_owned() }
            }
            None => error,
        }
    }

    /// Reads the memory in the core file, if it fits.
    fn read(&self, regions: &[Region], memory: &MemoryPlan) -> Result<Parts, RemoteError> {
        let (mut copied, mut offsets, mut absent) = (Ranges::new(), Vec::new(), Ranges::new());
        let (mut resident, mut resident_in_files) = (Ranges::new(), Ranges::new());
        for piece in &self.pieces {
            let Region { start, end, .. } = piece.region;
            let in_core = piece.length.min(self.metadata.len().saturating_sub(piece.offset)) / PAGE * PAGE;
            let mut at = 0;
            while at < in_core {
                // A page that was never touched is a hole. In the mapping of a file, a hole does
                // not mean that the page is the same as in the file.
                let (from, to) = (piece.offset + at, piece.offset + in_core);
                let data =
                    if piece.region.is_file() { Some((from, to)) } else { next_data(&self.file, from, to) };
                let Some((from, to)) = data else { break };
                // The pieces begin at pages, as memory does.
                let from = (from - piece.offset) / PAGE * PAGE;
                let to = (to - piece.offset).next_multiple_of(PAGE).min(in_core);
                push(&mut copied, start + from, start + to);
                offsets.push((piece.offset + from, to - from));
                let is_anonymous = piece.region.is_anonymous();
                let resident = if is_anonymous { &mut resident } else { &mut resident_in_files };
                push(resident, start + from, start + to);
                at = to;
            }
            // Neither in the core file nor in another file.
            if !piece.region.is_file() {
                push(&mut absent, start + in_core, end);
            }
        }
        let pid = self.notes.pid;
        let planned = total(&copied);
        let table = Image::table_size(&copied);
        memory_check::check(pid, planned, table, &procinfo::free_memory(), memory, || 0)?;
        let mut data = memory_check::allocate(pid, planned)?;
        let mut at = 0;
        for (offset, length) in offsets {
            let into = &mut data[at..at + length as usize];
            self.file
                .read_exact_at(into, offset)
                .map_err(|source| RemoteError::CoreUnreadable { path: self.path.to_owned(), source })?;
            at += length as usize;
        }
        data.truncate(at);
        Ok(Parts {
            data,
            copied,
            unread: Ranges::new(),
            skipped: Ranges::new(),
            swapped: absent,
            resident,
            resident_in_files,
            regions: regions.to_vec(),
        })
    }

    /// Remarks about what was read.
    fn notes(&self, files: &CoreFiles) -> Vec<String> {
        let mut notes = vec![
            "read from a core file: the figures that the system kept about the process are not known"
                .to_owned(),
        ];
        let ends = self.pieces.iter().map(|piece| piece.offset.saturating_add(piece.length));
        if self.metadata.len() < ends.max().unwrap_or(0) {
            notes.push("the core file is truncated: the memory beyond its end is missing".to_owned());
        }
        let replaced = files.replaced();
        if !replaced.is_empty() {
            let names = replaced.join(", ");
            notes.push(format!(
                "these files have changed since the process mapped them, and were not read: {names}"
            ));
        }
        notes
    }
}

/// The first range between two offsets in a file that is not a hole. Moves the file's position.
fn next_data(file: &File, from: u64, to: u64) -> Option<(u64, u64)> {
    let start = rustix::fs::seek(file, SeekFrom::Data(from)).ok().filter(|&start| start < to)?;
    // On a file system without holes, one is at the end.
    let end = rustix::fs::seek(file, SeekFrom::Hole(start)).unwrap_or(to).min(to);
    Some((start, end))
}

/// The memory in a core file, together with the files that are proved to be the mapped ones.
struct CoreMemory<'c> {
    core: CoreBytes<'c>,
    pid: u32,
    files: &'c CoreFiles,
}

impl ProcessMemory for CoreMemory<'_> {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn word(&self, address: u64) -> io::Result<u64> {
        self.core.word(address)
    }

    fn gone(&self, _error: io::Error) -> Option<RemoteError> {
        None
    }

    fn file(&self, region: &Region) -> Option<(File, bool)> {
        self.files.file(region).map(|file| (file, true))
    }

    fn mapped(&self, _region: &Region, _budget: &Budget) -> MappedFile {
        // A core file contains only the first page of a file.
        MappedFile::Other
    }

    fn present(&self, _regions: &[Region], wanted: &dyn Fn(&Region) -> bool, budget: &Budget) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in self.core.pieces.iter().filter(|piece| wanted(&piece.region)) {
            let length = piece.length.min(piece.region.length());
            if !budget.of_memory(length) {
                break;
            }
            let begins = bytes.len();
            bytes.resize(begins + length as usize, 0);
            if self.core.file.read_exact_at(&mut bytes[begins..], piece.offset).is_err() {
                bytes.truncate(begins);
            }
        }
        bytes
    }
}
