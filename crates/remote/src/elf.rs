//! What an ELF file tells of an interpreter in it: where `_PyRuntime` is, which version, which build.
//!
//! The file is another process's and may be hostile, such as a sparse file whose sections are gigabytes. Each size is
//! checked against a limit before anything is read, and the sum against a [`Budget`]. What the file says is used only if
//! the process's memory agrees. The layout is that of `elf(5)`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use object::elf::{
    DT_FINI_ARRAYSZ, DT_FLAGS, DT_FLAGS_1, DT_HASH, DT_INIT_ARRAYSZ, DT_NEEDED, DT_PLTREL, DT_PLTRELSZ,
    DT_RELACOUNT, DT_RELAENT, DT_RELASZ, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, DT_SYMENT, DT_SYMTAB,
    DT_VERDEFNUM, DT_VERNEEDNUM, PF_W, PF_X, PT_DYNAMIC, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB,
};

use crate::budget::Budget;
use crate::maps::Region;

/// What a file is.
#[derive(Debug, Clone)]
pub(crate) enum MappedFile {
    /// No ELF file, or one that cannot be read.
    Other,
    /// For another architecture than this program's kind.
    Foreign(&'static str),
    /// An ELF file of 64 bits.
    Elf(Box<Elf>),
}

/// An ELF file of 64 bits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elf {
    /// Where `_PyRuntime` is, in the file's own addresses.
    pub(crate) runtime: Option<u64>,
    /// `Py_Version`, from 3.11 on.
    pub(crate) version: Option<u32>,
    /// Whether it is a debug build.
    pub(crate) debug: bool,
    /// Whether it has `Py_GetVersion`: a Python, also one without `_PyRuntime`.
    pub(crate) python: bool,
    /// Another implementation of Python.
    pub(crate) implementation: Option<&'static str>,
    loads: Vec<Load>,
}

/// A piece of the file that is mapped.
#[derive(Debug, Clone, Copy)]
struct Load {
    offset: u64,
    address: u64,
    in_file: u64,
    writable: bool,
    executable: bool,
}

/// More pieces than any file has.
const MOST_LOADS: usize = 64;
/// How much of a file is looked through for its version.
const MOST_TEXT: u64 = 1 << 26;

/// A table that is larger is not read.
const LARGEST_TABLE: u64 = 1 << 26;
/// More sections than any file has, and more than their names take.
const MOST_SECTIONS: u64 = 1 << 16;
const MOST_SECTION_NAMES: u64 = 1 << 22;
/// How much of a table of symbols is read at once: a multiple of a symbol's size.
const SYMBOLS_AT_ONCE: u64 = SYMBOL << 14;
/// Longer than the names that are looked for.
const LONGEST_NAME: usize = 64;

/// Sizes of structures, in bytes.
const FILE_HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: u64 = 64;
const SYMBOL: u64 = 24;

/// Reads a file, as far as the budget allows.
pub(crate) fn read(file: &File, budget: &Budget) -> MappedFile {
    let mut head = [0; 20];
    if file.read_exact_at(&mut head, 0).is_err() || head[..4] != *b"\x7fELF" {
        return MappedFile::Other;
    }
    match (head[4], head[5]) {
        (2, 1) => {}
        (1, _) => return MappedFile::Foreign("a 32-bit program"),
        _ => return MappedFile::Foreign("a big-endian program"),
    }
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let file = Bounded { file, length, budget };
    file.parse().map_or(MappedFile::Other, |elf| MappedFile::Elf(Box::new(elf)))
}

/// A file of which no more is read than it has, and than the budget allows.
struct Bounded<'f> {
    file: &'f File,
    length: u64,
    budget: &'f Budget,
}

/// A section: its type, address, place in the file, length, and the number of the section that it refers to.
#[derive(Debug, Clone, Copy)]
struct Section {
    name: u32,
    kind: u32,
    address: u64,
    offset: u64,
    length: u64,
    link: u32,
}

