//! The neighbourhood of an object or of a type's objects, as a graph for Graphviz: its holders, and, below an object,
//! the objects that it holds.
//!
//! An object on several paths is drawn once; objects that are held in the same way are one place. The graph is small
//! enough to read, and notes what is left out.

use std::io::{self, Write};

use memtop_analyze::{
    Costs, Path, PathOptions, PathStep, Retained, ShortestPaths, StepLabel, paths_to_object, paths_to_types,
};
use memtop_heap::{Flags, Heap, LabelKind, ObjectId, RootKind, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::escape::{cut, escape};
use crate::numbers::{bytes, grouped};

/// The size of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DotOptions {
    /// The largest number of paths.
    pub paths: usize,
    /// The largest number of places that the object holds, grouped by label and type.
    pub items: usize,
}

impl Default for DotOptions {
    fn default() -> Self {
        Self { paths: 10, items: 10 }
    }
}

/// The widest text, in columns.
const WIDTH: usize = 60;
/// The depth to which namespaces and storage are searched for the objects that an object holds.
const PARTS: usize = 8;

/// Draws the holders of `id`, and the objects that it holds.
///
/// # Errors
/// Those of `out`.
pub fn dot_of_object(
    heap: &Heap,
    retained: &Retained,
    shortest: &ShortestPaths,
    id: ObjectId,
    options: &DotOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let limit = PathOptions { limit: options.paths };
    let answer = paths_to_object(heap, shortest, &Costs::default(), id, &limit);
    let mut drawing = Drawing { heap, retained: Some(retained), ..Drawing::new(heap) };
    let target = drawing.object(id);
    drawing.nodes[target].1 = TARGET;
    for path in &answer.paths {
        drawing.path(path);
    }
    match answer.paths.is_empty() {
        true => drawing.note(target, "no root reaches it", true),
        false if answer.omitted > 0 => {
            drawing.note(target, &format!("more paths to it: {}", grouped(answer.omitted as u64)), true);
        }
        false => {}
    }
    drawing.items(target, id, options.items);
    drawing.write(heap.type_name(id), out)
}

/// Draws the holders of the objects of `types`, the types that are called `name`.
///
/// # Errors
/// Those of `out`.
pub fn dot_of_types(
    heap: &Heap,
    shortest: &ShortestPaths,
    types: &[TypeId],
    name: &str,
    options: &DotOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let answer = paths_to_types(heap, shortest, types, &PathOptions { limit: options.paths });
    let mut drawing = Drawing::new(heap);
    let title = format!("{}\n{} objects", text(name), grouped(answer.objects));
    let target = drawing.node(Key::Target, title, TARGET);
    for cluster in &answer.clusters {
        let Some(end) = drawing.path(&cluster.path) else { continue };
        let held = format!("{} of them\n{}", grouped(cluster.objects), bytes(cluster.bytes));
        drawing.nodes[end].0.push_str(&format!("\n{held}"));
        drawing.edge(end, target, String::new());
    }
    for (count, what) in [
        (answer.omitted as u64, "more paths to some of them"),
        (answer.unreached, "that no root reaches"),
        (answer.garbage, "that await the collector"),
    ] {
        if count > 0 {
            drawing.note(target, &format!("{} {what}", grouped(count)), true);
        }
    }
    drawing.write(name, out)
}

/// The meaning of a node.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Target,
    Root(String),
    Object(ObjectId),
    /// A place below a node, by label and type.
    Place(usize, String, String),
}

const PLAIN: &str = "shape=box, style=rounded";
const ROOT: &str = "shape=box, style=filled, fillcolor=\"#e8eef7\"";
const TARGET: &str = "shape=box, style=\"rounded,filled\", fillcolor=\"#fde2d0\", penwidth=2";
const NOTE: &str = "shape=plaintext";

struct Drawing<'a> {
    heap: &'a Heap,
    retained: Option<&'a Retained>,
    known: FxHashMap<Key, usize>,
    /// The text and the style of a node.
    nodes: Vec<(String, &'static str)>,
    edges: Vec<(usize, usize, String)>,
    drawn: FxHashSet<(usize, usize, String)>,
}

impl<'a> Drawing<'a> {
    fn new(heap: &'a Heap) -> Self {
        Self {
            heap,
            retained: None,
            known: FxHashMap::default(),
            nodes: Vec::new(),
            edges: Vec::new(),
            drawn: FxHashSet::default(),
        }
    }

    fn node(&mut self, key: Key, text: String, looks: &'static str) -> usize {
        let next = self.nodes.len();
        let place = *self.known.entry(key).or_insert(next);
        if place == next {
            self.nodes.push((text, looks));
        }
        place
    }

    fn edge(&mut self, from: usize, to: usize, label: String) {
        let edge = (from, to, label);
        if self.drawn.insert(edge.clone()) {
            self.edges.push(edge);
        }
    }

