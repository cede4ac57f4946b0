//! The copy of a process's memory, read as the decoder reads: by address.
//!
//! A page that was copied is found by two steps through a table: the address's piece of 64 MiB, the page in it. What was
//! not copied is not often asked for: pages that were never touched are zeros; what is as in its file is read from the
//! file; what was left out as holding no addresses is read from the process as it is then. What is swapped out, shared
//! or not mapped cannot be read.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use memtop_cpython::Memory;
use rustc_hash::FxHashMap;

use crate::access::Access;
use crate::copy::{Ranges, is_kernels, total};
use crate::corefile::CoreFiles;
use crate::maps::{Region, around};
use crate::raw::{Buffer, PAGE_IS_PRESENT};
use crate::room::Victim;

const PAGE: u64 = 4096;
/// Addresses that the table covers: more than any process of 64 bits has, but with five levels of pages.
const ADDRESS_BITS: u32 = 48;
/// Pages in one piece of the table, as a power of two.
const PIECE_BITS: u32 = 14;
/// How much of a file, or of what was left out, is read at once.
const CHUNK: u64 = 1 << 16;
/// How many bytes of such chunks are kept. A damaged heap may refer to every chunk of a huge file once; beyond the limit
/// single pages are read, and not kept.
const MOST_KEPT: u64 = 1 << 29;

/// A copy of a process's memory at one moment. As long as it lives, this process is the first that the system ends if
/// memory runs out.
#[derive(Debug)]
pub struct Image {
    data: Buffer,
    /// For each piece of addresses, which part of `slots` is its own; 0, the part that is empty.
    pieces: Vec<u32>,
    /// For each page of a piece, its number in `data` plus one; 0 if it is not there.
    slots: Vec<u32>,
    regions: Vec<Region>,
    /// For each mapping, what of it was read later.
    later: Vec<OnceLock<Later>>,
    /// For each mapping, the first of the same file: its file is opened once.
    same_file: Vec<usize>,
    copied: Ranges,
    left: Ranges,
    absent: Ranges,
    resident: Ranges,
    read_late: AtomicU64,
    /// Bytes of chunks that were read later and are kept.
    kept: AtomicU64,
    behind: Behind,
    _victim: Victim,
}

/// Where what was not copied comes from.
#[derive(Debug)]
pub(crate) enum Behind {
    /// From a process that runs on.
    Process(Access),
    /// From the files that a process had mapped which is gone.
    Core(CoreFiles),
}

/// What of a mapping was read later.
#[derive(Debug)]
struct Later {
    file: Option<File>,
    /// By their place in the mapping: few, of a mapping that may be huge.
    chunks: Mutex<FxHashMap<u64, Arc<[u8]>>>,
}

/// What an image is made of. All ranges are of whole pages, ascend and do not touch one another's pages.
pub(crate) struct Parts {
    /// The pages of `copied`, one behind the other.
    pub(crate) data: Buffer,
    pub(crate) copied: Ranges,
    /// Those of them that could not be read.
    pub(crate) missing: Ranges,
    pub(crate) left: Ranges,
    pub(crate) swapped: Ranges,
    pub(crate) resident: Ranges,
    pub(crate) regions: Vec<Region>,
}

impl Image {
    pub(crate) fn new(parts: Parts, behind: Behind, victim: Victim) -> Self {
        let Parts { data, copied, missing, left, swapped, resident, regions } = parts;
        let mut pieces = vec![0; 1 << (ADDRESS_BITS - PIECE_BITS - PAGE.trailing_zeros())];
        let mut slots = vec![0_u32; 1 << PIECE_BITS];
        let mut absent = missing.iter().peekable();
        let mut slot = 0;
        for page in copied.iter().flat_map(|&(start, end)| (start..end).step_by(PAGE as usize)) {
            slot += 1;
            while absent.next_if(|range| range.1 <= page).is_some() {}
            let number = (page / PAGE) as usize;
            let Some(piece) = pieces.get_mut(number >> PIECE_BITS) else { continue };
            if absent.peek().is_some_and(|range| range.0 <= page) {
                continue;
            }
            if *piece == 0 {
                *piece = (slots.len() >> PIECE_BITS) as u32;
                slots.resize(slots.len() + (1 << PIECE_BITS), 0);
            }
            slots[(*piece as usize) << PIECE_BITS | number & ((1 << PIECE_BITS) - 1)] = slot;
        }
        let mut absent: Ranges = missing.into_iter().chain(swapped).collect();
        absent.sort_unstable();
        let mut first = FxHashMap::default();
        let same_file = regions.iter().enumerate().map(|(index, region)| {
            // By its beginning, a file can be recognised.
            *first.entry((region.device, region.inode)).or_insert(index)
        });
        Self {
            data,
            pieces,
            slots,
            later: regions.iter().map(|_| OnceLock::new()).collect(),
            same_file: same_file.collect(),
            regions,
            copied,
            left,
            absent,
            resident,
            read_late: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            behind,
            _victim: victim,
        }
    }