impl Bounded<'_> {
    fn get(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        let is_inside = offset.checked_add(length)? <= self.length;
        if !is_inside || !self.budget.of_files(length) {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    fn parse(&self) -> Option<Elf> {
        let head = self.get(0, FILE_HEADER as u64)?;
        let mut elf = Elf::default();
        let count = usize::from(u16::from_le_bytes([head[56], head[57]])).min(MOST_LOADS);
        let headers = self.get(word(&head, 32)?, (count * PROGRAM_HEADER) as u64)?;
        for header in headers.chunks_exact(PROGRAM_HEADER) {
            if half(header, 0)? == PT_LOAD {
                elf.loads.push(Load::of(header)?);
            }
        }
        let sections = self.sections(&head).unwrap_or_default();
        let mut version = None;
        self.symbols(&mut elf, &mut version, &sections, SHT_DYNSYM);
        if elf.runtime.is_none() {
            elf.runtime = self.section_called(&head, &sections, b".PyRuntime");
        }
        // A program that keeps its symbols to itself may have them for debuggers.
        if elf.runtime.is_none() {
            self.symbols(&mut elf, &mut version, &sections, SHT_SYMTAB);
        }
        elf.version = version.and_then(|address| {
            let load = elf.loads.iter().find(|load| {
                address
                    .checked_sub(load.address)
                    .is_some_and(|within| within.saturating_add(8) <= load.in_file)
            })?;
            let place = load.offset.checked_add(address - load.address)?;
            u32::try_from(word(&self.get(place, 8)?, 0)?).ok()
        });
        Some(elf)
    }

    fn sections(&self, head: &[u8]) -> Option<Vec<Section>> {
        let (place, size) = (word(head, 40)?, u16::from_le_bytes([head[58], head[59]]));
        let mut count = u64::from(u16::from_le_bytes([head[60], head[61]]));
        if place == 0 || u64::from(size) != SECTION_HEADER {
            return None;
        }
        if count == 0 {
            // More than fit into the header: the first section says how many.
            count = word(&self.get(place, SECTION_HEADER)?, 32)?;
        }
        let headers = self.get(place, count.min(MOST_SECTIONS) * SECTION_HEADER)?;
        let section = |header: &[u8]| {
            Some(Section {
                name: half(header, 0)?,
                kind: half(header, 4)?,
                address: word(header, 16)?,
                offset: word(header, 24)?,
                length: word(header, 32)?,
                link: half(header, 40)?,
            })
        };
        headers.chunks_exact(SECTION_HEADER as usize).map(section).collect()
    }

    /// Where the section of a name is to be in memory.
    fn section_called(&self, head: &[u8], sections: &[Section], name: &[u8]) -> Option<u64> {
        const IN_FIRST_SECTION: u16 = 0xffff;
        let names = match u16::from_le_bytes([head[62], head[63]]) {
            IN_FIRST_SECTION => sections.first()?.link as usize,
            place => usize::from(place),
        };
        let names = sections.get(names).filter(|names| names.length <= MOST_SECTION_NAMES)?;
        let names = self.get(names.offset, names.length)?;
        let is_called = |section: &&Section| {
            names.get(section.name as usize..).is_some_and(|rest| called(rest) == Some(name))
        };
        sections.iter().find(is_called).map(|section| section.address)
    }

    /// Reads the first table of symbols of a kind, piece by piece.
    fn symbols(
        &self,
        elf: &mut Elf,
        version: &mut Option<u64>,
        sections: &[Section],
        kind: u32,
    ) -> Option<()> {
        let table = sections.iter().find(|section| section.kind == kind)?;
        let names = sections.get(table.link as usize)?;
        if table.length > LARGEST_TABLE || names.length > LARGEST_TABLE {
            return None;
        }
        let names = self.get(names.offset, names.length)?;
        let mut at = 0;
        while at < table.length / SYMBOL * SYMBOL {
            let length = (table.length / SYMBOL * SYMBOL - at).min(SYMBOLS_AT_ONCE);
            for symbol in self.get(table.offset.checked_add(at)?, length)?.chunks_exact(SYMBOL as usize) {
                see(elf, version, symbol, &names);
            }
            at += length;
        }
        Some(())
    }
}

impl Load {
    /// What a program header tells.
    fn of(header: &[u8]) -> Option<Self> {
        let flags = half(header, 4)?;
        Some(Self {
            offset: word(header, 8)?,
            address: word(header, 16)?,
            in_file: word(header, 32)?,
            writable: flags & PF_W != 0,
            executable: flags & PF_X != 0,
        })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The name at the beginning of some bytes, if it is short. A long name is not scanned: millions of symbols may share it.
fn called(rest: &[u8]) -> Option<&[u8]> {
    let end = rest.iter().take(LONGEST_NAME).position(|&byte| byte == 0)?;
    rest.get(..end)
}

/// Where an ELF file's segments are to be mapped, and where its dynamic section is.
pub(crate) struct Headers {
    loads: Vec<Load>,
    dynamic: Option<(u64, u64, u64)>,
}

impl Headers {
    /// Reads the headers of a 64-bit ELF file; `None` for any other file.
    pub(crate) fn of(file: &File) -> Option<Self> {
        let mut head = [0; FILE_HEADER];
        file.read_exact_at(&mut head, 0).ok()?;
        if head[..6] != *b"\x7fELF\x02\x01" {
            return None;
        }
        let count = usize::from(u16::from_le_bytes([head[56], head[57]])).min(MOST_LOADS);
        let mut headers = vec![0; count * PROGRAM_HEADER];
        file.read_exact_at(&mut headers, word(&head, 32)?).ok()?;
        let (mut loads, mut dynamic) = (Vec::new(), None);
        for header in headers.chunks_exact(PROGRAM_HEADER) {
            match half(header, 0)? {
                PT_LOAD => loads.push(Load::of(header)?),
                PT_DYNAMIC => dynamic = Some((word(header, 8)?, word(header, 16)?, word(header, 32)?)),
                _ => {}
            }
        }
        (!loads.is_empty()).then_some(Self { loads, dynamic })
    }

    /// The distance between the file's addresses and the mapped ones, if it is the same for all the mappings and each of
    /// them lies in a segment.
    pub(crate) fn bias<'r>(&self, mapped: impl Iterator<Item = &'r Region>) -> Option<u64> {
        const PAGE: u64 = 4096;
        let mut all = None;
        for region in mapped {
            let mut fitting = self.loads.iter().filter_map(|load| {
                let begins = load.offset & !(PAGE - 1);
                let ends = load.offset.checked_add(load.in_file)?.checked_next_multiple_of(PAGE)?;
                let is_inside = (begins..ends).contains(&region.offset);
                let address = load.address.wrapping_sub(load.offset).wrapping_add(region.offset);
                is_inside.then(|| region.start.wrapping_sub(address))
            });
            // A page in which one segment ends and the next begins may belong to either.
            let bias = match all {
                None => fitting.next()?,
                Some(bias) => fitting.find(|&other| other == bias)?,
            };
            all = Some(bias);
        }
        all
    }

    /// Whether the dynamic section in memory, read by the file's addresses, is the file's. The loader changes addresses in
    /// it, but neither the tags nor the sizes and flags.
    pub(crate) fn has_same_dynamic(&self, file: &File, memory: impl Fn(u64) -> Option<u64>) -> bool {
        const LARGEST: u64 = 1 << 14;
        const FEWEST: usize = 8;
        let Some((offset, address, length)) = self.dynamic.filter(|dynamic| dynamic.2 <= LARGEST) else {
            return false;
        };
        let mut table = vec![0; length as usize];
        if file.read_exact_at(&mut table, offset).is_err() {
            return false;
        }
        let mut compared = 0;
        for (place, entry) in (0..).step_by(16).zip(table.chunks_exact(16)) {
            let (Some(tag), Some(value)) = (word(entry, 0), word(entry, 8)) else { return false };
            let at = address.wrapping_add(place);
            if memory(at) != Some(tag) {
                return false;
            }
            if tag == 0 {
                break;
            }
            compared += 1;
            if is_number(tag.cast_signed()) && memory(at.wrapping_add(8)) != Some(value) {
                return false;
            }
        }
        compared >= FEWEST
    }
}

/// Whether the value of an entry in the dynamic section is a number, which the loader does not change.
fn is_number(tag: i64) -> bool {
    matches!(
        tag,
        DT_NEEDED
            | DT_PLTRELSZ
            | DT_RELASZ
            | DT_RELAENT
            | DT_STRSZ
            | DT_SYMENT
            | DT_SONAME
            | DT_PLTREL
            | DT_INIT_ARRAYSZ
            | DT_FINI_ARRAYSZ
            | DT_RUNPATH
            | DT_FLAGS
            | DT_FLAGS_1
            | DT_VERNEEDNUM
            | DT_VERDEFNUM
            | DT_RELACOUNT
    )
}

/// Reads what the loader has mapped of a file that is gone: its beginning at `start`, the dynamic symbols, the version.
/// What is not mapped (other symbols, sections) stays unknown.
pub(crate) fn read_mapped(
    start: u64,
    budget: &Budget,
    read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
) -> Option<Elf> {
    /// More symbols than any library exports; more text than their names take.
    const MOST_SYMBOLS: u64 = 1 << 18;
    const MOST_NAMES: u64 = 1 << 24;
    let get = |address: u64, length: u64| {
        if !budget.of_memory(length) {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        read(address, &mut bytes).ok()?;
        Some(bytes)
    };
    let head = get(start, FILE_HEADER as u64)?;
    if head[..6] != *b"\x7fELF\x02\x01" {
        return None;
    }
    let count = usize::from(u16::from_le_bytes([head[56], head[57]])).min(MOST_LOADS);
    let headers = get(start.checked_add(word(&head, 32)?)?, (count * PROGRAM_HEADER) as u64)?;
    let mut elf = Elf::default();
    let mut dynamic = None;
    for header in headers.chunks_exact(PROGRAM_HEADER) {
        match half(header, 0)? {
            PT_LOAD => elf.loads.push(Load::of(header)?),
            PT_DYNAMIC => dynamic = Some((word(header, 16)?, word(header, 32)?.min(1 << 16))),
            _ => {}
        }
    }
    let first = elf.loads.first()?;
    let bias = start.wrapping_sub(first.address.wrapping_sub(first.offset));
    let (address, length) = dynamic?;
    let table = get(bias.wrapping_add(address), length)?;
    // The loader may have turned the file's addresses into the process's, or not.
    let entry = |tag: i64| {
        let entries = table.chunks_exact(16).take_while(|entry| entry[..8] != [0; 8]);
        entries.filter(|entry| word(entry, 0) == Some(tag.cast_unsigned())).find_map(|entry| word(entry, 8))
    };
    let place = |tag: i64| entry(tag).map(|at| if at < bias { bias.wrapping_add(at) } else { at });
    let (symbols, names) = (place(DT_SYMTAB)?, place(DT_STRTAB)?);
    // Nothing tells how many there are, but for an older table of hashes; the names follow the symbols.
    let count = match place(DT_HASH) {
        Some(hash) => u64::from(half(&get(hash, 8)?, 4)?),
        None => names.checked_sub(symbols)? / SYMBOL,
    };
    let names = get(names, entry(DT_STRSZ)?.min(MOST_NAMES))?;
    let mut version = None;
    for symbol in get(symbols, count.min(MOST_SYMBOLS) * SYMBOL)?.chunks_exact(SYMBOL as usize) {
        see(&mut elf, &mut version, symbol, &names);
    }
    let version = version.and_then(|address| word(&get(bias.wrapping_add(address), 8)?, 0));
    elf.version = version.and_then(|version| u32::try_from(version).ok());
    Some(elf)
}

/// What a symbol tells, if it is defined.
fn see(elf: &mut Elf, version: &mut Option<u64>, symbol: &[u8], names: &[u8]) -> Option<()> {
    let (name, address) = (half(symbol, 0)? as usize, word(symbol, 8)?);
    if symbol.get(6..8)? == [0, 0] || address == 0 {
        return None;
    }
    match called(names.get(name..)?)? {
        b"_PyRuntime" => elf.runtime = Some(address),
        b"Py_Version" => *version = Some(address),
        b"Py_GetVersion" => elf.python = true,
        b"_Py_NegativeRefcount" | b"_Py_RefTotal" | b"_Py_INCREF_IncRefTotal" => elf.debug = true,
        b"pypy_main_startup" | b"pypy_execute_source" => elf.implementation = Some("PyPy"),
        b"graal_create_isolate" => elf.implementation = Some("GraalPy"),
        _ => {}
    }
    Some(())
}

impl Elf {
    /// What has to be added to the file's addresses, told by where its beginning is mapped, or else its code.
    pub(crate) fn bias<'r>(&self, mut mapped: impl Iterator<Item = &'r Region> + Clone) -> Option<u64> {
        const PAGE: u64 = 4096;
        let first = self.loads.first()?;
        let begins = first.offset & !(PAGE - 1);
        let bias = |load: &Load, region: &Region| {
            let address = load.address.wrapping_sub(load.offset).wrapping_add(region.offset);
            region.start.wrapping_sub(address)
        };
        if let Some(region) = mapped.clone().find(|region| region.offset == begins) {
            return Some(bias(first, region));
        }
        mapped.find_map(|region| {
            let mut code = self.loads.iter().filter(|load| load.executable && region.executable);
            let holds = |load: &&Load| {
                let begins = load.offset & !(PAGE - 1);
                (begins..load.offset.saturating_add(load.in_file)).contains(&region.offset)
            };
            Some(bias(code.find(holds)?, region))
        })
    }

    /// The bytes of the segments that are not writable, which hold constants: each byte once, up to a limit.
    pub(crate) fn constants(&self, file: &File, budget: &Budget) -> io::Result<Vec<u8>> {
        let length = file.metadata()?.len();
        let mut ranges: Vec<(u64, u64)> = self
            .loads
            .iter()
            .filter(|load| !load.writable)
            .map(|load| (load.offset.min(length), load.offset.saturating_add(load.in_file).min(length)))
            .collect();
        ranges.sort_unstable();
        let (mut all, mut until) = (Vec::new(), 0);
        for (start, end) in ranges {
            let start = start.max(until);
            let length = end.saturating_sub(start).min(MOST_TEXT.saturating_sub(all.len() as u64));
            if length == 0 || !budget.of_files(length) {
                continue;
            }
            let begins = all.len();
            all.resize(begins + length as usize, 0);
            let read = file.read_at(&mut all[begins..], start)?;
            all.truncate(begins + read);
            all.push(0);
            until = end;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_once_however_often_the_headers_name_them() {
        let path = std::env::temp_dir().join(format!("memtop-constants-{}", std::process::id()));
        std::fs::write(&path, vec![7; 1 << 16]).expect("a file");
        let file = File::open(&path).expect("its own");
        std::fs::remove_file(&path).expect("its own");
        let load =
            |offset, in_file, writable| Load { offset, address: 0, in_file, writable, executable: false };
        let mut loads = vec![load(0, 1 << 60, false); MOST_LOADS - 2];
        loads.push(load(1 << 15, u64::MAX, false));
        loads.push(load(0, 1 << 16, true));
        let (elf, budget) = (Elf { loads, ..Elf::default() }, Budget::default());
        let constants = elf.constants(&file, &budget).expect("it can be read");
        assert_eq!(constants.iter().filter(|&&byte| byte == 7).count(), 1 << 16);
        assert_eq!(budget.read(), (1 << 16, 0));
    }

    #[test]
    fn a_name_ends_soon_or_is_none() {
        assert_eq!(called(b"_PyRuntime\0more"), Some(&b"_PyRuntime"[..]));
        assert_eq!(called(b"_PyRuntime"), None);
        let mut long = vec![b'x'; LONGEST_NAME];
        long.push(0);
        assert_eq!(called(&long), None);
    }

    #[test]
    fn a_file_fits_mappings_that_are_all_moved_by_the_same_distance() {
        let load =
            |offset, address, in_file| Load { offset, address, in_file, writable: false, executable: false };
        let loads = vec![load(0, 0, 0x1800), load(0x1800, 0x2800, 0x1000)];
        let headers = Headers { loads, dynamic: None };
        let region = |start, offset| Region {
            start,
            end: start + 0x1000,
            readable: true,
            writable: false,
            executable: false,
            shared: false,
            offset,
            device: (0, 0),
            inode: 1,
            path: String::new(),
        };
        let bias = |mapped: &[Region]| headers.bias(mapped.iter());
        assert_eq!(bias(&[region(0x10000, 0), region(0x12000, 0x1000)]), Some(0x10000));
        assert_eq!(bias(&[region(0x10000, 0), region(0x13000, 0x1000)]), None, "moved differently");
        assert_eq!(bias(&[region(0x10000, 0x3000)]), None, "no piece is there");
        assert_eq!(bias(&[]), None);
    }
}
