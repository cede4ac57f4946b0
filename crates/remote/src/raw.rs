#![expect(
    unsafe_code,
    reason = "system calls that std does not have: ptrace, waitid, openat2, fstatfs, reads across processes, mmap, \
              kill, and signal between fork and exec"
)]
//! System calls: the one file of this crate with unsafe code. Each becomes a safe function that checks what it passes.
//!
//! It knows the system's numbers and structures (`ptrace(2)`, `waitid(2)`, `process_vm_readv(2)`, `openat2(2)`,
//! `fstatfs(2)`, `madvise(2)`, and `PAGEMAP_SCAN` of `Documentation/admin-guide/mm/pagemap.rst`), and nothing of what
//! they are used for. There is no call here by which another process could be written to; a signal is sent to a program
//! that mem_top started alone.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut, RangeInclusive};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use libc::{c_long, c_uint, c_void};

/// Makes a program that is to be run ignore signals, as if it had inherited that.
pub fn ignore_signals_in(command: &mut Command, signals: Vec<i32>) {
    if signals.is_empty() {
        return;
    }
    let ignore = move || {
        for &signal in &signals {
            // SAFETY: no handler is installed that could be called, and a number that is none is refused.
            if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec it only calls `signal`, which is safe there (`signal-safety(7)`), and allocates
    // nothing.
    unsafe { command.pre_exec(ignore) };
}

/// The real-time signals that programs may use: the C library has the first ones for itself.
#[must_use]
pub fn real_time_signals() -> RangeInclusive<i32> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}

/// Sends a real-time signal to a program that this process started and has not waited for.
///
/// # Errors
/// If it is no real-time signal, or the system refuses.
pub fn send_real_time_signal(child: u32, signal: i32) -> io::Result<()> {
    let child = i32::try_from(child).ok().filter(|&child| child > 0);
    let Some(child) = child.filter(|_| real_time_signals().contains(&signal)) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    // SAFETY: it touches no memory of this process; the number is one of a single process.
    if unsafe { libc::kill(child, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How a traced thread stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It has not stopped yet.
    Running,
    /// It stopped because it was asked to, or with its whole process.
    Stopped,
    /// A signal stopped it on its way, and is to be delivered when it goes on.
    Signal(i32),
    /// It is gone.
    Gone,
}

/// `PTRACE_EVENT_STOP` of `ptrace(2)`.
const EVENT_STOP: i32 = 128;

fn ptrace(request: c_uint, thread: u32, data: c_long) -> io::Result<()> {
    // SAFETY: the three requests that are made below read and write none of this process's memory.
    let result = unsafe {
        libc::syscall(libc::SYS_ptrace, c_long::from(request), c_long::from(thread), 0 as c_long, data)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Begins to trace a thread, without stopping it (`PTRACE_SEIZE`). It is released when the calling thread ends.
pub(crate) fn seize(thread: u32) -> io::Result<()> {
    ptrace(libc::PTRACE_SEIZE as c_uint, thread, 0)
}

/// Asks a traced thread to stop (`PTRACE_INTERRUPT`).
pub(crate) fn interrupt(thread: u32) -> io::Result<()> {
    ptrace(libc::PTRACE_INTERRUPT as c_uint, thread, 0)
}

/// Releases a stopped thread, and delivers the signal that it stopped by, if one did (`PTRACE_DETACH`).
pub(crate) fn detach(thread: u32, signal: i32) -> io::Result<()> {
    ptrace(libc::PTRACE_DETACH as c_uint, thread, c_long::from(signal))
}

/// How a traced thread stands, without waiting.
///
/// The stop is looked at and left in place (`WNOWAIT`): to take it would also take the signal that it is for, so that
/// the signal were lost if this process died before it detaches.
pub(crate) fn peek(thread: u32) -> io::Result<Wait> {
    // SAFETY: a structure of integers and unions of them.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: `info` is this function's own, and as large as the call says.
    let result = unsafe { libc::waitid(libc::P_PID, thread, &raw mut info, options) };
    if result < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ECHILD) => Ok(Wait::Gone),
            Some(libc::EINTR) => Ok(Wait::Running),
            _ => Err(error),
        };
    }
    // SAFETY: waitid fills these two fields, or leaves the zeros.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(match (pid, info.si_code) {
        (0, _) => Wait::Running,
        (_, libc::CLD_TRAPPED | libc::CLD_STOPPED) if status >> 8 == EVENT_STOP => Wait::Stopped,
        (_, libc::CLD_TRAPPED | libc::CLD_STOPPED) => Wait::Signal(status & 0x7f),
        _ => Wait::Gone,
    })
}

/// The most pieces that one read takes (`IOV_MAX`).
pub(crate) const MOST_PIECES: usize = 1024;

/// Reads pieces of a process's memory, one after the other, into `into` (`process_vm_readv`). Gives how many bytes were
/// read: fewer where a page cannot be.
pub(crate) fn read(process: u32, pieces: &[(u64, u64)], into: &mut [u8]) -> io::Result<usize> {
    let mut from = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MOST_PIECES];
    let count = pieces.len().min(MOST_PIECES);
    for (place, &(start, length)) in from.iter_mut().zip(pieces) {
        *place = libc::iovec { iov_base: start as *mut c_void, iov_len: length as usize };
    }
    let to = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: `to` is all of `into`, which is borrowed; the addresses in `from` are the other process's, and are judged
    // by the kernel.
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

