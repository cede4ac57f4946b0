//! A path from a root to an object, which reads like Python.
//!
//! `shop.sessions.by_token['tok-17'].cart`, `frame handle (views.py:42) local 'rows'`. An object that only stores the
//! parts of another (an instance's `__dict__`, a list's storage) is not a step, unless the path ends there; a name of a
//! namespace reads as an attribute. Keys and indexes that vary are `[*]`; a step that repeats, as along a linked list,
//! is written once, followed by `…`.
//!
//! A path consists of plain texts, and outlives its heap.

use std::fmt;

use memtop_heap::{Heap, Label, LabelKind, ObjectId, Origin, Root, RootKind};

/// The root of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRoot {
    /// Its kind.
    pub kind: RootKind,
    /// Its name: that of a module, a class or a variable, or of a frame's function.
    pub name: String,
    /// The file of a frame's code.
    pub file: Option<String>,
    /// The line that a frame runs, from 1.
    pub line: Option<u32>,
    /// The thread of a frame.
    pub thread: Option<String>,
    /// The origin of the code that it belongs to.
    pub origin: Origin,
}

/// The label of a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepLabel {
    /// The object that the root leads to, without a text of its own.
    Start,
    /// `.name`.
    Attribute(String),
    /// `['name']`.
    Key(String),
    /// `[42]`: a key that is not a string, as it is written.
    KeyText(String),
    /// `[3]`.
    Index(usize),
    /// `[*]`: any key, index or member.
    Any,
    /// The key of an entry itself.
    KeyObject,
    /// A local variable.
    Local(String),
    /// A variable closed over.
    Closure(String),
    /// An instance's type.
    Type,
    /// A class's base.
    Base,
    /// A namespace, where a path ends with it.
    Dict,
    /// Storage, where a path ends with it.
    Storage,
    /// A reference of an unknown kind.
    Unlabelled,
    /// The number of steps that are not shown.
    Elided(usize),
}

/// A step of a path, and the object that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStep {
    /// Its label.
    pub label: StepLabel,
    /// The name of the type of the object that it leads to.
    pub type_name: String,
    /// The object that it leads to, if it is only one.
    pub object: Option<ObjectId>,
    /// Whether the path repeats it.
    pub repeated: bool,
}

/// A path from a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its root.
    pub root: PathRoot,
    /// Its steps; the first leads to the object that the root holds, the last to the object that the path is about.
    pub steps: Vec<PathStep>,
}

/// The longest path, in steps, whose repeated steps are all written.
const LONG: usize = 24;
/// The largest number of steps that are written: from the start, and to the end.
const SHOWN: (usize, usize) = (24, 8);
/// How many steps back a step may repeat: a list of nodes that are chained through a tuple repeats every other one.
pub(crate) const REPEATS_WITHIN: usize = 5;

impl Path {
    /// Merges repeated steps and cuts out the middle, if the path is too long to be read.
    pub(crate) fn shortened(mut self) -> Self {
        if self.steps.len() > LONG {
            let mut kept: Vec<PathStep> = Vec::new();
            for step in self.steps {
                let mut recent = kept.iter_mut().rev().take(REPEATS_WITHIN);
                let same =
                    |known: &&mut PathStep| known.label == step.label && known.type_name == step.type_name;
                match recent.find(same) {
                    Some(known) => {
                        known.repeated = true;
                        // The end of the path is what it is about.
                        known.object = step.object;
                    }
                    None => kept.push(step),
                }
            }
            self.steps = kept;
        }
        let (first, last) = SHOWN;
        if self.steps.len() > first + last {
            let cut = first..self.steps.len() - last;
            let elided = PathStep {
                label: StepLabel::Elided(cut.len()),
                type_name: String::new(),
                object: None,
                repeated: false,
            };
            self.steps.splice(cut, [elided]);
        }
        self
    }
}

