//! Finds the pages of a process that are in memory or swapped out, from `/proc/PID/pagemap`
//! (`Documentation/admin-guide/mm/pagemap.rst` of Linux): since Linux 6.7 with one scan of a whole
//! mapping, before by reading a word for each page.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;

use rustc_hash::FxHashMap;

use crate::maps::Region;
use crate::raw::{self, PAGE_IS_FILE, PAGE_IS_PRESENT, PAGE_IS_SWAPPED, PageRange};

/// The page map of a process.
#[derive(Debug)]
pub(crate) struct Pagemap {
    /// The directory of one of its threads in `/proc`.
    directory: String,
    file: File,
    page: u64,
}

/// Bits in the word of a page.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_FILE: u64 = 1 << 61;
/// The number of words that are read at once.
const WORDS: u64 = 1 << 14;
/// A larger mapping is reserved address space. Reading a word for each of its pages would take too
/// long.
const LARGEST_BY_WORDS: u64 = 1 << 40;
/// For a larger mapping, `smaps` is read first: often few of its pages exist, and most of those at
/// its beginning.
const LARGE: u64 = 1 << 30;

/// Ranges of pages, and the number of system calls that finding them took.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) ranges: Vec<PageRange>,
    pub(crate) calls: u64,
}

impl Pagemap {
    /// Opens the page map through a thread of the process. It stays that of the program that the
    /// process runs now.
    pub(crate) fn open(pid: u32, thread: u32) -> io::Result<Self> {
        let directory = format!("/proc/{pid}/task/{thread}");
        Ok(Self {
            file: File::open(format!("{directory}/pagemap"))?,
            page: rustix::param::page_size() as u64,
            directory,
        })
    }

    /// The categories of the page that contains an address; 0 if the page does not exist.
    pub(crate) fn page(&self, address: u64) -> io::Result<u64> {
        let mut word = [0; 8];
        self.file.read_exact_at(&mut word, address / self.page * 8)?;
        Ok(categories(u64::from_le_bytes(word)))
    }

    /// The pages that are in memory or swapped out, ascending, in those mappings that are `wanted`.
    pub(crate) fn find(&self, regions: &[Region], wanted: impl Fn(&Region) -> bool) -> io::Result<Found> {
        let mut found = Found::default();
        let mut buffer = vec![PageRange::default(); 4096];
        let mut can_scan = true;
        let mut existing = None;
        for region in regions.iter().filter(|region| wanted(region)) {
            if can_scan {
                match self.scan(region, &mut buffer, &mut found) {
                    Ok(()) => continue,
                    // An older kernel, or a seccomp filter.
                    Err(_) => can_scan = false,
                }
            }
            let most = if region.length() > LARGE {
                found.calls += u64::from(existing.is_none());
                let existing = existing.get_or_insert_with(|| existing_bytes(&self.directory));
                // A mapping that is newer than `smaps` is not listed.
                existing.get(&region.start).copied().unwrap_or(u64::MAX)
            } else {
                u64::MAX
            };
            self.words(region, most, &mut found)?;
        }
        Ok(found)
    }

