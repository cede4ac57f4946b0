//! The pages of a range of addresses of this process that are resident.
//!
//! The page map says it of each page (`Documentation/admin-guide/mm/pagemap.rst` of Linux), and `smaps` how much of each
//! mapping is resident (`proc_pid_smaps(5)`): a mapping of which nothing or everything is resident needs no page map.
//!
//! Invariant: the ranges of one mapping together are not more resident than the mapping. Its page map also lists the
//! page of zeros that memory shows which was read and never written, and which takes no memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

use memtop_cpython::Resident;

use crate::process::addresses;

const PAGE: u64 = 4096;
/// The number of words of the page map that are read at once.
const WORDS: u64 = 4096;
/// The page map of a larger part of a mapping is not read: that takes 8 bytes for each page.
const LARGEST: u64 = 1 << 36;
/// The bits of a word of the page map: the page is present; it is a file's, or shared memory.
const PRESENT: u64 = 1 << 63;
const OF_FILE: u64 = 1 << 61;

/// A mapping, with the bytes that `smaps` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mapping {
    start: u64,
    end: u64,
    resident: u64,
    /// The part of `resident` that is neither a file's nor shared memory.
    anonymous: u64,
    /// How many resident bytes were not yet attributed to a range.
    left: u64,
}

impl Mapping {
    /// The resident part between `start` and `end` by these numbers alone, if they suffice.
    fn whole(&self, start: u64, end: u64) -> Option<Resident> {
        if self.resident == 0 {
            return Some(Resident::default());
        }
        let is_whole = self.resident == self.end - self.start;
        let in_files = match self.anonymous {
            0 => end - start,
            anonymous if anonymous == self.resident => 0,
            _ => return None,
        };
        is_whole.then_some(Resident { bytes: end - start, in_files })
    }

    /// The best guess without a page map.
    fn at_most(&self, start: u64, end: u64) -> Resident {
        let bytes = self.resident.min(end - start);
        Resident { bytes, in_files: bytes.min(self.resident.saturating_sub(self.anonymous)) }
    }
}

/// The residency of this process's pages. The mappings are read when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Residency(Option<Pages>);

#[derive(Debug)]
struct Pages {
    mappings: Vec<Mapping>,
    pagemap: Option<File>,
}

impl Residency {
    /// The resident part of a range; all of it if the system does not say.
    pub(crate) fn of(&mut self, start: u64, end: u64) -> Resident {
        let pages = self.0.get_or_insert_with(|| Pages {
            mappings: mappings(&std::fs::read("/proc/self/smaps").unwrap_or_default()),
            pagemap: File::open("/proc/self/pagemap").ok(),
        });
        let read = |words: &mut [u8], at: u64| match &pages.pagemap {
            Some(pagemap) => pagemap.read_exact_at(words, at),
            None => Err(std::io::ErrorKind::Unsupported.into()),
        };
        resident(&mut pages.mappings, read, start, end)
    }
}

/// The resident part of a range. `read` reads from an offset in the page map.
fn resident(
    mappings: &mut [Mapping],
    read: impl Fn(&mut [u8], u64) -> std::io::Result<()>,
    start: u64,
    end: u64,
) -> Resident {
    if mappings.is_empty() {
        return Resident { bytes: end - start, in_files: 0 };
    }
    let mut sum = Resident::default();
    let first = mappings.partition_point(|mapping| mapping.end <= start);
    for mapping in mappings[first..].iter_mut().take_while(|mapping| mapping.start < end) {
        let (from, to) = (start.max(mapping.start), end.min(mapping.end));
        let by_pages = || match to - from {
            ..=LARGEST => by_words(&read, from, to).ok(),
            _ => None,
        };
        let found = mapping.whole(from, to).or_else(by_pages).unwrap_or_else(|| mapping.at_most(from, to));
        let bytes = found.bytes.min(mapping.left);
        mapping.left -= bytes;
        sum.bytes += bytes;
        sum.in_files += found.in_files.min(bytes);
    }
    sum
}

/// The resident part of a range by the words of the page map, in pieces.
fn by_words(
    read: &impl Fn(&mut [u8], u64) -> std::io::Result<()>,
    start: u64,
    end: u64,
) -> std::io::Result<Resident> {
    let mut buffer = [0; 8 * WORDS as usize];
    let mut sum = Resident::default();
    let mut page = start / PAGE;
    let after = end.div_ceil(PAGE);
    while page < after {
        let count = (after - page).min(WORDS);
        let words = &mut buffer[..8 * count as usize];
        read(words, 8 * page)?;
        for (page, word) in (page..).zip(words.chunks_exact(8)) {
            let word = word.try_into().map_or(0, u64::from_ne_bytes);
            if word & PRESENT != 0 {
                let bytes = end.min((page + 1) * PAGE) - start.max(page * PAGE);
                sum.bytes += bytes;
                sum.in_files += if word & OF_FILE != 0 { bytes } else { 0 };
            }
        }
        page += count;
    }
    Ok(sum)
}

