//! A heap as the nodes and edges of a `.heapsnapshot`, in the order in which they are written.
//!
//! First the root, then a node for each kind of root and for other holders (see [`Graph::new`]), then the objects in
//! their order. DevTools computes the same dominators as [`memtop_analyze::Dominators`]: references that do not count
//! (from an instance to its type, from garbage to reachable objects) are weak edges.
//!
//! A heap that is too large for DevTools is pruned to the objects with the largest retained sizes, which are closed
//! under dominators. All others are folded: the pruned objects that one object dominates are one node below it. Each
//! such set is entered through its dominator alone, so that folding it leaves dominators and retained sizes of all
//! others as they are.
//!
//! Invariant: a node's edges are the same each time they are asked for.
//!
//! The file is long because nodes, folds and edges share one numbering.

use memtop_analyze::{Dominator, Dominators, Retained, keeps_alive};
use memtop_heap::{Flags, Heap, Label, ObjectId, Reference, RootId, RootKind};
use rustc_hash::FxHashMap;

/// The name of a node of folded objects.
pub(super) const SMALLER: &str = "(smaller objects)";
/// The name of a node that continues one that is too large.
pub(super) const PIECE: &str = "(more of a large object)";

const NONE: u32 = u32::MAX;
/// The largest size that a node can have, in bytes.
const LARGEST: u64 = u32::MAX as u64;
/// The largest number of nodes by which a larger object is continued.
const MOST_PIECES: u64 = 4096;

/// A node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Root,
    /// A holder that is not an object, by index.
    Group(usize),
    Object(ObjectId),
    /// Objects that are folded into one node, by index.
    Fold(usize),
    /// More bytes of a node that is too large for one, by index.
    Piece(usize),
}

/// The name of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EdgeName {
    Number(u32),
    Fixed(&'static str),
    Label(Label),
    Root(RootId),
}

/// An edge, to a node by its place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) name: EdgeName,
    pub(super) to: u32,
    pub(super) weak: bool,
}

/// A holder that is not an object.
#[derive(Debug)]
struct Group {
    name: String,
    holds: Vec<(EdgeName, ObjectId)>,
}

#[derive(Debug, Clone, Copy)]
struct Fold {
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    owner: u32,
    bytes: u32,
}

/// The nodes and edges.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    heap: &'a Heap,
    dominators: Dominators,
    groups: Vec<Group>,
    /// By object: its node, or the node that it is folded into; none for mem_top's own.
    place: Vec<u32>,
    kept: Vec<ObjectId>,
    folds: Vec<Fold>,
    /// By the node that they are below.
    fold_below: FxHashMap<u32, u32>,
    /// By fold, sorted.
    folded: Vec<(u32, ObjectId)>,
    /// By owner, sorted.
    pieces: Vec<Piece>,
    /// Bytes that are not in a node.
    pub(super) bytes_left_out: u64,
}

impl<'a> Graph<'a> {
    /// The graph of `heap`, of at most `most` nodes, and some for objects that are larger than a node can be.
    pub(super) fn new(heap: &'a Heap, most: usize) -> Self {
        let is_own = |id: ObjectId| heap.objects().flags(id).contains(Flags::OWN);
        let objects = heap.objects().ids().filter(|&id| !is_own(id)).count();
        let prune = objects + 64 > most;
        let (dominators, kept) = match prune {
            false => (Dominators::new(heap), heap.objects().ids().filter(|&id| !is_own(id)).collect()),
            true => {
                let retained = Retained::new(heap);
                let kept = largest(&retained, most.saturating_sub(64) / 2);
                (retained.dominators().clone(), kept)
            }
        };
        let mut graph = Self {
            heap,
            groups: groups(heap, &dominators),
            dominators,
            place: vec![NONE; heap.objects().len()],
            kept,
            folds: Vec::new(),
            fold_below: FxHashMap::default(),
            folded: Vec::new(),
            pieces: Vec::new(),
            bytes_left_out: 0,
        };
        for (place, &id) in (graph.first_object()..).zip(&graph.kept) {
            graph.place[id.index()] = place;
        }
        if prune {
            graph.fold();
        }
        graph.cut_large();
        graph
    }

    fn first_object(&self) -> u32 {
        1 + self.groups.len() as u32
    }

    fn first_fold(&self) -> u32 {
        self.first_object() + self.kept.len() as u32
    }

    fn first_piece(&self) -> u32 {
        self.first_fold() + self.folds.len() as u32
    }

    pub(super) fn len(&self) -> usize {
        self.first_piece() as usize + self.pieces.len()
    }

    /// How many objects have nodes of their own.
    pub(super) fn objects(&self) -> usize {
        self.kept.len()
    }

    /// How many objects are folded.
    pub(super) fn folded(&self) -> usize {
        self.folded.len()
    }

