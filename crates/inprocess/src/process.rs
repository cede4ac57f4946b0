//! Facts about this process from the operating system and the allocators: identity, time, mappings,
//! memory.
//!
//! They are read from Linux's `/proc`; on other systems most are not available. A fact that is not
//! available is `None`.
//!
//! The file is long because each of several files in `/proc` has a part of these facts.

use std::fs::File;
use std::os::unix::fs::FileExt;

use memtop_cpython::{
    AnonymousMemory, BLOCK_HEADER, Checked, CodeFiles, KnownTypes, Layout, MappedMemory, Memory,
    NativeMemory, interned_bytes,
};
use memtop_heap::{MallocLibrary, MemoryNumbers, ProcessIdentity};
pub(crate) use memtop_procinfo::clocks;
use memtop_procinfo::{self as procinfo, LARGEST_STACK, Status};

use crate::raw::MallocNumbers;

/// The mappings of this process, from `/proc/self/maps` (`proc_pid_maps(5)`). Empty on other systems.
pub(crate) struct Mappings(String);

impl Mappings {
    /// Reads the mappings of this moment.
    pub(crate) fn read() -> Self {
        // The name of a file may contain any bytes.
        let text = std::fs::read("/proc/self/maps").unwrap_or_default();
        Self(String::from_utf8_lossy(&text).into_owned())
    }

    /// The start and end of each mapping, whether it is readable, and its file or name.
    fn each(&self) -> impl Iterator<Item = (u64, u64, bool, &str)> {
        self.0.lines().filter_map(|line| {
            let mut fields = line.splitn(6, ' ');
            let (start, end) = fields.next()?.split_once('-')?;
            let rights = fields.next()?;
            let path = fields.nth(3).unwrap_or_default().trim_start();
            let number = |text: &str| u64::from_str_radix(text, 16).ok();
            Some((number(start)?, number(end)?, rights.starts_with('r'), path))
        })
    }

    /// The files that may define types. `interpreter` is the address of a static type in the
    /// interpreter itself, `prefixes` are the directories of the interpreter.
    pub(crate) fn code_files(&self, interpreter: u64, prefixes: &[String]) -> CodeFiles {
        CodeFiles::new(self.each().map(|(start, end, _, path)| (start, end, path)), interpreter, prefixes)
    }

    /// The resident bytes of glibc's heaps; `None` if they are not known.
    fn malloc_heaps(&self) -> Option<u64> {
        let memory = File::open("/proc/self/mem").ok()?;
        let pagemap = File::open("/proc/self/pagemap").ok()?;
        let read = |at: u64| read_header(&memory, at);
        let main = self.0.lines().filter(|line| line.ends_with("[heap]")).filter_map(addresses);
        let arenas = self.0.lines().filter_map(anonymous).flat_map(|mapping| arena_heaps(mapping, read));
        Some(main.chain(arenas).map(|(start, end)| resident(Some(&pagemap), start, end)).sum())
    }

    /// The readable memory; `None` if it is not known.
    pub(crate) fn readable(&self) -> Option<MappedMemory> {
        let readable = self.each().filter(|&(_, _, readable, _)| readable);
        let mapped = MappedMemory::new(readable.map(|(start, end, ..)| (start, end)));
        (mapped.bytes() > 0).then_some(mapped)
    }
}

/// The identity of this process, with one of its interpreters.
pub(crate) fn identity(interpreter: i64) -> ProcessIdentity {
    procinfo::own_identity(u64::try_from(interpreter).unwrap_or(0))
}

/// The name of the host, and the container, as this process sees them.
pub(crate) fn place() -> (Option<String>, Option<String>) {
    (procinfo::host(), procinfo::own_container())
}

const PAGE: u64 = 4096;
/// The number of words of the page map that are read at once.
const WORDS: usize = 4096;
/// For a larger range, the page map with its word for each page is not read: the range may be
/// reserved memory that was never touched.
const LARGE: u64 = 1 << 30;

/// The resident bytes of a range of addresses; all of its bytes if that is not known. The word of a
/// page in the page map has its highest bit set if the page is present
/// (`Documentation/admin-guide/mm/pagemap.rst` of Linux). For a large range the figures of its
/// mappings are used; of a mapping that is in the range only in part, at most that part counts.
fn resident(pagemap: Option<&File>, start: u64, end: u64) -> u64 {
    if end.saturating_sub(start) > LARGE {
        let maps = std::fs::read_to_string("/proc/self/smaps").ok();
        return maps.map_or(end - start, |maps| resident_by_mappings(&maps, start, end));
    }
    let by_words = pagemap
        .and_then(|pagemap| resident_by_words(|words, at| pagemap.read_exact_at(words, at), start, end).ok());
    by_words.unwrap_or(end.saturating_sub(start))
}

