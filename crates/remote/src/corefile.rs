//! The memory of a process that ended with a core file: what the kernel wrote of it, and the files that it had mapped.
//!
//! A core file is ELF: a piece for each mapping, and notes that tell the process, its threads and the mapped files
//! (`core(5)`; `fs/binfmt_elf.c` of Linux for the notes' shapes). Pages that were never touched are holes in the file, and
//! are not read. What is as in a file is not in the core: it is read from the file, if that is still the same.
//!
//! A core file may come from anyone, and its paths may name any file. So only regular files are opened, and a file is read
//! as memory only if it is a program or library (ELF) that the core file proves to be the mapped one: by its first page,
//! or, if the core file does not have that page, by its mappings and its dynamic section ([`CoreFiles::new`]).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use memtop_heap::{Heap, MemoryNumbers, ProcessIdentity, ProgramImage};
use object::elf::{ET_CORE, FileHeader64, PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadCache};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::budget::Budget;
use crate::capture::CaptureOptions;
use crate::copy::{Ranges, check_room, push, room_for, stack_around, total};
use crate::elf::{self, MappedFile};
use crate::error::RemoteError;
use crate::find::{KnownFiles, ProcessMemory, base, interpreter};
use crate::image::{Backing, Image, Parts, from_file};
use crate::maps::{Region, around};
use crate::memory_limit::{self, OomGuard};
use crate::proc;
use crate::raw;
use crate::rooted::FoundFile;
use crate::target::{Copied, MemoryPlan, Target, Thread};

const PAGE: u64 = 4096;
/// More mappings, files or threads than any process has.
const MOST: usize = 1 << 20;
/// How large the notes may be, all together.
const MOST_NOTES: u64 = 1 << 28;
/// The longest path (`PATH_MAX`), and how much text all mappings' paths may be.
const LONGEST_PATH: usize = 4096;
const MOST_PATHS: usize = 1 << 27;
/// How much of a file's beginning is compared: a page, which has its build's number in it.
const HEAD: usize = PAGE as usize;

/// Notes of `linux/elf.h`.
const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_FILE: u32 = 0x4649_4c45;
/// `AT_ENTRY` of `getauxval(3)`: where the program begins, which is in its own file.
const AT_ENTRY: u64 = 9;

/// Where files are that a process had mapped.
#[derive(Debug, Default)]
pub(crate) struct CoreFiles {
    /// Those that are elsewhere now, by the path that they had.
    elsewhere: FxHashMap<String, PathBuf>,
    /// Those that are proved to be what was mapped.
    proved: FxHashSet<String>,
    /// Those that are there and are not what was mapped.
    replaced: FxHashSet<String>,
}

impl CoreFiles {
    pub(crate) fn file(&self, region: &Region) -> Option<File> {
        if self.proved.contains(&region.path) { self.open(&region.path) } else { None }
    }

    fn open(&self, path: &str) -> Option<File> {
        let path = self.elsewhere.get(path).map_or(Path::new(path), PathBuf::as_path);
        FoundFile::of(path).ok()?.open().ok()
    }
}

/// A piece of the core file, and the mapping that it is of.
struct Piece {
    region: Region,
    /// Where in the core it stands, and how much of the mapping.
    offset: u64,
    length: u64,
}

/// What the notes tell.
#[derive(Default)]
struct Notes {
    pid: u32,
    arguments: Vec<String>,
    name: String,
    entry: u64,
    /// What the kernel gave the program (`getauxval(3)`).
    auxiliary_vector: Vec<u8>,
    /// The threads, and their stack pointers.
    threads: Vec<(u32, u64)>,
    /// The mapped files: where, and from which place in which file.
    files: Vec<(u64, u64, u64, String)>,
}

/// A core file while it is read.
struct Core<'c> {
    path: &'c Path,
    file: &'c File,
    pid: u32,
    pieces: &'c [Piece],
}

/// A core file, and the files that are proved to be those which were mapped.
struct CoreWithFiles<'c> {
    core: Core<'c>,
    files: &'c CoreFiles,
}

impl Target {
    /// Captures the heap in a core file; see [`Self::of_core`] for `exe`.
    ///
    /// # Errors
    /// Those of [`Self::of_core`] and of [`crate::capture`].
    pub fn capture_core(
        path: &Path,
        exe: Option<&Path>,
        options: &CaptureOptions,
    ) -> Result<Heap, RemoteError> {
        let start = Instant::now();
        let (target, copied) = Self::of_core_within(path, exe, &options.memory)?;
        target.heap(copied, options, start)
    }

