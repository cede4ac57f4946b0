//! Durable paths: for each object of a series of heaps, one path that is valid in all of them, if there is one.
//!
//! The best path of a single heap may lead through what is there by chance: a local of a request in progress, a list
//! that is about to be replaced. In the next heap another path is the best, and the same object would seem to be at
//! another place. So paths are chosen once for a whole series, over the references and roots that every heap has.
//!
//! Objects are compared by address and type alone, which suffices for a path: each of its steps is in every heap.
//! Whether an object is still the same one is a question for the finder.
//!
//! Invariant: the holder of an object with a durable path has one, too, or is a root. Linear, apart from sorting; two
//! heaps at a time, and 24 bytes for each object with a durable path.

use std::hash::{BuildHasher, Hash, Hasher};

use memtop_heap::{Flags, Heap, Label, ObjectId, Reference, Root, RootKind};
use rustc_hash::{FxBuildHasher, FxHashSet, FxHasher};

use crate::heap_series::HeapHandle;
use crate::shortest::{Costs, Reached, ShortestPaths, StepCosts};

const NONE: u32 = u32::MAX;
/// The holder of an object that a root leads to.
const ROOT: u64 = u64::MAX;

/// The durable paths of a series, by addresses, so that they apply to each of its heaps.
#[derive(Debug, Default)]
pub(crate) struct DurablePaths {
    /// In the order of addresses.
    steps: Vec<DurableStep>,
    /// The digests of the roots that are in every heap.
    roots: FxHashSet<u64>,
}

/// The last step of a durable path.
#[derive(Debug, Clone, Copy)]
struct DurableStep {
    address: u64,
    /// The address of the holder, or [`ROOT`].
    holder: u64,
    /// The digest of the label, or of the root.
    label: u32,
}

impl DurablePaths {
    /// Finds the durable paths of a series of `count` heaps, each of which `heap` returns by its index.
    ///
    /// # Errors
    /// If a heap cannot be loaded.
    pub(crate) fn find<'a, E>(
        count: usize,
        costs: &Costs,
        mut heap: impl FnMut(usize) -> Result<HeapHandle<'a>, E>,
    ) -> Result<Self, E> {
        if count == 0 {
            return Ok(Self::default());
        }
        let mut common = CommonPart::of_first(heap(0)?);
        for index in 1..count {
            common = common.within(heap(index)?);
        }
        Ok(common.paths(costs))
    }

    /// The best paths in a heap of the series: durable ones where there are, and else those that begin at a root
    /// that is in every heap.
    pub(crate) fn in_heap(&self, heap: &Heap, costs: &Costs) -> ShortestPaths {
        let digests = Digests::of(heap);
        let fixed = self.fixed(heap);
        let phase = |root: &Root| {
            let digest = digests.root(heap, root);
            let Fixed { holder, label } = fixed[root.object.index()];
            let admitted = holder == Fixed::FREE || holder == Fixed::ROOT && label == digest as u32;
            admitted.then(|| phase_of(root, self.roots.contains(&digest)))
        };
        let extra = |from: ObjectId, _: usize, reference: Reference| {
            let Fixed { holder, label } = fixed[reference.to.index()];
            if holder != Fixed::FREE {
                return (holder == from.raw() && label == digests.label(reference.label)).then_some(0);
            }
            let is_transient = fixed[from.index()].holder == Fixed::FREE && !reference.label.kind().is_fold();
            Some(if is_transient { TRANSIENT } else { 0 })
        };
        ShortestPaths::walk(heap, &StepCosts::new(heap, costs), PHASES, phase, extra)
    }

    /// By object: the holder on its durable path.
    fn fixed(&self, heap: &Heap) -> Vec<Fixed> {
        let by_address = by_address(heap);
        let find = |address: u64| {
            let place = by_address.binary_search_by_key(&address, |entry| entry.0).ok()?;
            Some(by_address[place].1)
        };
        let mut fixed = vec![Fixed { holder: Fixed::FREE, label: 0 }; heap.objects().len()];
        let mut objects = by_address.iter().peekable();
        for step in &self.steps {
            while objects.next_if(|entry| entry.0 < step.address).is_some() {}
            let Some(&(_, id)) = objects.next_if(|entry| entry.0 == step.address) else { continue };
            let holder = if step.holder == ROOT { Some(Fixed::ROOT) } else { find(step.holder) };
            if let Some(holder) = holder {
                fixed[id as usize] = Fixed { holder, label: step.label };
            }
        }
        fixed
    }
}