    /// The nodes in their order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        std::iter::once(Node::Root)
            .chain((0..self.groups.len()).map(Node::Group))
            .chain(self.kept.iter().map(|&id| Node::Object(id)))
            .chain((0..self.folds.len()).map(Node::Fold))
            .chain((0..self.pieces.len()).map(Node::Piece))
    }

    /// The name of a group.
    pub(super) fn group_name(&self, group: usize) -> &str {
        &self.groups[group].name
    }

    /// The bytes of a node itself.
    pub(super) fn size(&self, node: Node) -> u64 {
        match node {
            Node::Root | Node::Group(_) => 0,
            Node::Object(id) => self.heap.objects().size(id).min(LARGEST),
            Node::Fold(fold) => self.folds[fold].bytes.min(LARGEST),
            Node::Piece(piece) => u64::from(self.pieces[piece].bytes),
        }
    }

    /// Calls `tell` with each edge of a node. `some` is a buffer that is reused.
    pub(super) fn edges(&self, node: Node, some: &mut Vec<(u32, bool)>, mut tell: impl FnMut(Edge)) {
        some.clear();
        let first_fold = self.first_fold();
        let place = match node {
            Node::Root => {
                for group in 0..self.groups.len() as u32 {
                    tell(Edge { name: EdgeName::Number(group), to: 1 + group, weak: false });
                }
                0
            }
            Node::Group(group) => {
                for &(name, id) in &self.groups[group].holds {
                    match self.place[id.index()] {
                        to if to < first_fold => tell(Edge { name, to, weak: false }),
                        to => some.push((to, false)),
                    }
                }
                1 + group as u32
            }
            Node::Object(id) => {
                for reference in self.heap.references().of(id) {
                    match self.place[reference.to.index()] {
                        NONE => {}
                        to if to < first_fold => {
                            let weak = self.is_weak(id, reference);
                            tell(Edge { name: EdgeName::Label(reference.label), to, weak });
                        }
                        to => some.push((to, self.is_weak(id, reference))),
                    }
                }
                self.place[id.index()]
            }
            Node::Fold(fold) => {
                self.references_of_fold(fold as u32, some);
                first_fold + fold as u32
            }
            Node::Piece(_) => return,
        };
        some.extend(self.fold_below.get(&place).map(|&fold| (first_fold + fold, false)));
        // Of several edges to one node, a strong one stays: it is sorted first.
        some.sort_unstable();
        some.dedup_by_key(|edge| edge.0);
        for &(to, weak) in some.iter() {
            let name = if to < first_fold { "…" } else { SMALLER };
            tell(Edge { name: EdgeName::Fixed(name), to, weak });
        }
        let start = self.pieces.partition_point(|piece| piece.owner < place);
        let pieces = self.pieces[start..].iter().take_while(|piece| piece.owner == place);
        for (to, _) in (self.first_piece() + start as u32..).zip(pieces) {
            tell(Edge { name: EdgeName::Fixed(PIECE), to, weak: false });
        }
    }

    /// Adds the references of the objects in a fold to other nodes, with whether they are weak.
    fn references_of_fold(&self, fold: u32, some: &mut Vec<(u32, bool)>) {
        let start = self.folded.partition_point(|&(of, _)| of < fold);
        let members = self.folded[start..].iter().take_while(|&&(of, _)| of == fold);
        for &(_, id) in members {
            for reference in self.heap.references().of(id) {
                match self.place[reference.to.index()] {
                    NONE => {}
                    to if to == self.first_fold() + fold => {}
                    to => some.push((to, self.is_weak(id, reference))),
                }
            }
        }
    }

    /// Whether a reference does not keep its target alive.
    fn is_weak(&self, from: ObjectId, reference: Reference) -> bool {
        !keeps_alive(self.heap, from, reference)
            || (!self.dominators.reaches(from) && self.dominators.reaches(reference.to))
    }

    /// Folds the objects that are not kept.
    fn fold(&mut self) {
        let first_fold = self.first_fold();
        let heap = self.heap;
        let in_order: Vec<ObjectId> = self.dominators.in_order().collect();
        for id in in_order {
            if self.place[id.index()] != NONE {
                continue;
            }
            let above = match self.dominators.of(id) {
                Dominator::Object(above) => self.place[above.index()],
                _ => 0,
            };
            // Its dominator comes before it, and is kept or already folded.
            let fold = if above >= first_fold { above - first_fold } else { self.fold_below(above) };
            self.put(id, fold);
        }
        for id in heap.objects().ids() {
            let flags = heap.objects().flags(id);
            if self.place[id.index()] != NONE || flags.contains(Flags::OWN) {
                continue;
            }
            let name = unreached_name(flags);
            let group = self.groups.iter().position(|group| group.name == name).unwrap_or(0);
            let fold = self.fold_below(1 + group as u32);
            self.put(id, fold);
        }
        self.folded.sort_unstable();
    }

    fn fold_below(&mut self, above: u32) -> u32 {
        let next = self.folds.len() as u32;
        let fold = *self.fold_below.entry(above).or_insert(next);
        if fold == next {
            self.folds.push(Fold { bytes: 0 });
        }
        fold
    }

    fn put(&mut self, id: ObjectId, fold: u32) {
        self.place[id.index()] = self.first_object() + self.kept.len() as u32 + fold;
        let bytes = &mut self.folds[fold as usize].bytes;
        *bytes = bytes.saturating_add(self.heap.objects().size(id));
        self.folded.push((fold, id));
    }

    /// Continues nodes that are larger than a node can be.
    fn cut_large(&mut self) {
        let objects =
            (self.first_object()..).zip(&self.kept).map(|(place, &id)| (place, self.heap.objects().size(id)));
        let folds = (self.first_fold()..).zip(&self.folds).map(|(place, fold)| (place, fold.bytes));
        let large: Vec<(u32, u64)> = objects.chain(folds).filter(|&(_, bytes)| bytes > LARGEST).collect();
        for (owner, bytes) in large {
            let mut rest = bytes - LARGEST;
            for _ in 0..rest.div_ceil(LARGEST).min(MOST_PIECES) {
                let bytes = rest.min(LARGEST);
                self.pieces.push(Piece { owner, bytes: bytes as u32 });
                rest -= bytes;
            }
            self.bytes_left_out = self.bytes_left_out.saturating_add(rest);
        }
    }
}

