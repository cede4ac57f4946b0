//! Garbage that awaits the collector: objects that no root reaches and whose reference counts are all accounted for.
//!
//! It is not a leak: the collector frees it. Objects that only native code holds are not garbage, nor are cycles that the
//! collector never frees.

use std::collections::BTreeSet;

use memtop_heap::{Flags, Heap, Root, RootKind, accounts};

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
    /// Objects in cycles that the collector never frees, with all that only these hold.
    pub uncollectable: Amount,
    /// The types whose objects hide a reference of such a cycle, by name.
    pub hidden_by: Vec<String>,
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
    let native = |root: &Root| root.kind == RootKind::Native && root.hidden_by().is_none();
    let rooted = heap.roots().iter().filter(|(_, root)| native(root)).count();
    let names: BTreeSet<&str> =
        heap.roots().iter().filter_map(|(_, root)| root.hidden_by()).map(|name| heap.text(name)).collect();
    let uncollectable = if names.is_empty() { Amount::default() } else { uncollectable(heap) };
    Garbage {
        total,
        rows,
        omitted,
        native: (accounts.native.len() + rooted) as u64,
        uncollectable,
        hidden_by: names.into_iter().map(str::to_owned).collect(),
    }
}

/// The objects that only uncollectable cycles reach.
fn uncollectable(heap: &Heap) -> Amount {
    let objects = heap.objects();
    let mut reached = vec![false; objects.len()];
    let mut amount = Amount::default();
    let mut open = Vec::new();
    let roots = |is_hidden: bool| {
        let wanted = move |root: &&Root| root.hidden_by().is_some() == is_hidden;
        heap.roots().iter().map(|(_, root)| root).filter(wanted).map(|root| root.object)
    };
    let immortal = objects.ids().filter(|&id| objects.flags(id).intersects(Flags::IMMORTAL | Flags::OWN));
    for (start, is_counted) in
        [(roots(false).chain(immortal).collect::<Vec<_>>(), false), (roots(true).collect(), true)]
    {
        open.extend(start);
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut reached[id.index()], true) {
                continue;
            }
            if is_counted {
                amount.add(objects.size(id));
            }
            open.extend(heap.references().targets_of(id).iter().filter(|to| !reached[to.index()]));
        }
    }
    amount
}
