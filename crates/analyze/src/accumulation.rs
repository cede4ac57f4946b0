//! The points where memory accumulates in one heap. Growth is unknown, so these are candidates.
//!
//! The heuristics are those of Eclipse MAT's leak suspects. An object at the top of the dominator tree that retains a
//! tenth of the heap is a suspect alone; others at the top, grouped by type, are one as a group. From a single suspect
//! the search goes down to the largest child while that retains seven tenths of its parent: where this stops is the
//! accumulation point. For a group, the paths of a sample are followed while one branch holds eight tenths of them.
//!
//! Two rules are ours, for Python. The namespace of a module or a rooted class is not a suspect (it always would be):
//! the objects that it dominates count as the top. And a chain of like objects (a linked list, where each retains
//! nearly all of the one before) is not followed to its tail: its first object is the point.

use std::cmp::Reverse;

use memtop_heap::{Heap, ObjectId, Shape, TypeId};
use rustc_hash::FxHashMap;

use crate::chains::{CHAIN, Chains, namespaces};
use crate::contradiction::Contradiction;
use crate::dominators::DominatorTree;
use crate::path::Path;
use crate::path_nodes::{PathNodeId, PathNodes, Placement};
use crate::paths::path_to;
use crate::retained::Retained;
use crate::shortest::ShortestPaths;

/// The thresholds, and the size of the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccumulationOptions {
    /// The share of the heap that makes a suspect.
    pub suspect: f64,
    /// The share of its parent that a child must retain for the search to go down.
    pub descend: f64,
    /// The share of a group's paths that a branch must hold for the search to go down.
    pub branch: f64,
    /// How many paths of a group are sampled.
    pub sample: usize,
    /// The largest number of suspects.
    pub limit: usize,
}

impl Default for AccumulationOptions {
    fn default() -> Self {
        Self { suspect: 0.1, descend: 0.7, branch: 0.8, sample: 10_000, limit: 10 }
    }
}

/// An accumulation point, and its content by type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccumulationPoint {
    /// The object, where it is one.
    pub object: Option<ObjectId>,
    /// Its type.
    pub type_name: String,
    /// Its path.
    pub path: Path,
    /// Its retained size in bytes, or that of the group.
    pub retained: u64,
    /// How many objects the chain has that begins with it; 1 if none does.
    pub chain: u64,
    /// The types of the objects that it dominates directly: how many, and their retained bytes; largest first.
    pub items: Vec<(String, u64, u64)>,
}

/// An object or a group of objects that holds a large part of a heap.
#[derive(Debug, Clone, PartialEq)]
pub struct AccumulationSuspect {
    /// The object; none for a group.
    pub object: Option<ObjectId>,
    /// Its type, or that of the group's objects.
    pub type_name: String,
    /// How many objects it is: 1, or the size of the group.
    pub objects: u64,
    /// Its retained size in bytes.
    pub retained: u64,
    /// Its share of all reachable bytes, from 0 to 1.
    pub share: f64,
    /// The object's path, or the common part of the group's paths.
    pub path: Path,
    /// The point within it where memory accumulates.
    pub point: AccumulationPoint,
}

/// The points where memory accumulates.
#[derive(Debug, Clone, PartialEq)]
pub struct Accumulation {
    /// All reachable bytes.
    pub total: u64,
    /// The suspects, largest first.
    pub suspects: Vec<AccumulationSuspect>,
    /// How many more there are.
    pub omitted: usize,
}

impl Accumulation {
    /// The contradictions within the answer; none in a sound one.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        let mut all = 0_u64;
        for one in &self.suspects {
            let place = || one.path.to_string();
            if !(0.0..=1.0).contains(&one.share) {
                found.push(Contradiction::Share { place: place() });
            }
            let items = one.point.items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.2));
            if one.point.retained > one.retained || items > one.point.retained {
                found.push(Contradiction::PartsExceedWhole { place: place() });
            }
            all = all.saturating_add(one.retained);
        }
        if all > self.total {
            found.push(Contradiction::Shares);
        }
        found
    }
}