    fn scan(&self, region: &Region, buffer: &mut [PageRange], found: &mut Found) -> io::Result<()> {
        let begun = found.ranges.len();
        let mut start = region.start;
        while start < region.end {
            let result = raw::scan(&self.file, start, region.end, buffer);
            found.calls += 1;
            match result {
                Ok((count, end)) => {
                    found.ranges.extend_from_slice(&buffer[..count]);
                    if end <= start {
                        break;
                    }
                    start = end;
                }
                Err(error) => {
                    found.ranges.truncate(begun);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Finds pages by reading a word for each page, until `most` bytes were found.
    fn words(&self, region: &Region, most: u64, found: &mut Found) -> io::Result<()> {
        if region.length() > LARGEST_BY_WORDS {
            return Ok(());
        }
        let mut left = most;
        let mut bytes = vec![0; (WORDS * 8) as usize];
        let begun = found.ranges.len();
        let mut start = region.start;
        while start < region.end && left > 0 {
            let count = (region.end - start).div_ceil(self.page).min(WORDS);
            let bytes = &mut bytes[..(count * 8) as usize];
            found.calls += 1;
            let length = self.file.read_at(bytes, start / self.page * 8)?;
            if length < 8 {
                break;
            }
            for word in bytes[..length].chunks_exact(8) {
                let word = word.try_into().map_or(0, u64::from_le_bytes);
                let end = start + self.page;
                let categories = categories(word);
                if categories != 0 {
                    left = left.saturating_sub(self.page);
                    match found.ranges[begun..].last_mut() {
                        Some(last) if last.end == start && last.categories == categories => last.end = end,
                        _ => found.ranges.push(PageRange { start, end, categories }),
                    }
                }
                start = end;
            }
        }
        Ok(())
    }
}

/// The bytes in memory or swapped out of each mapping, by its first address (`proc_pid_smaps(5)`).
fn existing_bytes(directory: &str) -> FxHashMap<u64, u64> {
    let mut found: FxHashMap<u64, u64> = FxHashMap::default();
    let Ok(file) = File::open(format!("{directory}/smaps")) else { return found };
    let mut start = None;
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        let kilobytes = |text: &str| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok();
        let counted = line.strip_prefix("Rss:").or_else(|| line.strip_prefix("Swap:")).and_then(kilobytes);
        let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
        if let (Some(start), Some(kilobytes)) = (start, counted) {
            let sum = found.entry(start).or_default();
            *sum = sum.saturating_add(kilobytes.saturating_mul(1024));
        } else if let Some(begun) = range.and_then(|(begun, _)| u64::from_str_radix(begun, 16).ok()) {
            start = Some(begun);
        }
    }
    found
}

/// The categories in the word of a page, as a scan reports them.
fn categories(word: u64) -> u64 {
    let bit = |mask, category| if word & mask == 0 { 0 } else { category };
    match bit(PRESENT, PAGE_IS_PRESENT) | bit(SWAPPED, PAGE_IS_SWAPPED) {
        0 => 0,
        existing => existing | bit(OF_FILE, PAGE_IS_FILE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_the_same_categories_as_a_scan() {
        assert_eq!(categories(0), 0);
        assert_eq!(categories(OF_FILE), 0, "a page that does not exist has no categories");
        assert_eq!(categories(PRESENT | OF_FILE | 0x1234), PAGE_IS_PRESENT | PAGE_IS_FILE);
        assert_eq!(categories(SWAPPED | 5), PAGE_IS_SWAPPED);
    }

    fn anonymous(memory: &raw::Buffer) -> Region {
        let start = memory.as_ptr() as u64;
        let end = start + memory.len() as u64;
        Region { start, end, readable: true, writable: true, ..Region::default() }
    }

    #[test]
    fn reserved_address_space_is_not_read_page_by_page() {
        let pid = std::process::id();
        let pagemap = Pagemap::open(pid, pid).expect("a process may read its own");
        let mut memory = raw::Buffer::reserve(1 << 38).expect("256 GiB of addresses");
        memory[100 << 20] = 1;
        let region = anonymous(&memory);
        // The kernel may merge it with an adjacent mapping of another test.
        let existing = existing_bytes("/proc/self").into_iter().filter(|&(start, _)| start <= region.start);
        let (_, most) = existing.max().expect("it is mapped");
        assert!((4096..1 << 22).contains(&most), "{most} bytes of it exist");
        let mut found = Found::default();
        pagemap.words(&region, most, &mut found).expect("reading words");
        let words = 8 * WORDS * found.calls;
        assert!((1..1 << 20).contains(&words), "{words} bytes were read");
        let touched = region.start + (100 << 20);
        assert!(found.ranges.iter().any(|range| (range.start..range.end).contains(&touched)));
        let mut none = Found::default();
        pagemap.words(&region, 0, &mut none).expect("reading nothing");
        assert_eq!(none.calls, 0);
    }

    #[test]
    fn words_and_scan_find_the_same_pages() {
        let pid = std::process::id();
        let pagemap = Pagemap::open(pid, pid).expect("a process may read its own");
        // Touched in several parts, so that there is more than one range.
        let mut memory = raw::Buffer::reserve(1 << 24).expect("16 MiB");
        for place in [0, 5 << 20, (5 << 20) + 4096, 15 << 20] {
            memory[place] = 1;
        }
        let start = memory.as_ptr() as u64;
        let region = anonymous(&memory);
        let mut by_words = Found::default();
        pagemap.words(&region, u64::MAX, &mut by_words).expect("reading words");
        let pages = |found: &Found| -> Vec<u64> {
            let present = found.ranges.iter().filter(|range| range.categories & PAGE_IS_PRESENT != 0);
            present.flat_map(|range| (range.start..range.end).step_by(4096)).collect()
        };
        assert!(pages(&by_words).contains(&(start + (5 << 20))));
        let mut by_scan = Found::default();
        if pagemap.scan(&region, &mut [PageRange::default(); 2], &mut by_scan).is_ok() {
            assert_eq!(pages(&by_scan), pages(&by_words));
        }
    }
}
