//! Copies what matters of a process's memory.
//!
//! Before the stop: what there is to copy is found out, room is taken and filled. While all stands still, mappings and
//! pages are looked at again, since they change, and the pages of private memory that are there are copied, on several
//! threads. What was never touched is not read, so that the process gets no page by it; what files hold is read from
//! them later ([`crate::image`]).

use std::io;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use memtop_heap::MemoryNumbers;
use rustc_hash::FxHashMap;

use crate::access::{Access, refusal};
use crate::bare;
use crate::error::RemoteError;
use crate::image::{Behind, Image, Parts};
use crate::maps::{Region, around};
use crate::pages::Pagemap;
use crate::proc::{self, Status};
use crate::raw::{self, Buffer, MOST_PIECES, PAGE_IS_FILE, PAGE_IS_PRESENT, PAGE_IS_ZERO, PageRange};
use crate::room::{self, Free, Victim};
use crate::stop::{self, Stopped};
use crate::target::{Copied, CopyOptions, Target, Thread};

/// Ranges of addresses, ascending, apart.
pub(crate) type Ranges = Vec<(u64, u64)>;

/// The image and what is made of it take at most this much more than the image, in tenths.
const TABLES: u64 = 8;
/// A mapping of a file that is writable and larger than this is left in the file where it is as in the file.
const LARGE_FILE: u64 = 1 << 26;
/// What is larger is no stack of a thread.
const LARGEST_STACK: u64 = 1 << 28;
/// How often it is tried, if the process grows faster than room is taken, or a thread does not stop in time.
const TRIES: usize = 3;

/// What is to be copied of a process, and what not.
#[derive(Debug, Default)]
struct Plan {
    copy: Ranges,
    /// Pages that are in memory and hold no addresses.
    left: Ranges,
    /// Pages that are swapped out and stay so.
    swapped: Ranges,
    /// Pages of no file that are in memory.
    resident: Ranges,
    calls: u64,
}

/// What was taken while the process stood still.
struct Taken {
    plan: Plan,
    regions: Vec<Region>,
    missing: Ranges,
    memory: MemoryNumbers,
    threads: Vec<u32>,
    clocks: (i64, Option<u64>),
    calls: u64,
    copying: Duration,
}

/// Why nothing was taken.
enum Failed {
    Error(RemoteError),
    /// There is more than there is room for.
    Grown,
}

impl From<RemoteError> for Failed {
    fn from(error: RemoteError) -> Self {
        Self::Error(error)
    }
}

/// See [`Target::copy`].
pub(crate) fn copy(target: &Target, options: &CopyOptions) -> Result<Copied, RemoteError> {
    let pid = target.pid;
    let mut in_time = true;
    for _ in 1..TRIES {
        match attempt(target, options) {
            Ok(copied) => return Ok(copied),
            // On a busy machine a thread may get no time to stop in. One that sleeps on is refused the second time.
            Err(Failed::Error(RemoteError::DoesNotStop { .. })) if in_time => in_time = false,
            Err(Failed::Error(error)) => return Err(error),
            Err(Failed::Grown) => {}
        }
    }
    attempt(target, options).map_err(|failed| match failed {
        Failed::Error(error) => error,
        Failed::Grown => RemoteError::Unreadable {
            pid,
            what: "its memory, which grows faster than it can be copied,".to_owned(),
            source: io::Error::from(io::ErrorKind::OutOfMemory),
        },
    })
}

