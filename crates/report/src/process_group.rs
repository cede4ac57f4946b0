//! A server and its workers at a look, gathered: a row a process, and the types of all together.

use std::collections::BTreeMap;

use memtop_analyze::{Amount, MemoryTotal, histogram, memory_total};
use memtop_heap::{CaptureInfo, Heap};

/// One process of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// When, of which process, and at what cost.
    pub info: CaptureInfo,
    /// All objects but garbage and mem_top's own.
    pub total: Amount,
    /// What its resident memory is made of.
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

/// A server and its workers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessGroup {
    /// The processes, in the order in which they were captured.
    pub members: Vec<Member>,
    /// The types of all together, the largest first.
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

    /// Tells that a process could not be captured.
    pub fn failed(&mut self, pid: u32, reason: &str) {
        self.failures.push((pid, reason.to_owned()));
    }

    /// Orders the types, largest first, and keeps so many of them.
    pub fn finish(&mut self, limit: Option<usize>) {
        // Stable: of equal sizes, by name.
        self.types.sort_by_key(|ty| std::cmp::Reverse(ty.total.bytes));
        let shown = limit.unwrap_or(usize::MAX).min(self.types.len());
        self.omitted = self.types.len() - shown;
        self.types.truncate(shown);
    }
}
