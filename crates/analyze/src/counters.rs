//! The three counters of `mem_top()`, computed from a heap: the objects with the most references, the largest ones, and
//! the most numerous types, over the objects that the garbage collector tracks.
//!
//! They count the same as the call from within the program, with these differences. References are those of the heap,
//! which include some that the collector does not see (the constants of code, the base of an array). Sizes are native
//! ones, since no `__sizeof__` of the program is run. Of equal numbers, the object that was captured first comes first.
//! Garbage is left out, as after the collection that the call begins with.

use memtop_heap::{Flags, Heap, LabelKind, ObjectId, Shape};

use crate::histogram::{Amount, TypeRow};
use crate::top::{TopRow, largest};

/// The three counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    /// The objects with the most references to others. A row's `references` are those that are counted.
    pub references: Vec<TopRow>,
    /// The largest objects, by their own size.
    pub bytes: Vec<TopRow>,
    /// The most numerous types.
    pub types: Vec<TypeRow>,
    /// All objects that the collector tracks.
    pub tracked: Amount,
}

/// The three counters of `heap`, with at most `limit` rows each. Linear, apart from sorting the types.
#[must_use]
pub fn counters(heap: &Heap, limit: usize) -> Counters {
    let objects = heap.objects();
    let is_counted = |id: ObjectId| {
        let flags = objects.flags(id);
        flags.contains(Flags::TRACKED) && !flags.intersects(Flags::OWN | Flags::GARBAGE)
    };
    let mut amounts = vec![Amount::default(); heap.types().len()];
    let mut tracked = Amount::default();
    for id in objects.ids().filter(|&id| is_counted(id)) {
        amounts[objects.type_of(id).index()].add(objects.size(id));
        tracked.add(objects.size(id));
    }
    let row = |id: ObjectId| TopRow {
        object: id,
        address: objects.address(id),
        type_name: heap.type_name(id).to_owned(),
        size: objects.size(id),
        retained: None,
        references: references(heap, id),
        chain: 1,
    };
    let by_references = largest(heap, limit, |id| is_counted(id).then(|| references(heap, id)));
    let by_bytes = largest(heap, limit, |id| is_counted(id).then(|| objects.size(id)));
    let mut types: Vec<TypeRow> = heap
        .types()
        .iter()
        .filter(|(ty, _)| amounts[ty.index()].objects > 0)
        .map(|(ty, _)| TypeRow {
            ty,
            name: heap.types().name(ty).to_owned(),
            objects: amounts[ty.index()].objects,
            bytes: amounts[ty.index()].bytes,
            retained: None,
        })
        .collect();
    types.sort_by(|a, b| b.objects.cmp(&a.objects).then_with(|| a.name.cmp(&b.name)).then(a.ty.cmp(&b.ty)));
    types.truncate(limit);
    Counters {
        references: by_references.into_iter().map(row).collect(),
        bytes: by_bytes.into_iter().map(row).collect(),
        types,
        tracked,
    }
}

/// How many references `gc.get_referents` would count. A dict whose keys are all of type `str` does not visit them.
fn references(heap: &Heap, id: ObjectId) -> u64 {
    let all = heap.references().count_of(id) as u64;
    let objects = heap.objects();
    if heap.types().get(objects.type_of(id)).shape != Shape::Dict {
        return all;
    }
    let mut keys = 0;
    for reference in heap.references().of(id) {
        if reference.label.kind() == LabelKind::KeyObject {
            if heap.type_name(reference.to) != "str" {
                return all;
            }
            keys += 1;
        }
    }
    all - keys
}