    /// Finds the interpreter in a core file and reads the memory that is in it. `exe` is the program (or the library)
    /// that the process ran, if it is no more where it was. The target tells what was found; it cannot be copied again.
    ///
    /// # Errors
    /// If the file cannot be read, is no core file of a 64-bit process, has no CPython whose layout is known, or does
    /// not fit into memory.
    pub fn of_core(path: &Path, exe: Option<&Path>) -> Result<(Self, Copied), RemoteError> {
        Self::of_core_within(path, exe, &MemoryPlan::default())
    }

    fn of_core_within(
        path: &Path,
        exe: Option<&Path>,
        memory: &MemoryPlan,
    ) -> Result<(Self, Copied), RemoteError> {
        let start = Instant::now();
        let unreadable = |source: io::Error| RemoteError::CoreUnreadable { path: path.to_owned(), source };
        let place = FoundFile::of(path).map_err(unreadable)?;
        let no_core = |what: &str| RemoteError::NoCore { path: path.to_owned(), what: what.to_owned() };
        if !place.is_regular() {
            return Err(no_core("it is not a regular file"));
        }
        let file = place.open().map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let (mut pieces, notes) = parse(&file).map_err(|what| no_core(&what))?;
        name_files(&mut pieces, &notes);
        let regions: Vec<Region> = pieces.iter().map(|piece| piece.region.clone()).collect();
        let program = around(&regions, notes.entry).map_or("", |region| region.path.as_str());
        let core = Core { path, file: &file, pid: notes.pid, pieces: &pieces };
        let files = CoreFiles::new(&core, program, exe)?;
        let core = CoreWithFiles { core, files: &files };
        let called = proc::called(&notes.arguments).unwrap_or_else(|| notes.name.clone());
        let found =
            interpreter(&core, &regions, program, &called, &mut KnownFiles::default(), &Budget::default());
        let found = found.map_err(|error| core.missing(error, &regions))?;
        let image = ProgramImage::new(&notes.auxiliary_vector, |at| {
            let (first, second) = (core.word(at).ok()?, core.word(at.checked_add(8)?).ok()?);
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&first.to_le_bytes());
            bytes[8..].copy_from_slice(&second.to_le_bytes());
            Some(bytes)
        });
        let identity = ProcessIdentity { pid: notes.pid, image, ..ProcessIdentity::default() };
        let mut target = found.into_target(notes.pid, called, identity.clone());
        target.is_core = true;
        let parts = core.core.read(&metadata, &regions, memory)?;
        let mut said =
            vec!["it is of a core file: what the system counted of the process is not known".to_owned()];
        if metadata.len()
            < pieces.iter().map(|piece| piece.offset.saturating_add(piece.length)).max().unwrap_or(0)
        {
            said.push("the core file is cut short: what was behind its end is missing".to_owned());
        }
        if !files.replaced.is_empty() {
            let mut names: Vec<&str> = files.replaced.iter().map(String::as_str).collect();
            names.sort_unstable();
            said.push(format!("these files are not what they were, and were not read: {}", names.join(", ")));
        }
        let threads =
            notes.threads.iter().map(|&(id, pointer)| Thread { id, stack: stack_around(&regions, pointer) });
        let threads = threads.collect();
        let taken_at = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let bytes = total(&parts.copied) - total(&parts.missing);
        let (victim, parts) = (OomGuard::raise(), parts);
        let copied = Copied {
            image: Image::new(parts, Backing::Core(files), victim),
            pause: None,
            duration: start.elapsed(),
            bytes,
            copying: Duration::ZERO,
            system_calls: 0,
            swapped: 0,
            left_out: 0,
            was_stopped: true,
            taken_at: taken_at.map_or(0, |since| since.as_micros() as i64),
            uptime: None,
            memory: MemoryNumbers::default(),
            identity,
            threads,
            notes: said,
        };
        Ok((target, copied))
    }
}

