//! The form in which a file of this folder states what is known of a C type.
//!
//! A [`Definition`] is plain data. The objects that most of a heap consists of (dicts, lists, tuples, sets,
//! ints, strs, instances) are read by functions that are compiled for the memory in use, chosen by
//! `ObjectKind` and [`SizeFormula`]; the rest by function pointers over [`ObjectView`].

use memtop_heap::{Label, Shape};

use super::view::{ObjectSink, ObjectView};
use crate::buffer::{BufferSink, SMALLEST_COUNTED, SMALLEST_QUERIED};
use crate::footprint::Storage;
use crate::kind::ObjectKind;
use crate::layout::Layout;

/// A C type, or several that are treated alike.
#[derive(Debug)]
pub(crate) struct Definition {
    /// Their `tp_name`s, in all versions.
    pub(crate) names: &'static [&'static str],
    /// The file that has to define a type of this name.
    pub(crate) defined_in: DefinedIn,
    /// How the decoder treats the objects.
    pub(crate) kind: ObjectKind,
    /// The builtin as which they, and objects of derived types, are shown.
    pub(crate) shape: Shape,
    /// How many of their references the decoder knows.
    pub(crate) coverage: Coverage,
    /// Members that hold an object and have a label.
    pub(crate) members: fn(&Layout) -> Vec<Member>,
    /// References that are neither members nor read by the kind's function, where no traverse can be called.
    /// `None` if the struct of a base type, or else every word, is scanned.
    pub(crate) c_struct: fn(minor: u8) -> Option<CStruct>,
    /// Offsets of members without a label, beside those of [`Self::c_struct`].
    pub(crate) unlabelled: fn(&Layout) -> Vec<u64>,
    /// How references that a traverse visits, and that have no label otherwise, are labelled.
    pub(crate) remaining: fn(minor: u8) -> Remaining,
    /// The type's own `__sizeof__`; none if it inherits one.
    pub(crate) size: fn(minor: u8) -> Option<SizeFormula>,
    /// The storage of an object beside its own block, for a type with a `size`.
    pub(crate) storage: Storage,
    /// The offset of the most items that an object allows itself, a signed word; negative if there is no
    /// limit.
    pub(crate) limit: Option<u64>,
    /// The memory outside of its own block that an object holds, or that is a large part of its size.
    pub(crate) buffers: Option<ReadBuffers>,
    /// The part of a value that its tag is computed from.
    pub(crate) tag: TagSource,
}

/// Reports the buffers of an object.
#[derive(Debug, Clone, Copy)]
pub struct ReadBuffers {
    /// The function that reads them.
    pub(crate) read: fn(&ObjectView<'_>, &mut BufferSink<'_>),
    /// The smallest size of an object that is worth reading. An object that holds memory which its size does
    /// not include has any size.
    pub(crate) from_size: u64,
}

impl ReadBuffers {
    /// Of objects whose size leaves out the memory that they hold.
    pub(crate) const fn outside(read: fn(&ObjectView<'_>, &mut BufferSink<'_>)) -> Option<Self> {
        Some(Self { read, from_size: 0 })
    }

    /// Of objects whose size includes it.
    pub(crate) const fn in_size(read: fn(&ObjectView<'_>, &mut BufferSink<'_>)) -> Option<Self> {
        Some(Self { read, from_size: SMALLEST_COUNTED })
    }

    /// Of objects whose size includes memory that no other object shows.
    pub(crate) const fn large_in_size(read: fn(&ObjectView<'_>, &mut BufferSink<'_>)) -> Option<Self> {
        Some(Self { read, from_size: SMALLEST_QUERIED })
    }
}

/// The file that defines a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefinedIn {
    /// The interpreter.
    Interpreter,
    /// The extension module of the standard library with this name, or the interpreter where it is built in.
    Standard(&'static str),
    /// A library in the directory of this package, such as `numpy`.
    Package(&'static str),
    /// mem_top's extension module.
    MemTop,
}

/// How many of the references of a type's objects the decoder knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// All that the collector visits: no traverse needs to be called.
    All,
    /// Those of the type's own C struct. A type that derives from it may have more.
    Struct,
    /// Some: the other words of the struct may be references too.
    Some,
}

