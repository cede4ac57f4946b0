//! A heap as compressed blocks of rows, to be read soon by the process that wrote it.
//!
//! The file has the information about the capture and the tables, as JSON like in a snapshot; then the
//! objects in blocks, each column by column, with their references; then names, limits and roots. Numbers are
//! little-endian.
//!
//! Invariant: the heap that is read equals the one written, or reading fails: the compressed stream has a
//! checksum. Only what [`View`] allows is written. Takes some megabytes while it works, unless a single list
//! is larger.

use std::io::{self, Read, Write};

use memtop_heap::{
    Flags, FrameId, Heap, HeapBuilder, Label, Name, Object, ObjectId, Root, RootKind, StringId, TypeId,
};

use crate::error::{Fault, damaged};
use crate::read_at::ReadAt;
use crate::tables::{Capture, Tables, object_id, origin_of};
use crate::view::View;

/// The number of objects in a block.
const BLOCK: usize = 1 << 14;
/// The compression level: faster than a disk, at a fifth of the size.
const LEVEL: i32 = 1;
const NONE: u32 = u32::MAX;
/// The position of the kind in a label: see [`Label`].
const KIND_BITS: u32 = 28;

/// Writes a heap.
pub(crate) fn write<W: Write>(view: &View<'_>, to: W) -> Result<W, Fault> {
    let json = |error: serde_json::Error| Fault::Parquet(error.to_string());
    let mut encoder = zstd::Encoder::new(to, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut out = Out { to: encoder, buffer: Vec::new() };
    out.text(&serde_json::to_vec(&Capture::of(view, false)).map_err(json)?)?;
    out.text(&serde_json::to_vec(&Tables::of(view)).map_err(json)?)?;
    let (objects, references, roots) = (view.heap.objects(), view.heap.references(), view.heap.roots());
    out.longs([objects.len(), references.len(), objects.names().len(), objects.limits().len()])?;
    out.longs([roots.iter().count()])?;
    let ids: Vec<ObjectId> = objects.ids().collect();
    for block in ids.chunks(BLOCK) {
        let all = || block.iter().copied();
        out.column(all().map(|id| objects.address(id).to_le_bytes()))?;
        out.column(all().map(|id| (objects.type_of(id).index() as u32).to_le_bytes()))?;
        out.column(all().map(|id| objects.size(id).to_le_bytes()))?;
        out.column(all().map(|id| objects.refcount(id).to_le_bytes()))?;
        out.column(all().map(|id| [objects.flags(id).bits()]))?;
        out.column(all().map(|id| (references.count_of(id) as u32).to_le_bytes()))?;
        out.column(all().flat_map(|id| references.targets_of(id)).map(|to| to.raw().to_le_bytes()))?;
        let labels = all().flat_map(|id| view.references(id));
        out.column(labels.map(|reference| label_number(view, reference.label).to_le_bytes()))?;
    }
    for &(id, name) in objects.names() {
        out.numbers([id.raw(), view.number(name.module), view.number(name.qualname)])?;
    }
    for &(id, limit) in objects.limits() {
        out.numbers([id.raw(), limit as u32, (limit >> 32) as u32])?;
    }
    for (_, root) in roots.iter() {
        let frame = root.frame().map_or(NONE, |frame| frame.index() as u32);
        let label = label_number(view, view.root_label(root));
        let what = (root.kind as u32) << 8 | root.origin as u32;
        out.numbers([root.object.raw(), what, view.number(root.name), label, frame])?;
    }
    Ok(out.to.finish()?)
}

/// A label, with the number of its text in the tables.
fn label_number(view: &View<'_>, label: Label) -> u32 {
    label.text().map_or(label.raw(), |text| (label.kind() as u32) << KIND_BITS | view.number(text))
}

struct Out<W> {
    to: W,
    buffer: Vec<u8>,
}

impl<W: Write> Out<W> {
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.to.write_all(&(text.len() as u64).to_le_bytes())?;
        self.to.write_all(text)
    }

    fn longs<const N: usize>(&mut self, numbers: [usize; N]) -> io::Result<()> {
        numbers.iter().try_for_each(|&number| self.to.write_all(&(number as u64).to_le_bytes()))
    }

    fn numbers<const N: usize>(&mut self, numbers: [u32; N]) -> io::Result<()> {
        self.column(numbers.into_iter().map(u32::to_le_bytes))
    }

    fn column<const N: usize>(&mut self, values: impl Iterator<Item = [u8; N]>) -> io::Result<()> {
        self.buffer.clear();
        for value in values {
            self.buffer.extend_from_slice(&value);
            if self.buffer.len() >= 1 << 16 {
                self.to.write_all(&self.buffer)?;
                self.buffer.clear();
            }
        }
        self.to.write_all(&self.buffer)
    }
}