fn attempt(target: &Target, options: &CopyOptions) -> Result<Copied, Failed> {
    let start = Instant::now();
    let pid = target.pid;
    if target.is_core {
        return Err(RemoteError::NoSuchProcess { pid }.into());
    }
    let access = Access::open(pid)?;
    let pagemap = Pagemap::open(pid).map_err(|source| access.gone("its page map", source))?;
    let regions = access.regions()?;
    target.is_still(&regions)?;
    // The same program, run again where addresses are not random, has the same mappings.
    let images = access.image().zip(target.identity.image);
    if images.is_some_and(|(now, then)| now.differs(then)) {
        return Err(RemoteError::Execed { pid }.into());
    }
    // Told by those that wait, which most do: not worth a longer stop, and hard to tell right after one.
    let stacks: FxHashMap<u32, u64> = proc::threads(pid)
        .into_iter()
        .filter_map(|thread| Some((thread, stack_pointer(pid, thread)?)))
        .collect();
    let was_stopped = Status::of(pid).is_ok_and(|status| status.state() == 'T');
    let found = find_pages(&access, &pagemap, &regions)?;
    let bare = if options.large_mappings { Ranges::new() } else { bare::find(pid, &regions, &found.ranges) };
    let plan = Plan::new(&regions, &found.ranges, &bare, options);
    let planned = total(&plan.copy);
    let large = || if options.large_mappings { total(&bare::find(pid, &regions, &found.ranges)) } else { 0 };
    check_room(pid, planned, &room::free(), large)?;
    let victim = Victim::volunteer();
    let mut buffer = room_for(pid, planned)?;
    let (taken, pause) = if options.pause {
        let take = |stopped: &Stopped| {
            let taken = take(target, options, &access, &pagemap, &bare, &mut buffer, Some(stopped));
            taken.map(|taken| (taken, stopped.calls))
        };
        let (taken, pause) = stop::stopped(pid, take)?;
        let (mut taken, calls) = taken?;
        // Each thread is released by one more.
        taken.calls += calls + taken.threads.len() as u64;
        (taken, Some(pause))
    } else {
        (take(target, options, &access, &pagemap, &bare, &mut buffer, None)?, None)
    };
    let Taken { plan, regions, missing, memory, threads, clocks, calls, copying } = taken;
    let bytes = total(&plan.copy) - total(&missing);
    buffer.truncate(total(&plan.copy) as usize);
    let (swapped, left_out) = (total(&plan.swapped), total(&plan.left));
    let mut notes = Vec::new();
    if options.pause && was_stopped {
        notes.push("the process had been stopped by a signal before; it still is".to_owned());
    }
    if !options.pause {
        notes.push("the process ran on while it was copied: the answer is approximate".to_owned());
    }
    if swapped > 0 {
        notes.push(format!(
            "{swapped} bytes of it are swapped out and were not read, with the objects in them (--include-swapped reads them)"
        ));
    }
    if !missing.is_empty() {
        notes.push(format!("{} bytes of it could not be read", total(&missing)));
    }
    let threads = threads.into_iter().map(|id| {
        let pointer = stacks.get(&id).copied();
        Thread { id, stack: pointer.and_then(|pointer| stack_around(&regions, pointer)) }
    });
    let threads = threads.collect();
    let parts = Parts {
        data: buffer,
        copied: plan.copy,
        missing,
        left: plan.left,
        swapped: plan.swapped,
        resident: plan.resident,
        regions,
    };
    Ok(Copied {
        image: Image::new(parts, Behind::Process(access, pagemap), victim),
        pause,
        duration: start.elapsed(),
        bytes,
        copying,
        system_calls: calls,
        swapped,
        left_out,
        was_stopped,
        taken_at: clocks.0,
        uptime: clocks.1,
        memory,
        identity: target.identity.clone(),
        threads,
        notes,
    })
}

/// Takes everything that has to be of one moment.
fn take(
    target: &Target,
    options: &CopyOptions,
    access: &Access,
    pagemap: &Pagemap,
    bare: &Ranges,
    buffer: &mut Buffer,
    stopped: Option<&Stopped>,
) -> Result<Taken, Failed> {
    let pid = target.pid;
    let regions = access.regions()?;
    target.is_still(&regions)?;
    let found = find_pages(access, pagemap, &regions)?;
    let bare = bare::confirm(pid, &regions, &found.ranges, bare);
    let mut plan = Plan::new(&regions, &found.ranges, &bare, options);
    plan.calls = found.calls;
    let bytes = total(&plan.copy) as usize;
    let Some(into) = buffer.get_mut(..bytes) else { return Err(Failed::Grown) };
    let begun = Instant::now();
    let (calls, missing) = read_all(access, &plan.copy, into)?;
    let copying = begun.elapsed();
    let memory = Status::of(pid).map(|status| status.memory()).unwrap_or_default();
    let threads = match stopped {
        Some(stopped) => stopped.threads().collect(),
        None => proc::threads(pid),
    };
    // Maps, status and the clock take some calls each.
    let calls = plan.calls + calls + 12;
    Ok(Taken { plan, regions, missing, memory, threads, clocks: proc::clocks(), calls, copying })
}

