//! Finds the parts of large mappings that contain no addresses, and so neither objects nor
//! references: the numbers of arrays, the bytes of long strings.
//!
//! One page in sixteen is sampled. A word that is an address in private memory shows that objects
//! may be around. Every page of objects has such words, since each object refers to its type; so
//! only a long stretch without any is skipped. The pages in it with the first bytes of a malloc
//! block that has a mapping of its own are still copied: they contain the header of a large str or
//! of a dict key table. If another page of the stretch is needed after all, it is read then.

use crate::maps::Region;
use crate::ranges::Ranges;
use crate::raw::{self, MOST_PIECES, PAGE_IS_FILE, PAGE_IS_PRESENT, PAGE_IS_ZERO, PageRange};

/// Smaller mappings are copied whole.
const LARGE: u64 = 1 << 25;
/// The size of the pieces that are judged, and the distance between their sampled pages.
const PIECE: u64 = 1 << 20;
const STEP: u64 = 1 << 16;
/// The shortest stretch that is skipped.
const STRETCH: u64 = 1 << 22;
const PAGE: u64 = 4096;

/// Finds the stretches that may be skipped. The process may be running.
pub(crate) fn find(thread: u32, regions: &[Region], pages: &[PageRange]) -> Ranges {
    let scan = PointerScan::new(thread, regions, pages);
    // Only pages that exist are considered, since a mapping may be huge reserved address space.
    let mut pieces = Vec::new();
    let mut large = regions.iter().filter(|region| is_large(region)).peekable();
    for range in pages {
        while large.next_if(|region| region.end <= range.start).is_some() {}
        let Some(region) = large.peek().filter(|region| region.start <= range.start) else { continue };
        for piece in (range.start / PIECE * PIECE..range.end).step_by(PIECE as usize) {
            if region.start <= piece && piece + PIECE <= region.end && pieces.last() != Some(&piece) {
                pieces.push(piece);
            }
        }
    }
    // For most pieces, one page is enough.
    let pieces = scan.without_addresses(&pieces, &[PIECE / 2]);
    stretches(&scan.without_addresses(&stretched(&pieces), &every_step()))
}

/// Checks the stretches again while the process is stopped. Returns those that still contain no
/// addresses, without the pages in which blocks begin.
pub(crate) fn confirm(
    thread: u32,
    regions: &[Region],
    pages: &[PageRange],
    stretches_before: &Ranges,
) -> Ranges {
    if stretches_before.is_empty() {
        return Ranges::new();
    }
    let scan = PointerScan::new(thread, regions, pages);
    let large: Vec<&Region> = regions.iter().filter(|region| is_large(region)).collect();
    let around = |address: u64| {
        let index = large.partition_point(|region| region.end <= address);
        large.get(index).filter(|region| region.start <= address)
    };
    let mut pieces = Vec::new();
    for &(start, end) in stretches_before {
        let inside = |piece: &u64| {
            around(*piece).is_some_and(|region| region.start <= *piece && piece + PIECE <= region.end)
        };
        pieces.extend((start..end).step_by(PIECE as usize).filter(inside));
    }
    let mut kept = Ranges::new();
    for (start, end) in stretches(&scan.without_addresses(&pieces, &every_step())) {
        // A stretch may cover two adjacent mappings.
        let mut at = start;
        while let Some(region) = around(at).filter(|_| at < end) {
            let until = end.min(region.end);
            for begins in scan.blocks(region, at, until) {
                if at < begins {
                    kept.push((at, begins));
                }
                at = begins + PAGE;
            }
            if at < until {
                kept.push((at, until));
            }
            at = at.max(until);
        }
    }
    kept
}

fn is_large(region: &Region) -> bool {
    region.is_anonymous() && region.length() >= LARGE && !region.path.starts_with("[stack")
}

fn every_step() -> Vec<u64> {
    (0..PIECE).step_by(STEP as usize).collect()
}

/// Joins pieces into stretches, and drops those that are too short.
fn stretches(pieces: &[u64]) -> Ranges {
    let mut ranges = Ranges::new();
    for &piece in pieces {
        match ranges.last_mut() {
            Some(last) if last.1 == piece => last.1 = piece + PIECE,
            _ => ranges.push((piece, piece + PIECE)),
        }
    }
    ranges.retain(|(start, end)| end - start >= STRETCH);
    ranges
}

/// The pieces in stretches that are long enough.
fn stretched(pieces: &[u64]) -> Vec<u64> {
    stretches(pieces).iter().flat_map(|&(start, end)| (start..end).step_by(PIECE as usize)).collect()
}

/// Samples pages of a process for words that are addresses.
struct PointerScan<'l> {
    /// The thread of the process through which its memory is read.
    thread: u32,
    pages: &'l [PageRange],
    /// Writable private memory, which contains the objects that addresses refer to.
    spans: Ranges,
}

impl<'l> PointerScan<'l> {
    fn new(thread: u32, regions: &[Region], pages: &'l [PageRange]) -> Self {
        let mut spans = Ranges::new();
        for region in regions.iter().filter(|region| region.writable && !region.shared) {
            match spans.last_mut() {
                Some(last) if last.1 == region.start => last.1 = region.end,
                _ => spans.push((region.start, region.end)),
            }
        }
        Self { thread, pages, spans }
    }

