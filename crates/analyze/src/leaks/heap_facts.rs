//! The facts about each single heap of a series.
//!
//! Invariant: every column has a row for each object of its heap; objects that no root reaches, garbage and mem_top's
//! own have no place, and are not in a sum. Linear; about 60 bytes per object.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use memtop_heap::{Heap, Label, LabelKind, ObjectId, Shape};
use rustc_hash::FxBuildHasher;

use crate::heap_series::HeapHandle;
use crate::path_nodes::{PathNodeId, Placement};
use crate::shortest::{Reached, ShortestPaths};

/// No object, no node.
pub(super) const NONE: u32 = u32::MAX;

/// One heap, and the facts about it.
pub(super) struct HeapFacts<'a> {
    pub(super) heap: HeapHandle<'a>,
    pub(super) shortest: ShortestPaths,
    pub(super) placement: Placement,
    /// The object that an object is a part of (the instance of a `__dict__`), or itself.
    pub(super) owner: Vec<u32>,
    /// How many items an object refers to, parts included; keys, parts and types are not items.
    pub(super) degree: Vec<u32>,
    /// A mark that identifies the entry of which an object is the value; 0 if it is not one.
    pub(super) key: Vec<u64>,
    /// The bytes of all objects that are best reached through an object, itself included.
    pub(super) subtree: Vec<u64>,
    /// Whether an object is a frame, a traceback or a suspended generator, or is reached through one.
    pub(super) framed: Vec<bool>,
    /// The reached objects by address.
    pub(super) by_address: Vec<(u64, u32)>,
    /// By node: how many objects, and their bytes. Shorter than there are nodes, if later heaps have more.
    pub(super) nodes: Vec<(u64, u64)>,
}

/// Applies a function to each of several values, on as many threads as the machine runs at once.
pub(super) fn on_threads<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(things.len());
    if threads < 2 {
        return things.into_iter().map(work).collect();
    }
    let waiting = Mutex::new(things.into_iter().enumerate());
    let take = || {
        let mut done = Vec::new();
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            match next {
                Some((index, thing)) => done.push((index, work(thing))),
                None => return done,
            }
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let results = workers.into_iter().map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        results.flatten().collect()
    });
    done.sort_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, result)| result).collect()
}

impl<'a> HeapFacts<'a> {
    pub(super) fn new(
        handle: HeapHandle<'a>,
        shortest: ShortestPaths,
        placement: Placement,
        nodes: usize,
    ) -> Self {
        let own = handle.clone();
        let heap: &Heap = &own;
        let count = heap.objects().len();
        let mut facts = Self {
            heap: handle,
            shortest,
            placement,
            owner: vec![NONE; count],
            degree: vec![0; count],
            key: vec![0; count],
            subtree: vec![0; count],
            framed: vec![false; count],
            by_address: Vec::new(),
            nodes: vec![(0, 0); nodes],
        };
        let texts: Vec<u64> = heap.strings().iter().map(|(_, text)| FxBuildHasher.hash_one(text)).collect();
        facts.by_address.reserve_exact(facts.shortest.in_order().len());
        for place in 0..facts.shortest.in_order().len() {
            let id = facts.shortest.in_order()[place];
            facts.place(heap, id);
            facts.count_items(heap, id, &texts);
        }
        facts.add_subtrees();
        facts.by_address.sort_unstable();
        facts.by_address.dedup_by_key(|entry| entry.0);
        facts
    }

    /// Adds an object to its node, its owner and the index by address.
    fn place(&mut self, heap: &Heap, id: ObjectId) {
        let (index, objects) = (id.index(), heap.objects());
        self.by_address.push((objects.address(id), id.raw()));
        let size = objects.size(id);
        self.subtree[index] = size;
        if let Some(node) = self.placement.of(id) {
            let sum = &mut self.nodes[node.index()];
            *sum = (sum.0 + 1, sum.1.saturating_add(size));
        }
        let framed = matches!(self.shape(id), Shape::Frame | Shape::Traceback | Shape::Generator);
        let (owner, above) = match self.shortest.of(id) {
            Reached::Object { from, label } => {
                let part = label.kind().is_fold();
                (if part { self.owner[from.index()] } else { id.raw() }, self.framed[from.index()])
            }
            _ => (id.raw(), false),
        };
        self.owner[index] = owner;
        self.framed[index] = framed || above;
    }