    /// A remark on a node.
    fn note(&mut self, on: usize, what: &str, above: bool) {
        self.nodes.push((what.to_owned(), NOTE));
        let note = self.nodes.len() - 1;
        let (from, to) = if above { (note, on) } else { (on, note) };
        self.edge(from, to, String::new());
    }

    fn object(&mut self, id: ObjectId) -> usize {
        let object = self.heap.objects().get(id);
        let mut label =
            format!("{}\n{:#x}\n{}", text(self.heap.type_name(id)), object.address, bytes(object.size));
        if let Some(retained) = self.retained.and_then(|retained| retained.of(id)) {
            label.push_str(&format!(", retains {}", bytes(retained)));
        }
        self.node(Key::Object(id), label, PLAIN)
    }

    /// Draws a path, and returns its last node.
    fn path(&mut self, path: &Path) -> Option<usize> {
        let root = path.root.to_string();
        let shown = match path.root.kind {
            RootKind::Module | RootKind::Class => format!("{} {root}", path.root.kind.word()),
            _ => root,
        };
        let mut at = self.node(Key::Root(shown.clone()), text(&shown), ROOT);
        for step in &path.steps {
            let next = match step.object.filter(|_| !step.repeated) {
                Some(id) => self.object(id),
                None => {
                    let key = Key::Place(at, step.label.to_string(), step.type_name.clone());
                    self.node(key, text(&step.type_name), PLAIN)
                }
            };
            self.edge(at, next, step_label(step));
            at = next;
        }
        (!path.steps.is_empty()).then_some(at)
    }

    /// Draws the objects that an object refers to, the largest retained size first.
    fn items(&mut self, from: usize, id: ObjectId, limit: usize) {
        let mut groups: FxHashMap<(StepLabel, TypeId), (u64, u64, ObjectId)> = FxHashMap::default();
        for (label, to) in self.held_by(id) {
            let of = (label, self.heap.objects().type_of(to));
            let bytes = self.retained.and_then(|retained| retained.of(to)).unwrap_or(0);
            let sum = groups.entry(of).or_insert((0, 0, to));
            *sum = (sum.0 + 1, sum.1.saturating_add(bytes), sum.2);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by(|a, b| (b.1.1, b.1.0).cmp(&(a.1.1, a.1.0)).then_with(|| a.0.cmp(&b.0)));
        let rest = groups.split_off(limit.min(groups.len()));
        for ((label, ty), (count, retained, one)) in groups {
            let step = label.to_string();
            let to = match count {
                1 => self.object(one),
                _ => {
                    let name = self.heap.types().name(ty);
                    let label = format!(
                        "{}\n{} references\ntheir targets retain {}",
                        text(name),
                        grouped(count),
                        bytes(retained)
                    );
                    self.node(Key::Place(from, step.clone(), name.to_owned()), label, PLAIN)
                }
            };
            self.edge(from, to, text(step.trim()));
        }
        let more: u64 = rest.iter().map(|(_, sum)| sum.0).sum();
        if more > 0 {
            self.note(from, &format!("{} more references", grouped(more)), false);
        }
    }

    /// The objects that an object refers to, directly or through its parts. Labels that vary are `[*]`.
    fn held_by(&self, id: ObjectId) -> Vec<(StepLabel, ObjectId)> {
        let mut held = Vec::new();
        let mut parts = vec![(id, false)];
        let mut next = 0;
        while let Some(&(part, in_namespace)) = parts.get(next) {
            next += 1;
            for reference in self.heap.references().of(part) {
                let (kind, to) = (reference.label.kind(), reference.to);
                if kind == LabelKind::Type || self.heap.objects().flags(to).contains(Flags::OWN) {
                    continue;
                }
                if kind.is_fold() && parts.len() < PARTS && !parts.iter().any(|&(known, _)| known == to) {
                    parts.push((to, kind == LabelKind::Dict));
                    continue;
                }
                let label = match StepLabel::exact(self.heap, reference.label, in_namespace) {
                    StepLabel::Key(_) | StepLabel::KeyText(_) | StepLabel::Index(_) => StepLabel::Any,
                    label => label,
                };
                held.push((label, to));
            }
        }
        held
    }

    fn write(&self, of: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "digraph {} {{", quoted(&format!("mem_top: {}", text(of))))?;
        writeln!(out, "  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=10];")?;
        writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=9];")?;
        for (place, (text, looks)) in self.nodes.iter().enumerate() {
            writeln!(out, "  n{place} [label={}, {looks}];", quoted(text))?;
        }
        for (from, to, label) in &self.edges {
            writeln!(out, "  n{from} -> n{to} [label={}];", quoted(label))?;
        }
        writeln!(out, "}}")
    }
}

fn step_label(step: &PathStep) -> String {
    let label = text(step.label.to_string().trim());
    if step.repeated { format!("{label}…") } else { label }
}

/// A text, escaped and cut to a readable length.
fn text(name: &str) -> String {
    cut(&escape(name), WIDTH).into_owned()
}

/// A string of the DOT language; a line end in it begins a new line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
