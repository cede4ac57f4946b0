//! The copy of a process's memory, read by address.
//!
//! A table with two levels locates a copied page: by the 64 MiB that the address is in, then by the
//! page. Other pages are rarely read. A page that was never touched is zeros; a page that is the
//! same as in its file is read from the file; a page that was skipped because it contains no
//! addresses is read from the process as it is then. Memory that is swapped out, shared or not
//! mapped cannot be read.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use memtop_cpython::Memory;
use rustc_hash::FxHashMap;

use crate::access::Access;
use crate::mapped_files::{CoreFiles, read_from_file};
use crate::maps::{Region, around};
use crate::oom_guard::OomGuard;
use crate::ranges::{Ranges, contains, overlap, total};
use crate::raw::{Buffer, PAGE_IS_PRESENT};

const PAGE: u64 = 4096;
/// The address bits that the table covers: all of a 64-bit process, except with five-level paging.
const ADDRESS_BITS: u32 = 48;
/// The number of pages in one piece of the table, as a power of two.
const PIECE_BITS: u32 = 14;
/// The number of bytes of a file, or of a skipped mapping, that are read at once.
const CHUNK: u64 = 1 << 16;
/// The most bytes of such chunks that are kept. A damaged heap may refer to every chunk of a huge
/// file once; beyond the limit single pages are read, and not kept.
const MOST_KEPT: u64 = 1 << 29;

/// A copy of a process's memory at one moment. While the copy lives, mem_top is the OOM killer's
/// first choice.
#[derive(Debug)]
pub struct Image {
    data: Buffer,
    /// For each 64 MiB of addresses, the index of its piece in `slots`; 0 is the empty piece.
    pieces: Vec<u32>,
    /// For each page of a piece, its number in `data` plus one; 0 if it was not copied.
    slots: Vec<u32>,
    regions: Vec<Region>,
    /// For each mapping, the chunks that were read on demand.
    lazy: Vec<OnceLock<LazyChunks>>,
    /// For each mapping, the first one of the same file, so that the file is opened once.
    same_file: Vec<usize>,
    copied: Ranges,
    skipped: Ranges,
    unreadable: Ranges,
    resident: Ranges,
    resident_in_files: Ranges,
    read_late: AtomicU64,
    /// The bytes of all chunks that are kept.
    kept: AtomicU64,
    backing: Backing,
    _oom_guard: OomGuard,
}

/// The source of pages that were not copied.
#[derive(Debug)]
pub(crate) enum Backing {
    /// A running process.
    Process(Access),
    /// The files that the process of a core file had mapped.
    Core(CoreFiles),
}

/// The chunks of a mapping that were read on demand.
#[derive(Debug)]
struct LazyChunks {
    file: Option<File>,
    /// By their number in the mapping. A map, since few chunks of a huge mapping may be read.
    chunks: Mutex<FxHashMap<u64, Arc<[u8]>>>,
}

/// The parts of an image. All ranges consist of whole pages, ascend and do not overlap.
pub(crate) struct Parts {
    /// The pages of `copied`, concatenated.
    pub(crate) data: Buffer,
    pub(crate) copied: Ranges,
    /// The pages of `copied` that could not be read.
    pub(crate) unread: Ranges,
    pub(crate) skipped: Ranges,
    pub(crate) swapped: Ranges,
    /// Present pages of anonymous private memory.
    pub(crate) resident: Ranges,
    /// Present pages of files and of shared memory.
    pub(crate) resident_in_files: Ranges,
    pub(crate) regions: Vec<Region>,
}

impl Image {
    pub(crate) fn new(parts: Parts, backing: Backing, oom_guard: OomGuard) -> Self {
        let Parts { data, copied, unread, skipped, swapped, resident, resident_in_files, regions } = parts;
        let mut pieces = vec![0; 1 << (ADDRESS_BITS - PIECE_BITS - PAGE.trailing_zeros())];
        let mut slots = vec![0_u32; 1 << PIECE_BITS];
        let mut unread_pages = unread.iter().peekable();
        let mut slot = 0;
        for page in copied.iter().flat_map(|&(start, end)| (start..end).step_by(PAGE as usize)) {
            slot += 1;
            while unread_pages.next_if(|range| range.1 <= page).is_some() {}
            let number = (page / PAGE) as usize;
            let Some(piece) = pieces.get_mut(number >> PIECE_BITS) else { continue };
            if unread_pages.peek().is_some_and(|range| range.0 <= page) {
                continue;
            }
            if *piece == 0 {
                *piece = (slots.len() >> PIECE_BITS) as u32;
                slots.resize(slots.len() + (1 << PIECE_BITS), 0);
            }
            slots[(*piece as usize) << PIECE_BITS | number & ((1 << PIECE_BITS) - 1)] = slot;
        }
        let mut unreadable: Ranges = unread.into_iter().chain(swapped).collect();
        unreadable.sort_unstable();
        let mut first = FxHashMap::default();
        let same_file = regions
            .iter()
            .enumerate()
            .map(|(index, region)| *first.entry((region.device, region.inode)).or_insert(index));
        Self {
            data,
            pieces,
            slots,
            lazy: regions.iter().map(|_| OnceLock::new()).collect(),
            same_file: same_file.collect(),
            regions,
            copied,
            skipped,
            unreadable,
            resident,
            resident_in_files,
            read_late: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            backing,
            _oom_guard: oom_guard,
        }
    }

    /// The size in bytes of the table that locates the pages of some ranges. It exceeds the size of
    /// the pages if they are far apart.
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

