//! Immediate dominators: the one object without which another would be freed.
//!
//! The algorithm is SEMI-NCA (L. Georgiadis, R. E. Tarjan, R. F. Werneck: "Finding Dominators in Practice", Journal of
//! Graph Algorithms and Applications 10(1), 2006; the method is in Georgiadis's thesis, Princeton 2005), with path
//! compression as in T. Lengauer and R. E. Tarjan: "A Fast Algorithm for Finding Dominators in a Flowgraph", TOPLAS
//! 1(1), 1979. Objects are renumbered in preorder of a depth-first walk, so that ancestors have smaller numbers and
//! most accesses are near each other. As only the smallest semidominator on a path matters, and never which object has
//! it, the compressed forest carries numbers alone.
//!
//! Most objects are strings and numbers that one reference holds: its owner dominates them. They are left out of the
//! walk, and are numbered after it, those of one holder one after the other.
//!
//! Rules:
//! - A virtual root above all roots dominates everything that is reached.
//! - A reference from an instance to its type does not count: dropping an instance does not free its class, and a class
//!   would seem to be held by the holders of its instances. A class that only its instances hold hangs from the virtual
//!   root.
//! - Immortal objects hang from the virtual root, whatever refers to them. They dominate the objects that only they
//!   hold.
//! - Unreachable objects (garbage, among others) and mem_top's own objects have no dominator.
//!
//! Invariant: an object's dominator has a smaller number. Near-linear in practice, also on rings and chains of ten
//! million. The work takes 37 bytes per object and 4 per reference, but 16 for an object that one reference holds and
//! that refers to nothing; the result takes 12 bytes per object.
//!
//! The file is long because the algorithm's passes share one numbering.

use memtop_heap::{Flags, Heap, LabelKind, ObjectId, Reference};

const NONE: u32 = u32::MAX;
/// The number of the virtual root.
const ROOT: u32 = 0;

/// The dominator of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dominator {
    /// No single object: it is rooted, or held by several objects that have no common dominator.
    Root,
    /// The object without which it would be freed.
    Object(ObjectId),
    /// No root reaches it.
    Unreached,
}

/// The immediate dominator of each object that a root reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dominators {
    /// By object: its number, from 1: in preorder of the walk, then the objects that were left out.
    number: Vec<u32>,
    /// By number: the object. The entry of the virtual root is unused.
    object: Vec<u32>,
    /// By number: the number of the immediate dominator.
    dominator: Vec<u32>,
    /// How many numbers the walk assigned; an object with a higher number dominates nothing.
    walked: usize,
    /// The classes that only their instances hold.
    classes: Vec<ObjectId>,
}

impl Dominators {
    /// Finds the dominators of `heap`.
    #[must_use]
    pub fn new(heap: &Heap) -> Self {
        let mut walk = Walk::new(heap);
        let walked = walk.object.len();
        let holders = walk.holders(heap);
        let Walk { slots, leaves: _, object, parent: mut dominator, rooted, classes } = walk;
        // The root dominates itself.
        let number = slots.into_iter().map(|slot| slot.number).collect();
        semi_nca(&mut dominator[..walked], &rooted, &holders);
        Self { number, object, dominator, walked, classes }
    }

    /// The memory that they take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        4 * (self.number.capacity() + self.object.capacity() + self.dominator.capacity()) as u64
    }

    /// The immediate dominator of `id`.
    #[must_use]
    pub fn of(&self, id: ObjectId) -> Dominator {
        match self.number_of(id) {
            None => Dominator::Unreached,
            Some(number) => match self.dominator[number as usize] {
                ROOT => Dominator::Root,
                dominator => Dominator::Object(self.object_at(dominator)),
            },
        }
    }

    /// Whether a root reaches `id`.
    #[must_use]
    pub fn reaches(&self, id: ObjectId) -> bool {
        self.number_of(id).is_some()
    }

    /// The classes that only their instances hold: they hang from the virtual root although no root refers to
    /// them.
    #[must_use]
    pub fn classes_of_instances(&self) -> &[ObjectId] {
        &self.classes
    }

    /// How many objects are reached.
    #[must_use]
    pub fn len(&self) -> usize {
        self.object.len() - 1
    }

    /// Whether no object is reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The objects that are reached, each after its dominator.
    pub fn in_order(&self) -> impl ExactSizeIterator<Item = ObjectId> + DoubleEndedIterator + '_ {
        self.object[1..].iter().map(|&raw| object(raw))
    }

    pub(crate) fn object_at(&self, number: u32) -> ObjectId {
        object(self.object[number as usize])
    }

    pub(crate) fn number_of(&self, id: ObjectId) -> Option<u32> {
        Some(self.number[id.index()]).filter(|&number| number < LEFT_OUT)
    }

    /// By number: the dominators' numbers; the first entry is the virtual root's own.
    pub(crate) fn numbers(&self) -> &[u32] {
        &self.dominator
    }
}