    /// Counts the items of an object, and marks the entries of its values. `texts` are hashes of the heap's strings.
    fn count_items(&mut self, heap: &Heap, id: ObjectId, texts: &[u64]) {
        let objects = heap.objects();
        let mut items = 0;
        let mut key: Option<ObjectId> = None;
        for reference in heap.references().of(id) {
            let kind = reference.label.kind();
            if kind == LabelKind::KeyObject {
                key = Some(reference.to);
                continue;
            }
            let before = key.take();
            if !kind.is_fold() && kind != LabelKind::Type {
                items += 1;
            }
            if matches!(kind, LabelKind::Key | LabelKind::KeyText | LabelKind::AnyKey)
                && self.shortest.of(reference.to) == (Reached::Object { from: id, label: reference.label })
            {
                // A name is the same whichever object spells it; a key without one is known by its address.
                let text = reference.label.text().map(|text| texts[text.index()]);
                let place = |key| objects.address(key) << 8 | u64::from(objects.flags(key).tag()) << 1;
                let known = text.or(before.map(place));
                self.key[reference.to.index()] = known.map_or(0, |known| known | 1);
            }
        }
        self.degree[id.index()] += items;
        let owner = self.owner[id.index()];
        if owner != id.raw() {
            self.degree[owner as usize] += items;
        }
    }

    /// Adds the bytes of each object to those of the object that it is reached from.
    fn add_subtrees(&mut self) {
        for &id in self.shortest.in_order().iter().rev() {
            if let Reached::Object { from, .. } = self.shortest.of(id) {
                let sum = self.subtree[id.index()];
                let above = &mut self.subtree[from.index()];
                *above = above.saturating_add(sum);
            }
        }
    }

    pub(super) fn shape(&self, id: ObjectId) -> Shape {
        self.heap.types().get(self.heap.objects().type_of(id)).shape
    }

    /// The object that `id` is best reached from.
    pub(super) fn before(&self, id: ObjectId) -> Option<ObjectId> {
        match self.shortest.of(id) {
            Reached::Object { from, .. } => Some(from),
            _ => None,
        }
    }

    /// The label by which `id` is best reached from another object.
    pub(super) fn label(&self, id: ObjectId) -> Option<Label> {
        match self.shortest.of(id) {
            Reached::Object { label, .. } => Some(label),
            _ => None,
        }
    }

    /// How many objects are at a node, and their bytes.
    pub(super) fn at(&self, node: PathNodeId) -> (u64, u64) {
        self.nodes.get(node.index()).copied().unwrap_or_default()
    }

    pub(super) fn owner_of(&self, id: ObjectId) -> ObjectId {
        ObjectId::from_raw(self.owner[id.index()]).unwrap_or(id)
    }

    /// The content of an object: its items and those of its parts, at most about `limit`. With `own`, only those that
    /// are best reached from it.
    pub(super) fn items(&self, id: ObjectId, own: bool, limit: usize) -> Vec<ObjectId> {
        let references = self.heap.references();
        let mut items = Vec::new();
        let mut of = vec![id];
        while let Some(from) = of.pop() {
            for reference in references.of(from).take(limit) {
                let mine = self.before(reference.to) == Some(from);
                match reference.label.kind() {
                    LabelKind::Type => {}
                    kind if kind.is_fold() && mine => of.push(reference.to),
                    _ if mine || !own => items.push(reference.to),
                    _ => {}
                }
            }
        }
        items.truncate(limit);
        items
    }

    /// Up to `count` of the items of an object and its parts, spread evenly over them.
    pub(super) fn sample(&self, id: ObjectId, count: usize) -> Vec<ObjectId> {
        let mut all = 0;
        self.each_item(id, |_| all += 1);
        let (mut sample, mut place) = (Vec::with_capacity(count), 0);
        self.each_item(id, |to| {
            if sample.len() <= place * count / all {
                sample.push(to);
            }
            place += 1;
        });
        sample
    }

    /// Visits all items of an object and its parts.
    pub(super) fn each_item(&self, id: ObjectId, mut visit: impl FnMut(ObjectId)) {
        let mut of = vec![id];
        while let Some(from) = of.pop() {
            for reference in self.heap.references().of(from) {
                match reference.label.kind() {
                    LabelKind::Type => {}
                    kind if kind.is_fold() && self.before(reference.to) == Some(from) => {
                        of.push(reference.to);
                    }
                    _ => visit(reference.to),
                }
            }
        }
    }
}