/// The points where memory accumulates in `heap`. Linear, apart from sorting the top of the dominator tree.
#[must_use]
pub fn accumulation(
    heap: &Heap,
    retained: &Retained,
    shortest: &ShortestPaths,
    options: &AccumulationOptions,
) -> Accumulation {
    let search =
        Search { heap, retained, shortest, options, tree: DominatorTree::new(retained.dominators()) };
    let large = retained.total() as f64 * options.suspect;
    let is_large = |bytes: u64| bytes > 0 && bytes as f64 >= large;
    let (single, rest): (Vec<ObjectId>, Vec<ObjectId>) =
        search.top().into_iter().partition(|&id| is_large(search.bytes(id)));

    let mut suspects: Vec<AccumulationSuspect> =
        single.into_iter().filter_map(|id| search.single(id)).collect();
    let mut groups: FxHashMap<TypeId, (u64, Vec<ObjectId>)> = FxHashMap::default();
    for id in rest {
        let group = groups.entry(heap.objects().type_of(id)).or_default();
        group.0 = group.0.saturating_add(search.bytes(id));
        group.1.push(id);
    }
    groups.retain(|_, group| is_large(group.0));
    if !groups.is_empty() {
        let mut nodes = PathNodes::new();
        let placement = nodes.place(heap, shortest);
        let groups = groups.into_iter();
        suspects.extend(
            groups.filter_map(|(ty, (bytes, ids))| search.group(&nodes, &placement, ty, bytes, &ids)),
        );
    }
    suspects.sort_by(|a, b| {
        let by_name = || a.type_name.cmp(&b.type_name);
        (b.retained.cmp(&a.retained)).then_with(by_name).then(a.object.cmp(&b.object))
    });
    let omitted = suspects.len().saturating_sub(options.limit);
    suspects.truncate(options.limit);
    let answer = Accumulation { total: retained.total(), suspects, omitted };
    debug_assert!(answer.contradictions().is_empty(), "{:?} in {answer:#?}", answer.contradictions());
    answer
}

/// The deepest descent, as in MAT; only a chain needs a limit.
const DEEPEST: usize = 1000;
/// The largest number of types of items.
const ITEM_TYPES: usize = 3;

struct Search<'a> {
    heap: &'a Heap,
    retained: &'a Retained,
    shortest: &'a ShortestPaths,
    options: &'a AccumulationOptions,
    tree: DominatorTree<'a>,
}

