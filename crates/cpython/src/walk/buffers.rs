//! Counts the native memory that objects hold: each byte once, as far as it is resident.
//!
//! During the walk the ranges are only noted. Afterwards, the bytes that several objects show (views of one
//! buffer, slices, a file that shows a bytes object) are given to one of them: to the one that allocated the
//! memory if it is known, else to the first owner in the order of addresses.
//!
//! Invariant: no byte is in the size of two objects, and no byte that is not resident is in any. A range
//! within malloc's memory that is too small to have pages of its own counts as resident.

use std::cell::Cell;

use memtop_heap::{HeapBuilder, HeapError, ObjectId, push};

use crate::buffer::{Buffer, BufferSink, Claim, SMALLEST_QUERIED};
use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::memory::Memory;
use crate::objects::view::ObjectView;
use crate::type_info::TypeInfo;

/// How many words of C++ objects are read at most: within the process with checks, which take a system call
/// for each page, and from a copy.
const MOST_CHECKED_STEPS: u32 = 1 << 18;
const MOST_STEPS: u32 = 1 << 24;

/// The resident part of a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resident {
    /// How many of its bytes are resident.
    pub bytes: u64,
    /// How many of those are in pages of files or in shared memory.
    pub in_files: u64,
}

/// Totals of the memory that objects hold outside of their own blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BufferTotals {
    /// Bytes of files and of shared memory that are part of the sizes of objects.
    pub in_files: u64,
    /// Bytes that were added to the sizes of objects.
    pub added: u64,
    /// Bytes that objects have allocated and that are not resident: they are in no size.
    pub untouched: u64,
    /// Bytes in the memory of other devices, which are in no size.
    pub device: u64,
}

impl BufferTotals {
    /// The remark for the capture.
    pub(super) fn note(&self) -> Option<String> {
        let device = self.device;
        (device > 0).then(|| {
            format!("tensors hold {device} bytes of device memory (GPU), which are in no size of this answer")
        })
    }
}

/// A buffer of one object.
#[derive(Debug, Clone, Copy)]
struct HeldBuffer {
    object: ObjectId,
    buffer: Buffer,
}

/// The buffers of all objects.
#[derive(Debug)]
pub(super) struct HeldBuffers {
    held: Vec<HeldBuffer>,
    /// Storages in device memory: address and bytes. Views of one storage count once.
    device: Vec<(u64, u64)>,
    /// The buffers of the object that is being read.
    found: Vec<Buffer>,
    steps: Cell<u32>,
}

impl HeldBuffers {
    /// No buffers. `is_checked` says that reading is slow.
    pub(super) fn new(is_checked: bool) -> Self {
        let steps = Cell::new(if is_checked { MOST_CHECKED_STEPS } else { MOST_STEPS });
        Self { held: Vec::new(), device: Vec::new(), found: Vec::new(), steps }
    }

    /// Whether the buffers of some objects were not read.
    pub(super) fn is_incomplete(&self) -> bool {
        self.steps.get() == 0
    }

    /// Notes the buffers of an object.
    #[cold]
    #[inline(never)]
    pub(super) fn read<M: Memory>(
        &mut self,
        decoder: &Decoder<'_, M>,
        info: &TypeInfo,
        object: ObjectId,
        at: u64,
        builder: &mut HeapBuilder,
    ) {
        let Some(buffers) = info.buffers else { return };
        let is_in_file = |at: u64| decoder.c_types.files().is_in_file(at);
        let recognise = |of: u64| decoder.c_type(of).map(CType::name);
        let mut sink = BufferSink::new(&is_in_file, &recognise, &mut self.found, &self.steps);
        let view = ObjectView {
            memory: decoder.memory,
            layout: &decoder.layout,
            types: &decoder.types,
            at,
            basic_size: info.basic_size,
            item_size: info.item_size,
        };
        (buffers.read)(&view.over_any_memory(), &mut sink);
        if let Some(device) = sink.device() {
            builder.check(push(&mut self.device, device));
        }
        for &buffer in &self.found {
            builder.check(push(&mut self.held, HeldBuffer { object, buffer }));
        }
    }

