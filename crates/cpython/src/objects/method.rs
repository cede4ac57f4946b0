//! Bound methods (`PyMethodObject` in `Include/cpython/classobject.h`) and functions defined in C
//! (`PyCFunctionObject` in `Include/cpython/methodobject.h`).

use memtop_heap::Shape;

use super::definition::{Definition, Member};
use crate::kind::ObjectKind;

pub(super) const METHOD: Definition = Definition {
    kind: ObjectKind::Method,
    shape: Shape::Method,
    members: |_| vec![Member::Attribute(16, "__func__"), Member::Attribute(24, "__self__")],
    ..Definition::interpreter(&["method"])
};

pub(super) const BUILTIN_FUNCTION: Definition = Definition {
    kind: ObjectKind::BuiltinFunction,
    shape: Shape::Function,
    members: |_| vec![Member::Attribute(24, "__self__"), Member::Attribute(32, "__module__")],
    ..Definition::interpreter(&["builtin_function_or_method", "builtin_method"])
};