/// The resident bytes by the words of the page map.
fn resident_by_words(
    read: impl Fn(&mut [u8], u64) -> std::io::Result<()>,
    start: u64,
    end: u64,
) -> std::io::Result<u64> {
    let mut bytes = 0;
    present_pages(read, start, end, |from, to| bytes += to - from)?;
    Ok(bytes)
}

/// Passes each page that is present to `visit`, by the words of the page map, in pieces. `read` reads from an offset in
/// the page map.
fn present_pages(
    read: impl Fn(&mut [u8], u64) -> std::io::Result<()>,
    start: u64,
    end: u64,
    mut visit: impl FnMut(u64, u64),
) -> std::io::Result<()> {
    let mut buffer = [0; 8 * WORDS];
    let mut page = start / PAGE;
    while page < end / PAGE {
        let count = (end / PAGE - page).min(WORDS as u64);
        let words = &mut buffer[..8 * count as usize];
        read(words, 8 * page)?;
        for (page, word) in (page..).zip(words.chunks_exact(8)) {
            if word[7] & 0x80 != 0 {
                visit(page * PAGE, (page + 1) * PAGE);
            }
        }
        page += count;
    }
    Ok(())
}

/// The resident bytes by the lines of `/proc/self/smaps` (`proc_pid_smaps(5)`).
fn resident_by_mappings(maps: &str, start: u64, end: u64) -> u64 {
    let mut sum = 0_u64;
    let mut overlap = 0;
    for line in maps.lines() {
        if let Some((from, to)) = addresses(line) {
            overlap = to.min(end).saturating_sub(from.max(start));
        } else if let Some(resident) = line.strip_prefix("Rss:") {
            let kilobytes =
                resident.trim().strip_suffix("kB").and_then(|text| text.trim().parse::<u64>().ok());
            sum = sum.saturating_add(kilobytes.unwrap_or(0).saturating_mul(1024).min(overlap));
        }
    }
    sum
}

/// The range at the beginning of a line of `/proc/self/maps`, or of a mapping's first line in
/// `/proc/self/smaps`.
pub(crate) fn addresses(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?))
}

/// The anonymous memory of this process by user; `None` if the system does not list it. `known` (address and size) is
/// memory of the interpreter, and `held` are the ranges of the buffers that objects hold. The process runs meanwhile, so memory may be gone: it is read through the kernel, which
/// returns an error then.
pub(crate) fn native_memory(minor: u8, known: &[(u64, u64)], held: &[(u64, u64)]) -> Option<NativeMemory> {
    let memory = File::open("/proc/self/mem").ok()?;
    let pagemap = File::open("/proc/self/pagemap").ok()?;
    let maps = std::fs::read("/proc/self/maps").ok()?;
    let maps = String::from_utf8_lossy(&maps);
    let mappings: Vec<(u64, u64)> = maps.lines().filter_map(anonymous).collect();
    let known = known_ranges(known, &mappings);
    let (large, mapped): (Vec<_>, Vec<_>) = mappings.iter().partition(|range| range.1 - range.0 > LARGE);
    let mut pages = Vec::new();
    for &(start, end) in &mapped {
        let read = |words: &mut [u8], at: u64| pagemap.read_exact_at(words, at);
        present_pages(read, start, end, |from, to| push(&mut pages, from, to)).ok()?;
    }
    let read = |at: u64| read_header(&memory, at);
    let mut heaps: Vec<(u64, u64)> =
        maps.lines().filter(|line| line.ends_with("[heap]")).filter_map(addresses).collect();
    heaps.extend(mapped.iter().flat_map(|&mapping| arena_heaps(mapping, read)));
    heaps.sort_unstable();
    let mut native = NativeMemory::divide(
        &AnonymousMemory {
            minor,
            mappings: &mapped,
            resident: &pages,
            malloc_heaps: &heaps,
            known: &known,
            held,
        },
        read,
    );
    for (start, end) in large {
        let inside = |ranges: &[(u64, u64)]| -> u64 {
            let within = ranges.iter().map(|range| (range.0.max(start), range.1.min(end)));
            within
                .filter(|range| range.0 < range.1)
                .map(|(from, to)| resident(Some(&pagemap), from, to))
                .sum()
        };
        let (known, held) = (inside(&known), inside(held));
        native.known += known;
        native.other += resident(Some(&pagemap), start, end).saturating_sub(known).saturating_sub(held);
    }
    Some(native)
}