impl Target {
    /// Whether the interpreter is still where it was found.
    fn is_still(&self, regions: &[Region]) -> Result<(), RemoteError> {
        let now = around(regions, self.runtime);
        let same = now.is_some_and(|region| {
            region.is_same_file(&self.region)
                && region.path == self.region.path
                && region.writable == self.region.writable
        });
        if same { Ok(()) } else { Err(RemoteError::Execed { pid: self.pid }) }
    }
}

fn find_pages(
    access: &Access,
    pagemap: &Pagemap,
    regions: &[Region],
) -> Result<crate::pages::Found, RemoteError> {
    let wanted = |region: &Region| region.readable && !region.shared && !is_kernels(region);
    pagemap.find(regions, wanted).map_err(|source| access.gone("its page map", source))
}

/// Whether it is the kernel's own.
pub(crate) fn is_kernels(region: &Region) -> bool {
    matches!(region.path.as_str(), "[vvar]" | "[vvar_vclock]" | "[vdso]" | "[vsyscall]")
}

pub(crate) fn total(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(start, end)| end - start).sum()
}

impl Plan {
    /// Sorts pages out. `regions`, `pages` and `bare` ascend.
    fn new(regions: &[Region], pages: &[PageRange], bare: &[(u64, u64)], options: &CopyOptions) -> Self {
        let mut plan = Self::default();
        let mut regions = regions.iter().peekable();
        let mut bare = bare.iter().peekable();
        for &PageRange { start, end, categories } in pages {
            while regions.next_if(|region| region.end <= start).is_some() {}
            let Some(region) = regions.peek() else { break };
            if categories & PAGE_IS_PRESENT == 0 {
                push(if options.include_swapped { &mut plan.copy } else { &mut plan.swapped }, start, end);
                continue;
            }
            if categories & PAGE_IS_ZERO != 0 {
                continue;
            }
            if categories & PAGE_IS_FILE != 0 {
                // As it is in the file, where it can be read from.
                if region.writable && region.length() <= LARGE_FILE {
                    push(&mut plan.copy, start, end);
                }
                continue;
            }
            if region.is_anonymous() {
                push(&mut plan.resident, start, end);
            }
            // What is left out is cut out of the range.
            let mut at = start;
            while at < end {
                while bare.next_if(|piece| piece.1 <= at).is_some() {}
                let (from, to) =
                    bare.peek().map_or((end, end), |piece| (piece.0.clamp(at, end), piece.1.min(end)));
                push(&mut plan.copy, at, from);
                push(&mut plan.left, from, to.max(from));
                at = to.max(from);
            }
        }
        plan
    }
}

/// Adds a range behind the last, as one with it where they touch.
pub(crate) fn push(ranges: &mut Ranges, start: u64, end: u64) {
    if start >= end {
        return;
    }
    match ranges.last_mut() {
        Some(last) if last.1 == start => last.1 = end,
        _ => ranges.push((start, end)),
    }
}

/// Refuses what does not fit into memory. `large` says how many bytes need not be copied.
pub(crate) fn check_room(
    pid: u32,
    planned: u64,
    free: &Free,
    large: impl FnOnce() -> u64,
) -> Result<(), RemoteError> {
    let with_tables = |bytes: u64| bytes.saturating_add(bytes / 10 * TABLES);
    let needed = with_tables(planned).saturating_add(1 << 26);
    if needed <= free.bytes {
        return Ok(());
    }
    Err(RemoteError::NotEnoughMemory {
        pid,
        needed,
        free: free.bytes,
        limit: free.limit.clone(),
        large: with_tables(large()),
    })
}

/// Room for so many bytes, filled, and for more, if the process grows meanwhile.
pub(crate) fn room_for(pid: u32, planned: u64) -> Result<Buffer, RemoteError> {
    let planned = usize::try_from(planned).unwrap_or(usize::MAX);
    let most = planned.saturating_mul(2).saturating_add(1 << 28);
    // Where the system promises no more memory than there is, with less to spare.
    let buffer = Buffer::reserve(most)
        .or_else(|_| Buffer::reserve(planned.saturating_add(planned / 16).saturating_add(1 << 24)));
    let mut buffer = buffer.map_err(|source| RemoteError::Unreadable {
        pid,
        what: "its memory, for which no room could be had,".to_owned(),
        source,
    })?;
    buffer.fill(planned.saturating_add(planned / 64).saturating_add(1 << 20));
    Ok(buffer)
}

