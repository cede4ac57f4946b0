//! What the operating system and the allocators say of this process: which it is, the time, its memory.
//!
//! What cannot be known is `None`. Linux's `/proc` is read; elsewhere little is known.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

use memtop_cpython::{CodeFiles, Pools};
use memtop_heap::{MemoryNumbers, ProcessIdentity, ProgramImage, boot_digest, container};

/// The time in microseconds since 1970, and on a clock that never goes back.
pub(crate) fn clocks() -> (i64, Option<u64>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
    let uptime = std::fs::read_to_string("/proc/uptime").ok();
    let uptime = uptime.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    (now, uptime.map(|seconds| (seconds * 1e6) as u64))
}

/// What the process has mapped, as `/proc/self/maps` tells it (`proc_pid_maps(5)`). Nothing on other systems.
pub(crate) struct Mappings(String);

impl Mappings {
    /// As they are now.
    pub(crate) fn read() -> Self {
        // A file's name may hold any bytes.
        let text = std::fs::read("/proc/self/maps").unwrap_or_default();
        Self(String::from_utf8_lossy(&text).into_owned())
    }

    /// Where each begins and ends, whether it can be read, and its file or name.
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

    /// The files that types may be defined in; `interpreter` is the address of a static type of the interpreter's own.
    /// `prefixes` are directories of the interpreter's own.
    pub(crate) fn code_files(&self, interpreter: u64, prefixes: &[String]) -> CodeFiles {
        CodeFiles::new(self.each().map(|(start, end, _, path)| (start, end, path)), interpreter, prefixes)
    }

    /// How many bytes can be read; `None` if that cannot be known.
    pub(crate) fn readable(&self) -> Option<u64> {
        let sum: u64 =
            self.each().filter(|&(_, _, readable, _)| readable).map(|(start, end, ..)| end - start).sum();
        (sum > 0).then_some(sum)
    }
}

/// Which process it is.
pub(crate) fn identity(interpreter: i64) -> ProcessIdentity {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may have spaces; the 20th field after it is when the process began.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let started = after.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0);
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let pid = std::process::id();
    ProcessIdentity {
        pid,
        // A process only knows its number in its own namespace.
        namespace_pid: Some(pid),
        started,
        boot: boot_digest(&boot),
        interpreter: u64::try_from(interpreter).unwrap_or(0),
        image: image(),
    }
}

/// The program that this process runs. Read by the thread's own entry of `/proc`: that of a first thread that has ended is
/// empty.
fn image() -> Option<ProgramImage> {
    let vector = std::fs::read("/proc/thread-self/auxv").ok()?;
    ProgramImage::new(&vector, |at| {
        let mut bytes = [0; 16];
        File::open("/proc/thread-self/mem").ok()?.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    })
}

/// The name of the host, and the container, as this process sees them.
pub(crate) fn place() -> (Option<String>, Option<String>) {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let cgroup = std::fs::read_to_string("/proc/thread-self/cgroup").unwrap_or_default();
    (host, container(&cgroup))
}

/// What the arenas of pymalloc hold free, which have pools at these addresses; `None` if pymalloc is not in use. The
/// process runs on meanwhile, so that a pool may be gone: the kernel reads, which does not mind.
pub(crate) fn pymalloc_free(minor: u8, pieces: impl Iterator<Item = u64>) -> Option<u64> {
    let memory = File::open("/proc/self/mem").ok()?;
    let pagemap = File::open("/proc/self/pagemap").ok();
    let read = |at: u64| {
        let mut head = [0; Pools::HEAD];
        memory.read_exact_at(&mut head, at).ok().map(|()| head)
    };
    let pools = Pools::count(minor, pieces, read, |start, end| resident(pagemap.as_ref(), start, end))?;
    Some(pools.free())
}

const PAGE: u64 = 4096;
/// How many words of the page map are read at once.
const WORDS: usize = 4096;
/// Of a larger range the page map is not read, a word a page: it may be room that was reserved and never touched.
const LARGE: u64 = 1 << 30;

