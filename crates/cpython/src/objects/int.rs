//! `int` and `bool` (`PyLongObject` in `Include/cpython/longintrepr.h`).

use memtop_heap::Shape;

use super::definition::{Coverage, Definition, SizeFormula, TagSource};
use super::view::ObjectView;
use crate::kind::ObjectKind;
use crate::memory::Memory;

pub(super) const INT: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Int),
    tag: TagSource::Int,
    ..Definition::interpreter(&["int"])
};

/// Inherits `int.__sizeof__`; its two values need no tag.
pub(super) const BOOL: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    ..Definition::interpreter(&["bool"])
};

/// `int___sizeof___impl` in `longobject.c`: the head of a `PyLongObject`, and four bytes a digit.
#[inline]
pub(crate) fn size<M: Memory + ?Sized>(object: &ObjectView<'_, M>) -> u64 {
    const HEAD: u64 = 24;
    const DIGIT: u64 = 4;
    let digits = match object.minor() {
        12.. => (object.items() >> 3).max(1),
        11 => (object.items() as i64).unsigned_abs().max(1),
        _ => (object.items() as i64).unsigned_abs(),
    };
    HEAD.saturating_add(digits.saturating_mul(DIGIT))
}