    /// The size in bytes of the table that locates the pages of some ranges. It exceeds the pages' own size if they are far
    /// apart.
    pub(crate) fn table_size(copied: &[(u64, u64)]) -> u64 {
        const PIECE: u64 = PAGE << PIECE_BITS;
        let (mut pieces, mut next) = (0, 0);
        for &(start, end) in copied {
            let first = (start / PIECE).max(next);
            next = next.max(end.div_ceil(PIECE));
            pieces += next.saturating_sub(first);
        }
        pieces * ((size_of::<u32>() as u64) << PIECE_BITS)
    }

    /// The mappings of the process, ascending.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Whether an address was mapped and could be read.
    #[must_use]
    pub fn is_mapped(&self, address: u64) -> bool {
        around(&self.regions, address).is_some_and(|region| region.readable)
    }

    /// How many bytes of a range were in memory, of no file and private. O(log n) and what lies in the range.
    #[must_use]
    pub fn resident(&self, start: u64, end: u64) -> u64 {
        let first = self.resident.partition_point(|range| range.1 <= start);
        let inside = self.resident[first..].iter().take_while(|range| range.0 < end);
        inside.map(|range| range.1.min(end) - range.0.max(start)).sum()
    }

    /// The ranges of addresses whose pages were copied, ascending.
    #[must_use]
    pub fn copied(&self) -> &[(u64, u64)] {
        &self.copied
    }

    /// How many bytes were in memory in all, of no file and private.
    #[must_use]
    pub fn all_resident(&self) -> u64 {
        total(&self.resident)
    }

    /// How many bytes were read from the process after it ran on: what was left out and asked for all the same.
    #[must_use]
    pub fn read_late(&self) -> u64 {
        self.read_late.load(Ordering::Relaxed)
    }

    /// The copy of the page that an address is in.
    #[inline]
    fn page(&self, address: u64) -> Option<&[u8]> {
        let number = (address / PAGE) as usize;
        let piece = *self.pieces.get(number >> PIECE_BITS)?;
        let slot = *self.slots.get((piece as usize) << PIECE_BITS | number & ((1 << PIECE_BITS) - 1))?;
        let start = (slot as usize).checked_sub(1)? * PAGE as usize;
        self.data.get(start..start + PAGE as usize)
    }