    /// Adds the resident bytes to the sizes of the objects. Also returns the ranges that were added, ascending and
    /// apart, without those of buffers that were in a size before.
    pub(super) fn count(
        mut self,
        builder: &mut HeapBuilder,
        mut resident: impl FnMut(u64, u64) -> Resident,
    ) -> Result<(BufferTotals, Vec<(u64, u64)>), HeapError> {
        // For equal buffers, the result does not depend on anything but the order of the objects.
        self.held.sort_unstable_by_key(|&HeldBuffer { object, buffer }| {
            (buffer.claim, buffer.start, std::cmp::Reverse(buffer.end), object)
        });
        let mut totals = BufferTotals { device: self.device_bytes(), ..BufferTotals::default() };
        // What stronger claims have taken, ascending and apart.
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let mut held: Vec<(u64, u64)> = Vec::new();
        for claims in self.held.chunk_by(|one, other| one.buffer.claim == other.buffer.claim) {
            let (mut until, mut next) = (0, 0);
            let mut added: Vec<(u64, u64)> = Vec::new();
            for &HeldBuffer { object, buffer } in claims {
                let in_size = if buffer.claim == Claim::InSize { buffer.end - buffer.start } else { 0 };
                // The size of a damaged object does not include the buffer that it claims to have.
                let Some(mut size) = builder.size(object).checked_sub(in_size) else { continue };
                let mut at = buffer.start.max(until);
                while at < buffer.end {
                    while taken.get(next).is_some_and(|range| range.1 <= at) {
                        next += 1;
                    }
                    let (from, to) = taken.get(next).copied().unwrap_or((u64::MAX, u64::MAX));
                    let end = buffer.end.min(from);
                    if at < end {
                        let part = part(buffer.claim, at, end, &mut resident);
                        size = size.saturating_add(part.bytes);
                        totals.in_files = totals.in_files.saturating_add(part.in_files);
                        if buffer.claim != Claim::InSize && part.bytes > 0 {
                            totals.added = totals.added.saturating_add(part.bytes);
                            push(&mut held, (at, end))?;
                        }
                        if buffer.claim != Claim::Mapped {
                            let untouched = (end - at).saturating_sub(part.bytes);
                            totals.untouched = totals.untouched.saturating_add(untouched);
                        }
                    }
                    at = to.max(end);
                }
                builder.set_size(object, size);
                if until < buffer.end {
                    push(&mut added, (buffer.start.max(until), buffer.end))?;
                    until = buffer.end;
                }
            }
            taken = union(&taken, &added)?;
        }
        held.sort_unstable();
        Ok((totals, held))
    }

    fn device_bytes(&mut self) -> u64 {
        self.device.sort_unstable();
        self.device.dedup_by_key(|storage| storage.0);
        self.device.iter().fold(0, |sum, storage| sum.saturating_add(storage.1))
    }
}

/// The resident part of a range. Memory that is mapped for itself has pages of its own, however small.
fn part(claim: Claim, start: u64, end: u64, resident: &mut impl FnMut(u64, u64) -> Resident) -> Resident {
    let length = end - start;
    if claim != Claim::Mapped && length < SMALLEST_QUERIED {
        return Resident { bytes: length, in_files: 0 };
    }
    let Resident { bytes, in_files } = resident(start, end);
    let bytes = bytes.min(length);
    Resident { bytes, in_files: in_files.min(bytes) }
}

/// The ranges of both lists, which ascend; ranges that touch are joined.
fn union(one: &[(u64, u64)], other: &[(u64, u64)]) -> Result<Vec<(u64, u64)>, HeapError> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut all: Vec<(u64, u64)> = Vec::new();
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if a <= b => one.next(),
            (_, Some(_)) => other.next(),
            (_, None) => one.next(),
        };
        let Some(&(start, end)) = next else { return Ok(all) };
        match all.last_mut() {
            Some(last) if last.1 >= start => last.1 = last.1.max(end),
            _ => push(&mut all, (start, end))?,
        }
    }
}

#[cfg(test)]
mod tests {
    use memtop_heap::{CaptureInfo, Object, Type};

    use super::*;

    const PAGE: u64 = 4096;

