//! Which parts of large mappings hold no addresses, and so neither objects nor what refers to them: the numbers of
//! arrays, the bytes of long texts.
//!
//! A page in sixteen is looked at: one with a word in it that is an address of private memory speaks for its
//! surroundings. Objects have such words in every page, by their types; so only a long stretch without any is left out.
//! Of it, the pages are kept in which a block of malloc's begins that has a mapping of its own: there stands the head of
//! a large text, or of the key table of a dict. If another page is asked for all the same, it is read then.

use crate::copy::Ranges;
use crate::maps::Region;
use crate::raw::{self, MOST_PIECES, PAGE_IS_FILE, PAGE_IS_PRESENT, PAGE_IS_ZERO, PageRange};

/// Mappings below this size are copied whole.
const LARGE: u64 = 1 << 25;
/// What is judged as one, and every how many bytes a page of it is looked at.
const PIECE: u64 = 1 << 20;
const STEP: u64 = 1 << 16;
/// The shortest stretch that is left out.
const STRETCH: u64 = 1 << 22;
const PAGE: u64 = 4096;

/// The stretches that may be left out. The process may be running.
pub(crate) fn find(thread: u32, regions: &[Region], pages: &[PageRange]) -> Ranges {
    let looker = PointerScan::new(thread, regions, pages);
    // By what is there: a mapping may be reserved room without end.
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
    // Most are told by one page.
    let pieces = looker.without_addresses(&pieces, &[PIECE / 2]);
    stretches(&looker.without_addresses(&stretched(&pieces), &every_step()))
}

/// Those of the stretches that hold no addresses still, without the pages in which blocks begin: a look at each again,
/// when the process stands still.
pub(crate) fn confirm(
    thread: u32,
    regions: &[Region],
    pages: &[PageRange],
    stretches_before: &Ranges,
) -> Ranges {
    if stretches_before.is_empty() {
        return Ranges::new();
    }
    let looker = PointerScan::new(thread, regions, pages);
    let large: Vec<&Region> = regions.iter().filter(|region| is_large(region)).collect();
    let around = |address: u64| {
        let place = large.partition_point(|region| region.end <= address);
        large.get(place).filter(|region| region.start <= address)
    };
    let mut pieces = Vec::new();
    for &(start, end) in stretches_before {
        let inside = |piece: &u64| {
            around(*piece).is_some_and(|region| region.start <= *piece && piece + PIECE <= region.end)
        };
        pieces.extend((start..end).step_by(PIECE as usize).filter(inside));
    }
    let mut kept = Ranges::new();
    for (start, end) in stretches(&looker.without_addresses(&pieces, &every_step())) {
        // A stretch may reach over two mappings that touch.
        let mut at = start;
        while let Some(region) = around(at).filter(|_| at < end) {
            let until = end.min(region.end);
            for begins in looker.blocks(region, at, until) {
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

/// Pieces as stretches that are long enough.
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

/// The pieces that are in a stretch that is long enough.
fn stretched(pieces: &[u64]) -> Vec<u64> {
    stretches(pieces).iter().flat_map(|&(start, end)| (start..end).step_by(PIECE as usize)).collect()
}

struct PointerScan<'l> {
    /// One of the process's, by which its memory is read.
    thread: u32,
    pages: &'l [PageRange],
    /// Private memory that is written to, where what is referred to is.
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
        let place = self.pages.partition_point(|range| range.end <= address);
        self.pages.get(place).is_some_and(|range| {
            let wanted = range.categories & (PAGE_IS_PRESENT | PAGE_IS_FILE | PAGE_IS_ZERO);
            range.start <= address && wanted == PAGE_IS_PRESENT
        })
    }

    /// The pieces in none of whose pages at `offsets` there is an address. A piece that cannot be read is not among
    /// them.
    fn without_addresses(&self, pieces: &[u64], offsets: &[u64]) -> Vec<u64> {
        let mut with = vec![false; pieces.len()];
        let mut asked: Vec<(usize, u64)> = Vec::with_capacity(MOST_PIECES);
        let mut buffer = vec![0; MOST_PIECES * PAGE as usize];
        let mut look = |asked: &mut Vec<(usize, u64)>, with: &mut [bool]| {
            let addresses: Vec<(u64, u64)> = asked.iter().map(|&(_, address)| (address, PAGE)).collect();
            let read = raw::read(self.thread, &addresses, &mut buffer[..addresses.len() * PAGE as usize]);
            let read = read.unwrap_or(0) / PAGE as usize;
            for (place, &(piece, _)) in asked.iter().enumerate() {
                let page = &buffer[place * PAGE as usize..][..PAGE as usize];
                with[piece] |= place >= read || self.has_address(page);
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
                let place = self.spans.partition_point(|span| span.1 <= word);
                self.spans.get(place).is_some_and(|span| span.0 <= word)
            }
        })
    }

    /// The pages between `start` and `end` in which a block of malloc's begins. Where blocks stand side by side from the
    /// mapping's beginning on, each tells where the next is; elsewhere all pages are asked.
    fn blocks(&self, region: &Region, start: u64, end: u64) -> Vec<u64> {
        let mut found = Vec::new();
        let mut at = region.start;
        while at < end
            && let Some(length) = self.heads(region, &[at])[0]
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
            let heads = self.heads(region, &pages);
            let first = pages.iter().zip(heads).find_map(|(&page, length)| Some((page, length?)));
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

    /// For each page whether it begins with the head of a block that has a mapping of its own, and then the block's
    /// length (`malloc/malloc.c` of glibc, `struct malloc_chunk`: the size with `IS_MMAPPED` alone set).
    fn heads(&self, region: &Region, pages: &[u64]) -> Vec<Option<u64>> {
        const HEAD: usize = 16;
        const IS_MAPPED: u64 = 2;
        let mut buffer = vec![0; pages.len() * HEAD];
        let asked: Vec<(u64, u64)> = pages.iter().map(|&page| (page, HEAD as u64)).collect();
        let present = pages.first().is_some_and(|&page| self.is_present(page));
        let read = if present { raw::read(self.thread, &asked, &mut buffer).unwrap_or(0) } else { 0 };
        let length = |(place, page): (usize, &u64)| {
            let head = buffer.get(place * HEAD..(place + 1) * HEAD).filter(|_| (place + 1) * HEAD <= read)?;
            let size = head[8..].try_into().map_or(0, u64::from_le_bytes);
            // Of late, the size is without the head.
            let length = (size & !7).checked_next_multiple_of(PAGE)?;
            let is_whole = [0, HEAD as u64].contains(&(length - (size & !7)));
            let fits = size & 7 == IS_MAPPED && length > 0 && is_whole && length <= region.end - page;
            fits.then_some(length)
        };
        pages.iter().enumerate().map(length).collect()
    }
}
