//! The reconciled total: the named parts of resident memory, which add up to it.
//!
//! Resident memory = Python objects + free memory of pymalloc + free memory of malloc + stacks of threads + pages of
//! files + unexplained. A part that could not be measured counts as zero, so it is within `unexplained`.
//!
//! The unexplained part is divided further by who allocated it, as far as that is known ([`NativeParts`]).
//!
//! Invariant: where resident memory is known, the parts and `unexplained` add up to it exactly; the kinds add up to
//! `python`. mem_top's own objects are part of `python`, as a kind of their own.

use std::collections::BTreeMap;

use memtop_heap::{Flags, Heap, MallocLibrary, MemoryNumbers, Origin, TypeId};

/// A part of a process's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPart {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The parts of a process's resident memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryTotal {
    /// Resident memory; the parts and `unexplained` add up to it.
    pub rss: Option<u64>,
    /// Python objects together, garbage included.
    pub python: u64,
    /// Python objects by kind (`str`, `dict`, classes of the program, garbage …), largest first; they add up to
    /// `python`.
    pub kinds: Vec<MemoryPart>,
    /// Free memory that pymalloc holds.
    pub pymalloc_free: Option<u64>,
    /// Free memory that malloc holds, as far as it can be resident.
    pub malloc_free: Option<u64>,
    /// Known memory outside objects: the stacks of frames and threads.
    pub native_known: Option<u64>,
    /// Resident pages of files: the program and its libraries.
    pub file_backed: Option<u64>,
    /// The remainder. Negative if objects are swapped out, and by little if the system counts inexactly: it adds up
    /// resident memory in batches for each processor.
    pub unexplained: Option<i64>,
    /// The part of `python` that is garbage.
    pub garbage: u64,
    /// The part of `python` that is mem_top's own.
    pub own: u64,
    /// The parts of `unexplained`.
    pub native: NativeParts,
    /// Memory of malloc that is in use, by objects or by anything else.
    pub malloc_in_use: Option<u64>,
    /// The part of `malloc_free` that `malloc_trim` would return to the system.
    pub malloc_trimmable: Option<u64>,
    /// The library that provides malloc.
    pub malloc_library: Option<MallocLibrary>,
}

/// Memory that no object accounts for, by who allocated it: parts of what is unexplained. A part that could not be
/// measured is `None`. What an allocator has in use is compared with the sizes of the objects that it allocates, which
/// are those of at most 512 bytes for pymalloc; so the parts of the two allocators are estimates, and may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NativeParts {
    /// In blocks of malloc.
    pub malloc: Option<i64>,
    /// In blocks of pymalloc.
    pub pymalloc: Option<i64>,
    /// In interned strings that no object refers to.
    pub interned: Option<u64>,
    /// In stacks of Python frames.
    pub frame_stacks: Option<u64>,
    /// In anonymous mappings of unknown purpose.
    pub mapped: Option<u64>,
}

impl NativeParts {
    /// `small` and `large` are the bytes of the objects that pymalloc and malloc allocate.
    fn new(memory: &MemoryNumbers, small: u64, large: u64) -> Self {
        let less = |all: u64, parts: u64| {
            let rest = i128::from(all) - i128::from(parts);
            i64::try_from(rest).unwrap_or(if rest < 0 { i64::MIN } else { i64::MAX })
        };
        let interned = memory.interned.unwrap_or(0);
        let known = memory.malloc_known.unwrap_or(0);
        let pymalloc = memory.pymalloc_in_use.map(|all| less(all, small.saturating_add(interned)));
        // What objects hold elsewhere is in their sizes, and what they hold in malloc's blocks is in `known` too.
        let held = memory.held.unwrap_or(0);
        let malloc =
            memory.malloc_in_use.map(|all| less(all.saturating_add(held), large.saturating_add(known)));
        let (pymalloc, malloc) = match (pymalloc, malloc) {
            // Some objects are in the other allocator's blocks.
            (Some(one), Some(other)) if (one < 0) != (other < 0) => {
                let sum = one.saturating_add(other);
                if (sum < 0) == (one < 0) { (Some(sum), Some(0)) } else { (Some(0), Some(sum)) }
            }
            // Without pymalloc, malloc allocates all objects.
            (None, Some(other)) => (None, Some(other.saturating_sub_unsigned(small))),
            other => other,
        };
        Self {
            malloc,
            pymalloc,
            interned: memory.interned,
            frame_stacks: memory.frame_stacks,
            mapped: memory.other_mapped,
        }
    }
}

