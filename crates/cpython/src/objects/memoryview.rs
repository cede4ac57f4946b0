//! `memoryview`, the buffer that it shows, and its iterator (`Include/memoryobject.h`).

use super::definition::{CStruct, Definition};
use crate::kind::ObjectKind;

/// `PyMemoryViewObject.mbuf`.
pub(super) const MEMORYVIEW: Definition =
    Definition { c_struct: |_| Some(CStruct::Only(&[24])), ..Definition::interpreter(&["memoryview"]) };

/// `_PyManagedBufferObject.master.obj`.
pub(super) const MANAGED_BUFFER: Definition =
    Definition { c_struct: |_| Some(CStruct::Only(&[40])), ..Definition::interpreter(&["managedbuffer"]) };

pub(super) const MEMORY_ITERATOR: Definition =
    Definition { kind: ObjectKind::Internal, ..Definition::interpreter(&["memory_iterator"]) };
