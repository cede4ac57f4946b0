//! The part of a path that a person would name.
//!
//! A path may begin at an accident, such as a timer of an event loop, and lead through bound methods to an object that
//! many places refer to. The path is right, but does not say what the object is. The class that owns the last attribute
//! does: `history of app.Session`.

use memtop_heap::{Heap, LabelKind, Origin, RootKind, Shape, TypeId};

use crate::path::{Path, PathStep, StepLabel};

/// The longest path from a durable root that is easy to read, in steps.
const READABLE: usize = 6;
/// The same from a root that comes and goes.
const READABLE_FROM_PASSING: usize = 3;
/// How many steps after an attribute of the standard library's own class the attribute of another class may be before
/// it, and still be named instead.
const BEFORE_STANDARD: usize = 3;
/// The most classes of a method resolution order that are searched for an attribute.
const BASES: usize = 64;

/// Attributes by which the interpreter leads from one object to another: not a part of anyone's data.
const PLUMBING: [&str; 16] = [
    "__self__",
    "__func__",
    "__wrapped__",
    "__context__",
    "__cause__",
    "__traceback__",
    "tb_next",
    "tb_frame",
    "f_back",
    "gi_frame",
    "cr_frame",
    "ag_frame",
    "gi_yieldfrom",
    "cr_await",
    "ag_await",
    "cell_contents",
];

impl Path {
    /// Its last durable part that means something, where the whole path is hard to read: the attribute at its end, with
    /// the class that owns it. None if the whole path reads well, or if no class owns an attribute near its end.
    #[must_use]
    pub fn headline(&self, heap: &Heap) -> Option<String> {
        if self.reads_well() {
            return None;
        }
        let mut named: Option<(usize, TypeId)> = None;
        for index in (1..self.steps.len()).rev() {
            if self.steps[index].is_plumbing() || named.is_some_and(|(at, _)| at > index + BEFORE_STANDARD) {
                break;
            }
            if !matches!(self.steps[index].label, StepLabel::Attribute(_)) {
                continue;
            }
            let Some(owner) = class_named(heap, &self.steps[index - 1].type_name) else { continue };
            let is_standard = heap.types().get(owner).origin == Origin::Standard;
            if !is_standard {
                named = Some((index, owner));
                break;
            }
            named.get_or_insert((index, owner));
        }
        let (index, owner) = named?;
        let part = self.part_from(heap, index, owner);
        Some(format!("{part} of {}", heap.types().name(owner)))
    }

    fn reads_well(&self) -> bool {
        let is_durable = matches!(self.root.kind, RootKind::Module | RootKind::Class | RootKind::Builtins);
        let longest = if is_durable { READABLE } else { READABLE_FROM_PASSING };
        let is_step =
            |step: &&PathStep| !matches!(step.label, StepLabel::Start | StepLabel::Dict | StepLabel::Storage);
        self.steps.iter().filter(is_step).count() <= longest && !self.steps.iter().any(PathStep::is_plumbing)
    }

    /// The text from an attribute of `owner` to the end. A library that keeps the values of attributes in a dict of its
    /// own, as traitlets does, has the attribute's name in the class.
    fn part_from(&self, heap: &Heap, index: usize, owner: TypeId) -> String {
        let mut rest = &self.steps[index..];
        let mut part = match rest {
            [_, PathStep { label: StepLabel::Key(key), .. }, after @ ..]
                if has_attribute(heap, owner, key) =>
            {
                rest = after;
                key.clone()
            }
            _ => String::new(),
        };
        for step in rest {
            part.push_str(&step.to_string());
        }
        part.trim_start_matches('.').to_owned()
    }
}

impl PathStep {
    /// Whether the step is a way of the interpreter, not a part of the program's data.
    fn is_plumbing(&self) -> bool {
        match &self.label {
            StepLabel::Attribute(name) => PLUMBING.contains(&name.as_str()),
            StepLabel::Unlabelled | StepLabel::KeyObject | StepLabel::Type | StepLabel::Base => true,
            StepLabel::Elided(_) => true,
            _ => false,
        }
    }
}

/// The class of this name whose instances have attributes that mean something.
fn class_named(heap: &Heap, name: &str) -> Option<TypeId> {
    let types = heap.types();
    let is_meant = |shape: Shape| {
        matches!(shape, Shape::Other | Shape::Dict | Shape::List | Shape::Tuple | Shape::Set | Shape::Weak)
    };
    name.contains('.').then_some(())?;
    types.iter().find(|&(id, ty)| is_meant(ty.shape) && types.name(id) == name).map(|(id, _)| id)
}

/// Whether a class or one of its bases defines an attribute.
fn has_attribute(heap: &Heap, class: TypeId, name: &str) -> bool {
    let references = heap.references();
    let mut open: Vec<_> = heap.types().get(class).object().into_iter().collect();
    let mut searched = 0;
    while let Some(id) = open.pop().filter(|_| searched < BASES) {
        searched += 1;
        for reference in references.of(id) {
            let label = reference.label;
            match label.kind() {
                LabelKind::Base => open.push(reference.to),
                LabelKind::Dict => {
                    let named =
                        |key: memtop_heap::Label| key.text().is_some_and(|text| heap.text(text) == name);
                    if references.of(reference.to).any(|entry| named(entry.label)) {
                        return true;
                    }
                }
                _ => {}
            }
        }
    }
    false
}
