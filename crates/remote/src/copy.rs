//! Copies what matters of a process's memory.
//!
//! Before the stop: what there is to copy is found out, room is taken and filled. While all stands still, mappings and
//! pages are looked at again, since they change, and the pages of private memory that are there are copied, on several
//! threads. What was never touched is not read, so that the process gets no page by it; what files hold is read from
//! them later ([`crate::image`]).

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use memtop_heap::MemoryNumbers;
use rustc_hash::FxHashMap;

use crate::access::{Access, refusal};
use crate::error::RemoteError;
use crate::image::{Backing, Image, Parts};
use crate::maps::{Region, around};
use crate::memory_limit::{self, FreeMemory, OomGuard};
use crate::pointer_free;
use crate::proc::{self, Status};
use crate::raw::{self, Buffer, MOST_PIECES, PAGE_IS_FILE, PAGE_IS_PRESENT, PAGE_IS_ZERO, PageRange};
use crate::stop::{self, Stopped};
use crate::target::{Copied, CopyOptions, MemoryPlan, Target, Thread};

/// Ranges of addresses, ascending, apart.
pub(crate) type Ranges = Vec<(u64, u64)>;

/// A mapping of a file that is writable and larger than this is left in the file where it is as in the file.
const LARGE_FILE: u64 = 1 << 26;
/// What is larger is no stack of a thread.
const LARGEST_STACK: u64 = 1 << 28;
/// How often it is tried, if the process grows faster than room is taken, or a thread does not stop in time.
const TRIES: usize = 3;

/// What is to be copied of a process, and what not.
#[derive(Debug, Default)]
struct CopyPlan {
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
    plan: CopyPlan,
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
    target.is_same_process()?;
    let regions = access.regions()?;
    target.is_still(&regions)?;
    // The same program, run again where addresses are not random, has the same mappings.
    let images = access.image().zip(target.identity.image);
    if images.is_some_and(|(now, then)| now.differs(then)) {
        return Err(RemoteError::Execed { pid }.into());
    }
    let thread = access.thread().map_err(|_| RemoteError::Exited { pid })?;
    // Told by those that wait, which most do: not worth a longer stop, and hard to tell right after one.
    let stacks: FxHashMap<u32, u64> = proc::threads(pid)
        .into_iter()
        .filter_map(|thread| Some((thread, stack_pointer(pid, thread)?)))
        .collect();
    let was_stopped = Status::of(pid).is_ok_and(|status| status.state() == 'T');
    let found = find_pages(&access, &regions)?;
    let bare = if options.large_mappings {
        Ranges::new()
    } else {
        pointer_free::find(thread, &regions, &found.ranges)
    };
    let plan = CopyPlan::new(&regions, &found.ranges, &bare, options);
    let planned = total(&plan.copy);
    let large = || {
        if options.large_mappings { total(&pointer_free::find(thread, &regions, &found.ranges)) } else { 0 }
    };
    let table = Image::table_size(&plan.copy);
    check_room(pid, planned, table, &memory_limit::free_memory(), &options.memory, large)?;
    let victim = OomGuard::raise();
    let mut buffer = room_for(pid, planned)?;
    let (taken, pause) = if options.pause {
        let take = |stopped: &Stopped| {
            let taken = take(target, options, &access, &bare, &mut buffer, Some(stopped));
            taken.map(|taken| (taken, stopped.calls))
        };
        let (taken, pause) = stop::stopped(pid, take)?;
        let (mut taken, calls) = taken?;
        // Each thread is released by one more.
        taken.calls += calls + taken.threads.len() as u64;
        (taken, Some(pause))
    } else {
        (take(target, options, &access, &bare, &mut buffer, None)?, None)
    };
    let Taken { plan, regions, missing, memory, threads, clocks, calls, copying } = taken;
    // The process may have spread its pages over more addresses since.
    check_room(pid, 0, Image::table_size(&plan.copy), &memory_limit::free_memory(), &options.memory, || 0)?;
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
        image: Image::new(parts, Backing::Process(access), victim),
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
    bare: &Ranges,
    buffer: &mut Buffer,
    stopped: Option<&Stopped>,
) -> Result<Taken, Failed> {
    let pid = target.pid;
    // From now on the number cannot become another process's.
    target.is_same_process()?;
    let regions = access.regions()?;
    target.is_still(&regions)?;
    let found = find_pages(access, &regions)?;
    let thread = access.thread().map_err(|_| RemoteError::Exited { pid })?;
    let bare = pointer_free::confirm(thread, &regions, &found.ranges, bare);
    let mut plan = CopyPlan::new(&regions, &found.ranges, &bare, options);
    plan.calls = found.calls;
    let bytes = total(&plan.copy) as usize;
    let Some(into) = buffer.get_mut(..bytes) else { return Err(Failed::Grown) };
    let begun = Instant::now();
    let (calls, missing) = read_all(access, thread, &plan.copy, into)?;
    let copying = begun.elapsed();
    if stopped.is_none() {
        target.is_same_process()?;
    }
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
    /// Checks that the process is the one that was found, by its start time. The system reuses numbers, and processes
    /// forked from the same parent have the same mappings.
    fn is_same_process(&self) -> Result<(), RemoteError> {
        match proc::started(self.pid) {
            None => Err(RemoteError::Exited { pid: self.pid }),
            Some(started) if started != self.identity.started => Err(RemoteError::Replaced { pid: self.pid }),
            Some(_) => Ok(()),
        }
    }

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

fn find_pages(access: &Access, regions: &[Region]) -> Result<crate::pages::Found, RemoteError> {
    let wanted = |region: &Region| region.readable && !region.shared && !is_kernels(region);
    access.pagemap.find(regions, wanted).map_err(|source| access.gone("its page map", source))
}

/// Whether it is the kernel's own.
pub(crate) fn is_kernels(region: &Region) -> bool {
    matches!(region.path.as_str(), "[vvar]" | "[vvar_vclock]" | "[vdso]" | "[vsyscall]")
}

pub(crate) fn total(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(start, end)| end - start).sum()
}

