//! Path nodes: all objects that are reached in the same way are one node.
//!
//! A node is the node before it, a normalised label and a type: attributes, locals and variables closed over keep
//! their names, any key, index and member is `[*]`. A part of its owner (a `__dict__`, storage) is a node without
//! descendants: the nodes that it leads to are below its owner. A node that repeats one of the five before it (the next
//! node of a linked list) is that one, and is marked a loop; so nodes are few however long a chain is. The idea is
//! LeakCanary's (its object growth detector); the loops are ours.
//!
//! The nodes are interned over all heaps of a series, by texts: one node in two heaps is the same handle, so growth
//! is a subtraction. [`Placement`] maps the objects of one heap to nodes.
//!
//! Invariant: a node comes after the node before it. One hash look-up per object; linear.

use memtop_heap::{Heap, Interner, Label, LabelKind, ObjectId, Origin, Root, RootKind, StringId};
use rustc_hash::FxHashMap;

use crate::path::{Path, PathRoot, PathStep, REPEATS_WITHIN, StepLabel};
use crate::shortest::{Reached, ShortestPaths};

const NONE: u32 = u32::MAX;

/// A node: the same handle for the same path in every heap of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathNodeId(u32);

impl PathNodeId {
    /// The node as an index, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The kind of step that leads to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// A root, which is not an object: nothing is placed here, but the object that it leads to is below.
    Root(RootKind),
    /// The object that a root leads to.
    Start,
    /// An attribute, or a name of a namespace.
    Attribute,
    /// A value under any key, an item, a member.
    Any,
    /// The key of an entry.
    KeyObject,
    /// A local variable.
    Local,
    /// A variable closed over.
    Closure,
    /// An instance's type.
    Type,
    /// A class's base.
    Base,
    /// A namespace: part of the node before it.
    Dict,
    /// Storage: part of the node before it.
    Storage,
    /// A reference of an unknown kind.
    Unlabelled,
}

/// A node. Its texts are those of [`PathNodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathNode {
    /// The node before it; none for a root.
    pub parent: Option<PathNodeId>,
    /// The kind of step that leads to it.
    pub kind: NodeKind,
    /// The name of an attribute, local, variable closed over, or root; the empty text for others.
    pub text: StringId,
    /// The name of the type of the objects here; for the root of a frame, its file.
    pub type_name: StringId,
}

#[derive(Debug, Clone, Copy)]
struct Extra {
    /// Whether objects at this node refer to objects at this node again.
    repeated: bool,
    /// Whether keys from here are names of a namespace.
    namespace: bool,
    /// Whether the root leads to a namespace, which is part of the root.
    folded: bool,
    origin: Origin,
}

/// The nodes of a series of heaps.
#[derive(Debug, Clone, Default)]
pub struct PathNodes {
    interner: Interner,
    nodes: Vec<PathNode>,
    extras: Vec<Extra>,
    known: FxHashMap<PathNode, PathNodeId>,
}

/// The labels that lead to a node within one heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Labels {
    None,
    One(Label),
    Several,
}

/// The nodes of the objects of one heap.
#[derive(Debug, Clone)]
pub struct Placement {
    node: Vec<u32>,
    labels: Vec<Labels>,
}

impl Placement {
    /// The node of `id`; none if no root reaches it.
    #[must_use]
    pub fn of(&self, id: ObjectId) -> Option<PathNodeId> {
        Some(self.node[id.index()]).filter(|&node| node != NONE).map(PathNodeId)
    }

    /// The one label that leads to a node in this heap; none if there are several, or none.
    #[must_use]
    pub fn label(&self, node: PathNodeId) -> Option<Label> {
        match self.labels.get(node.index()) {
            Some(Labels::One(label)) => Some(*label),
            _ => None,
        }
    }
}

/// The texts of one heap as texts of the nodes, looked up once each.
struct Texts<'a> {
    heap: &'a Heap,
    texts: Vec<Option<StringId>>,
    types: Vec<Option<StringId>>,
}

impl Texts<'_> {
    fn text(&mut self, interner: &mut Interner, id: StringId) -> StringId {
        *self.texts[id.index()].get_or_insert_with(|| interner.intern(self.heap.text(id)))
    }

    fn type_of(&mut self, interner: &mut Interner, id: ObjectId) -> StringId {
        let ty = self.heap.objects().type_of(id);
        *self.types[ty.index()].get_or_insert_with(|| interner.intern(self.heap.types().name(ty)))
    }
}