/// The bytes of interned strings for which `is_object` is false; see [`interned_bytes`]. `state` is the address of the
/// interpreter's state. Nothing is frozen, so that every read goes through the kernel.
pub(crate) fn interned(
    layout: &Layout,
    types: &KnownTypes,
    state: u64,
    is_object: impl Fn(u64) -> bool,
) -> Option<u64> {
    let memory = RunningMemory(File::open("/proc/self/mem").ok()?);
    interned_bytes(&Checked::new(&memory), layout, types, state, is_object)
}

/// The memory of this process while it runs.
struct RunningMemory(File);

impl RunningMemory {
    fn array<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.checked(address, &mut bytes)?;
        Some(bytes)
    }
}

impl Memory for RunningMemory {
    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        self.0.read_exact_at(into, address).ok()
    }

    fn word(&self, address: u64) -> Option<u64> {
        self.array(address).map(u64::from_le_bytes)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.array(address).map(u32::from_le_bytes)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.array(address).map(|[byte]: [u8; 1]| byte)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        into.resize(length, 0);
        self.checked(address, into)
    }
}

/// The header of a block at an address, read through the kernel.
fn read_header(memory: &File, at: u64) -> Option<[u8; BLOCK_HEADER]> {
    let mut header = [0; BLOCK_HEADER];
    memory.read_exact_at(&mut header, at).ok().map(|()| header)
}

/// Adds a range after the last one, and joins the two if they touch.
fn push(ranges: &mut Vec<(u64, u64)>, start: u64, end: u64) {
    match ranges.last_mut() {
        Some(last) if last.1 == start => last.1 = end,
        _ => ranges.push((start, end)),
    }
}

/// The heaps of malloc's arenas in a mapping (`heap_info` in `malloc/arena.c` of glibc): at multiples of 64 MiB, with the
/// address of the arena and, at 16, the size.
fn arena_heaps(
    (start, end): (u64, u64),
    read: impl Fn(u64) -> Option<[u8; BLOCK_HEADER]>,
) -> impl Iterator<Item = (u64, u64)> {
    const SIZE: u64 = 64 << 20;
    let places = (start.next_multiple_of(SIZE)..end).step_by(SIZE as usize);
    places.filter_map(move |at| {
        let header = read(at)?;
        let word = |offset: usize| header[offset..offset + 8].try_into().map_or(0, u64::from_le_bytes);
        let (arena, size) = (word(0), word(16));
        let fits = arena >= SIZE
            && arena % SIZE < 256
            && arena.is_multiple_of(16)
            && (PAGE..=SIZE.min(end - at)).contains(&size)
            && size.is_multiple_of(PAGE);
        // `then_some` would add the size before it is known to be one.
        fits.then(|| (at, at + size))
    })
}

/// Memory outside of objects whose user is known: `native` (address and size) in anonymous `mappings`, and the stacks
/// of all threads except the main one. The stack of a thread that runs at this moment is not known and does not count.
fn known_ranges(native: &[(u64, u64)], mappings: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let around = |address: u64| {
        let place = mappings.partition_point(|range| range.1 <= address);
        mappings.get(place).copied().filter(|range| range.0 <= address)
    };
    let main = std::process::id().to_string();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stacks = tasks.filter(|task| task.file_name() != main.as_str()).filter_map(|task| {
        let syscall = std::fs::read_to_string(task.path().join("syscall")).ok()?;
        let range = around(procinfo::stack_pointer(&syscall)?)?;
        (range.1 - range.0 <= LARGEST_STACK).then_some(range)
    });
    let native = native.iter().filter_map(|&(start, size)| {
        let range = around(start)?;
        Some((start / PAGE * PAGE, start.checked_add(size)?.next_multiple_of(PAGE).min(range.1)))
    });
    let mut pieces: Vec<(u64, u64)> = stacks.chain(native).collect();
    pieces.sort_unstable();
    let mut known: Vec<(u64, u64)> = Vec::new();
    for (start, end) in pieces {
        let start = start.max(known.last().map_or(0, |last| last.1));
        if start < end {
            push(&mut known, start, end);
        }
    }
    known
}

/// The range of a line of `/proc/self/maps`, if it is readable, writable, private and anonymous.
fn anonymous(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.split_once(' ')?;
    let fits = rest.starts_with("rw-") && rest.split_whitespace().nth(3) == Some("0");
    addresses(line).filter(|_| fits)
}