    #[inline]
    fn array<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let within = (address % PAGE) as usize;
        if let Some(page) = self.page(address)
            && let Some(bytes) = page.get(within..within + N)
        {
            return bytes.try_into().ok();
        }
        self.cold_array(address)
    }

    #[cold]
    fn cold_array<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.copy_out(address, &mut bytes)?;
        Some(bytes)
    }

    fn copy_out(&self, mut address: u64, mut into: &mut [u8]) -> Option<()> {
        while !into.is_empty() {
            let length = into.len().min((PAGE - address % PAGE) as usize);
            let (part, rest) = into.split_at_mut(length);
            let within = (address % PAGE) as usize;
            match self.page(address) {
                Some(page) => part.copy_from_slice(page.get(within..within + length)?),
                None => self.not_copied(address, part)?,
            }
            into = rest;
            address = address.checked_add(length as u64)?;
        }
        Some(())
    }

    /// Reads within a page that was not copied.
    fn not_copied(&self, address: u64, into: &mut [u8]) -> Option<()> {
        let index = self.regions.partition_point(|region| region.end <= address);
        let region = self.regions.get(index).filter(|region| region.start <= address && region.readable)?;
        if is_kernels(region) || is_in(&self.absent, address) {
            return None;
        }
        let is_left = is_in(&self.left, address);
        if !is_left && region.inode == 0 {
            // Private memory that was never touched.
            return (!region.shared).then(|| into.fill(0));
        }
        if region.shared {
            return None;
        }
        let later = self.later[index].get_or_init(|| Later {
            file: if is_left { None } else { self.file(&self.regions[self.same_file[index]]) },
            chunks: Mutex::default(),
        });
        let within = address - region.start;
        let read = |start: u64, length: u64| -> Vec<u8> {
            let mut bytes = vec![0; length.min(region.end - start) as usize];
            let read = match &later.file {
                Some(file) => from_file(file, region.offset.saturating_add(start - region.start), &mut bytes),
                None => self.of_process(start, &mut bytes, is_left),
            };
            bytes.truncate(read);
            bytes
        };
        let mut chunks = later.chunks.lock().ok()?;
        let chunk = match chunks.get(&(within / CHUNK)) {
            Some(chunk) => Arc::clone(chunk),
            None if self.kept.load(Ordering::Relaxed) >= MOST_KEPT => {
                drop(chunks);
                let page = read(address / PAGE * PAGE, PAGE);
                let within = (address % PAGE) as usize;
                into.copy_from_slice(page.get(within..within + into.len())?);
                return Some(());
            }
            None => {
                let chunk: Arc<[u8]> = read(region.start + within / CHUNK * CHUNK, CHUNK).into();
                self.kept.fetch_add(CHUNK, Ordering::Relaxed);
                chunks.insert(within / CHUNK, Arc::clone(&chunk));
                chunk
            }
        };
        drop(chunks);
        let within = (within % CHUNK) as usize;
        into.copy_from_slice(chunk.get(within..within + into.len())?);
        Some(())
    }

    fn file(&self, region: &Region) -> Option<File> {
        match &self.behind {
            Behind::Process(access) => access.file(region).map(|(file, _)| file),
            Behind::Core(files) => files.file(region),
        }
    }

    /// Reads from the process as it is now: the pages that were left out, or those of a file that cannot be opened, as
    /// far as they are in memory. Gives how far.
    fn of_process(&self, start: u64, bytes: &mut [u8], is_left: bool) -> usize {
        let Behind::Process(access) = &self.behind else { return 0 };
        let end = start + bytes.len() as u64;
        let region = Region {
            start,
            end,
            readable: true,
            writable: false,
            executable: false,
            shared: false,
            offset: 0,
            device: (0, 0),
            inode: 0,
            path: String::new(),
        };
        let found = access.pagemap.find(std::slice::from_ref(&region), |_| true).unwrap_or_default();
        let mut known = 0;
        for range in found.ranges.iter().filter(|range| range.categories & PAGE_IS_PRESENT != 0) {
            let (from, to) = ((range.start - start) as usize, (range.end.min(end) - start) as usize);
            if access.read(range.start, &mut bytes[from..to]).is_ok() {
                known = to;
                self.read_late.fetch_add((to - from) as u64, Ordering::Relaxed);
            }
        }
        // Of a file, nothing is known of pages that are not there; what was left out and is gone reads as zeros.
        if is_left && known > 0 { bytes.len() } else { known }
    }
}

/// Reads from a file, to the end of its last page, behind which there is nothing. Gives how far.
pub(crate) fn from_file(file: &File, mut place: u64, bytes: &mut [u8]) -> usize {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], place) {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                read += length;
                place = place.saturating_add(length as u64);
            }
        }
    }
    read.next_multiple_of(PAGE as usize).min(bytes.len())
}

fn is_in(ranges: &Ranges, address: u64) -> bool {
    let place = ranges.partition_point(|range| range.1 <= address);
    ranges.get(place).is_some_and(|range| range.0 <= address)
}

impl Memory for Image {
    #[inline]
    fn word(&self, address: u64) -> Option<u64> {
        self.array(address).map(u64::from_le_bytes)
    }

    #[inline]
    fn half(&self, address: u64) -> Option<u32> {
        self.array(address).map(u32::from_le_bytes)
    }

    #[inline]
    fn byte(&self, address: u64) -> Option<u8> {
        self.array(address).map(|[byte]: [u8; 1]| byte)
    }

    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        self.copy_out(address, into)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        // What reaches into memory that is not mapped is not even begun.
        let last = address.checked_add((length as u64).saturating_sub(1))?;
        if length > CHUNK as usize && !self.is_mapped(last) {
            return None;
        }
        into.resize(length, 0);
        let done = self.copy_out(address, into);
        if done.is_none() {
            into.clear();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_size_counts_each_piece_of_addresses_once() {
        const PIECE: u64 = PAGE << PIECE_BITS;
        let table = 4 << PIECE_BITS;
        assert_eq!(Image::table_size(&[]), 0);
        assert_eq!(Image::table_size(&[(0, PAGE), (PAGE * 2, PAGE * 3), (PIECE - PAGE, PIECE)]), table);
        assert_eq!(Image::table_size(&[(PIECE - PAGE, PIECE + PAGE), (3 * PIECE, 5 * PIECE)]), 4 * table);
        // A page in each piece costs sixteen times what it holds.
        let spread: Vec<_> = (0..1000).map(|piece| (piece * PIECE, piece * PIECE + PAGE)).collect();
        assert_eq!(Image::table_size(&spread), 1000 * table);
    }
}
