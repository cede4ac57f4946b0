//! The histogram of a heap: for each type, how many objects, their size, and their retained size.
//!
//! Garbage that awaits the collector is counted apart and not in a row: it is not a leak. mem_top's own objects are
//! left out. Two types of one name are two rows.

use memtop_heap::{Flags, Heap, TypeId};

use crate::retained::Retained;

/// How many objects, and their shallow sizes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// How many.
    pub objects: u64,
    /// Their shallow sizes together, in bytes.
    pub bytes: u64,
}

impl Amount {
    /// Counts one more object.
    pub fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The order of rows; the largest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistogramOrder {
    /// Shallow bytes.
    #[default]
    Bytes,
    /// How many objects.
    Objects,
    /// Retained bytes; where they are not known, shallow bytes.
    Retained,
}

/// The order and the size of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistogramOptions {
    /// The order of the rows.
    pub order: HistogramOrder,
    /// The largest number of rows; none for all.
    pub limit: Option<usize>,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRow {
    /// The type.
    pub ty: TypeId,
    /// Its name: `shop.Session`, `dict`.
    pub name: String,
    /// How many objects of it there are.
    pub objects: u64,
    /// Their shallow sizes together, in bytes.
    pub bytes: u64,
    /// Their retained size together, in bytes, if it was computed.
    pub retained: Option<u64>,
}

/// A heap by type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// The types, largest first.
    pub rows: Vec<TypeRow>,
    /// How many types are not shown.
    pub omitted: usize,
    /// All objects that are in a row, shown or not.
    pub total: Amount,
    /// Garbage that awaits the collector.
    pub garbage: Amount,
}

/// The histogram of `heap`. Linear. Rows have retained sizes if `retained` is given.
#[must_use]
pub fn histogram(heap: &Heap, retained: Option<&Retained>, options: &HistogramOptions) -> Histogram {
    let objects = heap.objects();
    let (mut total, mut garbage) = (Amount::default(), Amount::default());
    let mut amounts = vec![Amount::default(); heap.types().len()];
    for id in objects.ids() {
        let (flags, size) = (objects.flags(id), objects.size(id));
        if flags.contains(Flags::OWN) {
            continue;
        }
        if flags.contains(Flags::GARBAGE) {
            garbage.add(size);
            continue;
        }
        total.add(size);
        amounts[objects.type_of(id).index()].add(size);
    }
    let by_type = retained.map(|retained| retained.by_type(heap));
    let mut rows: Vec<TypeRow> = heap
        .types()
        .iter()
        .filter(|(ty, _)| amounts[ty.index()].objects > 0)
        .map(|(ty, _)| TypeRow {
            ty,
            name: heap.types().name(ty).to_owned(),
            objects: amounts[ty.index()].objects,
            bytes: amounts[ty.index()].bytes,
            retained: by_type.as_ref().map(|sizes| sizes[ty.index()]),
        })
        .collect();
    let value = |row: &TypeRow| match options.order {
        HistogramOrder::Bytes => row.bytes,
        HistogramOrder::Objects => row.objects,
        HistogramOrder::Retained => row.retained.unwrap_or(row.bytes),
    };
    rows.sort_by(|a, b| value(b).cmp(&value(a)).then_with(|| a.name.cmp(&b.name)).then(a.ty.cmp(&b.ty)));
    let shown = options.limit.unwrap_or(usize::MAX).min(rows.len());
    let omitted = rows.len() - shown;
    rows.truncate(shown);
    Histogram { rows, omitted, total, garbage }
}
