//! What the operating system and the allocators say of this process: which it is, the time, its memory.
//!
//! What cannot be known is `None`. Linux's `/proc` is read; elsewhere little is known.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

use memtop_cpython::{CodeFiles, Pools};
use memtop_heap::{MemoryNumbers, ProcessIdentity};

use crate::raw;

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
    pub(crate) fn code_files(&self, interpreter: u64) -> CodeFiles {
        CodeFiles::new(self.each().map(|(start, end, _, path)| (start, end, path)), interpreter)
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
    let boot = boot.trim();
    ProcessIdentity {
        pid: std::process::id(),
        started,
        boot: if boot.is_empty() { String::new() } else { format!("{:016x}", digest(boot.as_bytes())) },
        interpreter: u64::try_from(interpreter).unwrap_or(0),
    }
}

/// FNV-1a with 64 bits: it tells two boots apart and does not tell which they are.
fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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

/// How much of a range of addresses is resident, in bytes; all of it where that cannot be known. A page's word in the
/// page map has its highest bit set if the page is present (`Documentation/admin-guide/mm/pagemap.rst` of Linux).
fn resident(pagemap: Option<&File>, start: u64, end: u64) -> u64 {
    let mut words = vec![0; ((end - start) / PAGE * 8) as usize];
    match pagemap.map(|pagemap| pagemap.read_exact_at(&mut words, start / PAGE * 8)) {
        Some(Ok(())) => words.chunks_exact(8).filter(|word| word[7] & 0x80 != 0).count() as u64 * PAGE,
        _ => end - start,
    }
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
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let fits = rest.starts_with("rw-") && rest.split_whitespace().nth(3) == Some("0");
    Some((number(start)?, number(end)?)).filter(|_| fits)
}

/// What is larger is no stack of a thread.
const LARGEST_STACK: u64 = 1 << 28;

/// The memory of this process without `own` bytes, which captures take in malloc's regions.
pub(crate) fn memory(own: u64) -> MemoryNumbers {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    };
    let malloc = raw::malloc_numbers();
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
