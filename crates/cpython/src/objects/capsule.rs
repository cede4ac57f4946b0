//! Objects of the interpreter that hold no Python objects, or none that are hidden: capsules
//! (`Objects/capsule.c`), whose pointer is not theirs, and the entries of symbol tables
//! (`Include/internal/pycore_symtable.h`).

use super::definition::{CStruct, Definition};
use crate::kind::ObjectKind;

pub(super) const CAPSULE: Definition = Definition {
    kind: ObjectKind::Internal,
    c_struct: |_| Some(CStruct::Only(&[])),
    ..Definition::interpreter(&["PyCapsule"])
};

pub(super) const SYMBOL_TABLE_ENTRY: Definition =
    Definition { kind: ObjectKind::Internal, ..Definition::interpreter(&["symtable entry"]) };