/// A range of pages and what is true of each: `struct page_region` of `linux/fs.h`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PageRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) categories: u64,
}

/// The page is of a file, or of shared memory.
pub(crate) const PAGE_IS_FILE: u64 = 1 << 2;
/// It is in memory.
pub(crate) const PAGE_IS_PRESENT: u64 = 1 << 3;
/// It is swapped out.
pub(crate) const PAGE_IS_SWAPPED: u64 = 1 << 4;
/// It is the one page of zeros that all processes share.
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

/// Fills `into` with the ranges of pages between `start` and `end` that are in memory or swapped out. Gives how many
/// there are and where the search came to. Linux 6.7 and later.
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
    // SAFETY: the structure says its own size, and `vec` and `vec_len` are all of `into`, which is borrowed.
    let result = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN as _, &raw mut arguments) };
    let count = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
    Ok((count.min(into.len()), arguments.walk_end))
}

/// The first range between two places in a file that is no hole (`lseek(2)`). Moves the file's place.
pub(crate) fn data(file: &File, from: u64, to: u64) -> Option<(u64, u64)> {
    let seek = |place: u64, what| {
        // SAFETY: moves the place of an open file.
        let found = unsafe { libc::lseek(file.as_raw_fd(), i64::try_from(place).unwrap_or(i64::MAX), what) };
        u64::try_from(found).ok()
    };
    let start = seek(from, libc::SEEK_DATA).filter(|&start| start < to)?;
    // A file system without holes has one at the end.
    let end = seek(start, libc::SEEK_HOLE).unwrap_or(to).min(to);
    Some((start, end))
}

/// Finds a path below a directory as if that were the root: no link and no `..` leaves it, and the links of `/proc` that
/// are not followed by their text are refused (`openat2`, Linux 5.6 and later). What is found is not opened: it may be
/// anything (`O_PATH`).
pub(crate) fn find_in_root(root: &File, path: &CStr) -> io::Result<File> {
    // SAFETY: a structure of integers, which the kernel wants to be zero where it says nothing.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS;
    // SAFETY: `path` ends with a zero, and `how` is as large as the call says; both are only read.
    let result = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            c_long::from(root.as_raw_fd()),
            path.as_ptr(),
            &raw const how,
            size_of::<libc::open_how>(),
        )
    };
    let descriptor = i32::try_from(result).ok().filter(|&descriptor| descriptor >= 0);
    let descriptor = descriptor.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the descriptor was made just now, and nothing else has it.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Which kind of file system a file is on: its number in `statfs(2)`.
pub(crate) fn file_system(file: &File) -> Option<u32> {
    // SAFETY: a structure of integers.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `found` is this function's own.
    let result = unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut found) };
    // 32 bits of a number whose type differs by system.
    (result == 0).then_some(found.f_type as u32)
}

/// Gives the system back what malloc holds free (`malloc_trim(3)`), and has it give back large pieces at once from now on
/// (`mallopt(3)`; it would learn not to from the first ones that are freed). After a heap was let go of that is as much as
/// the heap. Other C libraries than glibc do so by themselves.
pub fn return_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: they may be called at any time, from any thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
        libc::malloc_trim(0);
    }
}

/// The size of a page in bytes.
pub(crate) fn page_size() -> u64 {
    // SAFETY: asks for a number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// Bytes that are taken from the system at once, zero at first. What is not touched takes no memory.
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
    /// Takes room for so many bytes.
    pub(crate) fn reserve(length: usize) -> io::Result<Self> {
        let length = length.max(1);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping, where the kernel likes.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        };
        let start = match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast::<c_void>() != libc::MAP_FAILED => start,
            _ => return Err(io::Error::last_os_error()),
        };
        let buffer = Self { start, length };
        // Fewer faults, and no core dump with another's memory. Both are wishes.
        buffer.advise(0..length, libc::MADV_HUGEPAGE);
        buffer.advise(0..length, libc::MADV_DONTDUMP);
        Ok(buffer)
    }

    fn advise(&self, part: std::ops::Range<usize>, advice: libc::c_int) -> bool {
        let part = &self[part];
        // SAFETY: a part of this value's own mapping; the advices that are used change no byte of it.
        unsafe { libc::madvise(part.as_ptr().cast_mut().cast(), part.len(), advice) == 0 }
    }

    /// Has memory put behind the first bytes, so that writing them waits for nothing.
    ///
    /// Large pages are taken as long as they come quickly: where memory is in pieces the kernel must make them first,
    /// which can take a hundred times as long.
    pub(crate) fn fill(&mut self, length: usize) {
        const PART: usize = 1 << 23;
        /// Small pages would take about as long for a part.
        const SLOW: Duration = Duration::from_millis(12);
        let length = length.min(self.length);
        let mut slow = 0;
        for start in (0..length).step_by(PART) {
            let part = start..(start + PART).min(length);
            let begun = Instant::now();
            // Linux 5.14 and later.
            if !self.advise(part.clone(), libc::MADV_POPULATE_WRITE) {
                for byte in self[part].iter_mut().step_by(4096) {
                    // SAFETY: a byte that is borrowed; volatile so that the write of what is there is not left out.
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

    /// Gives back what is behind the first bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        let page = page_size() as usize;
        let keep = length.next_multiple_of(page).max(page);
        if keep < self.length {
            // SAFETY: the end of this value's own mapping, to which nothing refers: `self` is borrowed as mutable.
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
