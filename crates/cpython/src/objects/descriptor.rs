//! Descriptors: properties, static and class methods (`Objects/descrobject.c`, `Objects/funcobject.c`), and
//! the methods and members of types that are defined in C (`Include/descrobject.h`).

use memtop_heap::Label;

use super::definition::{CStruct, Definition, Member};
use crate::kind::ObjectKind;

pub(super) const PROPERTY: Definition = Definition {
    kind: ObjectKind::Property,
    members: |_| {
        vec![
            Member::Attribute(16, "fget"),
            Member::Attribute(24, "fset"),
            Member::Attribute(32, "fdel"),
            Member::Attribute(40, "__doc__"),
        ]
    },
    ..Definition::interpreter(&["property"])
};

pub(super) const STATIC_AND_CLASS_METHOD: Definition = Definition {
    kind: ObjectKind::MethodWrapper,
    members: |_| vec![Member::Attribute(16, "__func__"), Member::Labelled(24, Label::DICT)],
    ..Definition::interpreter(&["staticmethod", "classmethod"])
};

/// `PyDescrObject.d_type`: no traverse visits a descriptor's names (`descr_traverse`).
pub(super) const DESCRIPTOR: Definition = Definition {
    kind: ObjectKind::Internal,
    c_struct: |_| Some(CStruct::Only(&[16])),
    ..Definition::interpreter(&[
        "wrapper_descriptor",
        "method_descriptor",
        "classmethod_descriptor",
        "getset_descriptor",
        "member_descriptor",
    ])
};

/// A slot of a type, bound to an object.
pub(super) const METHOD_WRAPPER: Definition =
    Definition { kind: ObjectKind::Internal, ..Definition::interpreter(&["method-wrapper"]) };