/// How much of a range of addresses is resident, in bytes; all of it where that cannot be known. A page's word in the
/// page map has its highest bit set if the page is present (`Documentation/admin-guide/mm/pagemap.rst` of Linux). Of a
/// large range the mappings that it lies in are asked; what it has of one in part counts as far as there is as much.
fn resident(pagemap: Option<&File>, start: u64, end: u64) -> u64 {
    if end.saturating_sub(start) > LARGE {
        let maps = std::fs::read_to_string("/proc/self/smaps").ok();
        return maps.map_or(end - start, |maps| resident_by_mappings(&maps, start, end));
    }
    let by_words = pagemap
        .and_then(|pagemap| resident_by_words(|words, at| pagemap.read_exact_at(words, at), start, end).ok());
    by_words.unwrap_or(end.saturating_sub(start))
}

/// The same by the words of the page map, which `read` reads from a place in it, in pieces.
fn resident_by_words(
    read: impl Fn(&mut [u8], u64) -> std::io::Result<()>,
    start: u64,
    end: u64,
) -> std::io::Result<u64> {
    let mut buffer = [0; 8 * WORDS];
    let mut pages = 0;
    let mut page = start / PAGE;
    while page < end / PAGE {
        let count = (end / PAGE - page).min(WORDS as u64);
        let words = &mut buffer[..8 * count as usize];
        read(words, 8 * page)?;
        pages += words.chunks_exact(8).filter(|word| word[7] & 0x80 != 0).count() as u64;
        page += count;
    }
    Ok(pages * PAGE)
}

/// The same by the lines of `/proc/self/smaps` (`proc_pid_smaps(5)`).
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

/// The range at the beginning of a line of `/proc/self/maps`, or of a mapping's first line in `/proc/self/smaps`.
fn addresses(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?))
}

/// What is known of resident memory outside of objects, in bytes: `buffers` (where, and how large) as far as they are
/// memory of no file, and the stacks of all threads but the main one. A thread that waits in the kernel tells where its
/// stack is; one that runs just now does not, and is left out.
pub(crate) fn known_native(buffers: &[(u64, u64)]) -> u64 {
    let Ok(pagemap) = File::open("/proc/self/pagemap") else { return 0 };
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let ranges: Vec<(u64, u64)> = maps.lines().filter_map(anonymous).collect();
    let around = |address: u64| {
        let place = ranges.partition_point(|range| range.1 <= address);
        ranges.get(place).copied().filter(|range| range.0 <= address)
    };
    let main = std::process::id().to_string();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stacks = tasks.filter(|task| task.file_name() != main.as_str()).filter_map(|task| {
        let told = std::fs::read_to_string(task.path().join("syscall")).ok()?;
        // The last two words are the stack's pointer and the program's.
        let pointer = told.split_whitespace().rev().nth(1)?.strip_prefix("0x")?;
        let range = around(u64::from_str_radix(pointer, 16).ok()?)?;
        (range.1 - range.0 <= LARGEST_STACK).then_some(range)
    });
    let buffers = buffers.iter().filter_map(|&(start, size)| {
        let range = around(start)?;
        Some((start / PAGE * PAGE, start.checked_add(size)?.next_multiple_of(PAGE).min(range.1)))
    });
    let mut pieces: Vec<(u64, u64)> = stacks.chain(buffers).collect();
    pieces.sort_unstable();
    pieces.dedup();
    pieces.into_iter().map(|(start, end)| resident(Some(&pagemap), start, end)).sum()
}

/// The range of a line of `/proc/self/maps`, if it is readable and writable, private, and of no file.
fn anonymous(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.split_once(' ')?;
    let fits = rest.starts_with("rw-") && rest.split_whitespace().nth(3) == Some("0");
    addresses(line).filter(|_| fits)
}

/// What is larger is no stack of a thread.
const LARGEST_STACK: u64 = 1 << 28;

/// The memory of this process without `own` bytes, which captures take in malloc's regions; `malloc` is what malloc has in
/// use, and free.
pub(crate) fn memory(own: u64, malloc: Option<(u64, u64)>) -> MemoryNumbers {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    };
    let file_backed = kilobytes("RssFile").map(|file| file + kilobytes("RssShmem").unwrap_or(0));
    MemoryNumbers {
        rss: kilobytes("VmRSS").map(|rss| rss.saturating_sub(own)),
        peak_rss: kilobytes("VmHWM"),
        swapped: kilobytes("VmSwap"),
        allocator_free: None,
        malloc_in_use: malloc.map(|(in_use, _)| in_use.saturating_sub(own)),
        malloc_free: malloc.map(|(_, free)| free),
        native_known: None,
        file_backed,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

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
    fn a_large_range_is_as_resident_as_the_mappings_in_it() {
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