impl CoreFiles {
    /// Compares the files with what the core has of them. `exe` replaces the file of the same name, or else the program.
    fn new(core: &Core<'_>, program: &str, exe: Option<&Path>) -> Result<Self, RemoteError> {
        let mut files = Self::default();
        let mut given = None;
        let mapped = || core.pieces.iter().filter(|piece| piece.region.is_file());
        if let Some(exe) = exe {
            let unreadable = |source| RemoteError::CoreUnreadable { path: exe.to_owned(), source };
            FoundFile::of(exe).and_then(|place| place.open()).map_err(unreadable)?;
            let name = exe.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let same_name = mapped().map(|piece| &piece.region.path).find(|path| base(path) == name);
            let stands_for = same_name.map_or(program, String::as_str);
            files.elsewhere.insert(stands_for.to_owned(), exe.to_owned());
            given = Some((exe, stands_for));
        }
        let mut by_path: FxHashMap<&str, Vec<&Piece>> = FxHashMap::default();
        for piece in mapped() {
            by_path.entry(&piece.region.path).or_default().push(piece);
        }
        for (path, pieces) in by_path {
            let Some(file) = files.open(path) else { continue };
            if core.is_same(&pieces, &file) {
                files.proved.insert(path.to_owned());
                continue;
            }
            if let Some((exe, file)) = given.filter(|(_, file)| *file == path) {
                return Err(RemoteError::NotItsFile { exe: exe.to_owned(), file: file.to_owned() });
            }
            // Data files are never read, so it does not matter whether they changed.
            if elf::Headers::of(&file).is_some() || base(path).contains("python") {
                files.replaced.insert(path.to_owned());
            }
        }
        Ok(files)
    }
}

/// How many bytes the headers take at the beginning of an ELF file. What comes after them the dynamic loader may have
/// written to, where the page is writable (`patchelf` puts `DT_DEBUG` there).
fn headers(page: &[u8; HEAD]) -> usize {
    const HEADER: usize = 64;
    const PROGRAM_HEADER: usize = 56;
    let count = u16::from_le_bytes([page[56], page[57]]);
    (HEADER + PROGRAM_HEADER * usize::from(count)).min(HEAD)
}

impl Core<'_> {
    /// Whether a file is the one that these pieces were mapped from: an ELF file with the first page that the core has, or,
    /// if the core does not have that page, one that fits all the mappings and has the same dynamic section.
    fn is_same(&self, pieces: &[&Piece], file: &File) -> bool {
        let mut now = [0; HEAD];
        let Some(headers_now) = elf::Headers::of(file).filter(|_| from_file(file, 0, &mut now) > 0) else {
            return false;
        };
        let mut firsts =
            pieces.iter().filter(|piece| piece.region.offset == 0 && piece.length >= HEAD as u64);
        if let Some(first) = firsts.next() {
            let mut then = [0; HEAD];
            if self.file.read_exact_at(&mut then, first.offset).is_err() {
                return false;
            }
            let compared = if first.region.writable { headers(&now) } else { HEAD };
            return then[..compared] == now[..compared];
        }
        let mapped = pieces.iter().map(|piece| &piece.region);
        headers_now.bias(mapped).is_some_and(|bias| {
            headers_now.has_same_dynamic(file, |within| self.word(bias.wrapping_add(within)).ok())
        })
    }

    /// Reads what is in the core file into memory, if it fits.
    fn read(
        &self,
        metadata: &std::fs::Metadata,
        regions: &[Region],
        memory: &MemoryPlan,
    ) -> Result<Parts, RemoteError> {
        let (mut copied, mut places, mut absent) = (Ranges::new(), Vec::new(), Ranges::new());
        let mut resident = Ranges::new();
        for piece in self.pieces {
            let Region { start, end, .. } = piece.region;
            let in_core = piece.length.min(metadata.len().saturating_sub(piece.offset)) / PAGE * PAGE;
            let mut at = 0;
            while at < in_core {
                // What was never touched is a hole; in a file's mapping, it is not to be taken for what the file has.
                let (from, to) = (piece.offset + at, piece.offset + in_core);
                let data =
                    if piece.region.is_file() { Some((from, to)) } else { raw::data(self.file, from, to) };
                let Some((from, to)) = data else { break };
                // The core's pieces begin at pages, as memory does.
                let from = (from - piece.offset) / PAGE * PAGE;
                let to = (to - piece.offset).next_multiple_of(PAGE).min(in_core);
                push(&mut copied, start + from, start + to);
                places.push((piece.offset + from, to - from));
                if piece.region.is_anonymous() {
                    push(&mut resident, start + from, start + to);
                }
                at = to;
            }
            // What the core does not have, and no file either.
            if !piece.region.is_file() {
                push(&mut absent, start + in_core, end);
            }
        }
        let planned = total(&copied);
        check_room(
            self.pid,
            planned,
            Image::table_size(&copied),
            &memory_limit::free_memory(),
            memory,
            || 0,
        )?;
        let mut data = room_for(self.pid, planned)?;
        let mut at = 0;
        for (offset, length) in places {
            let into = &mut data[at..at + length as usize];
            self.file
                .read_exact_at(into, offset)
                .map_err(|source| RemoteError::CoreUnreadable { path: self.path.to_owned(), source })?;
            at += length as usize;
        }
        data.truncate(at);
        let regions = regions.to_vec();
        Ok(Parts {
            data,
            copied,
            missing: Ranges::new(),
            left: Ranges::new(),
            swapped: absent,
            resident,
            regions,
        })
    }

    fn word(&self, address: u64) -> io::Result<u64> {
        let place = self.pieces.partition_point(|piece| piece.region.end <= address);
        let within = self.pieces.get(place).and_then(|piece| {
            let within = address.checked_sub(piece.region.start)?;
            (within.checked_add(8)? <= piece.length).then(|| piece.offset.checked_add(within))?
        });
        let place = within.ok_or(io::ErrorKind::InvalidInput)?;
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, place)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

