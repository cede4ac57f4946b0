//! The objects of a heap by path, as stacks: the path from its root is an object's stack, the root the outermost frame.
//!
//! Objects that are reached in the same way share a stack (keys and indexes are `[*]`), as in
//! [`memtop_analyze::PathNodes`]; each object counts once, at its best path. Unreachable objects are below frames of
//! their own: garbage that awaits the collector, and objects that are held in an unknown way.
//!
//! Invariant: the stacks' objects and bytes add up to those of the heap, without mem_top's own. A frame comes after the
//! frame that it is below.

use memtop_analyze::{Costs, NodeKind, PathNodeId, PathNodes, PathRoot, ShortestPaths, StepLabel};
use memtop_heap::{Flags, Heap, Origin, RootKind, TypeId};
use rustc_hash::FxHashMap;

use super::names::name;

/// The frame below a root.
pub(super) const GARBAGE: &str = "garbage that awaits the collector";
/// The frame of unreachable objects that are not garbage.
pub(super) const UNKNOWN: &str = "held in no known way";
/// The frame at the end of stacks that are too deep.
const DEEPER: &str = "…deeper";

/// The options of stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StacksOptions {
    /// The largest number of frames of a stack; deeper objects are merged.
    pub deepest: usize,
}

impl Default for StacksOptions {
    fn default() -> Self {
        Self { deepest: 200 }
    }
}

/// A frame with those above it: one stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The frame that it is below, by index.
    pub(super) parent: Option<usize>,
    /// Its name, by index.
    pub(super) name: usize,
    /// How many objects are at this frame, and their bytes.
    pub(super) objects: u64,
    pub(super) bytes: u64,
    depth: usize,
}

/// The stacks of a heap.
#[derive(Debug, Clone)]
pub struct Stacks {
    frames: Vec<Frame>,
    names: Vec<String>,
    known: FxHashMap<String, usize>,
    /// How many objects there are, and their bytes.
    objects: u64,
    bytes: u64,
}

impl Stacks {
    /// The stacks of `heap`. Linear: a walk for the paths, and one look-up per object.
    #[must_use]
    pub fn new(heap: &Heap, options: &StacksOptions) -> Self {
        let shortest = ShortestPaths::new(heap, &Costs::default());
        let mut nodes = PathNodes::new();
        let placement = nodes.place(heap, &shortest);
        drop(shortest);
        let mut stacks =
            Self { frames: Vec::new(), names: Vec::new(), known: FxHashMap::default(), objects: 0, bytes: 0 };
        let frame_of = stacks.frames_of(&nodes, options.deepest.max(2));
        let mut unreached: FxHashMap<(bool, TypeId), (u64, u64)> = FxHashMap::default();
        for id in heap.objects().ids() {
            let (flags, size) = (heap.objects().flags(id), heap.objects().size(id));
            if flags.contains(Flags::OWN) {
                continue;
            }
            stacks.objects += 1;
            stacks.bytes = stacks.bytes.saturating_add(size);
            let (objects, bytes) = match placement.of(id).filter(|_| !flags.contains(Flags::GARBAGE)) {
                Some(node) => {
                    let frame = &mut stacks.frames[frame_of[node.index()]];
                    (&mut frame.objects, &mut frame.bytes)
                }
                None => {
                    let of = (flags.contains(Flags::GARBAGE), heap.objects().type_of(id));
                    let sum = unreached.entry(of).or_default();
                    (&mut sum.0, &mut sum.1)
                }
            };
            *objects += 1;
            *bytes = bytes.saturating_add(size);
        }
        stacks.add_unreached(heap, unreached);
        stacks
    }