impl Search<'_> {
    fn bytes(&self, id: ObjectId) -> u64 {
        self.retained.of(id).unwrap_or(0)
    }

    fn type_of(&self, id: ObjectId) -> TypeId {
        self.heap.objects().type_of(id)
    }

    /// The objects that only namespaces dominate.
    fn top(&self) -> Vec<ObjectId> {
        let namespaces = namespaces(self.heap);
        let mut open: Vec<ObjectId> = self.tree.top().collect();
        let mut top = Vec::new();
        while let Some(id) = open.pop() {
            let is_module = self.heap.types().get(self.type_of(id)).shape == Shape::Module;
            if is_module || namespaces.contains(&id) {
                open.extend(self.tree.children(id));
            } else {
                top.push(id);
            }
        }
        top.sort_unstable();
        top
    }

    fn single(&self, id: ObjectId) -> Option<AccumulationSuspect> {
        let mut way = vec![id];
        let mut at = id;
        while way.len() < DEEPEST {
            let largest = self.tree.children(at).max_by_key(|&child| (self.bytes(child), Reverse(child)));
            let Some(child) = largest else { break };
            if (self.bytes(child) as f64) < self.bytes(at) as f64 * self.options.descend {
                break;
            }
            way.push(child);
            at = child;
        }
        let start = self.chain_start(&way);
        let point = way[start];
        let retained = self.bytes(id);
        // Only a chain is not followed to its end.
        let chain = match start + 1 < way.len() {
            true => Chains::new(self.heap, self.retained).links(point),
            false => 1,
        };
        Some(AccumulationSuspect {
            object: Some(id),
            type_name: self.heap.type_name(id).to_owned(),
            objects: 1,
            retained,
            share: share(retained, self.retained.total()),
            path: path_to(self.heap, self.shortest, id)?,
            point: AccumulationPoint {
                object: Some(point),
                type_name: self.heap.type_name(point).to_owned(),
                path: path_to(self.heap, self.shortest, point)?,
                retained: self.bytes(point),
                chain,
                items: self.items(self.tree.children(point)),
            },
        })
    }

    /// The start of a chain of like objects that lasts to the end of a descent; the end, if there is none.
    fn chain_start(&self, way: &[ObjectId]) -> usize {
        let end = way.len() - 1;
        let run = |period: usize| {
            let like = |place: &usize| self.type_of(way[*place]) == self.type_of(way[*place + period]);
            (0..way.len().saturating_sub(period)).rev().take_while(like).count()
        };
        let longest = (1..=crate::path::REPEATS_WITHIN)
            .map(|period| (run(period), period))
            .max_by_key(|&(run, period)| (run, Reverse(period)));
        match longest {
            Some((run, period)) if run >= usize::from(CHAIN) => end + 1 - run - period,
            _ => end,
        }
    }

    fn items(&self, ids: impl Iterator<Item = ObjectId>) -> Vec<(String, u64, u64)> {
        let mut by_type: FxHashMap<TypeId, (u64, u64)> = FxHashMap::default();
        for id in ids {
            let sum = by_type.entry(self.type_of(id)).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(self.bytes(id)));
        }
        let named = by_type.into_iter().map(|(ty, (count, bytes))| (ty, count, bytes));
        let mut items: Vec<(TypeId, u64, u64)> = named.collect();
        items.sort_by_key(|&(ty, count, bytes)| (Reverse(bytes), Reverse(count), ty));
        items.truncate(ITEM_TYPES);
        items
            .into_iter()
            .map(|(ty, count, bytes)| (self.heap.types().name(ty).to_owned(), count, bytes))
            .collect()
    }

    fn group(
        &self,
        nodes: &PathNodes,
        placement: &Placement,
        ty: TypeId,
        retained: u64,
        ids: &[ObjectId],
    ) -> Option<AccumulationSuspect> {
        let every = ids.len().div_ceil(self.options.sample.max(1));
        let mut through: FxHashMap<PathNodeId, usize> = FxHashMap::default();
        let mut sampled = 0;
        for &id in ids.iter().step_by(every) {
            // The holder of an object is the end of its path: of the object's own node only the parent counts.
            let Some(own) = placement.of(id).map(|node| nodes.owner(node)) else { continue };
            sampled += 1;
            let above = nodes.get(own).parent;
            for node in std::iter::successors(above, |&node| nodes.get(node).parent) {
                *through.entry(node).or_default() += 1;
            }
        }
        // Nodes come after their ancestors, so of those that hold enough the last is the deepest. Two of which neither
        // is below the other cannot both hold more than half.
        let enough = sampled as f64 * self.options.branch.max(0.5);
        let common = through.into_iter().filter(|&(_, count)| count as f64 > enough || count == sampled);
        let holder = common.map(|(node, _)| node).max()?;
        let path = nodes.path(self.heap, placement, holder);
        let holder_type = path.steps.last().map_or_else(String::new, |step| step.type_name.clone());
        Some(AccumulationSuspect {
            object: None,
            type_name: self.heap.types().name(ty).to_owned(),
            objects: ids.len() as u64,
            retained,
            share: share(retained, self.retained.total()),
            path: path.clone(),
            point: AccumulationPoint {
                object: None,
                type_name: holder_type,
                path,
                retained,
                chain: 1,
                items: self.items(ids.iter().copied()),
            },
        })
    }
}

fn share(part: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { part as f64 / total as f64 }
}