fn object(raw: u32) -> ObjectId {
    ObjectId::from_index(raw as usize)
}

/// The objects that one reference alone holds and that refer to nothing: a bit for each object.
struct Leaves(Vec<u64>);

impl Leaves {
    fn new(heap: &Heap) -> Self {
        // How many references hold an object; two means two or more, or that it is dominated otherwise.
        let (mut held, several) = (vec![0_u8; heap.objects().len()], 2);
        let (objects, references) = (heap.objects(), heap.references());
        for from in objects.ids().filter(|&id| !objects.flags(id).contains(Flags::OWN)) {
            for reference in references.of(from) {
                let held = &mut held[reference.to.index()];
                *held = if keeps_alive(heap, from, reference) { several.min(*held + 1) } else { several };
            }
        }
        heap.roots().iter().for_each(|(_, root)| held[root.object.index()] = several);
        heap.types().iter().filter_map(|(_, ty)| ty.object()).for_each(|class| held[class.index()] = several);
        let set_apart = Flags::OWN | Flags::IMMORTAL;
        let is_leaf = |id: ObjectId| {
            held[id.index()] == 1 && references.count_of(id) == 0 && !objects.flags(id).intersects(set_apart)
        };
        let mut bits = vec![0_u64; objects.len().div_ceil(64)];
        objects.ids().for_each(|id| bits[id.index() / 64] |= u64::from(is_leaf(id)) << (id.index() % 64));
        Self(bits)
    }

    #[inline]
    fn has(&self, id: ObjectId) -> bool {
        self.0[id.index() / 64] >> (id.index() % 64) & 1 == 1
    }
}

/// The walk's facts about an object, side by side: both are looked up for each reference, and each look-up is a cache
/// miss.
#[derive(Clone, Copy)]
struct Slot {
    /// Its number, or a mark.
    number: u32,
    /// How many references to it were found; later, where the next of those that hold it is put.
    holders: u32,
}

/// Not reached (yet).
const UNREACHED: u32 = NONE;
/// It is left out.
const LEFT_OUT: u32 = NONE - 1;

/// A depth-first walk from the virtual root over the references that count.
struct Walk {
    slots: Vec<Slot>,
    /// The objects that are left out.
    leaves: Leaves,
    object: Vec<u32>,
    /// By number: the number of the parent in the walk; for an object that was left out, of its holder.
    parent: Vec<u32>,
    /// By number: whether the virtual root refers to it.
    rooted: Vec<bool>,
    /// The classes that only their instances hold.
    classes: Vec<ObjectId>,
}

/// The referrers of each object, by numbers, in compressed rows.
struct Holders {
    offsets: Vec<u32>,
    numbers: Vec<u32>,
}

impl Holders {
    fn of(&self, number: usize) -> &[u32] {
        &self.numbers[self.offsets[number] as usize..self.offsets[number + 1] as usize]
    }
}

impl Walk {
    fn new(heap: &Heap) -> Self {
        let flags = heap.objects().all_flags();
        let slot = |flags: &Flags| Slot {
            number: if flags.contains(Flags::OWN) { LEFT_OUT } else { UNREACHED },
            holders: 0,
        };
        let slots = flags.iter().map(slot).collect();
        // Nearly all objects are reached.
        let by_number = |first| {
            let mut rows = Vec::with_capacity(flags.len() + 1);
            rows.push(first);
            rows
        };
        let mut walk = Self {
            slots,
            leaves: Leaves::new(heap),
            object: by_number(NONE),
            parent: by_number(ROOT),
            rooted: Vec::new(),
            classes: Vec::new(),
        };
        let rooted = heap.roots().iter().map(|(_, root)| root.object);
        let immortal = heap.objects().ids().filter(|id| flags[id.index()].contains(Flags::IMMORTAL));
        let mut starts: Vec<ObjectId> = rooted.chain(immortal).collect();
        starts.retain(|id| !flags[id.index()].contains(Flags::OWN));
        starts.iter().for_each(|&start| walk.descend(heap, start));
        // A class may lead to instances of another class, and so on. First all objects in order, which is quick, then
        // those that were numbered since.
        let mut looked_at = vec![false; heap.types().len()];
        let everything = heap.objects().ids().filter(|id| walk.slots[id.index()].number < LEFT_OUT);
        let mut classes: Vec<ObjectId> =
            everything.filter_map(|id| class_of(heap, id, &mut looked_at)).collect();
        while let Some(class) = classes.pop() {
            if walk.slots[class.index()].number == UNREACHED {
                let since = walk.object.len();
                walk.descend(heap, class);
                walk.classes.push(class);
                let new = walk.object[since..].iter().map(|&raw| object(raw));
                classes.extend(new.filter_map(|id| class_of(heap, id, &mut looked_at)));
            }
        }
        walk.rooted = vec![false; walk.object.len()];
        for &start in starts.iter().chain(&walk.classes) {
            let number = walk.slots[start.index()].number;
            walk.rooted[number as usize] = true;
        }
        walk
    }