    /// How many objects there are in all.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many different stacks have objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held().count()
    }

    /// Whether there is no object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The frames that have objects.
    pub(super) fn held(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(|frame| frame.objects > 0)
    }

    /// The names of a stack, the innermost frame first.
    pub(super) fn names_of<'a>(&'a self, frame: &'a Frame) -> impl Iterator<Item = usize> + 'a {
        std::iter::successors(Some(frame), |frame| frame.parent.map(|parent| &self.frames[parent]))
            .map(|frame| frame.name)
    }

    fn push(&mut self, parent: Option<usize>, text: &str) -> usize {
        let name = match self.known.get(text) {
            Some(&known) => known,
            None => {
                self.names.push(text.to_owned());
                self.known.insert(text.to_owned(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        let depth = parent.map_or(1, |parent| self.frames[parent].depth + 1);
        self.frames.push(Frame { parent, name, objects: 0, bytes: 0, depth });
        self.frames.len() - 1
    }

    /// The frame of each path node.
    fn frames_of(&mut self, nodes: &PathNodes, deepest: usize) -> Vec<usize> {
        let mut frame_of: Vec<usize> = Vec::with_capacity(nodes.len());
        // The frame for deeper objects, by the last frame that is kept.
        let mut deeper: FxHashMap<usize, usize> = FxHashMap::default();
        for id in nodes.ids() {
            // A module's namespace is the module.
            let node = nodes.get(id);
            let above = node.parent.map(|parent| frame_of[parent.index()]);
            let frame = match above {
                Some(above) if is_namespace_of_root(nodes, id) => above,
                Some(above) if self.frames[above].depth >= deepest => above,
                Some(above) if self.frames[above].depth + 1 == deepest => {
                    *deeper.entry(above).or_insert_with(|| self.push(Some(above), DEEPER))
                }
                above => self.push(above, &frame_name(nodes, id)),
            };
            frame_of.push(frame);
        }
        frame_of
    }

    fn add_unreached(&mut self, heap: &Heap, unreached: FxHashMap<(bool, TypeId), (u64, u64)>) {
        // Two types of one name are one frame.
        let mut named: FxHashMap<(bool, &str), (u64, u64)> = FxHashMap::default();
        for ((garbage, ty), (objects, bytes)) in unreached {
            let sum = named.entry((garbage, heap.types().name(ty))).or_default();
            *sum = (sum.0 + objects, sum.1.saturating_add(bytes));
        }
        let mut rows: Vec<_> = named.into_iter().collect();
        rows.sort_unstable();
        for (is_garbage, text) in [(true, GARBAGE), (false, UNKNOWN)] {
            let mut rows = rows.iter().filter(|((garbage, _), _)| *garbage == is_garbage).peekable();
            if rows.peek().is_none() {
                continue;
            }
            let above = self.push(None, text);
            for &((_, type_name), (objects, bytes)) in rows {
                let frame = self.push(Some(above), &name(type_name));
                (self.frames[frame].objects, self.frames[frame].bytes) = (objects, bytes);
            }
        }
    }
}

fn is_namespace_of_root(nodes: &PathNodes, id: PathNodeId) -> bool {
    let node = nodes.get(id);
    let above = node.parent.map(|parent| nodes.get(parent).kind);
    matches!(above, Some(NodeKind::Root(_))) && node.kind == NodeKind::Dict && nodes.is_part(id)
}

/// `module shop.sessions`, `.by_token: dict`, `[*]: shop.Session`. No address and no line, so that two exports of one
/// program have the same frames.
fn frame_name(nodes: &PathNodes, id: PathNodeId) -> String {
    let node = nodes.get(id);
    let text = || nodes.text(node.text).to_owned();
    let label = match node.kind {
        NodeKind::Root(kind) => {
            let file = Some(nodes.text(node.type_name)).filter(|file| !file.is_empty());
            let root = PathRoot {
                kind,
                name: text(),
                file: file.map(str::to_owned),
                line: None,
                thread: None,
                origin: Origin::Unknown,
            };
            let root = root.to_string();
            let says_so =
                root.starts_with(kind.word()) || matches!(kind, RootKind::Builtins | RootKind::Native);
            return match says_so {
                true => name(&root).into_owned(),
                false => name(&format!("{} {root}", kind.word())).into_owned(),
            };
        }
        NodeKind::Attribute => StepLabel::Attribute(text()),
        NodeKind::Any => StepLabel::Any,
        NodeKind::KeyObject => StepLabel::KeyObject,
        NodeKind::Local => StepLabel::Local(text()),
        NodeKind::Closure => StepLabel::Closure(text()),
        NodeKind::Type => StepLabel::Type,
        NodeKind::Base => StepLabel::Base,
        NodeKind::Dict => StepLabel::Dict,
        NodeKind::Storage => StepLabel::Storage,
        NodeKind::Start | NodeKind::Unlabelled => StepLabel::Start,
    };
    let label = label.to_string();
    let (label, type_name) = (label.trim(), nodes.text(node.type_name));
    let repeated = if nodes.is_repeated(id) { "…" } else { "" };
    // Both are cut, so that the type stays legible.
    match label.is_empty() {
        true => format!("{}{repeated}", name(type_name)),
        false => format!("{}{repeated}: {}", name(label), name(type_name)),
    }
}