    fn is_present(&self, address: u64) -> bool {
        let index = self.pages.partition_point(|range| range.end <= address);
        self.pages.get(index).is_some_and(|range| {
            let wanted = range.categories & (PAGE_IS_PRESENT | PAGE_IS_FILE | PAGE_IS_ZERO);
            range.start <= address && wanted == PAGE_IS_PRESENT
        })
    }

    /// The pieces without an address in any of their pages at `offsets`. A piece that cannot be
    /// read is not returned.
    fn without_addresses(&self, pieces: &[u64], offsets: &[u64]) -> Vec<u64> {
        let mut with = vec![false; pieces.len()];
        let mut asked: Vec<(usize, u64)> = Vec::with_capacity(MOST_PIECES);
        let mut buffer = vec![0; MOST_PIECES * PAGE as usize];
        let mut look = |asked: &mut Vec<(usize, u64)>, with: &mut [bool]| {
            let addresses: Vec<(u64, u64)> = asked.iter().map(|&(_, address)| (address, PAGE)).collect();
            let read = raw::read(self.thread, &addresses, &mut buffer[..addresses.len() * PAGE as usize]);
            let read = read.unwrap_or(0) / PAGE as usize;
            for (index, &(piece, _)) in asked.iter().enumerate() {
                let page = &buffer[index * PAGE as usize..][..PAGE as usize];
                with[piece] |= index >= read || self.has_address(page);
            }
            asked.clear();
        };
        for (index, piece) in pieces.iter().enumerate() {
            for offset in offsets {
                if self.is_present(piece + offset) {
                    asked.push((index, piece + offset));
                    if asked.len() == MOST_PIECES {
                        look(&mut asked, &mut with);
                    }
                }
            }
        }
        if !asked.is_empty() {
            look(&mut asked, &mut with);
        }
        pieces.iter().zip(with).filter(|(_, with)| !with).map(|(&piece, _)| piece).collect()
    }

    fn has_address(&self, page: &[u8]) -> bool {
        let lowest = self.spans.first().map_or(u64::MAX, |span| span.0);
        let highest = self.spans.last().map_or(0, |span| span.1);
        page.chunks_exact(8).any(|word| {
            let word = word.try_into().map_or(0, u64::from_le_bytes);
            word % 8 == 0 && word >= lowest && word < highest && {
                let index = self.spans.partition_point(|span| span.1 <= word);
                self.spans.get(index).is_some_and(|span| span.0 <= word)
            }
        })
    }

    /// The pages between `start` and `end` in which a malloc block begins. As long as blocks are
    /// adjacent from the beginning of the mapping on, the size of each locates the next one;
    /// elsewhere, all pages are checked.
    fn blocks(&self, region: &Region, start: u64, end: u64) -> Vec<u64> {
        let mut found = Vec::new();
        let mut at = region.start;
        while at < end
            && let Some(length) = self.block_lengths(region, &[at])[0]
        {
            if at >= start {
                found.push(at);
            }
            at += length;
        }
        at = at.max(start);
        while at < end {
            let pages = (at..end).step_by(PAGE as usize).take(MOST_PIECES);
            let pages: Vec<u64> = pages.filter(|&page| self.is_present(page)).collect();
            let next = at + MOST_PIECES as u64 * PAGE;
            let lengths = self.block_lengths(region, &pages);
            let first = pages.iter().zip(lengths).find_map(|(&page, length)| Some((page, length?)));
            at = match first {
                Some((page, length)) => {
                    found.push(page);
                    page + length
                }
                None => next,
            };
        }
        found
    }

    /// For each page, the length of the block that begins with it, if there is one with a mapping
    /// of its own (`malloc/malloc.c` of glibc, `struct malloc_chunk`: the size with only
    /// `IS_MMAPPED` set).
    fn block_lengths(&self, region: &Region, pages: &[u64]) -> Vec<Option<u64>> {
        const HEAD: usize = 16;
        const IS_MAPPED: u64 = 2;
        let mut buffer = vec![0; pages.len() * HEAD];
        let asked: Vec<(u64, u64)> = pages.iter().map(|&page| (page, HEAD as u64)).collect();
        let present = pages.first().is_some_and(|&page| self.is_present(page));
        let read = if present { raw::read(self.thread, &asked, &mut buffer).unwrap_or(0) } else { 0 };
        let length = |(index, page): (usize, &u64)| {
            let head = buffer.get(index * HEAD..(index + 1) * HEAD).filter(|_| (index + 1) * HEAD <= read)?;
            let size = head[8..].try_into().map_or(0, u64::from_le_bytes);
            // In newer versions, the size does not include the header.
            let length = (size & !7).checked_next_multiple_of(PAGE)?;
            let is_whole = [0, HEAD as u64].contains(&(length - (size & !7)));
            let fits = size & 7 == IS_MAPPED && length > 0 && is_whole && length <= region.end - page;
            fits.then_some(length)
        };
        pages.iter().enumerate().map(length).collect()
    }
}