/// The holder of an object on its durable path, in one heap.
#[derive(Clone, Copy)]
struct Fixed {
    /// The object, or one of the constants.
    holder: u32,
    label: u32,
}

impl Fixed {
    /// It has no durable path.
    const FREE: u32 = NONE;
    /// A root leads to it.
    const ROOT: u32 = NONE - 1;
}

/// The extra cost of a step from an object that is not in every heap. A list that is made from a cache holds the items
/// of the cache, but freeing it frees none of them.
const TRANSIENT: u8 = 8;

/// How many phases there are.
const PHASES: u8 = 4;

/// When a root takes part in the walk. The objects that are reached in one phase are not taken over in a later one: a
/// frame or a root of one heap alone does not hold what something more durable holds.
fn phase_of(root: &Root, is_common: bool) -> u8 {
    match root.kind {
        RootKind::Native | RootKind::Unknown => 3,
        _ if !is_common => 2,
        RootKind::Frame => 1,
        _ => 0,
    }
}

/// The objects of a heap that are in the answers, by address.
fn by_address(heap: &Heap) -> Vec<(u64, u32)> {
    let objects = heap.objects();
    let counted = objects.ids().filter(|&id| !objects.flags(id).contains(Flags::OWN));
    let mut sorted: Vec<(u64, u32)> = counted.map(|id| (objects.address(id), id.raw())).collect();
    sorted.sort_unstable();
    sorted.dedup_by_key(|entry| entry.0);
    sorted
}

/// Digests of texts, by which types, labels and roots are compared between heaps.
struct Digests {
    texts: Vec<u32>,
    types: Vec<u64>,
}

impl Digests {
    fn of(heap: &Heap) -> Self {
        let digest = |text: &str| FxBuildHasher.hash_one(text);
        // The upper half is the better mixed one.
        let texts = heap.strings().iter().map(|(_, text)| (digest(text) >> 32) as u32).collect();
        let types = heap.types().iter().map(|(id, _)| digest(heap.types().name(id))).collect();
        Self { texts, types }
    }

    /// The digest of a label. All indexes and hidden keys are equal.
    fn label(&self, label: Label) -> u32 {
        let text = label.text().map_or(0, |text| self.texts[text.index()]);
        text ^ (label.kind() as u32 + 1).wrapping_mul(0x9e37_79b1)
    }

    /// The digest of a root with its object. A frame is known by its function, as its line changes.
    fn root(&self, heap: &Heap, root: &Root) -> u64 {
        let mut hasher = FxHasher::default();
        let frame = root.frame().map(|id| heap.roots().frame(id));
        let frame = frame.map(|frame| (self.texts[frame.function.index()], self.texts[frame.file.index()]));
        let objects = heap.objects();
        let object = (objects.address(root.object), self.types[objects.type_of(root.object).index()]);
        (root.kind, self.texts[root.name.index()], self.label(root.label), frame, object).hash(&mut hasher);
        hasher.finish()
    }

    fn roots(&self, heap: &Heap) -> FxHashSet<u64> {
        heap.roots().iter().map(|(_, root)| self.root(heap, root)).collect()
    }
}

/// A set of references, by their indexes.
struct ReferenceSet(Vec<u64>);

impl ReferenceSet {
    fn empty(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn all(count: usize) -> Self {
        Self(vec![u64::MAX; count.div_ceil(64)])
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }
}

/// The part of a heap that all earlier heaps of the series have, too.
struct CommonPart<'a> {
    heap: HeapHandle<'a>,
    digests: Digests,
    /// The objects by address.
    objects: Vec<(u64, u32)>,
    references: ReferenceSet,
    roots: FxHashSet<u64>,
}

impl<'a> CommonPart<'a> {
    fn of_first(heap: HeapHandle<'a>) -> Self {
        let digests = Digests::of(&heap);
        let (objects, roots) = (by_address(&heap), digests.roots(&heap));
        let references = ReferenceSet::all(heap.references().len());
        Self { heap, digests, objects, references, roots }
    }

