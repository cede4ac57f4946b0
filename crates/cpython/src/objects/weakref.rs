//! Weak references and proxies (`PyWeakReference` in `Include/cpython/weakrefobject.h`): they hold their
//! callback only.

use memtop_heap::Shape;

use super::definition::{CStruct, Definition};
use crate::kind::ObjectKind;

pub(super) const WEAKREF: Definition = Definition {
    kind: ObjectKind::Weak,
    shape: Shape::Weak,
    c_struct: |_| Some(CStruct::Only(&[24])),
    ..Definition::interpreter(&[
        "weakref",
        "weakref.ReferenceType",
        "weakproxy",
        "weakref.ProxyType",
        "weakcallableproxy",
        "weakref.CallableProxyType",
    ])
};
