#![expect(
    unsafe_code,
    reason = "system calls that neither std nor rustix offers safely: ptrace, reads across processes, PAGEMAP_SCAN, mmap, \
              real-time signals, and signal between fork and exec"
)]
//! System calls: the one file of this crate with unsafe code. Each is wrapped in a safe function
//! that checks its arguments.
//!
//! This file knows the system's numbers and structs (`ptrace(2)`, `waitid(2)`,
//! `process_vm_readv(2)`, `madvise(2)`, and `PAGEMAP_SCAN` of
//! `Documentation/admin-guide/mm/pagemap.rst`), but not what they are used for. No call here can
//! write to another process. Signals are sent only to programs that mem_top started.

use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut, RangeInclusive};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use libc::{c_long, c_uint, c_void};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Makes a program that is about to be run ignore signals, as if it had inherited that.
pub fn ignore_signals_in(command: &mut Command, signals: Vec<i32>) {
    if signals.is_empty() {
        return;
    }
    let ignore = move || {
        for &signal in &signals {
            // SAFETY: no handler is installed that could be called, and an invalid number is
            // refused.
            if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec it only calls `signal`, which is safe there
    // (`signal-safety(7)`), and does not allocate.
    unsafe { command.pre_exec(ignore) };
}

/// The real-time signals that programs may use. The C library reserves the first ones.
#[must_use]
pub fn real_time_signals() -> RangeInclusive<i32> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}

/// Sends a real-time signal to a program that this process started and has not waited for.
///
/// # Errors
/// If it is not a real-time signal, or the system refuses.
pub fn send_real_time_signal(child: u32, signal: i32) -> io::Result<()> {
    let child = i32::try_from(child).ok().filter(|&child| child > 0);
    let Some(child) = child.filter(|_| real_time_signals().contains(&signal)) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    // SAFETY: it touches no memory of this process; the number is that of a single process.
    if unsafe { libc::kill(child, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The state of a traced thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It has not stopped yet.
    Running,
    /// It stopped on request, or with its whole process.
    Stopped,
    /// It stopped because of a signal, which must be delivered when it is resumed.
    Signal(i32),
    /// It has ended.
    Gone,
}

/// `PTRACE_EVENT_STOP` of `ptrace(2)`.
const EVENT_STOP: i32 = 128;

fn ptrace(request: c_uint, thread: u32, data: c_long) -> io::Result<()> {
    // SAFETY: the three requests below neither read nor write this process's memory.
    let result = unsafe {
        libc::syscall(libc::SYS_ptrace, c_long::from(request), c_long::from(thread), 0 as c_long, data)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Starts to trace a thread without stopping it (`PTRACE_SEIZE`). It is released when the calling
/// thread ends.
pub(crate) fn seize(thread: u32) -> io::Result<()> {
    ptrace(libc::PTRACE_SEIZE as c_uint, thread, 0)
}

/// Asks a traced thread to stop (`PTRACE_INTERRUPT`).
pub(crate) fn interrupt(thread: u32) -> io::Result<()> {
    ptrace(libc::PTRACE_INTERRUPT as c_uint, thread, 0)
}

/// Releases a stopped thread, and delivers the signal that stopped it, if any (`PTRACE_DETACH`).
pub(crate) fn detach(thread: u32, signal: i32) -> io::Result<()> {
    ptrace(libc::PTRACE_DETACH as c_uint, thread, c_long::from(signal))
}

/// The state of a traced thread, without waiting.
///
/// The stop is not consumed (`WNOWAIT`). Taking it would also take its signal, which would be lost
/// if this process died before it detaches.
pub(crate) fn peek(thread: u32) -> io::Result<Wait> {
    // `__WALL`, for which rustix has no name: threads count, too.
    let all = WaitIdOptions::from_bits_retain(libc::__WALL.cast_unsigned());
    let options =
        WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let Some(thread) = Pid::from_raw(thread.cast_signed()) else { return Ok(Wait::Gone) };
    let status = match waitid(WaitId::Pid(thread), options | all) {
        Ok(Some(status)) => status,
        Ok(None) | Err(Errno::INTR) => return Ok(Wait::Running),
        Err(Errno::CHILD) => return Ok(Wait::Gone),
        Err(error) => return Err(error.into()),
    };
    Ok(match status.trapping_signal().or_else(|| status.stopping_signal()) {
        Some(signal) if signal >> 8 == EVENT_STOP => Wait::Stopped,
        Some(signal) => Wait::Signal(signal & 0x7f),
        None => Wait::Gone,
    })
}

/// The most pieces of one read (`IOV_MAX`).
pub(crate) const MOST_PIECES: usize = 1024;

/// Reads pieces of a process's memory, concatenated, into `into` (`process_vm_readv`). Returns the
/// number of bytes, which is lower if a page cannot be read.
pub(crate) fn read(process: u32, pieces: &[(u64, u64)], into: &mut [u8]) -> io::Result<usize> {
    let mut from = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MOST_PIECES];
    let count = pieces.len().min(MOST_PIECES);
    for (piece, &(start, length)) in from.iter_mut().zip(pieces) {
        *piece = libc::iovec { iov_base: start as *mut c_void, iov_len: length as usize };
    }
    let to = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: `to` is all of `into`, which is borrowed; the addresses in `from` belong to the other
    // process, and the kernel checks them.
    let result = unsafe {
        libc::process_vm_readv(
            process.cast_signed(),
            &raw const to,
            1,
            from.as_ptr(),
            count as libc::c_ulong,
            0,
        )
    };
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// A range of pages with the same categories: `struct page_region` of `linux/fs.h`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PageRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) categories: u64,
}

/// The page belongs to a file or to shared memory.
pub(crate) const PAGE_IS_FILE: u64 = 1 << 2;
/// The page is in memory.
pub(crate) const PAGE_IS_PRESENT: u64 = 1 << 3;
/// The page is swapped out.
pub(crate) const PAGE_IS_SWAPPED: u64 = 1 << 4;
/// The page is the zero page that all processes share.
pub(crate) const PAGE_IS_ZERO: u64 = 1 << 5;

/// `struct pm_scan_arg` of `linux/fs.h`.
#[repr(C)]
#[derive(Default)]
struct ScanArguments {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// Fills `into` with the ranges of pages between `start` and `end` that are in memory or swapped
/// out. Returns their number and the address at which the scan ended. Since Linux 6.7.
pub(crate) fn scan(pagemap: &File, start: u64, end: u64, into: &mut [PageRange]) -> io::Result<(usize, u64)> {
    let mut arguments = ScanArguments {
        size: size_of::<ScanArguments>() as u64,
        start,
        end,
        vec: into.as_mut_ptr() as u64,
        vec_len: into.len() as u64,
        category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        return_mask: PAGE_IS_FILE | PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_ZERO,
        ..ScanArguments::default()
    };
    // SAFETY: the struct contains its own size, and `vec` and `vec_len` are all of `into`, which is
    // borrowed.
    let result = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN as _, &raw mut arguments) };
    let count = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
    Ok((count.min(into.len()), arguments.walk_end))
}

/// Returns malloc's free memory to the system (`malloc_trim(3)`), which is as much as a heap after
/// one was dropped. From now on, malloc returns large blocks at once (`mallopt(3)`; otherwise it
/// stops doing so after the first ones were freed). C libraries other than glibc do this by
/// themselves.
pub fn return_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: both may be called at any time from any thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
        libc::malloc_trim(0);
    }
}

/// A large block of bytes, initially zero. Pages that are not touched take no memory.
#[derive(Debug)]
pub(crate) struct Buffer {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping is this value's own, as a `Vec`'s memory is.
unsafe impl Send for Buffer {}
// SAFETY: as above; through a shared reference it is only read.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Reserves addresses for `length` bytes.
    pub(crate) fn reserve(length: usize) -> io::Result<Self> {
        let length = length.max(1);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        };
        let start = match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast::<c_void>() != libc::MAP_FAILED => start,
            _ => return Err(io::Error::last_os_error()),
        };
        let buffer = Self { start, length };
        // Fewer page faults, and no core dump with another process's memory. Either may be refused.
        buffer.advise(0..length, libc::MADV_HUGEPAGE);
        buffer.advise(0..length, libc::MADV_DONTDUMP);
        Ok(buffer)
    }

    fn advise(&self, part: std::ops::Range<usize>, advice: libc::c_int) -> bool {
        let part = &self[part];
        // SAFETY: a part of this value's own mapping; the advice values that are used do not change
        // its bytes.
        unsafe { libc::madvise(part.as_ptr().cast_mut().cast(), part.len(), advice) == 0 }
    }

    /// Populates the pages of the first bytes, so that writing them does not wait for page faults.
    ///
    /// Huge pages are used as long as they are fast: if memory is fragmented, the kernel must
    /// compact it first, which can take a hundred times as long.
    pub(crate) fn fill(&mut self, length: usize) {
        const PART: usize = 1 << 23;
        /// About as long as a part takes with small pages.
        const SLOW: Duration = Duration::from_millis(12);
        let length = length.min(self.length);
        let mut slow = 0;
        for start in (0..length).step_by(PART) {
            let part = start..(start + PART).min(length);
            let begun = Instant::now();
            // Since Linux 5.14.
            if !self.advise(part.clone(), libc::MADV_POPULATE_WRITE) {
                for byte in self[part].iter_mut().step_by(4096) {
                    // SAFETY: a byte that is borrowed; volatile so that the write is not optimized
                    // away.
                    unsafe { std::ptr::write_volatile(byte, 0) };
                }
            }
            if begun.elapsed() > SLOW {
                slow += 1;
                if slow == 2 {
                    self.advise(start..self.length, libc::MADV_NOHUGEPAGE);
                }
            }
        }
    }

    /// Unmaps everything after the first bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        let page = rustix::param::page_size();
        let keep = length.next_multiple_of(page).max(page);
        if keep < self.length {
            // SAFETY: the end of this value's own mapping; nothing refers to it, since `self` is
            // borrowed as mutable.
            unsafe { libc::munmap(self.start.as_ptr().add(keep).cast(), self.length - keep) };
            self.length = keep;
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: this value's own mapping, of that length, readable.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and writable; borrowed as mutable.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing can refer to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
