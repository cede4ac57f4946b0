//! The paths from roots that keep an object, or the objects of a type, alive.
//!
//! For one object: its best path, then the best through each other referrer, and each other root. For a type: the best
//! path of each object, merged where they differ only in keys and indexes.
//!
//! An object may be held by many paths, and is freed only if all of them end. [`crate::Dominators`] names the one
//! object without which it would be freed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use memtop_heap::{Flags, Heap, Label, LabelKind, ObjectId, Root, RootId, TypeId};
use rustc_hash::FxHashMap;

use crate::histogram::Amount;
use crate::path::{Path, PathRoot, PathStep, StepLabel};
use crate::path_nodes::{PathNodeId, PathNodes};
use crate::shortest::{Costs, Reached, ShortestPaths, StepCosts};

/// The size of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathOptions {
    /// How many paths or clusters at most.
    pub limit: usize,
}

impl Default for PathOptions {
    fn default() -> Self {
        Self { limit: 10 }
    }
}

/// The paths that keep one object alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPaths {
    /// The object.
    pub object: ObjectId,
    /// The name of its type.
    pub type_name: String,
    /// Its own size in bytes.
    pub size: u64,
    /// Whether it awaits the collector.
    pub garbage: bool,
    /// The paths, best first, no two with the same text. None if no root reaches it.
    pub paths: Vec<Path>,
    /// How many objects and roots refer to it by paths that are not shown.
    pub omitted: usize,
}

/// Objects of a type that are held in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The path.
    pub path: Path,
    /// How many objects.
    pub objects: u64,
    /// Their shallow sizes together, in bytes.
    pub bytes: u64,
    /// One of them, the first that is reached.
    pub example: ObjectId,
}

/// The paths that keep the objects of a type alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePaths {
    /// How many objects of the type there are, garbage not included.
    pub objects: u64,
    /// The paths by which they are held; the one that holds most objects first.
    pub clusters: Vec<Cluster>,
    /// How many more paths there are.
    pub omitted: usize,
    /// How many of the objects no root reaches.
    pub unreached: u64,
    /// How many more objects there are that await the collector.
    pub garbage: u64,
}

/// The best path to `id`; none if no root reaches it.
#[must_use]
pub fn path_to(heap: &Heap, shortest: &ShortestPaths, id: ObjectId) -> Option<Path> {
    let (root, links) = way(shortest, id)?;
    Some(path_along(heap, heap.roots().get(root), &links))
}

/// The root of the best path to `id`, and its objects with the labels that lead to them; the root's own label, not in
/// here, leads to the first.
fn way(shortest: &ShortestPaths, id: ObjectId) -> Option<(RootId, Vec<(ObjectId, Label)>)> {
    let chain = shortest.chain(id);
    let Reached::Root(root) = shortest.of(*chain.first()?) else { return None };
    let labelled = chain.into_iter().map(|at| match shortest.of(at) {
        Reached::Object { label, .. } => (at, label),
        _ => (at, Label::UNLABELLED),
    });
    Some((root, labelled.collect()))
}

/// The path along objects, the first of which `root` leads to.
fn path_along(heap: &Heap, root: &Root, links: &[(ObjectId, Label)]) -> Path {
    let mut steps = Vec::new();
    let mut in_namespace = false;
    for (place, &(at, label)) in links.iter().enumerate() {
        let label = if place == 0 { root.label } else { label };
        let is_last = place + 1 == links.len();
        if !label.kind().is_fold() || is_last {
            let starts = place == 0 && matches!(label.kind(), LabelKind::Dict | LabelKind::Unlabelled);
            let label = if starts { StepLabel::Start } else { StepLabel::exact(heap, label, in_namespace) };
            let type_name = heap.type_name(at).to_owned();
            steps.push(PathStep { label, type_name, object: Some(at), repeated: false });
        }
        in_namespace = label.kind() == LabelKind::Dict;
    }
    Path { root: PathRoot::new(heap, root), steps }.shortened()
}

/// The last step of a path to an object.
#[derive(Clone, Copy)]
enum LastStep {
    Root(RootId),
    From(ObjectId, Label),
}