    /// The sizes of objects of 100 bytes each, after buffers were counted; `InSize` is added to the 100 before.
    fn sizes(buffers: &[(usize, Claim, u64, u64)], resident: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let ty = builder.add_type(Type::new("m", "T"));
        let count = buffers.iter().map(|buffer| buffer.0 + 1).max().unwrap_or(0);
        for index in 0..count {
            let own = buffers.iter().filter(|one| one.0 == index && one.1 == Claim::InSize);
            let size = 100 + own.map(|one| one.3 - one.2).sum::<u64>();
            builder.add_object(Object::new(8 * index as u64, ty, size));
        }
        let held = buffers.iter().map(|&(object, claim, start, end)| HeldBuffer {
            object: ObjectId::from_index(object),
            buffer: Buffer { claim, start, end },
        });
        let held = HeldBuffers { held: held.collect(), ..HeldBuffers::new(false) };
        let pages = |start: u64, end: u64| {
            let bytes = |page: u64| end.min(page + PAGE) - start.max(page);
            let pages = (start / PAGE * PAGE..end).step_by(PAGE as usize);
            let bytes = pages.filter(|&page| resident(page / PAGE)).map(bytes).sum();
            Resident { bytes, in_files: bytes / 2 }
        };
        held.count(&mut builder, pages).expect("there is memory");
        (0..count).map(|index| builder.size(ObjectId::from_index(index)) - 100).collect()
    }

    #[test]
    fn views_of_one_buffer_count_once() {
        let all = |_| true;
        let mb = 1 << 20;
        assert_eq!(
            sizes(
                &[
                    (0, Claim::Shown, mb, 3 * mb),
                    (1, Claim::Owned, 2 * mb, 4 * mb),
                    (2, Claim::Owned, 2 * mb, 3 * mb),
                    (3, Claim::InSize, 3 * mb, 5 * mb),
                ],
                all
            ),
            [mb, mb, 0, 2 * mb]
        );
        let twice = [(0, Claim::Owned, mb, mb + 10), (1, Claim::Owned, mb, mb + 10)];
        assert_eq!(sizes(&twice, all), [10, 0]);
        let hole = [(0, Claim::Shown, mb, 5 * mb), (1, Claim::Owned, 2 * mb, 3 * mb)];
        assert_eq!(sizes(&hole, all), [3 * mb, mb]);
    }

    #[test]
    fn pages_that_were_never_touched_are_in_no_size() {
        let none = |_| false;
        let even = |page: u64| page.is_multiple_of(2);
        assert_eq!(sizes(&[(0, Claim::InSize, PAGE, 101 * PAGE)], even), [50 * PAGE]);
        assert_eq!(sizes(&[(0, Claim::Owned, PAGE, 101 * PAGE), (1, Claim::Mapped, 0, PAGE)], none), [0, 0]);
        // Too small to have pages of its own.
        assert_eq!(sizes(&[(0, Claim::Owned, 10, 2000)], none), [1990]);
        // More than 32 bits.
        let huge = 1 << 33;
        assert_eq!(sizes(&[(0, Claim::InSize, huge, 2 * huge)], |_| true), [huge]);
        assert_eq!(sizes(&[(0, Claim::InSize, huge, 2 * huge)], |page| page < 3 << 20), [huge / 2]);
    }

    #[test]
    fn a_damaged_object_has_no_buffer() {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let ty = builder.add_type(Type::new("m", "T"));
        for address in [8, 16] {
            builder.add_object(Object::new(address, ty, 100));
        }
        let [damaged, other] = [0, 1].map(ObjectId::from_index);
        let whole = Buffer { claim: Claim::InSize, start: PAGE, end: 1 << 40 };
        let part = Buffer { claim: Claim::Owned, start: 2 * PAGE, end: 3 * PAGE };
        let held = [(damaged, whole), (other, part)].map(|(object, buffer)| HeldBuffer { object, buffer });
        let held = HeldBuffers { held: held.to_vec(), ..HeldBuffers::new(false) };
        let all = |start, end| Resident { bytes: end - start, in_files: 0 };
        held.count(&mut builder, all).expect("there is memory");
        assert_eq!([damaged, other].map(|object| builder.size(object)), [100, 100 + PAGE]);
    }

    #[test]
    fn a_storage_on_a_device_counts_once() {
        let device = vec![(8, 100), (16, 1), (8, 100)];
        let held = HeldBuffers { device, ..HeldBuffers::new(false) };
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let (totals, _) = held.count(&mut builder, |_, _| Resident::default()).expect("there is memory");
        assert_eq!(totals.device, 101);
        assert!(totals.note().is_some_and(|note| note.contains("101 bytes of device memory")));
        assert_eq!(BufferTotals::default().note(), None);
    }
}
