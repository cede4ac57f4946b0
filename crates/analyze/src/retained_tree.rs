//! Retained size by path: the dominator tree, in which the objects of one path node below one place are merged.
//!
//! The roots (a module, a frame) are below the whole heap, the objects that each alone holds below it, and so on: a
//! place is a part of the retained size of its parent. An object that no single object dominates is below the root from
//! which it is best reached, and is marked as shared. Parts of their owner (a `__dict__`, storage) and repetitions of a
//! place above (the next node of a linked list) count with that place, so places are few however deep a chain is.
//!
//! Invariant: the retained size of a place is its shallow size and the retained sizes of the places below it, listed or
//! folded; those of the roots add up to all reachable bytes. Linear, one hash look-up per object; the listed places are
//! the largest, found with a binary heap.

use std::collections::BinaryHeap;

use memtop_heap::{Heap, ObjectId, Origin};
use rustc_hash::FxHashMap;

use crate::contradiction::Contradiction;
use crate::path::REPEATS_WITHIN;
use crate::path_nodes::{PathNodeId, PathNodes, Placement};
use crate::retained::Retained;
use crate::shortest::{Reached, ShortestPaths};

const NONE: u32 = u32::MAX;

/// The size of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetainedTreeOptions {
    /// The largest number of places; the largest places are listed.
    pub limit: usize,
}

impl Default for RetainedTreeOptions {
    fn default() -> Self {
        Self { limit: 3000 }
    }
}

/// Places that are not listed one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// How many.
    pub places: u64,
    /// Their retained size together, in bytes.
    pub retained: u64,
}

/// A place: objects that are held in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedPlace {
    /// The index of the place that it is below; none for a root.
    pub parent: Option<usize>,
    /// Its path, as Python would write it.
    pub path: String,
    /// The part of the path below the place above.
    pub label: String,
    /// The type of the objects; for a root, its kind.
    pub type_name: String,
    /// The origin of a root's code.
    pub origin: Option<Origin>,
    /// How many objects are here, including parts that are objects too.
    pub objects: u64,
    /// Their shallow bytes.
    pub shallow: u64,
    /// Their retained size in bytes.
    pub retained: u64,
    /// Whether the objects are also held from elsewhere, or immortal: they would not be freed with the place above.
    pub shared: bool,
    /// The places below it that are not listed.
    pub folded: Folded,
}

/// The retained size of a heap by place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetainedTree {
    /// The listed places, each after the one that it is below; of one parent, the largest first.
    pub places: Vec<RetainedPlace>,
    /// All reachable bytes.
    pub total: u64,
    /// How many objects are reachable.
    pub objects: u64,
    /// How many places there are, listed or not.
    pub all_places: u64,
    /// The roots that are not listed, with all places below them.
    pub folded: Folded,
}

impl RetainedTree {
    /// The same tree with at most `limit` listed places, the largest.
    #[must_use]
    pub fn limited(&self, limit: usize) -> Self {
        let mut tree = self.clone();
        while tree.places.len() > limit {
            // It is below a kept place, or is removed with it: places come after those above them.
            let Some(last) = tree.places.pop() else { break };
            let above = last.parent.map_or(&mut tree.folded, |parent| &mut tree.places[parent].folded);
            above.places += 1 + last.folded.places;
            above.retained = above.retained.saturating_add(last.retained);
        }
        tree
    }

    /// The contradictions within the tree; none in a sound one.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut parts: Vec<u64> =
            self.places.iter().map(|place| place.shallow.saturating_add(place.folded.retained)).collect();
        let mut roots = self.folded.retained;
        for place in &self.places {
            match place.parent.and_then(|parent| parts.get_mut(parent)) {
                Some(sum) => *sum = sum.saturating_add(place.retained),
                None => roots = roots.saturating_add(place.retained),
            }
        }
        let wrong = self.places.iter().zip(parts).filter(|(place, parts)| place.retained != *parts);
        let mut found: Vec<Contradiction> =
            wrong.map(|(place, _)| Contradiction::PartsExceedWhole { place: place.path.clone() }).collect();
        if roots > self.total {
            found.push(Contradiction::Shares);
        }
        found
    }
}