impl PathRoot {
    pub(crate) fn new(heap: &Heap, root: &Root) -> Self {
        let frame = root.frame().map(|id| heap.roots().frame(id));
        Self {
            kind: root.kind,
            name: heap.text(frame.map_or(root.name, |frame| frame.function)).to_owned(),
            file: frame.map(|frame| heap.text(frame.file).to_owned()),
            line: frame.map(|frame| frame.line).filter(|&line| line > 0),
            thread: frame.map(|frame| heap.text(frame.thread).to_owned()),
            origin: root.origin,
        }
    }
}

impl PathRoot {
    /// The name of the type that hides a reference of an uncollectable cycle, if the root is one.
    #[must_use]
    pub fn hidden_by(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| self.kind == RootKind::Native && !name.is_empty())
    }
}

impl StepLabel {
    /// The exact label of a reference; in a namespace, a key is an attribute.
    #[must_use]
    pub fn exact(heap: &Heap, label: Label, in_namespace: bool) -> Self {
        let text = || label.text().map_or_else(String::new, |id| heap.text(id).to_owned());
        match label.kind() {
            LabelKind::Attribute => Self::Attribute(text()),
            LabelKind::Key if in_namespace => Self::Attribute(text()),
            LabelKind::Key => Self::Key(text()),
            LabelKind::KeyText => Self::KeyText(text()),
            LabelKind::Index => label.index().map_or(Self::Any, Self::Index),
            LabelKind::AnyKey | LabelKind::Member => Self::Any,
            LabelKind::KeyObject => Self::KeyObject,
            LabelKind::Local => Self::Local(text()),
            LabelKind::Closure => Self::Closure(text()),
            LabelKind::Type => Self::Type,
            LabelKind::Base => Self::Base,
            LabelKind::Dict => Self::Dict,
            LabelKind::Storage => Self::Storage,
            _ => Self::Unlabelled,
        }
    }
}

impl fmt::Display for PathRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            // The name alone, as Python names its content.
            RootKind::Module | RootKind::Class if !self.name.is_empty() => f.write_str(&self.name),
            RootKind::Builtins => f.write_str("builtins"),
            RootKind::Native => match self.hidden_by() {
                Some(name) => write!(f, "uncollectable cycle through {name}"),
                None => f.write_str("native reference"),
            },
            kind => {
                f.write_str(kind.word())?;
                if !self.name.is_empty() {
                    write!(f, " {}", self.name)?;
                }
                let Some(file) = &self.file else { return Ok(()) };
                let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
                match self.line {
                    Some(line) => write!(f, " ({file}:{line})"),
                    None if file.is_empty() => Ok(()),
                    None => write!(f, " ({file})"),
                }
            }
        }
    }
}

/// Writes a text as Python would write the string.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("'")?;
    for c in text.chars() {
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "{}", c.escape_default())?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("'")
}

impl fmt::Display for StepLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => Ok(()),
            Self::Attribute(name) => write!(f, ".{name}"),
            Self::Key(key) => {
                f.write_str("[")?;
                quoted(f, key)?;
                f.write_str("]")
            }
            Self::KeyText(text) => write!(f, "[{text}]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Any => f.write_str("[*]"),
            Self::KeyObject => f.write_str(" key"),
            Self::Local(name) => {
                f.write_str(" local ")?;
                quoted(f, name)
            }
            Self::Closure(name) => {
                f.write_str(" closure ")?;
                quoted(f, name)
            }
            Self::Type => f.write_str(".__class__"),
            Self::Base => f.write_str(".__base__"),
            Self::Dict => f.write_str(".__dict__"),
            Self::Storage => f.write_str(" storage"),
            Self::Unlabelled => f.write_str(" →"),
            Self::Elided(steps) => write!(f, " … {steps} steps …"),
        }
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.label)?;
        // Without a label, only the type is known.
        if self.label == StepLabel::Unlabelled {
            write!(f, " {}", self.type_name)?;
        }
        f.write_str(if self.repeated { "…" } else { "" })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)?;
        match self.steps.first() {
            Some(first) if self.root.kind == RootKind::Native && !first.type_name.is_empty() => {
                write!(f, " to {}", first.type_name)?;
            }
            _ => {}
        }
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))
    }
}