/// The paths that keep `id` alive. Visits every reference once, and the paths that it returns.
#[must_use]
pub fn paths_to_object(
    heap: &Heap,
    shortest: &ShortestPaths,
    costs: &Costs,
    id: ObjectId,
    options: &PathOptions,
) -> ObjectPaths {
    let steps = StepCosts::new(heap, costs);
    // The cost of each path, and its last step; of several references of one object, the cheapest.
    let mut links: Vec<(u32, LastStep)> = Vec::new();
    for (root_id, root) in heap.roots().iter().filter(|(_, root)| root.object == id) {
        links.push((u32::from(steps.root(root)), LastStep::Root(root_id)));
    }
    for &from in shortest.in_order() {
        if from == id || !heap.references().targets_of(from).contains(&id) {
            continue;
        }
        let namespace = steps.namespace_of(from);
        let to_it = heap.references().of(from).filter(|reference| reference.to == id);
        let costed =
            to_it.map(|reference| (u32::from(steps.step(from, namespace, reference)), reference.label));
        if let (Some((cost, label)), Some(before)) = (costed.min(), shortest.cost(from)) {
            links.push((before.saturating_add(cost), LastStep::From(from, label)));
        }
    }
    // Stable: of equal costs roots come first, then the objects that are reached first.
    links.sort_by_key(|way| way.0);
    let best = shortest.of(id);
    let is_best = |way: LastStep| match (best, way) {
        (Reached::Root(root), LastStep::Root(way)) => root == way,
        (Reached::Object { from, .. }, LastStep::From(way, _)) => from == way,
        _ => false,
    };
    if let Some(place) = links.iter().position(|(_, way)| is_best(*way)) {
        links[..=place].rotate_right(1);
    }
    let found = links.len();
    let (mut paths, mut texts, mut used) = (Vec::new(), BTreeSet::new(), 0);
    for (_, way_in) in links {
        if paths.len() >= options.limit {
            break;
        }
        used += 1;
        let path = match way_in {
            LastStep::Root(root) => path_along(heap, heap.roots().get(root), &[(id, Label::UNLABELLED)]),
            LastStep::From(from, label) => {
                let Some((root, mut along)) = way(shortest, from) else { continue };
                // A referrer that is reached through the object itself does not keep it alive.
                if along.iter().any(|&(at, _)| at == id) {
                    continue;
                }
                along.push((id, label));
                path_along(heap, heap.roots().get(root), &along)
            }
        };
        if texts.insert(path.to_string()) {
            paths.push(path);
        }
    }
    ObjectPaths {
        object: id,
        type_name: heap.type_name(id).to_owned(),
        size: heap.objects().size(id),
        garbage: heap.objects().flags(id).contains(Flags::GARBAGE),
        paths,
        omitted: found - used,
    }
}

/// The paths that keep the objects of `types` alive: one or several types, for two of one name are two types. Linear.
#[must_use]
pub fn paths_to_types(
    heap: &Heap,
    shortest: &ShortestPaths,
    types: &[TypeId],
    options: &PathOptions,
) -> TypePaths {
    let mut nodes = PathNodes::new();
    let placement = nodes.place(heap, shortest);
    let objects = heap.objects();
    let mut asked = vec![false; heap.types().len()];
    for ty in types {
        asked[ty.index()] = true;
    }
    let mut answer = TypePaths { objects: 0, clusters: Vec::new(), omitted: 0, unreached: 0, garbage: 0 };
    let mut held: FxHashMap<PathNodeId, (Amount, ObjectId)> = FxHashMap::default();
    // In the order of their paths' costs, so that the example is the easiest to find.
    let reached = shortest.in_order().iter().copied();
    let unreached = objects.ids().filter(|&id| shortest.cost(id).is_none());
    for id in reached.chain(unreached).filter(|&id| asked[objects.type_of(id).index()]) {
        let flags = objects.flags(id);
        if flags.contains(Flags::OWN) {
            continue;
        }
        if flags.contains(Flags::GARBAGE) {
            answer.garbage += 1;
            continue;
        }
        answer.objects += 1;
        match placement.of(id) {
            Some(node) => held.entry(node).or_insert((Amount::default(), id)).0.add(objects.size(id)),
            None => answer.unreached += 1,
        }
    }
    let mut held: Vec<(PathNodeId, (Amount, ObjectId))> = held.into_iter().collect();
    held.sort_by_key(|&(node, (amount, _))| (Reverse(amount.objects), Reverse(amount.bytes), node));
    answer.omitted = held.len().saturating_sub(options.limit);
    held.truncate(options.limit);
    let cluster = |(node, (amount, example)): (PathNodeId, (Amount, ObjectId))| Cluster {
        path: nodes.path(heap, &placement, node),
        objects: amount.objects,
        bytes: amount.bytes,
        example,
    };
    answer.clusters = held.into_iter().map(cluster).collect();
    answer
}