/// The retained size of `heap` by place.
#[must_use]
pub fn retained_tree(
    heap: &Heap,
    retained: &Retained,
    shortest: &ShortestPaths,
    options: &RetainedTreeOptions,
) -> RetainedTree {
    let mut nodes = PathNodes::new();
    let placement = nodes.place(heap, shortest);
    let mut places = Places::new(&nodes);
    places.gather(heap, retained, shortest, &placement);
    places.largest(heap, &placement, options.limit)
}

/// All places, in columns; the first is the whole heap. Each comes after the one above it.
struct Places<'a> {
    nodes: &'a PathNodes,
    /// The path node of each root, by path node: nodes come after those above them.
    root_of: Vec<PathNodeId>,
    known: FxHashMap<(u32, Option<PathNodeId>), u32>,
    parent: Vec<u32>,
    node: Vec<Option<PathNodeId>>,
    objects: Vec<u64>,
    shallow: Vec<u64>,
    shared: Vec<bool>,
}

impl<'a> Places<'a> {
    fn new(nodes: &'a PathNodes) -> Self {
        let mut root_of: Vec<PathNodeId> = Vec::with_capacity(nodes.len());
        for index in 0..nodes.len() {
            let id = nodes.id_at(index);
            root_of.push(nodes.get(id).parent.map_or(id, |parent| root_of[parent.index()]));
        }
        Self {
            nodes,
            root_of,
            known: FxHashMap::default(),
            parent: vec![NONE],
            node: vec![None],
            objects: vec![0],
            shallow: vec![0],
            shared: vec![false],
        }
    }

    /// The place of `node` below `parent`; no node if no path leads to the object.
    fn below(&mut self, parent: u32, node: Option<PathNodeId>) -> u32 {
        let next = self.parent.len() as u32;
        let place = *self.known.entry((parent, node)).or_insert(next);
        if place == next {
            self.parent.push(parent);
            self.node.push(node);
            self.objects.push(0);
            self.shallow.push(0);
            self.shared.push(false);
        }
        place
    }

    /// Assigns each reachable object to its place.
    fn gather(&mut self, heap: &Heap, retained: &Retained, shortest: &ShortestPaths, placement: &Placement) {
        let dominators = retained.dominators();
        let mut place_of = vec![0_u32; dominators.len() + 1];
        for number in 1..=dominators.len() as u32 {
            let id = dominators.object_at(number);
            let above = dominators.numbers()[number as usize];
            let place = match above {
                0 => self.at_the_top(placement.of(id), is_shared(shortest, id)),
                above => self.under(place_of[above as usize], placement.of(id)),
            };
            place_of[number as usize] = place;
            self.objects[place as usize] += 1;
            let shallow = &mut self.shallow[place as usize];
            *shallow = shallow.saturating_add(heap.objects().size(id));
        }
    }

    fn at_the_top(&mut self, node: Option<PathNodeId>, shared: bool) -> u32 {
        let Some(node) = node else { return self.below(0, None) };
        let root = self.root_of[node.index()];
        let top = self.below(0, Some(root));
        // The namespace of a module is the module.
        if node == root || self.nodes.owner(node) == root {
            return top;
        }
        let place = self.below(top, Some(node));
        self.shared[place as usize] = shared;
        place
    }

    fn under(&mut self, above: u32, node: Option<PathNodeId>) -> u32 {
        let Some(id) = node else { return self.below(above, None) };
        if self.node[above as usize] == Some(self.nodes.owner(id)) {
            return above;
        }
        let up = |&place: &u32| Some(self.parent[place as usize]).filter(|&parent| parent != NONE);
        let mut near = std::iter::successors(Some(above), up).take(REPEATS_WITHIN);
        match near.find(|&place| self.node[place as usize] == node) {
            Some(same) => same,
            None => self.below(above, node),
        }
    }