/// The mappings that the text of `/proc/self/smaps` lists, ascending.
fn mappings(text: &[u8]) -> Vec<Mapping> {
    let mut found: Vec<Mapping> = Vec::new();
    // The name of a file may contain any bytes.
    for line in String::from_utf8_lossy(text).lines() {
        let kilobytes = |text: &str| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok();
        let bytes = |text: &str| kilobytes(text).unwrap_or(0).saturating_mul(1024);
        if let Some((start, end)) = addresses(line).filter(|(start, end)| start < end) {
            if found.last().is_none_or(|last| last.end <= start) {
                found.push(Mapping { start, end, ..Mapping::default() });
            }
        } else if let Some(last) = found.last_mut() {
            if let Some(resident) = line.strip_prefix("Rss:") {
                last.resident = bytes(resident).min(last.end - last.start);
                last.left = last.resident;
            } else if let Some(anonymous) = line.strip_prefix("Anonymous:") {
                last.anonymous = bytes(anonymous).min(last.resident);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const MAPS: &str = "10000000-10100000 rw-p 00000000 00:00 0 \n\
        Size:               1024 kB\nRss:                 512 kB\nPss:                  99 kB\nAnonymous:           512 kB\n\
        20000000-20010000 rw-s 00000000 00:01 7                 /dev/zero (deleted)\n\
        Rss:                  64 kB\nAnonymous:             0 kB\n\
        20010000-20020000 rw-p 00000000 00:00 0\nRss:                   0 kB\nAnonymous:             0 kB\nVmFlags: rd wr\n";

    /// Every fourth page is present, and every eighth a file's.
    fn page_map(calls: &Cell<usize>) -> impl Fn(&mut [u8], u64) -> std::io::Result<()> {
        |words: &mut [u8], at: u64| {
            calls.set(calls.get() + 1);
            for (page, word) in (at / 8..).zip(words.chunks_exact_mut(8)) {
                let of_file = if page % 8 == 0 { OF_FILE } else { 0 };
                let present = if page % 4 == 0 { PRESENT } else { !PRESENT & !OF_FILE };
                word.copy_from_slice(&(present | of_file).to_ne_bytes());
            }
            Ok(())
        }
    }

    #[test]
    fn the_page_map_is_read_in_pieces_and_only_where_it_is_needed() {
        let calls = Cell::new(0);
        let read = page_map(&calls);
        let sum = by_words(&read, 1 << 40, (1 << 40) + (1 << 30)).expect("it can be read");
        assert_eq!(sum, Resident { bytes: 1 << 28, in_files: 1 << 27 });
        assert_eq!(calls.replace(0), 64);
        let mut all = mappings(MAPS.as_bytes());
        let part = resident(&mut all, &read, 0x2000_0000, 0x2002_0000);
        assert_eq!(part, Resident { bytes: 0x1_0000, in_files: 0x1_0000 });
        assert_eq!(calls.get(), 0, "nothing or everything is resident");
    }

    #[test]
    fn a_page_counts_as_far_as_the_range_covers_it() {
        let calls = Cell::new(0);
        let mut all = mappings(MAPS.as_bytes());
        let read = page_map(&calls);
        let part = resident(&mut all, &read, 0x1000_0F00, 0x1000_4100);
        assert_eq!(part, Resident { bytes: 0x200, in_files: 0x100 });
    }

    #[test]
    fn ranges_of_a_mapping_are_not_more_resident_than_the_mapping() {
        let mut all = mappings(MAPS.as_bytes());
        let zeros = |words: &mut [u8], _: u64| {
            words.fill(0x80);
            Ok(())
        };
        let ranges = [(0x1000_0000, 0x1006_0000), (0x1006_0000, 0x1010_0000), (0x1010_0000, 0x1020_0000)];
        let sums = ranges.map(|(start, end)| resident(&mut all, zeros, start, end).bytes);
        assert_eq!(sums, [0x6_0000, 0x2_0000, 0]);
    }

    #[test]
    fn without_a_page_map_the_numbers_of_the_mappings_count() {
        let fails = |_: &mut [u8], _| Err(std::io::ErrorKind::PermissionDenied.into());
        let mut all = mappings(MAPS.as_bytes());
        assert_eq!(resident(&mut all, fails, 0x1000_0000, 0x1001_0000).bytes, 0x1_0000);
        assert_eq!(resident(&mut all, fails, 0x1001_0000, 0x1010_0000).bytes, 0x7_0000);
        assert_eq!(resident(&mut [], fails, 0x1000, 0x3000).bytes, 0x2000);
    }
}