impl CopyPlan {
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

/// Refuses what does not fit into memory: so many bytes, and the table by which they are found. `large` says how many
/// bytes need not be copied.
pub(crate) fn check_room(
    pid: u32,
    planned: u64,
    table: u64,
    free: &FreeMemory,
    plan: &MemoryPlan,
    large: impl FnOnce() -> u64,
) -> Result<(), RemoteError> {
    let tenths = plan.purpose.tenths_beside_the_copy();
    let with_tables = |bytes: u64| bytes.saturating_add(bytes / 10 * tenths);
    let allowed = FreeMemory { bytes: plan.most_bytes, limit: "what --max-memory allows".to_owned() };
    let free = if allowed.bytes < free.bytes { &allowed } else { free };
    let needed = with_tables(planned).saturating_add(table).saturating_add(1 << 26);
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
fn read_all(
    access: &Access,
    thread: u32,
    ranges: &[(u64, u64)],
    into: &mut [u8],
) -> Result<(u64, Ranges), RemoteError> {
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
    let ask = |pieces: &[(u64, u64)], into: &mut [u8]| match raw::read(thread, pieces, into) {
        // The thread has ended, but perhaps not the process.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => match access.thread() {
            Ok(other) if other != thread => raw::read(other, pieces, into),
            _ => Err(error),
        },
        read => read,
    };
    let helpers = work.len() - 1;
    let work = Mutex::new(work);
    let take = || work.lock().ok()?.pop();
    let read = || {
        let mut done = Vec::new();
        while let Some((pieces, part)) = take() {
            done.push(read_pieces(ask, pieces, part, MOST_BYTES));
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

/// The most bytes that one call asks for. It is far below what a call returns at most (2 GiB less a page), and short
/// enough that a signal to this program does not wait.
const MOST_BYTES: u64 = 1 << 26;

/// Reads pieces, each an address and a length, one after the other. `read` is asked for at most `most` bytes at once and
/// returns how many it read. A short read is continued where it ended; a page is skipped only if nothing could be read at
/// its place. Returns the number of calls and the ranges that were skipped.
fn read_pieces(
    mut read: impl FnMut(&[(u64, u64)], &mut [u8]) -> io::Result<usize>,
    pieces: Vec<(u64, u64)>,
    into: &mut [u8],
    most: u64,
) -> io::Result<(u64, Ranges)> {
    const PAGE: u64 = 4096;
    let (mut calls, mut missing) = (0, Ranges::new());
    let mut pieces = pieces.into_iter().filter(|piece| piece.1 > 0);
    // The pieces of the next call, and the rest of the piece that was cut at its end.
    let mut asked: VecDeque<(u64, u64)> = VecDeque::with_capacity(MOST_PIECES);
    let (mut length, mut rest, mut at) = (0, None, 0);
    loop {
        while asked.len() < MOST_PIECES
            && length < most
            && let Some((start, left)) = rest.take().or_else(|| pieces.next())
        {
            let take = left.min(most - length);
            asked.push_back((start, take));
            length += take;
            rest = (take < left).then_some((start + take, left - take));
        }
        let Some(&(first, first_length)) = asked.front() else { return Ok((calls, missing)) };
        calls += 1;
        let done = match read(asked.make_contiguous(), &mut into[at..at + length as usize]) {
            Ok(done) => (done as u64).min(length),
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => 0,
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => continue,
            Err(error) => return Err(error),
        };
        // Nothing was read at the first page: it cannot be.
        let skipped = if done == 0 { (PAGE - first % PAGE).min(first_length) } else { 0 };
        if skipped > 0 {
            match missing.last_mut() {
                // The rest of a page of which a part was asked for.
                Some(last) if last.1 == first => last.1 = first + skipped,
                _ => missing.push((first / PAGE * PAGE, first + skipped)),
            }
        }
        let mut behind = done + skipped;
        at += behind as usize;
        length -= behind;
        while behind > 0
            && let Some((start, left)) = asked.pop_front()
        {
            let take = left.min(behind);
            behind -= take;
            if take < left {
                asked.push_front((start + take, left - take));
            }
        }
    }
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
    use crate::target::Purpose;

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
        let plan = CopyPlan::new(&regions, &pages, &bare, &options);
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
        let plan = CopyPlan::new(&regions, &pages, &[], &options);
        assert_eq!(plan.copy[..2], [(MB, MB + 0x2000), (MB + 0x3000, MB + 0x5000)]);
        assert_eq!(total(&plan.left) + total(&plan.swapped), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_figures() {
        let free = FreeMemory { bytes: 1 << 30, limit: "the limit of the control group /x".to_owned() };
        let plan = MemoryPlan::default();
        assert!(check_room(7, 400 << 20, 0, &free, &plan, || 0).is_ok());
        let error = check_room(7, 1 << 30, 0, &free, &plan, || 600 << 20).expect_err("too much");
        let text = "process 7: about 2111 MiB are needed to read it, and 1024 MiB are free (the limit of the control group /x)";
        assert_eq!(error.to_string(), text);
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("1088 MiB more") && hint.contains("without --large-mappings"), "{hint}");
    }

    #[test]
    fn what_is_needed_depends_on_what_the_heap_is_for_and_what_is_allowed() {
        let free = FreeMemory { bytes: 1 << 40, limit: "the machine's free memory".to_owned() };
        let needed = |purpose| {
            let plan = MemoryPlan { most_bytes: 1 << 20, purpose };
            match check_room(7, 1 << 30, 0, &free, &plan, || 0) {
                Err(RemoteError::NotEnoughMemory { needed, limit, .. }) => (needed >> 20, limit),
                other => panic!("{other:?}"),
            }
        };
        let limit = "what --max-memory allows";
        for (purpose, mib) in [(Purpose::Heap, 1907), (Purpose::Answers, 2111), (Purpose::Series, 2931)] {
            assert_eq!(needed(purpose), (mib, limit.to_owned()), "{purpose:?}");
        }
        let plan = MemoryPlan { most_bytes: 3 << 30, ..MemoryPlan::default() };
        assert!(check_room(7, 1 << 30, 0, &free, &plan, || 0).is_ok());
    }

    #[test]
    fn pages_that_cannot_be_read_are_skipped() {
        // This process's own memory, with a hole in it.
        let memory = Buffer::reserve(1 << 20).expect("a megabyte");
        let start = memory.as_ptr() as u64;
        let pieces = vec![(start, 0x2000), (0x1000, 0x2000), (start + 0x3000, 0x1000)];
        let mut into = vec![1; 0x5000];
        let own = |pieces: &[(u64, u64)], into: &mut [u8]| raw::read(std::process::id(), pieces, into);
        let (calls, missing) = read_pieces(own, pieces, &mut into, MOST_BYTES).expect("its own memory");
        assert_eq!(missing, [(0x1000, 0x3000)]);
        assert!(calls >= 2 && into[..0x2000].iter().chain(&into[0x4000..]).all(|&byte| byte == 0));
    }

    /// What stands at an address in the memory that the tests make up.
    fn byte_at(address: u64) -> u8 {
        (address ^ address >> 8 ^ address >> 16) as u8 | 1
    }

    #[test]
    fn a_short_read_loses_nothing_wherever_it_ends() {
        const MOST: u64 = 1 << 14;
        let bad = [(0x5000, 0x6000), (0x10_0000, 0x10_2000)];
        let is_bad = |address: u64| bad.iter().any(|range| (range.0..range.1).contains(&address));
        let pieces = vec![
            (0x1000, 0x3000),
            (0x4000, 0x4000),
            (0xf_e000, 0x5000),
            (0x20_0000, 0),
            (0x20_0800, 0x800),
            (0x30_0000, 3 * MOST / 2),
            (0x4000_0000, MOST),
        ];
        let expected: Vec<u8> = pieces
            .iter()
            .flat_map(|&(start, length)| start..start + length)
            .map(|address| if is_bad(address) { 0 } else { byte_at(address) })
            .collect();
        for at_once in [7, 1 << 11, 1 << 12, 5000, (1 << 13) - 1, usize::MAX] {
            let read = |asked: &[(u64, u64)], into: &mut [u8]| {
                assert_eq!(asked.iter().map(|piece| piece.1).sum::<u64>(), into.len() as u64);
                assert!(into.len() as u64 <= MOST, "{} bytes were asked for at once", into.len());
                let addresses = asked.iter().flat_map(|&(start, length)| start..start + length);
                let good = addresses.take(at_once).take_while(|&address| !is_bad(address));
                let done = into.iter_mut().zip(good).map(|(byte, address)| *byte = byte_at(address)).count();
                if done == 0 { Err(io::Error::from_raw_os_error(libc::EFAULT)) } else { Ok(done) }
            };
            let mut into = vec![0; expected.len()];
            let (_, missing) = read_pieces(read, pieces.clone(), &mut into, MOST).expect("it is made up");
            assert_eq!(missing, bad, "only what cannot be read, in steps of {at_once}");
            assert!(into == expected, "in steps of {at_once}");
        }
    }

    #[test]
    fn no_page_is_lost_where_a_call_gives_no_more() {
        // `MAX_RW_COUNT` of Linux: what is asked for beyond is not read.
        const MOST: usize = 0x7fff_f000;
        let length = (5 << 30) + 0x3000;
        let mut into = Buffer::reserve(length).expect("room that is not touched");
        let read = |_: &[(u64, u64)], into: &mut [u8]| Ok(into.len().min(MOST));
        let pieces = vec![(1 << 40, length as u64)];
        for most in [MOST_BYTES, u64::MAX] {
            let (calls, missing) = read_pieces(read, pieces.clone(), &mut into, most).expect("it is made up");
            assert_eq!((calls, missing), ((length as u64).div_ceil(most.min(MOST as u64)), Ranges::new()));
        }
    }

    #[test]
    fn an_interrupted_read_is_asked_again_and_another_error_ends_it() {
        let mut times = 0;
        let read = |_: &[(u64, u64)], into: &mut [u8]| {
            times += 1;
            match times {
                1 => Err(io::Error::from_raw_os_error(libc::EINTR)),
                _ => Ok(into.len()),
            }
        };
        let (calls, missing) =
            read_pieces(read, vec![(0x1000, 0x1000)], &mut [0; 0x1000], MOST_BYTES).expect("asked again");
        assert_eq!((calls, missing), (2, Ranges::new()));
        let gone = |_: &[(u64, u64)], _: &mut [u8]| Err(io::Error::from_raw_os_error(libc::ESRCH));
        let error =
            read_pieces(gone, vec![(0x1000, 0x1000)], &mut [0; 0x1000], MOST_BYTES).expect_err("it is gone");
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
