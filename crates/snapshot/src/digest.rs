//! The digest over everything in a snapshot: it detects what the checksums of pages do not (damage to headers and
//! positions, mistakes of the Parquet library).

use memtop_heap::{Heap, Reference, Root};

use crate::label_text;
use crate::view::View;

/// CRC-32 over the metadata and every value of the heap, in a fixed order.
pub(crate) fn digest(
    view: &View<'_>,
    retained: Option<&[Option<u64>]>,
    capture: &[u8],
    tables: &[u8],
) -> u32 {
    let mut sum = Summer { hasher: crc32fast::Hasher::new(), buffer: Vec::with_capacity(1 << 16) };
    sum.bytes(capture);
    sum.bytes(tables);
    let heap: &Heap = view.heap;
    let objects = heap.objects();
    for id in objects.ids() {
        let object = objects.get(id);
        sum.number(object.address);
        sum.number(object.ty.index() as u64);
        sum.number(object.size);
        sum.number(u64::from(object.refcount) << 8 | u64::from(object.flags.bits()));
        if let Some(retained) = retained {
            let retained = retained[id.index()];
            sum.number(u64::from(retained.is_some()));
            sum.number(retained.unwrap_or_default());
        }
        let references = view.references(id);
        sum.number(references.len() as u64);
        for reference in references {
            sum.reference(view, reference);
        }
    }
    for &(id, name) in objects.names() {
        sum.number(u64::from(id.raw()));
        sum.number(u64::from(view.number(name.module)) << 32 | u64::from(view.number(name.qualname)));
    }
    for &(id, limit) in objects.limits() {
        sum.number(u64::from(id.raw()));
        sum.number(limit);
    }
    for (_, root) in heap.roots().iter() {
        sum.root(view, root);
    }
    sum.finish()
}

struct Summer {
    hasher: crc32fast::Hasher,
    buffer: Vec<u8>,
}

impl Summer {
    fn reference(&mut self, view: &View<'_>, reference: Reference) {
        let label = reference.label;
        let payload = label.text().map_or(label.index().unwrap_or_default() as u32, |text| view.number(text));
        self.number(u64::from(reference.to.raw()) << 32 | u64::from(payload));
        self.byte(label.kind() as u8);
    }

    fn root(&mut self, view: &View<'_>, root: &Root) {
        self.number(u64::from(root.object.raw()) << 32 | u64::from(view.number(root.name)));
        self.number((root.kind as u64) << 8 | root.origin as u64);
        self.number(root.frame().map_or(u64::MAX, |frame| frame.index() as u64));
        let label = view.root_label(root);
        let text = label.text().map_or("", |text| view.heap.text(text));
        self.bytes(label_text::write(label, text).unwrap_or_default().as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.buffer.extend_from_slice(&number.to_le_bytes());
        if self.buffer.len() > (1 << 16) - 16 {
            self.flush();
        }
    }

    fn byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.flush();
        self.hasher.update(bytes);
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        self.buffer.clear();
    }

    fn finish(mut self) -> u32 {
        self.flush();
        self.hasher.finalize()
    }
}
