//! A process group at a glance: a server with its workers, one row for each process, and the types in all of them.

use std::collections::BTreeMap;

use memtop_analyze::{Amount, MemoryTotal, histogram, memory_total};
use memtop_heap::{CaptureInfo, Heap};

/// One process of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The process, and the time and cost of the capture.
    pub info: CaptureInfo,
    /// All objects, without garbage and mem_top's own.
    pub total: Amount,
    /// The parts of its resident memory.
    pub memory: MemoryTotal,
}

/// A type, in all processes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupType {
    /// Its name.
    pub name: String,
    /// Its objects in all processes.
    pub total: Amount,
    /// In how many processes there are any.
    pub members: u64,
}

/// A process group: a server with its workers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessGroup {
    /// The processes, in the order in which they were captured.
    pub members: Vec<Member>,
    /// The types in all processes, the largest first.
    pub types: Vec<GroupType>,
    /// How many types are not shown.
    pub omitted: usize,
    /// The processes that could not be captured, with the reason.
    pub failures: Vec<(u32, String)>,
}

impl ProcessGroup {
    /// Adds a process by its heap. Linear.
    pub fn add(&mut self, heap: &Heap) {
        let all = histogram(heap, None, &Default::default());
        // Types of one name count as one within a process, too.
        let mut by_name: BTreeMap<&str, Amount> = BTreeMap::new();
        for row in &all.rows {
            let amount = by_name.entry(&row.name).or_default();
            amount.objects += row.objects;
            amount.bytes = amount.bytes.saturating_add(row.bytes);
        }
        let mut known: BTreeMap<String, GroupType> =
            std::mem::take(&mut self.types).into_iter().map(|ty| (ty.name.clone(), ty)).collect();
        for (name, amount) in by_name {
            let of = known.entry(name.to_owned()).or_insert_with(|| GroupType {
                name: name.to_owned(),
                total: Amount::default(),
                members: 0,
            });
            of.total.objects += amount.objects;
            of.total.bytes = of.total.bytes.saturating_add(amount.bytes);
            of.members += 1;
        }
        self.types = known.into_values().collect();
        self.members.push(Member { info: heap.info().clone(), total: all.total, memory: memory_total(heap) });
    }

    /// Adds a process that could not be captured.
    pub fn failed(&mut self, pid: u32, reason: &str) {
        self.failures.push((pid, reason.to_owned()));
    }

    /// Sorts the types, largest first, and keeps at most `limit` of them.
    pub fn finish(&mut self, limit: Option<usize>) {
        // Stable: of equal sizes, by name.
        self.types.sort_by_key(|ty| std::cmp::Reverse(ty.total.bytes));
        let shown = limit.unwrap_or(usize::MAX).min(self.types.len());
        self.omitted = self.types.len() - shown;
        self.types.truncate(shown);
    }
}