    /// The resident bytes of anonymous memory in a range. O(log n) plus the number of resident
    /// ranges in it.
    #[must_use]
    pub fn resident(&self, start: u64, end: u64) -> u64 {
        overlap(&self.resident, start, end)
    }

    /// The same for files and shared memory.
    #[must_use]
    pub fn resident_in_files(&self, start: u64, end: u64) -> u64 {
        overlap(&self.resident_in_files, start, end)
    }

    /// The ranges of addresses that were copied, ascending.
    #[must_use]
    pub fn copied(&self) -> &[(u64, u64)] {
        &self.copied
    }

    /// The resident bytes of all anonymous memory.
    #[must_use]
    pub fn all_resident(&self) -> u64 {
        total(&self.resident)
    }

    /// The resident ranges of all anonymous memory, ascending.
    pub(crate) fn resident_ranges(&self) -> &[(u64, u64)] {
        &self.resident
    }

    /// Whether an address is in memory that was left out, since it contains no addresses.
    pub(crate) fn is_skipped(&self, address: u64) -> bool {
        contains(&self.skipped, address)
    }

    /// The number of bytes that were read from the process after it was resumed.
    #[must_use]
    pub fn read_late(&self) -> u64 {
        self.read_late.load(Ordering::Relaxed)
    }

    /// The copy of the page that contains an address.
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
                None => self.read_uncopied(address, part)?,
            }
            into = rest;
            address = address.checked_add(length as u64)?;
        }
        Some(())
    }

    /// Reads within a page that was not copied.
    fn read_uncopied(&self, address: u64, into: &mut [u8]) -> Option<()> {
        let index = self.regions.partition_point(|region| region.end <= address);
        let region = self.regions.get(index).filter(|region| region.start <= address && region.readable)?;
        if region.is_kernels() || contains(&self.unreadable, address) {
            return None;
        }
        let is_skipped = contains(&self.skipped, address);
        if !is_skipped && region.inode == 0 {
            // Private memory that was never touched.
            return (!region.shared).then(|| into.fill(0));
        }
        if region.shared {
            return None;
        }
        let (bytes, at) = self.on_demand(index, address, is_skipped)?;
        into.copy_from_slice(bytes.get(at..at + into.len())?);
        Some(())
    }

    /// Bytes of a mapping that were not copied, and where the address is in them: a chunk that is
    /// kept, or a single page.
    fn on_demand(&self, index: usize, address: u64, is_skipped: bool) -> Option<(Arc<[u8]>, usize)> {
        let region = &self.regions[index];
        let lazy = self.lazy[index].get_or_init(|| LazyChunks {
            file: if is_skipped { None } else { self.file(&self.regions[self.same_file[index]]) },
            chunks: Mutex::default(),
        });
        let read = |start: u64, length: u64| -> Arc<[u8]> {
            let mut bytes = vec![0; length.min(region.end - start) as usize];
            let read = match &lazy.file {
                Some(file) => {
                    read_from_file(file, region.offset.saturating_add(start - region.start), &mut bytes)
                }
                None => self.read_process(start, &mut bytes, is_skipped),
            };
            bytes.truncate(read);
            bytes.into()
        };
        let within = address - region.start;
        let number = within / CHUNK;
        let mut chunks = lazy.chunks.lock().ok()?;
        let chunk = match chunks.get(&number) {
            Some(chunk) => Arc::clone(chunk),
            None if self.kept.load(Ordering::Relaxed) >= MOST_KEPT => {
                drop(chunks);
                return Some((read(address / PAGE * PAGE, PAGE), (address % PAGE) as usize));
            }
            None => {
                let chunk = read(region.start + number * CHUNK, CHUNK);
                self.kept.fetch_add(CHUNK, Ordering::Relaxed);
                chunks.insert(number, Arc::clone(&chunk));
                chunk
            }
        };
        Some((chunk, (within % CHUNK) as usize))
    }

    fn file(&self, region: &Region) -> Option<File> {
        match &self.backing {
            Backing::Process(access) => access.file(region).map(|(file, _)| file),
            Backing::Core(files) => files.file(region),
        }
    }

    /// Reads from the process as it is now: pages that were skipped, or those of a file that cannot
    /// be opened, as far as they are in memory. Returns how many bytes are known.
    fn read_process(&self, start: u64, bytes: &mut [u8], is_skipped: bool) -> usize {
        let Backing::Process(access) = &self.backing else { return 0 };
        let end = start + bytes.len() as u64;
        let region = Region { start, end, readable: true, ..Region::default() };
        let found = access.pagemap.find(std::slice::from_ref(&region), |_| true).unwrap_or_default();
        let mut known = 0;
        for range in found.ranges.iter().filter(|range| range.categories & PAGE_IS_PRESENT != 0) {
            let (from, to) = ((range.start - start) as usize, (range.end.min(end) - start) as usize);
            if access.read(range.start, &mut bytes[from..to]).is_ok() {
                known = to;
                self.read_late.fetch_add((to - from) as u64, Ordering::Relaxed);
            }
        }
        // A skipped page that is gone reads as zeros. A page of a file that is not in memory is
        // unknown.
        if is_skipped && known > 0 { bytes.len() } else { known }
    }
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
        // A range that ends in memory that is not mapped is not even begun.
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
        // For one page in each piece, the table is sixteen times as large as the pages.
        let spread: Vec<_> = (0..1000).map(|piece| (piece * PIECE, piece * PIECE + PAGE)).collect();
        assert_eq!(Image::table_size(&spread), 1000 * table);
    }
}