/// The memory of this process without the `own` bytes that captures take in malloc's regions. `malloc` is what malloc
/// has in use and free; free memory counts as far as it is resident.
pub(crate) fn memory(own: u64, malloc: Option<MallocNumbers>) -> MemoryNumbers {
    let counted = Status::own().memory();
    let mappings = Mappings::read();
    let free = malloc.map(|malloc| match mappings.malloc_heaps() {
        Some(resident) => malloc.free.min(resident.saturating_sub(malloc.in_heaps)),
        None => malloc.free,
    });
    MemoryNumbers {
        rss: counted.rss.map(|rss| rss.saturating_sub(own)),
        malloc_in_use: malloc.map(|malloc| (malloc.in_heaps + malloc.mapped).saturating_sub(own)),
        malloc_free: free,
        malloc_library: MallocLibrary::of_files(mappings.each().map(|(_, _, _, path)| path)),
        ..counted
    }
}

/// The same numbers with those of anonymous memory. `known` and `held` are as for [`native_memory`].
pub(crate) fn with_native(
    memory: MemoryNumbers,
    minor: u8,
    known: &[(u64, u64)],
    held: &[(u64, u64)],
) -> MemoryNumbers {
    let Some(native) = native_memory(minor, known, held) else { return memory };
    MemoryNumbers {
        allocator_free: native.pymalloc_free(),
        pymalloc_in_use: native.pymalloc_free().map(|_| native.pymalloc_in_use),
        malloc_known: memory.malloc_in_use.map(|_| native.malloc_known),
        native_known: Some(native.known),
        frame_stacks: (minor >= 11).then_some(native.frame_stacks),
        other_mapped: Some(native.other),
        ..memory
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_mapping_without_an_arena_has_no_heap_whatever_it_holds() {
        const PLACE: u64 = 64 << 20;
        let heaps = |arena: u64, size: u64| {
            let mut header = [0; BLOCK_HEADER];
            header[..8].copy_from_slice(&arena.to_le_bytes());
            header[16..24].copy_from_slice(&size.to_le_bytes());
            arena_heaps((PLACE, 2 * PLACE), move |_| Some(header)).collect::<Vec<_>>()
        };
        assert_eq!(heaps(PLACE + 32, 4 * PAGE), [(PLACE, PLACE + 4 * PAGE)]);
        for size in [0, u64::MAX, u64::MAX - PAGE + 1, PLACE + PAGE, PAGE + 1] {
            assert_eq!(heaps(PLACE + 32, size), []);
        }
        assert_eq!(heaps(u64::MAX, u64::MAX), []);
    }

    #[test]
    fn the_page_map_is_read_in_pieces() {
        let (calls, longest) = (Cell::new(0), Cell::new(0));
        // Every fourth page is present.
        let read = |words: &mut [u8], at: u64| {
            calls.set(calls.get() + 1);
            longest.set(words.len().max(longest.get()));
            for (page, word) in (at / 8..).zip(words.chunks_exact_mut(8)) {
                word[7] = if page % 4 == 0 { 0x80 } else { 0x7f };
            }
            Ok(())
        };
        let start = 0x7fff_0000_0000;
        assert_eq!(resident_by_words(read, start, start + LARGE).ok(), Some(LARGE / 4));
        assert_eq!((calls.get(), longest.get()), (64, 1 << 15));
        assert_eq!(resident_by_words(read, start, start + 5 * PAGE + 7).ok(), Some(2 * PAGE));
        let fails = |_: &mut [u8], _| Err(std::io::ErrorKind::PermissionDenied.into());
        assert!(resident_by_words(fails, start, start + PAGE).is_err());
    }

    #[test]
    fn the_resident_bytes_of_a_large_range_are_those_of_its_mappings() {
        let maps = "10000000000-20000000000 rw-p 00000000 00:00 0 \n\
                    Size:         1073741824 kB\nRss:                  12 kB\nPss:                  99 kB\n\
                    20000000000-20000002000 r--p 00000000 08:01 7                 /a b\nRss:                   8 kB\n\
                    30000000000-30000001000 rw-p 00000000 00:00 0\nRss:                   4 kB\nVmFlags: rd wr\n";
        let resident = |start, end| resident_by_mappings(maps, start, end);
        assert_eq!(resident(0x100_0000_0000, 0x200_0000_0000), 12 << 10);
        assert_eq!(resident(0x100_0000_0000, 0x200_0000_1000), 16 << 10);
        assert_eq!(resident(0x1ff_ffff_f000, 0x300_0000_1000), 16 << 10);
        assert_eq!(resident(0x400_0000_0000, 0x500_0000_0000), 0);
    }
}
