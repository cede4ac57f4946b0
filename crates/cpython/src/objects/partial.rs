//! `functools.partial` (`partialobject` in `Modules/_functoolsmodule.c`).

use memtop_heap::Label;

use super::definition::{Definition, Member};
use crate::kind::ObjectKind;

pub(super) const PARTIAL: Definition = Definition {
    kind: ObjectKind::Partial,
    members: |_| {
        vec![
            Member::Attribute(16, "func"),
            Member::Attribute(24, "args"),
            Member::Attribute(32, "keywords"),
            Member::Labelled(40, Label::DICT),
        ]
    },
    ..Definition::standard("_functools", &["functools.partial"])
};