/// Reads the heap that was written.
pub(crate) fn read<R: ReadAt>(file: &R) -> Result<Heap, Fault> {
    let json = |error: serde_json::Error| damaged(error.to_string());
    let mut from = In { from: zstd::Decoder::new(Stream { file, at: 0 })?, buffer: Vec::new() };
    let capture: Capture = serde_json::from_slice(from.text()?).map_err(json)?;
    let mut builder = HeapBuilder::new(capture.info()?);
    let tables: Tables = serde_json::from_slice(from.text()?).map_err(json)?;
    tables.fill(&mut builder)?;
    drop(tables);
    let [objects, references, names, limits, roots] =
        [from.long()?, from.long()?, from.long()?, from.long()?, from.long()?];
    builder.reserve(objects as usize, references as usize);
    let mut left = objects as usize;
    while left > 0 {
        let count = left.min(BLOCK);
        left -= count;
        read_block(&mut from, &mut builder, count)?;
    }
    for _ in 0..names {
        let [id, module, qualname] = from.numbers()?;
        let name = Name { module: text_id(module), qualname: text_id(qualname) };
        builder.set_name(object_id(i64::from(id))?, name);
    }
    for _ in 0..limits {
        let [id, low, high] = from.numbers()?;
        builder.set_limit(object_id(i64::from(id))?, u64::from(high) << 32 | u64::from(low));
    }
    for _ in 0..roots {
        builder.add_root(read_root(&mut from)?);
    }
    from.end()?;
    builder.finish().map_err(|error| damaged(error.to_string()))
}

/// Reads the next `count` objects and their references.
fn read_block<R: Read>(from: &mut In<R>, builder: &mut HeapBuilder, count: usize) -> Result<(), Fault> {
    let first = builder.object_count();
    let addresses = from.column(count)?.map(u64::from_le_bytes).collect::<Vec<_>>();
    let types = from.column(count)?.map(u32::from_le_bytes).collect::<Vec<_>>();
    let sizes = from.column(count)?.map(u64::from_le_bytes).collect::<Vec<_>>();
    let refcounts = from.column(count)?.map(u32::from_le_bytes).collect::<Vec<_>>();
    let flags = from.column(count)?.collect::<Vec<[u8; 1]>>();
    for (row, &address) in addresses.iter().enumerate() {
        builder.add_object(Object {
            address,
            ty: TypeId::from_index(types[row] as usize),
            size: sizes[row],
            refcount: refcounts[row],
            flags: Flags::from_bits(flags[row][0]),
        });
    }
    let counts = from.column(count)?.map(u32::from_le_bytes).collect::<Vec<_>>();
    let all = counts.iter().map(|&count| count as usize).sum();
    let targets = from.column(all)?.map(u32::from_le_bytes).collect::<Vec<_>>();
    let mut rows = targets.iter().zip(from.column(all)?.map(u32::from_le_bytes));
    for (row, &count) in counts.iter().enumerate() {
        for (&to, label) in rows.by_ref().take(count as usize) {
            let id = ObjectId::from_index(first + row);
            builder.add_reference(id, object_id(i64::from(to))?, label_of(label)?);
        }
    }
    Ok(())
}

fn read_root<R: Read>(from: &mut In<R>) -> Result<Root, Fault> {
    let [object, kind_and_origin, name, label, frame] = from.numbers()?;
    let kind = kind_and_origin >> 8;
    let kind = RootKind::ALL
        .get(kind as usize)
        .copied()
        .ok_or_else(|| damaged(format!("a root has the unknown kind {kind}")))?;
    let root = Root::new(kind, text_id(name), object_id(i64::from(object))?)
        .with_origin(origin_of(kind_and_origin as u8)?)
        .with_label(label_of(label)?);
    Ok(if frame == NONE { root } else { root.with_frame(FrameId::from_index(frame as usize)) })
}

fn text_id(number: u32) -> StringId {
    StringId::from_index(number as usize)
}

fn label_of(number: u32) -> Result<Label, Fault> {
    Label::from_raw(number).ok_or_else(|| damaged(format!("{number:#010x} is not a label")))
}

struct In<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: Read> In<R> {
    fn long(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn text(&mut self) -> io::Result<&[u8]> {
        let length = self.long()?;
        self.fill(length as usize)
    }

    /// Reads the next bytes. Takes no more memory than there are bytes.
    fn fill(&mut self, length: usize) -> io::Result<&[u8]> {
        self.buffer.clear();
        let read = self.from.by_ref().take(length as u64).read_to_end(&mut self.buffer)?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(&self.buffer)
    }

    fn column<const N: usize>(&mut self, count: usize) -> io::Result<impl Iterator<Item = [u8; N]>> {
        let bytes = self.fill(count.saturating_mul(N))?;
        Ok(bytes.as_chunks::<N>().0.iter().copied())
    }

    fn numbers<const N: usize>(&mut self) -> io::Result<[u32; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 4];
            self.from.read_exact(&mut bytes)?;
            *number = u32::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    /// Checks that nothing follows. Reading the end of the stream verifies its checksum.
    fn end(mut self) -> Result<(), Fault> {
        match self.from.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(damaged("there is data after its end")),
        }
    }
}

/// A file, read from a position on.
struct Stream<'f, R> {
    file: &'f R,
    at: u64,
}

impl<R: ReadAt> Read for Stream<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = (into.len() as u64).min(self.file.len().saturating_sub(self.at));
        let bytes = self.file.read(self.at, count)?;
        into[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}