/// A member of a C struct that holds an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Member {
    /// A reference that Python shows as an attribute of this name.
    Attribute(u64, &'static str),
    /// A reference with a label of its own.
    Labelled(u64, Label),
}

/// The references of a C struct, where no traverse can be called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CStruct {
    /// Any that leads to an object.
    Words,
    /// These and no others.
    Only(&'static [u64]),
    /// Any but these, which are borrowed or lead to memory that is not an object.
    Without(&'static [u64]),
    /// Those that a function finds, such as references in other memory than the object's.
    Read {
        /// Reports them.
        references: fn(&ObjectView<'_>, &mut dyn ObjectSink),
        /// The offset from which on every word may be a reference too; `None` if there is no such word.
        words_from: Option<u64>,
    },
}

/// The references of a C struct that no traverse visits, because the collector does not know its type.
#[derive(Debug, Clone, Copy)]
pub struct UnvisitedStruct {
    /// Reports them.
    pub(crate) references: fn(&ObjectView<'_>, &mut dyn ObjectSink),
    /// Its size.
    pub(crate) size: u64,
}

/// How the references are labelled that a traverse visits and nothing else has labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// They have no label.
    Unlabelled,
    /// A builtin container among them is a part of the object.
    Container,
    /// The same; in that dict, values are the namespaces of threads.
    ThreadDict,
    /// They are items, in their order.
    Items,
    /// First the key, the result and the type of each link of a cache, then as for [`Self::Container`].
    CacheLinks,
}

impl Remaining {
    /// Whether a builtin container is a part of the object.
    pub(crate) fn has_container(self) -> bool {
        matches!(self, Self::Container | Self::ThreadDict | Self::CacheLinks)
    }
}

/// How an object is sized, in the sense of `sys.getsizeof()` without what precedes the object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SizeFormula {
    /// `object.__sizeof__`.
    Object,
    /// `int.__sizeof__`.
    Int,
    /// `str.__sizeof__`.
    Str,
    /// `list.__sizeof__`.
    List,
    /// `dict.__sizeof__`.
    Dict,
    /// `set.__sizeof__`.
    Set,
    /// This number of bytes beside the basic size.
    Fixed(u64),
    /// The `__sizeof__` of any other type.
    Read(fn(&ObjectView<'_>) -> u64),
}

/// The part of an immutable value that its tag is computed from (see `value_tag.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagSource {
    /// Nothing: it has no tag.
    None,
    /// The digits of an int (`Include/cpython/longintrepr.h`).
    Int,
    /// The bits of a float (`Include/cpython/floatobject.h`).
    Float,
    /// The bytes of a bytes object (`Include/cpython/bytesobject.h`).
    Bytes,
    /// The characters of a str (`Include/cpython/unicodeobject.h`).
    Text,
}

impl Definition {
    /// Types of which nothing is stated but how they are recognised.
    pub(crate) const fn of(defined_in: DefinedIn, names: &'static [&'static str]) -> Self {
        Self {
            names,
            defined_in,
            kind: ObjectKind::Opaque,
            shape: Shape::Other,
            coverage: Coverage::Some,
            members: |_| Vec::new(),
            c_struct: |_| None,
            unlabelled: |_| Vec::new(),
            remaining: |_| Remaining::Unlabelled,
            size: |_| None,
            storage: Storage::Block,
            limit: None,
            buffers: None,
            tag: TagSource::None,
        }
    }

    /// The interpreter's own types of these names.
    pub(crate) const fn interpreter(names: &'static [&'static str]) -> Self {
        Self::of(DefinedIn::Interpreter, names)
    }

    /// Types of an extension module of the standard library.
    pub(crate) const fn standard(module: &'static str, names: &'static [&'static str]) -> Self {
        Self::of(DefinedIn::Standard(module), names)
    }
}