/// The `count` objects with the largest retained sizes, in their order. The dominator of each is included.
fn largest(retained: &Retained, count: usize) -> Vec<ObjectId> {
    let mut ranked: Vec<(std::cmp::Reverse<u64>, u32, ObjectId)> = (0..)
        .zip(retained.dominators().in_order())
        .map(|(place, id)| (std::cmp::Reverse(retained.of(id).unwrap_or(0)), place, id))
        .collect();
    if count < ranked.len() {
        ranked.select_nth_unstable(count);
        ranked.truncate(count);
    }
    let mut kept: Vec<ObjectId> = ranked.into_iter().map(|(_, _, id)| id).collect();
    kept.sort_unstable();
    kept
}

fn unreached_name(flags: Flags) -> &'static str {
    match flags.contains(Flags::GARBAGE) {
        true => "(garbage that awaits the collector)",
        false => "(held in no known way)",
    }
}

/// The holders that are not objects: the roots by kind; the immortal objects; the instances of classes that nothing
/// else holds; and those for unreachable objects.
fn groups(heap: &Heap, dominators: &Dominators) -> Vec<Group> {
    let is_own = |id: ObjectId| heap.objects().flags(id).contains(Flags::OWN);
    let mut groups = Vec::new();
    let mut add = |name: String, holds: Vec<(EdgeName, ObjectId)>| {
        if !holds.is_empty() {
            groups.push(Group { name, holds });
        }
    };
    for kind in RootKind::ALL {
        let roots = heap.roots().iter().filter(|(_, root)| root.kind == kind && !is_own(root.object));
        let holds = roots.map(|(id, root)| (EdgeName::Root(id), root.object)).collect();
        add(format!("({})", plural(kind)), holds);
    }
    let numbered = |ids: &mut dyn Iterator<Item = ObjectId>| -> Vec<(EdgeName, ObjectId)> {
        (0..).zip(ids).map(|(place, id)| (EdgeName::Number(place), id)).collect()
    };
    let immortal = |&id: &ObjectId| heap.objects().flags(id).contains(Flags::IMMORTAL) && !is_own(id);
    add("(immortal objects)".to_owned(), numbered(&mut heap.objects().ids().filter(immortal)));
    let classes = &mut dominators.classes_of_instances().iter().copied();
    add("(classes that only instances hold)".to_owned(), numbered(classes));
    let (garbage, unknown): (Vec<ObjectId>, Vec<ObjectId>) = unreached_starts(heap, dominators)
        .into_iter()
        .partition(|&id| heap.objects().flags(id).contains(Flags::GARBAGE));
    for (flags, starts) in [(Flags::GARBAGE, garbage), (Flags::NONE, unknown)] {
        add(unreached_name(flags).to_owned(), numbered(&mut starts.into_iter()));
    }
    groups
}

fn plural(kind: RootKind) -> &'static str {
    match kind {
        RootKind::Module => "modules",
        RootKind::Class => "classes",
        RootKind::Frame => "frames",
        RootKind::ThreadLocal => "thread locals",
        RootKind::ContextVariable => "context variables",
        RootKind::Interpreter => "interpreter",
        RootKind::Builtins => "builtins",
        RootKind::Native => "native references",
        _ => "unknown roots",
    }
}

/// Unreachable objects from which all other unreachable objects are reached.
fn unreached_starts(heap: &Heap, dominators: &Dominators) -> Vec<ObjectId> {
    let is_out = |id: ObjectId| !dominators.reaches(id) && !heap.objects().flags(id).contains(Flags::OWN);
    let mut seen = vec![false; heap.objects().len()];
    let mut starts = Vec::new();
    let mut open = Vec::new();
    for id in heap.objects().ids() {
        if !is_out(id) || seen[id.index()] {
            continue;
        }
        starts.push(id);
        seen[id.index()] = true;
        open.push(id);
        while let Some(from) = open.pop() {
            for reference in heap.references().of(from) {
                let to = reference.to;
                if !seen[to.index()] && is_out(to) && keeps_alive(heap, from, reference) {
                    seen[to.index()] = true;
                    open.push(to);
                }
            }
        }
    }
    starts
}
