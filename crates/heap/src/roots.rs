//! The roots: named places that keep objects alive without being objects themselves.
//!
//! A root is a reference from such a place: its kind and name, for a frame which one, the label of the reference, and
//! the object. A module's root leads to the module's namespace; a frame has a root for each of its locals.
//!
//! Invariant: an unknown root is called unknown; none is guessed. Several roots may lead to one object.

use crate::handles::{FrameId, NONE, ObjectId, RootId, StringId};
use crate::label::Label;
use crate::strings::Interner;
use crate::types::Origin;

/// The kind of a root; its number is stored in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum RootKind {
    /// The global names of a module; its name is the module's.
    Module = 0,
    /// The attributes of a class; its name is the class's, with its module.
    Class = 1,
    /// A variable of a running frame; its name is the variable's.
    Frame = 2,
    /// A thread-local value; its name is the attribute's or the thread's.
    ThreadLocal = 3,
    /// A context variable; its name is the variable's.
    ContextVariable = 4,
    /// An object that the interpreter itself holds: `sys.modules`, codecs, hooks, interned strings.
    Interpreter = 5,
    /// The namespace of `builtins`.
    Builtins = 6,
    /// Nothing in Python holds the object, and its reference count exceeds the references found. With a name: the
    /// object is in a cycle that the collector never frees, because an object of that type hides a reference.
    Native = 7,
    /// Something holds the object, and the capture does not know what.
    Unknown = 8,
}

impl RootKind {
    /// Every kind, by its number.
    pub const ALL: [Self; 9] = [
        Self::Module,
        Self::Class,
        Self::Frame,
        Self::ThreadLocal,
        Self::ContextVariable,
        Self::Interpreter,
        Self::Builtins,
        Self::Native,
        Self::Unknown,
    ];

    /// One or two words for the kind, as in a path.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Class => "class",
            Self::Frame => "frame",
            Self::ThreadLocal => "thread local",
            Self::ContextVariable => "context variable",
            Self::Interpreter => "interpreter",
            Self::Builtins => "builtins",
            Self::Native => "native reference",
            Self::Unknown => "unknown root",
        }
    }

    /// True if a root of this kind leads to a namespace, so that the keys of its object are names in the
    /// root: `shop` and `sessions` make `shop.sessions`. An interpreter's root (`sys.modules`) leads to the
    /// object itself.
    #[must_use]
    pub fn is_namespace(self) -> bool {
        matches!(self, Self::Module | Self::Class | Self::ThreadLocal | Self::Builtins)
    }
}

/// A running frame with roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The name of its thread, or its identifier in decimal.
    pub thread: StringId,
    /// The `co_qualname` of its function.
    pub function: StringId,
    /// The `co_filename`.
    pub file: StringId,
    /// The current line, from 1; 0 if unknown.
    pub line: u32,
}

/// A root: a named place and the object that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// The kind of place.
    pub kind: RootKind,
    /// The origin of the code that the place belongs to.
    pub origin: Origin,
    /// The name of the place; empty if it has none.
    pub name: StringId,
    /// The label of the reference: [`Label::DICT`] leads to a namespace, [`Label::local`] to a variable.
    pub label: Label,
    /// The object.
    pub object: ObjectId,
    /// The row of its frame, or none.
    pub(crate) frame: u32,
}

impl Root {
    /// A root without a frame, of unknown origin; its label leads to a namespace if the kind has one.
    #[must_use]
    pub fn new(kind: RootKind, name: StringId, object: ObjectId) -> Self {
        let label = if kind.is_namespace() { Label::DICT } else { Label::UNLABELLED };
        Self { kind, origin: Origin::Unknown, name, label, object, frame: NONE }
    }

    /// The variable `name` of `frame`.
    #[must_use]
    pub fn local(frame: FrameId, name: StringId, object: ObjectId) -> Self {
        Self { frame: frame.raw(), label: Label::local(name), ..Self::new(RootKind::Frame, name, object) }
    }

    /// The same root, with another origin.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The same root, with another label.
    #[must_use]
    pub fn with_label(self, label: Label) -> Self {
        Self { label, ..self }
    }

    /// The same root, in a frame.
    #[must_use]
    pub fn with_frame(self, frame: FrameId) -> Self {
        Self { frame: frame.raw(), ..self }
    }

    /// The name of the type that hides a reference of an uncollectable cycle; `None` for any other root.
    #[must_use]
    pub fn hidden_by(&self) -> Option<StringId> {
        Some(self.name).filter(|&name| self.kind == RootKind::Native && name != Interner::empty())
    }

    /// The frame that it belongs to.
    #[must_use]
    pub fn frame(&self) -> Option<FrameId> {
        FrameId::from_raw(self.frame)
    }
}

/// The roots of a heap, and the frames that some of them belong to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roots {
    pub(crate) rows: Vec<Root>,
    pub(crate) frames: Vec<Frame>,
}

impl Roots {
    /// The root `id`.
    #[must_use]
    pub fn get(&self, id: RootId) -> &Root {
        &self.rows[id.index()]
    }

    /// The frame `id`.
    #[must_use]
    pub fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.index()]
    }

    /// All frames, in the order of their handles.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The number of roots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there are no roots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All roots, in the order of their handles.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (RootId, &Root)> + Clone {
        self.rows.iter().enumerate().map(|(index, row)| (RootId::from_index(index), row))
    }
}
