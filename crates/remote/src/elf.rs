//! Finds the interpreter in an ELF file: the address of `_PyRuntime`, the version, the build.
//!
//! The file belongs to another process and may be hostile, such as a sparse file with sections of
//! gigabytes. Each size is checked against a limit before anything is read, and the sum against a
//! [`Budget`]. The contents are trusted only if the memory of the process agrees. The layout is
//! that of `elf(5)`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use object::elf::{DT_HASH, DT_STRSZ, DT_STRTAB, DT_SYMTAB, PT_DYNAMIC, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB};

use crate::budget::Budget;
use crate::elf_headers::{FILE_HEADER, Load, MOST_LOADS, PROGRAM_HEADER, half, word};
use crate::maps::Region;

/// The type of a mapped file.
#[derive(Debug, Clone)]
pub(crate) enum MappedFile {
    /// Not an ELF file, or one that cannot be read.
    Other,
    /// An ELF file for an architecture that is not supported.
    Foreign(&'static str),
    /// A 64-bit ELF file.
    Elf(Box<Elf>),
}

/// A 64-bit ELF file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elf {
    /// The address of `_PyRuntime`, as in the file.
    pub(crate) runtime: Option<u64>,
    /// `Py_Version`, since 3.11.
    pub(crate) version: Option<u32>,
    /// Whether it is a debug build.
    pub(crate) debug: bool,
    /// Whether it defines `Py_GetVersion`, so that it is a Python even without `_PyRuntime`.
    pub(crate) python: bool,
    /// The name of another implementation of Python.
    pub(crate) implementation: Option<&'static str>,
    loads: Vec<Load>,
}

/// The most bytes of a file that are searched for its version.
const MOST_TEXT: u64 = 1 << 26;

/// The largest table that is read.
const LARGEST_TABLE: u64 = 1 << 26;
/// The most sections, and the most bytes of their names. No file has as many.
const MOST_SECTIONS: u64 = 1 << 16;
const MOST_SECTION_NAMES: u64 = 1 << 22;
/// The bytes of a symbol table that are read at once, a multiple of the size of a symbol.
const SYMBOLS_AT_ONCE: u64 = SYMBOL << 14;
/// The length of the longest name that is compared. All names that are searched are shorter.
const LONGEST_NAME: usize = 64;

/// Sizes of structs, in bytes.
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

/// A file that is read within its length and the budget.
struct Bounded<'f> {
    file: &'f File,
    length: u64,
    budget: &'f Budget,
}

/// A section header. `kind` is the section's type, `link` the number of the section that it refers
/// to.
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
        // A program that exports no symbols may still have some for debuggers.
        if elf.runtime.is_none() {
            self.symbols(&mut elf, &mut version, &sections, SHT_SYMTAB);
        }
        elf.version = version.and_then(|address| {
            let load = elf.loads.iter().find(|load| {
                address
                    .checked_sub(load.address)
                    .is_some_and(|within| within.saturating_add(8) <= load.in_file)
            })?;
            let offset = load.offset.checked_add(address - load.address)?;
            u32::try_from(word(&self.get(offset, 8)?, 0)?).ok()
        });
        Some(elf)
    }

    fn sections(&self, head: &[u8]) -> Option<Vec<Section>> {
        let (offset, size) = (word(head, 40)?, u16::from_le_bytes([head[58], head[59]]));
        let mut count = u64::from(u16::from_le_bytes([head[60], head[61]]));
        if offset == 0 || u64::from(size) != SECTION_HEADER {
            return None;
        }
        if count == 0 {
            // Their number does not fit into the header, and is in the first section.
            count = word(&self.get(offset, SECTION_HEADER)?, 32)?;
        }
        let headers = self.get(offset, count.min(MOST_SECTIONS) * SECTION_HEADER)?;
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

    /// The address of the section with this name.
    fn section_called(&self, head: &[u8], sections: &[Section], name: &[u8]) -> Option<u64> {
        const IN_FIRST_SECTION: u16 = 0xffff;
        let names = match u16::from_le_bytes([head[62], head[63]]) {
            IN_FIRST_SECTION => sections.first()?.link as usize,
            index => usize::from(index),
        };
        let names = sections.get(names).filter(|names| names.length <= MOST_SECTION_NAMES)?;
        let names = self.get(names.offset, names.length)?;
        let is_called = |section: &&Section| {
            names.get(section.name as usize..).is_some_and(|rest| called(rest) == Some(name))
        };
        sections.iter().find(is_called).map(|section| section.address)
    }

    /// Reads the first symbol table of a kind, piece by piece.
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
                record(elf, version, symbol, &names);
            }
            at += length;
        }
        Some(())
    }
}

/// The name at the beginning of some bytes, if it is short. A long name is not scanned, since
/// millions of symbols may share it.
fn called(rest: &[u8]) -> Option<&[u8]> {
    let end = rest.iter().take(LONGEST_NAME).position(|&byte| byte == 0)?;
    rest.get(..end)
}

/// Reads the mapped part of a file that was deleted: its beginning at `start`, the dynamic symbols,
/// the version. Parts that are not mapped (other symbols, sections) stay unknown.
pub(crate) fn read_mapped(
    start: u64,
    budget: &Budget,
    read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
) -> Option<Elf> {
    /// The most symbols, and the most bytes of their names. No library exports as many.
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
    // The loader may have replaced the file's addresses by the process's.
    let entry = |tag: i64| {
        let entries = table.chunks_exact(16).take_while(|entry| entry[..8] != [0; 8]);
        entries.filter(|entry| word(entry, 0) == Some(tag.cast_unsigned())).find_map(|entry| word(entry, 8))
    };
    let address_of = |tag: i64| entry(tag).map(|at| if at < bias { bias.wrapping_add(at) } else { at });
    let (symbols, names) = (address_of(DT_SYMTAB)?, address_of(DT_STRTAB)?);
    // Only an older kind of hash table states the number of symbols. Otherwise, the names follow
    // the symbols.
    let count = match address_of(DT_HASH) {
        Some(hash) => u64::from(half(&get(hash, 8)?, 4)?),
        None => names.checked_sub(symbols)? / SYMBOL,
    };
    let names = get(names, entry(DT_STRSZ)?.min(MOST_NAMES))?;
    let mut version = None;
    for symbol in get(symbols, count.min(MOST_SYMBOLS) * SYMBOL)?.chunks_exact(SYMBOL as usize) {
        record(&mut elf, &mut version, symbol, &names);
    }
    let version = version.and_then(|address| word(&get(bias.wrapping_add(address), 8)?, 0));
    elf.version = version.and_then(|version| u32::try_from(version).ok());
    Some(elf)
}

/// Records what a symbol means, if it is defined.
fn record(elf: &mut Elf, version: &mut Option<u64>, symbol: &[u8], names: &[u8]) -> Option<()> {
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
    /// The distance between the file's addresses and the mapped ones, by the mapping of the file's
    /// beginning, or else of its code.
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

    /// The bytes of the segments that are not writable, which contain constants: each byte once, up
    /// to a limit.
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
    fn constants_are_read_once_even_if_the_headers_repeat_them() {
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
    fn a_name_without_an_end_is_ignored() {
        assert_eq!(called(b"_PyRuntime\0more"), Some(&b"_PyRuntime"[..]));
        assert_eq!(called(b"_PyRuntime"), None);
        let mut long = vec![b'x'; LONGEST_NAME];
        long.push(0);
        assert_eq!(called(&long), None);
    }
}
