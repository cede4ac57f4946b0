//! What an ELF file tells of an interpreter in it: where `_PyRuntime` is, which version, which build.
//!
//! The file is another process's, and may be anything: it is read in pieces and within bounds (by the library), and
//! what it says is believed only when the process's memory agrees.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use object::elf::{DT_HASH, DT_STRSZ, DT_STRTAB, DT_SYMTAB, PF_W, PF_X, PT_DYNAMIC, PT_LOAD};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, ReadCache};

use crate::maps::Region;

/// What a file is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
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
const MOST_TEXT: usize = 1 << 26;

/// Reads a file.
pub(crate) fn read(file: &File) -> Kind {
    let mut head = [0; 20];
    if file.read_exact_at(&mut head, 0).is_err() || head[..4] != *b"\x7fELF" {
        return Kind::Other;
    }
    match (head[4], head[5]) {
        (2, 1) => {}
        (1, _) => return Kind::Foreign("a 32-bit program"),
        _ => return Kind::Foreign("a big-endian program"),
    }
    let Ok(file) = file.try_clone() else { return Kind::Other };
    let cache = ReadCache::new(file);
    parse(&cache).map_or(Kind::Other, |elf| Kind::Elf(Box::new(elf)))
}

fn parse(cache: &ReadCache<File>) -> object::Result<Elf> {
    let file = ElfFile64::<Endianness, _>::parse(cache)?;
    let endian = file.endian();
    let mut elf = Elf::default();
    for header in file.elf_header().program_headers(endian, cache)?.iter().take(MOST_LOADS) {
        if header.p_type(endian) == PT_LOAD {
            elf.loads.push(Load {
                offset: header.p_offset(endian),
                address: header.p_vaddr(endian),
                in_file: header.p_filesz(endian),
                writable: header.p_flags(endian) & PF_W != 0,
                executable: header.p_flags(endian) & PF_X != 0,
            });
        }
    }
    let mut version = None;
    let defined = |address: u64| address != 0;
    for symbol in file.dynamic_symbols() {
        if let Ok(name) = symbol.name_bytes()
            && defined(symbol.address())
            && !symbol.is_undefined()
        {
            see(&mut elf, &mut version, name, symbol.address());
        }
    }
    if elf.runtime.is_none() {
        elf.runtime = file.section_by_name(".PyRuntime").map(|section| section.address());
    }
    // A program that keeps its symbols to itself may have them for debuggers.
    if elf.runtime.is_none() {
        for symbol in file.symbols() {
            if let Ok(name) = symbol.name_bytes()
                && defined(symbol.address())
                && !symbol.is_undefined()
            {
                see(&mut elf, &mut version, name, symbol.address());
            }
        }
    }
    elf.version = version.and_then(|address| {
        let load = elf.loads.iter().find(|load| {
            address.checked_sub(load.address).is_some_and(|within| within.saturating_add(8) <= load.in_file)
        })?;
        let place = load.offset.checked_add(address - load.address)?;
        let bytes = object::ReadRef::read_bytes_at(cache, place, 8).ok()?;
        u32::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
    });
    Ok(elf)
}

/// Reads what the loader has mapped of a file that is gone: its beginning at `start`, the dynamic symbols, the version.
/// What is not mapped (other symbols, sections) stays unknown.
pub(crate) fn read_mapped(start: u64, read: impl Fn(u64, &mut [u8]) -> io::Result<()>) -> Option<Elf> {
    /// More symbols than any library exports; more text than their names take.
    const MOST_SYMBOLS: u64 = 1 << 18;
    const MOST_NAMES: u64 = 1 << 24;
    const HEADER: usize = 56;
    const SYMBOL: u64 = 24;
    let get = |address: u64, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        read(address, &mut bytes).ok()?;
        Some(bytes)
    };
    let word = |bytes: &[u8], at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let half = |bytes: &[u8], at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let head = get(start, 64)?;
    if head[..6] != *b"\x7fELF\x02\x01" {
        return None;
    }
    let count = usize::from(u16::from_le_bytes([head[56], head[57]])).min(MOST_LOADS);
    let headers = get(start.checked_add(word(&head, 32)?)?, (count * HEADER) as u64)?;
    let mut elf = Elf::default();
    let mut dynamic = None;
    for header in headers.chunks_exact(HEADER) {
        let (kind, flags) = (half(header, 0)?, half(header, 4)?);
        let (offset, address) = (word(header, 8)?, word(header, 16)?);
        let in_file = word(header, 32)?;
        match kind {
            PT_LOAD => elf.loads.push(Load {
                offset,
                address,
                in_file,
                writable: flags & PF_W != 0,
                executable: flags & PF_X != 0,
            }),
            PT_DYNAMIC => dynamic = Some((address, in_file.min(1 << 16))),
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
        let (name, section) = (half(symbol, 0)? as usize, u16::from_le_bytes([symbol[6], symbol[7]]));
        let address = word(symbol, 8)?;
        if section != 0
            && address != 0
            && let Some(name) = names.get(name..).and_then(|rest| rest.split(|&byte| byte == 0).next())
        {
            see(&mut elf, &mut version, name, address);
        }
    }
    let version = version.and_then(|address| word(&get(bias.wrapping_add(address), 8)?, 0));
    elf.version = version.and_then(|version| u32::try_from(version).ok());
    Some(elf)
}

/// What a symbol tells.
fn see(elf: &mut Elf, version: &mut Option<u64>, name: &[u8], address: u64) {
    match name {
        b"_PyRuntime" => elf.runtime = Some(address),
        b"Py_Version" => *version = Some(address),
        b"Py_GetVersion" => elf.python = true,
        b"_Py_NegativeRefcount" | b"_Py_RefTotal" | b"_Py_INCREF_IncRefTotal" => elf.debug = true,
        b"pypy_main_startup" | b"pypy_execute_source" => elf.implementation = Some("PyPy"),
        b"graal_create_isolate" => elf.implementation = Some("GraalPy"),
        _ => {}
    }
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

    /// The bytes of the file that are not written to, where constants stand.
    pub(crate) fn constants(&self, file: &File) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        for load in self.loads.iter().filter(|load| !load.writable) {
            let length = usize::try_from(load.in_file).unwrap_or(usize::MAX).min(MOST_TEXT);
            let length = length.min(usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX));
            let mut bytes = vec![0; length];
            let read = file.read_at(&mut bytes, load.offset)?;
            all.extend_from_slice(&bytes[..read]);
            all.push(0);
        }
        Ok(all)
    }
}