/// The largest block of pymalloc (`SMALL_REQUEST_THRESHOLD` in `Objects/obmalloc.c`).
const SMALL: u64 = 512;

impl MemoryTotal {
    /// Free memory that pymalloc and malloc hold together; none if neither is known.
    #[must_use]
    pub fn allocator_free(&self) -> Option<u64> {
        match (self.pymalloc_free, self.malloc_free) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        }
    }
}

/// The parts of the process's memory when `heap` was captured. Linear.
#[must_use]
pub fn memory_total(heap: &Heap) -> MemoryTotal {
    let objects = heap.objects();
    let mut by_type = vec![0_u64; heap.types().len()];
    let mut largest = vec![0_u64; heap.types().len()];
    let (mut garbage, mut own) = (0_u64, 0_u64);
    let (mut small, mut large) = (0_u64, 0_u64);
    for id in objects.ids() {
        let (flags, size) = (objects.flags(id), objects.size(id));
        let blocks = if size <= SMALL { &mut small } else { &mut large };
        *blocks = blocks.saturating_add(size);
        let of = match () {
            () if flags.contains(Flags::OWN) => &mut own,
            () if flags.contains(Flags::GARBAGE) => &mut garbage,
            () => &mut by_type[objects.type_of(id).index()],
        };
        *of = of.saturating_add(size);
        let largest = &mut largest[objects.type_of(id).index()];
        *largest = size.max(*largest);
    }
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let of_types = heap.types().iter().map(|(ty, _)| {
        let has_buffers = largest[ty.index()] >= SMALLEST_BUFFER;
        (kind(heap, ty, has_buffers), by_type[ty.index()])
    });
    let apart = [("garbage".to_owned(), garbage), ("mem_top itself".to_owned(), own)];
    for (name, bytes) in of_types.chain(apart).filter(|(_, bytes)| *bytes > 0) {
        let sum = kinds.entry(name).or_default();
        *sum = sum.saturating_add(bytes);
    }
    let mut kinds: Vec<MemoryPart> =
        kinds.into_iter().map(|(name, bytes)| MemoryPart { name, bytes }).collect();
    // Stable: equal parts stay in the order of their names.
    kinds.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    let python = kinds.iter().fold(0_u64, |sum, part| sum.saturating_add(part.bytes));

    let mut memory = heap.info().memory;
    let others = [memory.allocator_free, memory.native_known, memory.file_backed];
    let others = others.into_iter().flatten().fold(python, u64::saturating_add);
    // malloc counts memory as free that it has returned to the system, or has not used yet.
    memory.malloc_free =
        memory.malloc_free.map(|free| memory.rss.map_or(free, |rss| free.min(rss.saturating_sub(others))));
    let parts = [memory.allocator_free, memory.malloc_free, memory.native_known, memory.file_backed];
    let explained = parts.into_iter().flatten().fold(i128::from(python), |sum, part| sum + i128::from(part));
    let unexplained = memory.rss.map(|rss| {
        let rest = i128::from(rss) - explained;
        i64::try_from(rest).unwrap_or(if rest < 0 { i64::MIN } else { i64::MAX })
    });
    MemoryTotal {
        rss: memory.rss,
        python,
        kinds,
        pymalloc_free: memory.allocator_free,
        malloc_free: memory.malloc_free,
        native_known: memory.native_known,
        file_backed: memory.file_backed,
        unexplained,
        garbage,
        own,
        native: NativeParts::new(&memory, small, large),
        malloc_in_use: memory.malloc_in_use,
        malloc_trimmable: memory.malloc_trimmable.map(|trim| trim.min(memory.malloc_free.unwrap_or(trim))),
        malloc_library: memory.malloc_library,
    }
}

/// An object of this size holds memory of a library, such as the data of an array, that one looks for under the name of
/// its type.
const SMALLEST_BUFFER: u64 = 1 << 16;

/// The kind of a type: a builtin type is a kind of its own, and so is a type of a library with large buffers. Another
/// belongs to whose code defines it.
fn kind(heap: &Heap, ty: TypeId, has_buffers: bool) -> String {
    let record = heap.types().get(ty);
    let is_builtin = matches!(heap.text(record.module), "" | "builtins");
    match record.origin {
        Origin::Own => "classes of the program".to_owned(),
        Origin::Package | Origin::Standard if has_buffers => heap.types().name(ty).to_owned(),
        Origin::Package => "classes of packages".to_owned(),
        _ if is_builtin => heap.types().name(ty).to_owned(),
        Origin::Standard => "classes of the standard library".to_owned(),
        Origin::Unknown => "other classes".to_owned(),
    }
}