impl PathNodes {
    /// Creates it without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node `id`.
    #[must_use]
    pub fn get(&self, id: PathNodeId) -> &PathNode {
        &self.nodes[id.index()]
    }

    /// All nodes, each after the node before it.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PathNodeId> + use<> {
        (0..self.nodes.len() as u32).map(PathNodeId)
    }

    /// The node at an index below [`PathNodes::len`].
    pub(crate) fn id_at(&self, index: usize) -> PathNodeId {
        debug_assert!(index < self.nodes.len());
        PathNodeId(index as u32)
    }

    /// A text of a node.
    #[must_use]
    pub fn text(&self, id: StringId) -> &str {
        self.interner.strings().get(id)
    }

    /// Whether the objects at a node are chained: it represents a path of any length.
    #[must_use]
    pub fn is_repeated(&self, id: PathNodeId) -> bool {
        self.extras[id.index()].repeated
    }

    /// Whether a node is only a part of the node before it.
    #[must_use]
    pub fn is_part(&self, id: PathNodeId) -> bool {
        self.extras[id.index()].folded || matches!(self.get(id).kind, NodeKind::Dict | NodeKind::Storage)
    }

    /// The node that a node is a part of, or itself.
    #[must_use]
    pub fn owner(&self, mut id: PathNodeId) -> PathNodeId {
        while let (true, Some(parent)) = (self.is_part(id), self.get(id).parent) {
            id = parent;
        }
        id
    }

    /// Places the objects of `heap`.
    pub fn place(&mut self, heap: &Heap, shortest: &ShortestPaths) -> Placement {
        let mut texts =
            Texts { heap, texts: vec![None; heap.strings().len()], types: vec![None; heap.types().len()] };
        let mut placement = Placement { node: vec![NONE; heap.objects().len()], labels: Vec::new() };
        for &id in shortest.in_order() {
            let type_name = texts.type_of(&mut self.interner, id);
            let (parent, label, from_root) = match shortest.of(id) {
                Reached::Root(root) => {
                    let root = heap.roots().get(root);
                    (self.root(heap, root, &mut texts), root.label, true)
                }
                Reached::Object { from, label } => (PathNodeId(placement.node[from.index()]), label, false),
                Reached::Not => continue,
            };
            let text = label.text().map(|text| texts.text(&mut self.interner, text));
            let node = self.child(parent, label, text, type_name, from_root);
            placement.node[id.index()] = node.0;
            if placement.labels.len() < self.nodes.len() {
                placement.labels.resize(self.nodes.len(), Labels::None);
            }
            let labels = &mut placement.labels[node.index()];
            *labels = match *labels {
                Labels::None => Labels::One(label),
                Labels::One(known) if known == label => Labels::One(label),
                _ => Labels::Several,
            };
        }
        placement
    }

    fn root(&mut self, heap: &Heap, root: &Root, texts: &mut Texts<'_>) -> PathNodeId {
        // A frame is known by its function: its line changes, and its thread is one of many.
        let frame = root.frame().map(|id| heap.roots().frame(id));
        let text = texts.text(&mut self.interner, frame.map_or(root.name, |frame| frame.function));
        let type_name = match frame {
            Some(frame) => texts.text(&mut self.interner, frame.file),
            None => Interner::empty(),
        };
        let node = PathNode { parent: None, kind: NodeKind::Root(root.kind), text, type_name };
        let extra = Extra { repeated: false, namespace: false, folded: false, origin: root.origin };
        self.intern(node, extra)
    }

    /// The node of the object that a label leads to from one at `parent`.
    fn child(
        &mut self,
        parent: PathNodeId,
        label: Label,
        text: Option<StringId>,
        type_name: StringId,
        from_root: bool,
    ) -> PathNodeId {
        let in_namespace = self.extras[parent.index()].namespace;
        let parent = self.owner(parent);
        let text = text.unwrap_or(Interner::empty());
        let (kind, text) = match label.kind() {
            LabelKind::Attribute => (NodeKind::Attribute, text),
            LabelKind::Key if in_namespace => (NodeKind::Attribute, text),
            LabelKind::Local => (NodeKind::Local, text),
            LabelKind::Closure => (NodeKind::Closure, text),
            LabelKind::KeyObject => (NodeKind::KeyObject, Interner::empty()),
            LabelKind::Type => (NodeKind::Type, Interner::empty()),
            LabelKind::Base => (NodeKind::Base, Interner::empty()),
            LabelKind::Dict => (NodeKind::Dict, Interner::empty()),
            LabelKind::Storage => (NodeKind::Storage, Interner::empty()),
            LabelKind::Unlabelled if from_root => (NodeKind::Start, Interner::empty()),
            LabelKind::Unlabelled => (NodeKind::Unlabelled, Interner::empty()),
            _ => (NodeKind::Any, Interner::empty()),
        };
        let node = PathNode { parent: Some(parent), kind, text, type_name };
        if let Some(&known) = self.known.get(&node) {
            return known;
        }
        if let Some(same) = self.repeats(&node) {
            self.extras[same.index()].repeated = true;
            self.known.insert(node, same);
            return same;
        }
        let namespace = kind == NodeKind::Dict;
        let folded = from_root && kind == NodeKind::Dict;
        let origin = self.extras[parent.index()].origin;
        self.intern(node, Extra { repeated: false, namespace, folded, origin })
    }

    /// The near ancestor that a node repeats.
    fn repeats(&self, node: &PathNode) -> Option<PathNodeId> {
        if matches!(node.kind, NodeKind::Dict | NodeKind::Storage | NodeKind::Start) {
            return None;
        }
        let like = |other: &PathNode| {
            (other.kind, other.text, other.type_name) == (node.kind, node.text, node.type_name)
        };
        std::iter::successors(node.parent, |&id| self.get(id).parent)
            .take(REPEATS_WITHIN)
            .find(|&id| like(self.get(id)))
    }

    fn intern(&mut self, node: PathNode, extra: Extra) -> PathNodeId {
        if let Some(&known) = self.known.get(&node) {
            return known;
        }
        let id = PathNodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.extras.push(extra);
        self.known.insert(node, id);
        id
    }

    /// The path to a node, from its root. Where one label alone leads to a step in `placement`, the step has that
    /// label; else `[*]`.
    #[must_use]
    pub fn path(&self, heap: &Heap, placement: &Placement, id: PathNodeId) -> Path {
        let mut nodes: Vec<PathNodeId> = std::iter::successors(Some(id), |&id| self.get(id).parent).collect();
        nodes.reverse();
        let root = self.get(nodes[0]);
        let NodeKind::Root(kind) = root.kind else { unreachable!("a path of nodes begins with a root") };
        let file = Some(self.text(root.type_name)).filter(|file| !file.is_empty());
        let root = PathRoot {
            kind,
            name: self.text(root.text).to_owned(),
            file: file.map(str::to_owned),
            line: None,
            thread: None,
            origin: self.extras[nodes[0].index()].origin,
        };
        let steps = nodes[1..].iter().map(|&id| {
            let node = self.get(id);
            let text = || self.text(node.text).to_owned();
            let label = match node.kind {
                NodeKind::Attribute => StepLabel::Attribute(text()),
                NodeKind::Local => StepLabel::Local(text()),
                NodeKind::Closure => StepLabel::Closure(text()),
                NodeKind::KeyObject => StepLabel::KeyObject,
                NodeKind::Type => StepLabel::Type,
                NodeKind::Base => StepLabel::Base,
                NodeKind::Dict if self.extras[id.index()].folded => StepLabel::Start,
                NodeKind::Dict => StepLabel::Dict,
                NodeKind::Storage => StepLabel::Storage,
                NodeKind::Unlabelled => StepLabel::Unlabelled,
                NodeKind::Any => placement
                    .label(id)
                    .filter(|_| !self.is_repeated(id))
                    .map_or(StepLabel::Any, |label| StepLabel::exact(heap, label, false)),
                NodeKind::Root(_) | NodeKind::Start => StepLabel::Start,
            };
            let type_name = self.text(node.type_name).to_owned();
            PathStep { label, type_name, object: None, repeated: self.is_repeated(id) }
        });
        Path { root, steps: steps.collect() }.shortened()
    }
}
