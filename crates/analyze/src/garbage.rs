//! Garbage that awaits the collector: objects that no root reaches and whose reference counts are all accounted for.
//!
//! It is not a leak: the next collection frees it. Objects that only native code holds are not garbage.

use memtop_heap::{Flags, Heap, accounts};

use crate::histogram::{Amount, TypeRow};

/// The garbage of a heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// All of it.
    pub total: Amount,
    /// By type, largest first.
    pub rows: Vec<TypeRow>,
    /// How many types are not shown.
    pub omitted: usize,
    /// How many objects native code holds: these are not garbage, nor are the objects that they hold.
    pub native: u64,
}

/// The garbage in `heap`, with at most `limit` types. Linear. It needs no flags: reference counts are compared with
/// references again (see [`memtop_heap::accounts`], also for the cases in which that is wrong).
#[must_use]
pub fn garbage(heap: &Heap, limit: Option<usize>) -> Garbage {
    let accounts = accounts(heap);
    let objects = heap.objects();
    let mut total = Amount::default();
    let mut amounts = vec![Amount::default(); heap.types().len()];
    for id in accounts.garbage.into_iter().filter(|&id| !objects.flags(id).contains(Flags::OWN)) {
        total.add(objects.size(id));
        amounts[objects.type_of(id).index()].add(objects.size(id));
    }
    let mut rows: Vec<TypeRow> = heap
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
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)).then(a.ty.cmp(&b.ty)));
    let shown = limit.unwrap_or(usize::MAX).min(rows.len());
    let omitted = rows.len() - shown;
    rows.truncate(shown);
    // Objects that an earlier comparison gave a root count too.
    let rooted = heap.roots().iter().filter(|(_, root)| root.kind == memtop_heap::RootKind::Native).count();
    Garbage { total, rows, omitted, native: (accounts.native.len() + rooted) as u64 }
}
