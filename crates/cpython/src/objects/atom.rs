//! Values that refer to nothing and have no size formula of their own: `float`, `complex`, `bytes`, `range`,
//! the singletons, `random.Random`.

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, ReadBuffers, TagSource};
use super::view::ObjectView;
use crate::buffer::{BufferSink, Claim};
use crate::kind::ObjectKind;

/// A value that refers to nothing, of a file and names.
pub(super) const ATOM: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    ..Definition::interpreter(&["complex", "NoneType", "ellipsis", "NotImplementedType", "range"])
};

pub(super) const FLOAT: Definition = Definition { names: &["float"], tag: TagSource::Float, ..ATOM };

pub(super) const BYTES: Definition =
    Definition { names: &["bytes"], tag: TagSource::Bytes, buffers: ReadBuffers::in_size(bytes), ..ATOM };

/// The bytes, which are within the object.
fn bytes(object: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const FIRST: u64 = 32;
    sink.add(Claim::InSize, object.at + FIRST, object.items());
}

pub(super) const RANDOM: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    ..Definition::standard("_random", &["_random.Random"])
};