    /// Numbers the objects that are reached from `start` and have no number yet, and counts the references that count.
    fn descend(&mut self, heap: &Heap, start: ObjectId) {
        if self.slots[start.index()].number != UNREACHED {
            return;
        }
        let references = heap.references();
        // The open objects, each with its references that are not yet visited.
        let mut open: Vec<(ObjectId, std::ops::Range<u32>)> = Vec::new();
        let range = |id: ObjectId| references.offsets()[id.index()]..references.offsets()[id.index() + 1];
        self.enter(start, ROOT);
        open.push((start, range(start)));
        while let Some((from, rest)) = open.last_mut() {
            let from = *from;
            let found = rest.by_ref().find_map(|index| {
                let reference = references.at(index as usize);
                if self.leaves.has(reference.to) {
                    return None;
                }
                let slot = &mut self.slots[reference.to.index()];
                if slot.number == LEFT_OUT || !keeps_alive(heap, from, reference) {
                    return None;
                }
                slot.holders += 1;
                (slot.number == UNREACHED).then_some(reference.to)
            });
            match found {
                Some(to) => {
                    self.enter(to, self.slots[from.index()].number);
                    open.push((to, range(to)));
                }
                None => drop(open.pop()),
            }
        }
    }

    fn enter(&mut self, id: ObjectId, parent: u32) {
        self.slots[id.index()].number = self.object.len() as u32;
        self.object.push(id.raw());
        self.parent.push(parent);
    }

    /// Inverts the references, in the order of numbers, so that later passes read them sequentially, and numbers the
    /// objects that were left out.
    fn holders(&mut self, heap: &Heap) -> Holders {
        let mut offsets = Vec::with_capacity(self.object.len() + 1);
        offsets.extend([0, 0]);
        let mut sum = 0;
        for &raw in &self.object[1..] {
            let slot = &mut self.slots[raw as usize];
            let count = std::mem::replace(&mut slot.holders, sum);
            sum += count;
            offsets.push(sum);
        }
        let mut numbers = vec![0_u32; sum as usize];
        let walked = self.object.len();
        for from in heap.objects().ids() {
            let number = self.slots[from.index()].number;
            if number as usize >= walked {
                continue;
            }
            for reference in heap.references().of(from) {
                let slot = &mut self.slots[reference.to.index()];
                if self.leaves.has(reference.to) {
                    slot.number = self.object.len() as u32;
                    self.object.push(reference.to.raw());
                    self.parent.push(number);
                } else if slot.number != LEFT_OUT && keeps_alive(heap, from, reference) {
                    numbers[slot.holders as usize] = number;
                    slot.holders += 1;
                }
            }
        }
        Holders { offsets, numbers }
    }
}

/// Whether a reference counts: not from an instance to its type.
#[must_use]
#[inline]
pub fn keeps_alive(heap: &Heap, from: ObjectId, reference: Reference) -> bool {
    match reference.label.kind() {
        LabelKind::Type => false,
        // A capture without labels must not make each class the property of its instances' holder.
        LabelKind::Unlabelled => {
            heap.types().get(heap.objects().type_of(from)).object() != Some(reference.to)
        }
        _ => true,
    }
}

/// The class of an object, if the heap has it and the type was not visited before.
fn class_of(heap: &Heap, id: ObjectId, looked_at: &mut [bool]) -> Option<ObjectId> {
    let ty = heap.objects().type_of(id);
    if std::mem::replace(&mut looked_at[ty.index()], true) {
        return None;
    }
    let labelled = || heap.references().of(id).find(|reference| reference.label.kind() == LabelKind::Type);
    heap.types().get(ty).object().or_else(|| labelled().map(|reference| reference.to))
}

/// A vertex of the compressed forest.
#[derive(Clone, Copy)]
struct Link {
    /// An ancestor in the walk: at first the parent, after compression the highest that is linked to.
    ancestor: u32,
    /// The smallest semidominator from here up to, and without, that ancestor.
    smallest: u32,
}