    /// The part of the next heap.
    fn within(self, next: HeapHandle<'a>) -> Self {
        let digests = Digests::of(&next);
        let type_of = |heap: &Heap, digests: &Digests, id: u32| {
            digests.types[heap.objects().type_of(ObjectId::from_index(id as usize)).index()]
        };
        // By object of the older heap: the one of the newer heap.
        let mut later = vec![NONE; self.heap.objects().len()];
        let mut pairs = Vec::with_capacity(self.objects.len());
        let mut objects = Vec::with_capacity(self.objects.len());
        let now = by_address(&next);
        let mut rest = now.iter().peekable();
        for &(address, a) in &self.objects {
            while rest.next_if(|entry| entry.0 < address).is_some() {}
            let Some(&(_, b)) = rest.next_if(|entry| entry.0 == address) else { continue };
            if type_of(&self.heap, &self.digests, a) == type_of(&next, &digests, b) {
                later[a as usize] = b;
                pairs.push((ObjectId::from_index(a as usize), ObjectId::from_index(b as usize)));
                objects.push((address, b));
            }
        }
        drop(now);
        let mut comparison = Comparison::new(&self, &next, &digests, &later);
        pairs.into_iter().for_each(|(a, b)| comparison.add(a, b));
        let references = comparison.common;
        let mut roots = digests.roots(&next);
        roots.retain(|root| self.roots.contains(root));
        Self { heap: next, digests, objects, references, roots }
    }

    /// The best paths in this part. Native and unknown roots give none: an object is held by them only if nothing else
    /// holds it.
    fn paths(self, costs: &Costs) -> DurablePaths {
        let Self { heap, digests, objects, references, roots } = self;
        let is_common = |root: &Root| roots.contains(&digests.root(&heap, root));
        let phase = |root: &Root| Some(phase_of(root, true)).filter(|&phase| phase < 2 && is_common(root));
        let extra = |_: ObjectId, index: usize, _: Reference| references.has(index).then_some(0);
        let paths = ShortestPaths::walk(&heap, &StepCosts::new(&heap, costs), PHASES, phase, extra);
        let address = |id: ObjectId| heap.objects().address(id);
        let steps = objects.iter().filter_map(|&(own, id)| {
            let (holder, label) = match paths.of(ObjectId::from_index(id as usize)) {
                Reached::Object { from, label } => (address(from), digests.label(label)),
                Reached::Root(root) => (ROOT, digests.root(&heap, heap.roots().get(root)) as u32),
                Reached::Not => return None,
            };
            Some(DurableStep { address: own, holder, label })
        });
        DurablePaths { steps: steps.collect(), roots }
    }
}

/// Finds the references of a heap that the heap before it has, too.
struct Comparison<'c, 'a> {
    old: &'c CommonPart<'a>,
    new: &'c Heap,
    digests: &'c Digests,
    /// By object of the older heap: the one of the newer heap.
    later: &'c [u32],
    common: ReferenceSet,
    /// References of the older heap that are still to be found.
    rest: Vec<(u32, u32)>,
}

impl<'c, 'a> Comparison<'c, 'a> {
    fn new(old: &'c CommonPart<'a>, new: &'c Heap, digests: &'c Digests, later: &'c [u32]) -> Self {
        let common = ReferenceSet::empty(new.references().len());
        Self { old, new, digests, later, common, rest: Vec::new() }
    }

    /// Adds the common references of `a` and `b`, the same object in both heaps. Most objects have the same references in
    /// the same order.
    fn add(&mut self, a: ObjectId, b: ObjectId) {
        let Self { old, new, digests, later, .. } = *self;
        let (before, after) = (old.heap.references(), new.references());
        let mut known = before
            .range(a)
            .filter(|&index| old.references.has(index))
            .map(|index| before.at(index))
            .map(|reference| (later[reference.to.index()], old.digests.label(reference.label)))
            .filter(|&(to, _)| to != NONE);
        let mut found = after.range(b).map(|index| {
            let reference = after.at(index);
            (index, (reference.to.raw(), digests.label(reference.label)))
        });
        let unlike = loop {
            match (known.next(), found.next()) {
                (Some(known), Some((index, found))) if known == found => self.common.insert(index),
                (Some(known), Some(found)) => break (known, found),
                _ => return,
            }
        };
        self.rest.clear();
        self.rest.push(unlike.0);
        self.rest.extend(known);
        self.rest.sort_unstable();
        for (index, found) in std::iter::once(unlike.1).chain(found) {
            if self.rest.binary_search(&found).is_ok() {
                self.common.insert(index);
            }
        }
    }
}
