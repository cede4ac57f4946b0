//! The largest objects: by retained size, by shallow size, or by number of references.
//!
//! Garbage and mem_top's own objects are left out. By retained size, a chain (a linked list) has one row, that of its
//! first object.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use memtop_heap::{Flags, Heap, ObjectId};

use crate::chains::Chains;
use crate::retained::Retained;

/// The measure by which objects are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TopBy {
    /// Retained bytes; without retained sizes, shallow bytes.
    #[default]
    Retained,
    /// Shallow bytes.
    Shallow,
    /// How many references the object holds.
    References,
}

/// The measure and the size of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopOptions {
    /// The measure.
    pub by: TopBy,
    /// The largest number of rows.
    pub limit: usize,
}

impl Default for TopOptions {
    fn default() -> Self {
        Self { by: TopBy::default(), limit: 10 }
    }
}

/// A large object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopRow {
    /// The object.
    pub object: ObjectId,
    /// Its address.
    pub address: u64,
    /// The name of its type.
    pub type_name: String,
    /// Its own size in bytes.
    pub size: u64,
    /// Its retained size in bytes, if it was computed and a root reaches the object.
    pub retained: Option<u64>,
    /// How many references it holds.
    pub references: u64,
    /// How many objects the chain has that begins with it; 1 if none does. Chains are looked for by retained size only.
    pub chain: u64,
}

/// The largest objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// The measure by which they are the largest.
    pub by: TopBy,
    /// Largest first; of equal ones, the one that was captured first.
    pub rows: Vec<TopRow>,
}

/// The largest objects of `heap`. Linear but for the logarithm of the limit.
#[must_use]
pub fn top(heap: &Heap, retained: Option<&Retained>, options: &TopOptions) -> Top {
    let objects = heap.objects();
    let retained_of = |id| retained.and_then(|retained| retained.of(id));
    let value = |id: ObjectId| match (options.by, retained) {
        (TopBy::References, _) => heap.references().count_of(id) as u64,
        // An unreachable object has no known retained size.
        (TopBy::Retained, Some(_)) => retained_of(id).unwrap_or(0),
        _ => objects.size(id),
    };
    let left_out = Flags::OWN | Flags::GARBAGE;
    let chains =
        retained.filter(|_| options.by == TopBy::Retained).map(|retained| Chains::new(heap, retained));
    let is_listed = |id: ObjectId| {
        !objects.flags(id).intersects(left_out) && !chains.as_ref().is_some_and(|chains| chains.is_within(id))
    };
    let rows = largest(heap, options.limit, |id| is_listed(id).then(|| value(id)))
        .into_iter()
        .map(|id| TopRow {
            object: id,
            address: objects.address(id),
            type_name: heap.type_name(id).to_owned(),
            size: objects.size(id),
            retained: retained_of(id),
            references: heap.references().count_of(id) as u64,
            chain: chains.as_ref().map_or(1, |chains| chains.links(id)),
        })
        .collect();
    Top { by: options.by, rows }
}

/// The objects with the largest values, largest first; of equal ones, the one that was captured first. Objects
/// without a value are left out.
pub(crate) fn largest(heap: &Heap, limit: usize, value: impl Fn(ObjectId) -> Option<u64>) -> Vec<ObjectId> {
    // The smallest of the largest is on top, to be replaced.
    let mut largest = BinaryHeap::new();
    for (id, value) in heap.objects().ids().filter_map(|id| Some((id, value(id)?))) {
        let entry = Reverse((value, Reverse(id)));
        if largest.len() < limit {
            largest.push(entry);
        } else if largest.peek().is_some_and(|least| entry < *least) {
            largest.pop();
            largest.push(entry);
        }
    }
    largest.into_sorted_vec().into_iter().map(|Reverse((_, Reverse(id)))| id).collect()
}
