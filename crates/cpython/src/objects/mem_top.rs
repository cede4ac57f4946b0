//! The types of mem_top's own extension module: what they keep is not in Python objects.

use super::definition::{CStruct, DefinedIn, Definition};
use crate::kind::ObjectKind;

pub(super) const MEM_TOP: Definition = Definition {
    kind: ObjectKind::Internal,
    c_struct: |_| Some(CStruct::Only(&[])),
    ..Definition::of(DefinedIn::MemTop, &["mem_top._native.Snapshot", "mem_top._native.Types"])
};