    /// The largest places, with their names.
    fn largest(&self, heap: &Heap, placement: &Placement, limit: usize) -> RetainedTree {
        let count = self.parent.len();
        let mut retained = self.shallow.clone();
        let mut within = vec![1_u64; count];
        for place in (1..count).rev() {
            let parent = self.parent[place] as usize;
            retained[parent] = retained[parent].saturating_add(retained[place]);
            within[parent] += within[place];
        }
        let below = Below::new(&self.parent);
        // The largest first; of equal ones, the one that was found first.
        let mut open: BinaryHeap<(u64, std::cmp::Reverse<u32>)> = BinaryHeap::new();
        let mut listed = vec![NONE; count];
        let entry = |&place: &u32| (retained[place as usize], std::cmp::Reverse(place));
        open.extend(below.of(0).iter().map(entry));
        let mut places: Vec<RetainedPlace> = Vec::new();
        let mut order = Vec::new();
        while let Some((bytes, std::cmp::Reverse(place))) = open.pop().filter(|_| places.len() < limit) {
            listed[place as usize] = places.len() as u32;
            order.push(place);
            let parent = Some(listed[self.parent[place as usize] as usize]).filter(|&parent| parent != NONE);
            let above = parent.map(|parent| places[parent as usize].path.as_str());
            let mut one = self.name(heap, placement, place, above);
            one.parent = parent.map(|parent| parent as usize);
            one.retained = bytes;
            places.push(one);
            open.extend(below.of(place).iter().map(entry));
        }
        let folded = |place: u32| {
            let hidden = below.of(place).iter().filter(|&&child| listed[child as usize] == NONE);
            hidden.fold(Folded::default(), |sum, &child| Folded {
                places: sum.places + within[child as usize],
                retained: sum.retained.saturating_add(retained[child as usize]),
            })
        };
        for (place, &index) in places.iter_mut().zip(&order) {
            place.folded = folded(index);
        }
        let tree = RetainedTree {
            places,
            total: retained[0],
            objects: self.objects.iter().sum(),
            all_places: count as u64 - 1,
            folded: folded(0),
        };
        debug_assert!(tree.contradictions().is_empty(), "{:?}", tree.contradictions());
        tree
    }

    fn name(&self, heap: &Heap, placement: &Placement, place: u32, above: Option<&str>) -> RetainedPlace {
        let index = place as usize;
        let mut one = RetainedPlace {
            parent: None,
            path: String::new(),
            label: String::new(),
            type_name: String::new(),
            origin: None,
            objects: self.objects[index],
            shallow: self.shallow[index],
            retained: 0,
            shared: self.shared[index],
            folded: Folded::default(),
        };
        match self.node[index] {
            Some(node) => {
                let path = self.nodes.path(heap, placement, node);
                one.path = path.to_string();
                match path.steps.last() {
                    Some(step) => one.type_name.clone_from(&step.type_name),
                    None => {
                        one.type_name = path.root.kind.word().to_owned();
                        one.origin = Some(path.root.origin);
                    }
                }
            }
            None => one.path = "held in no known way".to_owned(),
        }
        one.label = above.and_then(|above| one.path.strip_prefix(above)).unwrap_or(&one.path).to_owned();
        one
    }
}

/// Whether an object that no single object dominates exists although no root refers to it.
fn is_shared(shortest: &ShortestPaths, id: ObjectId) -> bool {
    matches!(shortest.of(id), Reached::Object { .. })
}

/// The places below each, in compressed rows.
struct Below {
    offsets: Vec<u32>,
    places: Vec<u32>,
}

impl Below {
    fn new(parent: &[u32]) -> Self {
        let mut offsets = vec![0_u32; parent.len() + 1];
        for &above in &parent[1..] {
            offsets[above as usize + 1] += 1;
        }
        for index in 1..offsets.len() {
            offsets[index] += offsets[index - 1];
        }
        let mut next = offsets.clone();
        let mut places = vec![0_u32; parent.len() - 1];
        for (place, &above) in parent.iter().enumerate().skip(1) {
            let at = &mut next[above as usize];
            places[*at as usize] = place as u32;
            *at += 1;
        }
        Self { offsets, places }
    }

    fn of(&self, place: u32) -> &[u32] {
        &self.places[self.offsets[place as usize] as usize..self.offsets[place as usize + 1] as usize]
    }
}
