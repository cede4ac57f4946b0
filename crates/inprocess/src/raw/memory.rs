//! The memory of this process as bytes: reading it with and without a check, faulting it in, and malloc's numbers.

use std::ffi::{c_int, c_void};
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use memtop_cpython::Memory;
use memtop_cpython::layout::{self, type_object};
use pyo3::prelude::*;

use super::lists::Standstill;
use super::object::{Address, word};

/// The memory of this process. Reads are unchecked where probed layouts lead on from live objects of the frozen heap;
/// guesses are read by the kernel ([`Memory::checked`]).
#[derive(Debug)]
pub(crate) struct OwnMemory(Option<std::fs::File>);

impl OwnMemory {
    /// The memory, while the heap is frozen.
    pub(super) fn new(_: &Standstill<'_>) -> Self {
        Self(std::fs::File::open("/proc/self/mem").ok())
    }
}

impl Memory for OwnMemory {
    /// Reads through the kernel, which refuses an address where nothing is mapped.
    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        match &self.0 {
            Some(file) => file.read_exact_at(into, address).ok(),
            None => read_own(address, into),
        }
    }

    #[inline]
    fn word(&self, address: u64) -> Option<u64> {
        // SAFETY: frozen, and the address comes from a live object by a layout that was probed (see the type).
        Some(unsafe { (address as *const u64).read_unaligned() })
    }

    #[inline]
    fn half(&self, address: u64) -> Option<u32> {
        // SAFETY: as above.
        Some(unsafe { (address as *const u32).read_unaligned() })
    }

    #[inline]
    fn byte(&self, address: u64) -> Option<u8> {
        // SAFETY: as above.
        Some(unsafe { (address as *const u8).read() })
    }

    #[inline]
    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        // SAFETY: as above.
        into.extend_from_slice(unsafe { std::slice::from_raw_parts(address as *const u8, length) });
        Some(())
    }
}

/// Reads memory of this process through the kernel, where `/proc/self/mem` cannot be opened.
#[cfg(target_os = "linux")]
fn read_own(address: u64, into: &mut [u8]) -> Option<()> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    // SAFETY: the kernel writes into `into`, within its length, and checks the address that it reads.
    let read =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    (usize::try_from(read) == Ok(into.len())).then_some(())
}

#[cfg(not(target_os = "linux"))]
fn read_own(_: u64, _: &mut [u8]) -> Option<()> {
    None
}

/// The offset of the first word with this value in an object that has no items.
pub(super) fn find_word(object: &Bound<'_, PyAny>, value: u64) -> Option<u64> {
    let address = object.as_ptr() as Address;
    // SAFETY: a live object, which is as large as its type says.
    unsafe {
        let of = word(address, layout::object::TYPE);
        let size = word(of, type_object::BASIC_SIZE);
        (16..size)
            .step_by(8)
            .find(|&offset| word(address, offset) as u64 == value)
            .map(|offset| offset as u64)
    }
}

/// Backs all pages of a range of addresses with memory, as if each were written, without changing a byte. Returns
/// whether that was done; Linux supports it since 5.14.
pub(crate) fn populate(start: usize, bytes: usize) -> bool {
    const PAGE: usize = 4096;
    /// `MADV_POPULATE_WRITE` of Linux; on another system the number may mean anything.
    const POPULATE: c_int = 23;
    let (first, end) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
    if first >= end || !cfg!(target_os = "linux") {
        return first >= end;
    }
    // SAFETY: the advice only saves later faults. The kernel refuses pages that are not mapped or not writable.
    unsafe { libc::madvise(first as *mut c_void, end - first, POPULATE) == 0 }
}

/// glibc's numbers of its heaps, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MallocNumbers {
    /// In use, except blocks with a mapping of their own.
    pub(crate) in_heaps: u64,
    /// In use with a mapping of their own.
    pub(crate) mapped: u64,
    /// Free, whether or not it is resident.
    pub(crate) free: u64,
}

/// The numbers of glibc's malloc. `None` with another C library, or a glibc before 2.33.
pub(crate) fn malloc_numbers() -> Option<MallocNumbers> {
    /// `struct mallinfo2` (`malloc.h`).
    #[repr(C)]
    struct Numbers {
        arena: usize,
        ordblks: usize,
        smblks: usize,
        hblks: usize,
        hblkhd: usize,
        usmblks: usize,
        fsmblks: usize,
        uordblks: usize,
        fordblks: usize,
        keepcost: usize,
    }
    type MallInfo = unsafe extern "C" fn() -> Numbers;
    // SAFETY: glibc's function of this name, which takes nothing and returns ten words; it locks its own arenas.
    let numbers = unsafe {
        let function = libc::dlsym(libc::RTLD_DEFAULT, c"mallinfo2".as_ptr());
        let function = NonNull::new(function)?;
        std::mem::transmute::<NonNull<c_void>, MallInfo>(function)()
    };
    Some(MallocNumbers {
        in_heaps: numbers.uordblks as u64,
        mapped: numbers.hblkhd as u64,
        free: numbers.fordblks as u64,
    })
}
