//! Parses a core file (ELF): its pieces of memory, and the notes about the process, its threads and
//! its mapped files.
//!
//! The shapes of the notes are those of `core(5)` and `fs/binfmt_elf.c` of Linux. A core file may
//! come from anyone: each size and number that it states is bounded before it is used.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use object::elf::{ET_CORE, FileHeader64, PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadCache};
use rustc_hash::FxHashMap;

use crate::maps::Region;

pub(crate) const PAGE: u64 = 4096;
/// The most mappings, files or threads that are read. No process has as many.
const MOST: usize = 1 << 20;
/// The most bytes of notes in all.
const MOST_NOTES: u64 = 1 << 28;
/// The longest path (`PATH_MAX`), and the most text of all paths.
const LONGEST_PATH: usize = 4096;
const MOST_PATHS: usize = 1 << 27;

/// Notes of `linux/elf.h`.
const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_FILE: u32 = 0x4649_4c45;
/// `AT_ENTRY` of `getauxval(3)`: the entry point of the program, which is in the program's file.
const AT_ENTRY: u64 = 9;

/// A piece of the core file, and the mapping that it belongs to.
pub(crate) struct Piece {
    pub(crate) region: Region,
    /// Where it is in the core file.
    pub(crate) offset: u64,
    /// How much of the mapping the core file contains, from its start.
    pub(crate) length: u64,
}

/// The memory in a core file.
#[derive(Clone, Copy)]
pub(crate) struct CoreBytes<'c> {
    pub(crate) file: &'c File,
    /// Ascending.
    pub(crate) pieces: &'c [Piece],
}

impl CoreBytes<'_> {
    /// A word of the memory.
    pub(crate) fn word(self, address: u64) -> io::Result<u64> {
        let index = self.pieces.partition_point(|piece| piece.region.end <= address);
        let offset = self.pieces.get(index).and_then(|piece| {
            let within = address.checked_sub(piece.region.start)?;
            (within.checked_add(8)? <= piece.length).then(|| piece.offset.checked_add(within))?
        });
        let offset = offset.ok_or(io::ErrorKind::InvalidInput)?;
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// The contents of the notes.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) pid: u32,
    pub(crate) arguments: Vec<String>,
    pub(crate) name: String,
    pub(crate) entry: u64,
    /// The auxiliary vector that the kernel gave the program (`getauxval(3)`).
    pub(crate) auxiliary_vector: Vec<u8>,
    /// The threads, and their stack pointers.
    pub(crate) threads: Vec<(u32, u64)>,
    /// The mapped files: start and end of the mapping, offset in the file, path.
    files: Vec<(u64, u64, u64, String)>,
}

/// Parses a core file into its pieces, ascending, and its notes. A mapping whose file is listed in
/// the notes has that file's path.
pub(crate) fn parse(file: &File) -> Result<(Vec<Piece>, Notes), String> {
    let mut head = [0; 20];
    file.read_exact_at(&mut head, 0).map_err(|_| "it is too short".to_owned())?;
    if head[..4] != *b"\x7fELF" {
        return Err("it is not an ELF file".to_owned());
    }
    if head[4..6] != [2, 1] {
        return Err("it is not 64-bit and little-endian".to_owned());
    }
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let file = file.try_clone().map_err(|error| error.to_string())?;
    let cache = ReadCache::new(file);
    let bad = |error: object::Error| error.to_string();
    let header = FileHeader64::<Endianness>::parse(&cache).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    if header.e_type(endian) != ET_CORE {
        return Err("it is another type of ELF file".to_owned());
    }
    let machine = header.e_machine(endian);
    // Checked before all headers are read.
    if header.phnum(endian, &cache).map_err(bad)? > MOST {
        return Err("it claims more mappings than a process can have".to_owned());
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
                    ..Region::default()
                };
                pieces.push(Piece { region, offset, length: in_file });
            }
            PT_NOTE if in_file <= length && in_file <= notes_left => {
                notes_left -= in_file;
                let data = object::ReadRef::read_bytes_at(&cache, offset, in_file);
                notes.read(data.map_err(|()| "its notes are truncated".to_owned())?, machine);
            }
            _ => {}
        }
    }
    sort(&mut pieces);
    if pieces.is_empty() {
        return Err("it contains no memory".to_owned());
    }
    name_files(&mut pieces, &notes);
    Ok((pieces, notes))
}

impl Notes {
    /// Reads notes: each has the length of its name, the length of its contents, its type, and then
    /// both, padded to four bytes.
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
            // `struct elf_prstatus`: the thread's number and registers.
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
            // `struct elf_prpsinfo`: the process's number, name and the beginning of its command
            // line.
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
            NT_FILE => self.files = file_list(contents).unwrap_or_default(),
            _ => {}
        }
    }
}

/// Parses the list of mapped files: a count, the size of a page, three words for each file, then
/// the paths.
fn file_list(contents: &[u8]) -> Option<Vec<(u64, u64, u64, String)>> {
    let (count, page) = (word(contents, 0)?, word(contents, 8)?);
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST)?;
    let names = contents.get(16 + count.checked_mul(24)?..)?;
    let mut files = Vec::new();
    for (index, name) in names.split(|&byte| byte == 0).take(count).enumerate() {
        let at = 16 + index * 24;
        let (start, end, offset) = (word(contents, at)?, word(contents, at + 8)?, word(contents, at + 16)?);
        if start < end && name.len() <= LONGEST_PATH {
            files.push((start, end, offset.checked_mul(page)?, String::from_utf8_lossy(name).into_owned()));
        }
    }
    // Mappings do not overlap. If entries do, only the first one is used, so that each piece is
    // visited once.
    files.sort_by_key(|file| file.0);
    let mut until = 0;
    files.retain(|file| {
        let is_apart = file.0 >= until;
        until = until.max(file.1);
        is_apart
    });
    Some(files)
}

/// Assigns the files in the notes to the mappings. The inode numbers are made up. Mappings that the
/// core file does not contain at all are added: debuggers omit mappings that are the same as their
/// files.
fn name_files(pieces: &mut Vec<Piece>, notes: &Notes) {
    let mut numbers = FxHashMap::default();
    let mut omitted = Vec::new();
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
            if from < to && is_whole && is_named && omitted.len() < MOST {
                let region = Region {
                    start: from,
                    end: to,
                    readable: true,
                    offset: offset_at(from),
                    inode,
                    path: path.clone(),
                    ..Region::default()
                };
                omitted.push(Piece { region, offset: 0, length: 0 });
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
    pieces.extend(omitted);
    sort(pieces);
}

/// Sorts pieces by address, and drops those that overlap an earlier one.
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

/// The text before the first zero byte.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