/// Replaces the parents in the walk's tree by the dominators, by number. `holders` are the referrers of each object.
fn semi_nca(parent: &mut [u32], rooted: &[bool], holders: &Holders) {
    let count = parent.len();
    let mut semi = vec![ROOT; count];
    let mut links = vec![Link { ancestor: ROOT, smallest: ROOT }; count];
    let mut trail: Vec<u32> = Vec::new();
    for number in (1..count as u32).rev() {
        let index = number as usize;
        if !rooted[index] {
            let mut smallest = parent[index];
            for &holder in holders.of(index) {
                // An object with a smaller number is not linked yet, and represents itself.
                let candidate =
                    if holder <= number { holder } else { compress(&mut links, &mut trail, holder, number) };
                smallest = smallest.min(candidate);
            }
            semi[index] = smallest;
        }
        links[index] = Link { ancestor: parent[index], smallest: semi[index] };
    }
    drop(links);
    let dominator = parent;
    for number in 1..count {
        let mut candidate = dominator[number];
        while candidate > semi[number] {
            candidate = dominator[candidate as usize];
        }
        dominator[number] = candidate;
    }
}

/// The smallest semidominator on the path from `from` up to the unlinked part of the forest, which is at `linked` and
/// below. Compresses the path.
#[inline]
fn compress(links: &mut [Link], trail: &mut Vec<u32>, from: u32, linked: u32) -> u32 {
    let mut top = from;
    while links[top as usize].ancestor > linked {
        trail.push(top);
        top = links[top as usize].ancestor;
    }
    let Link { ancestor, mut smallest } = links[top as usize];
    while let Some(vertex) = trail.pop() {
        let link = &mut links[vertex as usize];
        smallest = smallest.min(link.smallest);
        *link = Link { ancestor, smallest };
    }
    smallest
}

/// The dominator tree: the objects that each object dominates.
///
/// Linear to build; 12 bytes per object that can dominate others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DominatorTree<'a> {
    dominators: &'a Dominators,
    /// By number in the walk: the first of those that it dominates and that were walked.
    first: Vec<u32>,
    /// By number in the walk: the next with the same dominator.
    next: Vec<u32>,
    /// By number in the walk: the first of those that it dominates and that were left out; the others come after it.
    leaves: Vec<u32>,
}

impl<'a> DominatorTree<'a> {
    /// The tree of `dominators`.
    #[must_use]
    pub fn new(dominators: &'a Dominators) -> Self {
        let Dominators { dominator, walked, .. } = dominators;
        let (mut first, mut next) = (vec![NONE; *walked], vec![NONE; *walked]);
        for number in (1..*walked as u32).rev() {
            let above = dominator[number as usize] as usize;
            next[number as usize] = first[above];
            first[above] = number;
        }
        let mut leaves = vec![NONE; *walked];
        for number in (*walked..dominator.len()).rev() {
            leaves[dominator[number] as usize] = number as u32;
        }
        Self { dominators, first, next, leaves }
    }

    /// The objects that no single object dominates.
    pub fn top(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.below(ROOT).map(|number| self.dominators.object_at(number))
    }

    /// The objects whose immediate dominator is `id`.
    pub fn children(&self, id: ObjectId) -> impl Iterator<Item = ObjectId> + '_ {
        let number = self.dominators.number_of(id);
        let below = number.into_iter().flat_map(|number| self.below(number));
        below.map(|number| self.dominators.object_at(number))
    }

    /// By numbers: the objects right below `number`.
    fn below(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let some = |number: u32| Some(number).filter(|&number| number != NONE);
        let first = self.first.get(number as usize).copied().and_then(some);
        let walked = std::iter::successors(first, move |&number| some(self.next[number as usize]));
        walked.chain(self.leaves_of(number))
    }

    fn leaves_of(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.leaves.get(number as usize).copied().unwrap_or(NONE);
        let dominator = self.dominators.dominator.get(first as usize..).unwrap_or_default();
        let count = dominator.iter().take_while(move |&&above| above == number);
        count.zip(first..).map(|(_, leaf)| leaf)
    }

    /// Walks the whole tree, without a stack: `enter` before the objects that an object dominates, `leave` after them.
    pub(crate) fn walk(&self, mut enter: impl FnMut(u32), mut leave: impl FnMut(u32)) {
        let mut number = self.first[ROOT as usize];
        while number != NONE {
            enter(number);
            for leaf in self.leaves_of(number) {
                enter(leaf);
                leave(leaf);
            }
            let mut below = self.first[number as usize];
            while below == NONE {
                leave(number);
                below = self.next[number as usize];
                if below == NONE {
                    number = self.dominators.dominator[number as usize];
                    if number == ROOT {
                        return;
                    }
                }
            }
            number = below;
        }
    }
}