/// Reads all ranges, one behind the other, on several threads. Gives the number of system calls and what could not be
/// read.
fn read_all(access: &Access, ranges: &[(u64, u64)], into: &mut [u8]) -> Result<(u64, Ranges), RemoteError> {
    /// A thread is worth its while for so many bytes.
    const SHARE: usize = 1 << 24;
    /// More threads are no faster: memory is.
    const MOST_THREADS: usize = 4;
    let shares = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let shares = shares.min(into.len() / SHARE).max(1);
    let share = (into.len() as u64).div_ceil(shares as u64).next_multiple_of(4096).max(4096);
    let mut work = Vec::new();
    let mut rest = into;
    let (mut pieces, mut length) = (Vec::new(), 0);
    for &(start, end) in ranges {
        let mut at = start;
        while at < end {
            let take = (end - at).min(share - length);
            pieces.push((at, take));
            length += take;
            at += take;
            if length == share {
                let (part, after) = rest.split_at_mut(length as usize);
                rest = after;
                work.push((std::mem::take(&mut pieces), part));
                length = 0;
            }
        }
    }
    work.push((pieces, rest));
    let pid = access.pid;
    let helpers = work.len() - 1;
    let work = Mutex::new(work);
    let take = || work.lock().ok()?.pop();
    let read = || {
        let mut done = Vec::new();
        while let Some((pieces, part)) = take() {
            done.push(read_pieces(pid, pieces, part));
        }
        done
    };
    let mut done = Vec::new();
    thread::scope(|scope| {
        // Where no thread can be had, the others do its share.
        let builder = |_| thread::Builder::new().name("copier".to_owned()).spawn_scoped(scope, read).ok();
        let helpers: Vec<_> = (0..helpers).filter_map(builder).collect();
        done.extend(read());
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    let (mut calls, mut missing) = (0, Ranges::new());
    for part in done {
        let (made, absent) = part.map_err(|error| match error.raw_os_error() {
            Some(libc::ESRCH) => RemoteError::Exited { pid },
            Some(libc::EPERM) => refusal(pid, "reading its memory", error),
            _ => access.gone("its memory", error),
        })?;
        calls += made;
        missing.extend(absent);
    }
    missing.sort_unstable();
    Ok((calls, missing))
}

/// Reads pieces, each an address and a length, one behind the other. What cannot be read is skipped, page by page.
fn read_pieces(pid: u32, mut pieces: Vec<(u64, u64)>, into: &mut [u8]) -> io::Result<(u64, Ranges)> {
    /// How much is asked for at once: a call that is not made up of more can be interrupted.
    const MOST_BYTES: u64 = 1 << 26;
    const PAGE: u64 = 4096;
    let (mut calls, mut missing) = (0, Ranges::new());
    let (mut first, mut at) = (0, 0);
    while first < pieces.len() {
        let mut length = 0;
        let mut last = first;
        while last < pieces.len() && last - first < MOST_PIECES && length < MOST_BYTES {
            length += pieces[last].1;
            last += 1;
        }
        calls += 1;
        let read = match raw::read(pid, &pieces[first..last], &mut into[at..at + length as usize]) {
            Ok(read) => read,
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => 0,
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => continue,
            Err(error) => return Err(error),
        };
        at += read;
        let mut read = read as u64;
        while first < last && read >= pieces[first].1 {
            read -= pieces[first].1;
            first += 1;
        }
        if first < last {
            // It stopped within this piece, at a page that cannot be read.
            let (start, length) = pieces[first];
            let bad = start + read;
            let skipped = (PAGE - bad % PAGE).min(length - read);
            push(&mut missing, bad / PAGE * PAGE, bad + skipped);
            at += skipped as usize;
            pieces[first] = (bad + skipped, length - read - skipped);
            if pieces[first].1 == 0 {
                first += 1;
            }
        }
    }
    Ok((calls, missing))
}

/// A thread's stack pointer, which it shows while it waits in the kernel (`proc_pid_syscall(5)`).
fn stack_pointer(pid: u32, thread: u32) -> Option<u64> {
    let told = proc::read(&format!("/proc/{pid}/task/{thread}/syscall")).ok()?;
    // The last two words are the stack's pointer and the program's.
    let pointer = told.split_whitespace().rev().nth(1)?.strip_prefix("0x")?;
    u64::from_str_radix(pointer, 16).ok()
}

/// The mapping that a stack is in.
pub(crate) fn stack_around(regions: &[Region], pointer: u64) -> Option<(u64, u64)> {
    let region = around(regions, pointer)?;
    let is_stack = region.is_anonymous() && region.length() <= LARGEST_STACK;
    is_stack.then_some((region.start, region.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::PAGE_IS_SWAPPED;

    fn region(start: u64, end: u64, writable: bool, inode: u64) -> Region {
        let device = (0, 0);
        let path = String::new();
        Region {
            start,
            end,
            readable: true,
            writable,
            executable: false,
            shared: false,
            offset: 0,
            device,
            inode,
            path,
        }
    }

    #[test]
    fn pages_are_copied_left_or_counted_by_what_they_are() {
        const MB: u64 = 1 << 20;
        let regions = [
            region(MB, 2 * MB, true, 0),
            region(4 * MB, 5 * MB, false, 7),
            region(5 * MB, 6 * MB, true, 7),
            region(6 * MB, 6 * MB + (LARGE_FILE + MB), true, 8),
            region(200 * MB, 300 * MB, true, 0),
        ];
        let of_file = PAGE_IS_PRESENT | PAGE_IS_FILE;
        let page = |start, end, categories| PageRange { start, end, categories };
        let pages = [
            page(MB, MB + 0x2000, PAGE_IS_PRESENT),
            page(MB + 0x2000, MB + 0x3000, PAGE_IS_PRESENT | PAGE_IS_ZERO),
            page(MB + 0x3000, MB + 0x5000, PAGE_IS_SWAPPED),
            // As in the file; written to before it was protected; as in the file and may be written to.
            page(4 * MB, 4 * MB + 0x1000, of_file),
            page(4 * MB + 0x1000, 4 * MB + 0x2000, PAGE_IS_PRESENT),
            page(5 * MB, 5 * MB + 0x1000, of_file),
            page(6 * MB, 6 * MB + 0x1000, of_file),
            page(200 * MB, 300 * MB, PAGE_IS_PRESENT),
        ];
        let bare = [(210 * MB, 220 * MB), (220 * MB + 0x1000, 250 * MB)];
        let mut options = CopyOptions::default();
        let plan = Plan::new(&regions, &pages, &bare, &options);
        let copied = vec![
            (MB, MB + 0x2000),
            (4 * MB + 0x1000, 4 * MB + 0x2000),
            (5 * MB, 5 * MB + 0x1000),
            (200 * MB, 210 * MB),
            (220 * MB, 220 * MB + 0x1000),
            (250 * MB, 300 * MB),
        ];
        assert_eq!(plan.copy, copied);
        assert_eq!(plan.left, bare);
        assert_eq!(plan.swapped, [(MB + 0x3000, MB + 0x5000)]);
        assert_eq!(plan.resident, [(MB, MB + 0x2000), (200 * MB, 300 * MB)]);
        options.include_swapped = true;
        let plan = Plan::new(&regions, &pages, &[], &options);
        assert_eq!(plan.copy[..2], [(MB, MB + 0x2000), (MB + 0x3000, MB + 0x5000)]);
        assert_eq!(total(&plan.left) + total(&plan.swapped), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_figures() {
        let free = Free { bytes: 1 << 30, limit: "the limit of the control group /x".to_owned() };
        assert!(check_room(7, 500 << 20, &free, || 0).is_ok());
        let error = check_room(7, 1 << 30, &free, || 600 << 20).expect_err("too much");
        let text = "process 7: about 1907 MiB are needed to read it, and 1024 MiB are free (the limit of the control group /x)";
        assert_eq!(error.to_string(), text);
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("884 MiB more") && hint.contains("without --large-mappings"), "{hint}");
    }

    #[test]
    fn pages_that_cannot_be_read_are_skipped() {
        // This process's own memory, with a hole in it.
        let memory = Buffer::reserve(1 << 20).expect("a megabyte");
        let start = memory.as_ptr() as u64;
        let pieces = vec![(start, 0x2000), (0x1000, 0x2000), (start + 0x3000, 0x1000)];
        let mut into = vec![1; 0x5000];
        let (calls, missing) = read_pieces(std::process::id(), pieces, &mut into).expect("its own memory");
        assert_eq!(missing, [(0x1000, 0x3000)]);
        assert!(calls >= 2 && into[..0x2000].iter().chain(&into[0x4000..]).all(|&byte| byte == 0));
    }
}