impl CoreWithFiles<'_> {
    /// The error if no interpreter was found: that its file is gone, if it is.
    fn missing(&self, error: RemoteError, regions: &[Region]) -> RemoteError {
        if !matches!(error, RemoteError::NotPython { .. }) {
            return error;
        }
        let gone =
            regions.iter().filter(|region| region.is_file() && !self.files.proved.contains(&region.path));
        let mut gone: Vec<&str> = gone.map(|region| region.path.as_str()).collect();
        gone.sort_by_key(|path| !base(path).contains("python"));
        match gone.first() {
            Some(file) => {
                RemoteError::CoreWithoutFile { path: self.core.path.to_owned(), file: (*file).to_owned() }
            }
            None => error,
        }
    }
}

impl ProcessMemory for CoreWithFiles<'_> {
    fn pid(&self) -> u32 {
        self.core.pid
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
        // A core file has of a file but its first page.
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

/// The pieces, ascending, and the notes.
fn parse(file: &File) -> Result<(Vec<Piece>, Notes), String> {
    let mut head = [0; 20];
    file.read_exact_at(&mut head, 0).map_err(|_| "it is too short".to_owned())?;
    if head[..4] != *b"\x7fELF" {
        return Err("it is no ELF file".to_owned());
    }
    if head[4..6] != [2, 1] {
        return Err("it is not of 64 bits and little-endian".to_owned());
    }
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let file = file.try_clone().map_err(|error| error.to_string())?;
    let cache = ReadCache::new(file);
    let bad = |error: object::Error| error.to_string();
    let header = FileHeader64::<Endianness>::parse(&cache).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    if header.e_type(endian) != ET_CORE {
        return Err("it is another kind of ELF file".to_owned());
    }
    let machine = header.e_machine(endian);
    // Before all of them are read.
    if header.phnum(endian, &cache).map_err(bad)? > MOST {
        return Err("it says that it has more mappings than a process can have".to_owned());
    }
    let mut notes_left = MOST_NOTES;
    let (mut pieces, mut notes) = (Vec::new(), Notes::default());
    for segment in header.program_headers(endian, &cache).map_err(bad)? {
        let flags = segment.p_flags(endian);
        let (start, offset) = (segment.p_vaddr(endian), segment.p_offset(endian));
        let Some(end) = start.checked_add(segment.p_memsz(endian)) else { continue };
        let in_file = segment.p_filesz(endian);
        match segment.p_type(endian) {
            PT_LOAD if start < end && start % PAGE == 0 && in_file <= end - start => {
                let region = Region {
                    start,
                    end,
                    readable: flags & PF_R != 0,
                    writable: flags & PF_W != 0,
                    executable: flags & PF_X != 0,
                    shared: false,
                    offset: 0,
                    device: (0, 0),
                    inode: 0,
                    path: String::new(),
                };
                pieces.push(Piece { region, offset, length: in_file });
            }
            PT_NOTE if in_file <= length && in_file <= notes_left => {
                notes_left -= in_file;
                let data = object::ReadRef::read_bytes_at(&cache, offset, in_file);
                notes.read(data.map_err(|()| "its notes are cut short".to_owned())?, machine);
            }
            _ => {}
        }
    }
    sort(&mut pieces);
    if pieces.is_empty() {
        return Err("there is no memory in it".to_owned());
    }
    Ok((pieces, notes))
}

impl Notes {
    /// Reads notes: the lengths of name and contents, the type, both padded to four bytes.
    fn read(&mut self, mut data: &[u8], machine: u16) {
        while let (Some(name), Some(length), Some(kind)) = (half(data, 0), half(data, 4), half(data, 8)) {
            let begins = 12 + (name as usize).next_multiple_of(4);
            let Some(contents) = begins.checked_add(length as usize).and_then(|end| data.get(begins..end))
            else {
                return;
            };
            self.note(kind, contents, machine);
            data = data.get(begins + (length as usize).next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn note(&mut self, kind: u32, contents: &[u8], machine: u16) {
        match kind {
            // `struct elf_prstatus`: the thread's number, and its registers.
            NT_PRSTATUS => {
                let stack = match machine {
                    object::elf::EM_X86_64 => 112 + 19 * 8,
                    object::elf::EM_AARCH64 => 112 + 31 * 8,
                    _ => usize::MAX - 8,
                };
                if let Some(id) = half(contents, 32).filter(|_| self.threads.len() < MOST) {
                    self.threads.push((id, word(contents, stack).unwrap_or(0)));
                }
            }
            // `struct elf_prpsinfo`: the process's number, its name and the beginning of its command line.
            NT_PRPSINFO => {
                self.pid = half(contents, 24).unwrap_or(0);
                self.name = contents.get(40..56).map(text).unwrap_or_default();
                let line = contents.get(56..136).map(text).unwrap_or_default();
                self.arguments = line.split_whitespace().map(str::to_owned).collect();
            }
            NT_AUXV => {
                self.auxiliary_vector = contents.to_vec();
                for pair in contents.chunks_exact(16) {
                    if word(pair, 0) == Some(AT_ENTRY) {
                        self.entry = word(pair, 8).unwrap_or(0);
                    }
                }
            }
            NT_FILE => self.files = mapped_files(contents).unwrap_or_default(),
            _ => {}
        }
    }
}

/// A count and the size of a page, three words for each file, then the names.
fn mapped_files(contents: &[u8]) -> Option<Vec<(u64, u64, u64, String)>> {
    let (count, page) = (word(contents, 0)?, word(contents, 8)?);
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST)?;
    let names = contents.get(16 + count.checked_mul(24)?..)?;
    let mut files = Vec::new();
    for (place, name) in names.split(|&byte| byte == 0).take(count).enumerate() {
        let at = 16 + place * 24;
        let (start, end, offset) = (word(contents, at)?, word(contents, at + 8)?, word(contents, at + 16)?);
        if start < end && name.len() <= LONGEST_PATH {
            files.push((start, end, offset.checked_mul(page)?, String::from_utf8_lossy(name).into_owned()));
        }
    }
    // Mappings do not overlap. If entries do, the first one is used, so that each piece is visited once.
    files.sort_by_key(|file| file.0);
    let mut until = 0;
    files.retain(|file| {
        let is_apart = file.0 >= until;
        until = until.max(file.1);
        is_apart
    });
    Some(files)
}

/// Gives the mappings the files that the notes tell. A file's number is its place among all. What the core file has
/// nothing of, not even that it was mapped, is added: debuggers leave out what is as in its file.
fn name_files(pieces: &mut Vec<Piece>, notes: &Notes) {
    let mut numbers = FxHashMap::default();
    let mut left_out = Vec::new();
    let mut text_left = MOST_PATHS;
    for (start, end, offset, path) in &notes.files {
        let next = numbers.len() as u64 + 1;
        let inode = *numbers.entry(path.as_str()).or_insert(next);
        let offset_at = |at: u64| offset.wrapping_add(at.wrapping_sub(*start));
        let first = pieces.partition_point(|piece| piece.region.end <= *start);
        let mut at = *start;
        let mut named = || {
            let rest = text_left.checked_sub(path.len());
            text_left = rest.unwrap_or(text_left);
            rest.is_some()
        };
        let mut gap = |from: u64, to: u64, is_named: bool| {
            let is_whole = from.is_multiple_of(PAGE) && to.is_multiple_of(PAGE);
            if from < to && is_whole && is_named && left_out.len() < MOST {
                let region = Region {
                    start: from,
                    end: to,
                    readable: true,
                    writable: false,
                    executable: false,
                    shared: false,
                    offset: offset_at(from),
                    device: (0, 0),
                    inode,
                    path: path.clone(),
                };
                left_out.push(Piece { region, offset: 0, length: 0 });
            }
        };
        for piece in pieces[first..].iter_mut().take_while(|piece| piece.region.start < *end) {
            let region = &mut piece.region;
            gap(at, region.start, named());
            if named() {
                region.inode = inode;
                region.offset = offset_at(region.start);
                region.path.clone_from(path);
            }
            at = region.end;
        }
        gap(at, *end, named());
    }
    pieces.extend(left_out);
    sort(pieces);
}

/// Sorts pieces by their addresses; of those that overlap, the first is kept.
fn sort(pieces: &mut Vec<Piece>) {
    pieces.sort_by_key(|piece| piece.region.start);
    let mut end = 0;
    pieces.retain(|piece| {
        let apart = piece.region.start >= end;
        end = end.max(piece.region.end);
        apart
    });
}

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The text up to the first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
