//! Exceptions (`PyBaseExceptionObject` in `Include/cpython/pyerrors.h`) and tracebacks
//! (`Include/cpython/traceback.h`).

use memtop_heap::{Label, Shape};

use super::definition::{Definition, Member};
use crate::kind::ObjectKind;
use crate::layout::Layout;

pub(super) const EXCEPTION: Definition =
    Definition { kind: ObjectKind::Exception, members, ..Definition::interpreter(&["BaseException"]) };

fn members(layout: &Layout) -> Vec<Member> {
    let mut members = vec![Member::Labelled(16, Label::DICT), Member::Attribute(24, "args")];
    let first = if layout.minor >= 11 { 40 } else { 32 };
    if layout.minor >= 11 {
        members.push(Member::Attribute(32, "__notes__"));
    }
    members.extend([
        Member::Attribute(first, "__traceback__"),
        // Before the context: where both are one exception, the program wrote `raise … from`.
        Member::Attribute(first + 16, "__cause__"),
        Member::Attribute(first + 8, "__context__"),
    ]);
    members
}

pub(super) const TRACEBACK: Definition = Definition {
    kind: ObjectKind::Traceback,
    shape: Shape::Traceback,
    members: |_| vec![Member::Attribute(16, "tb_next"), Member::Attribute(24, "tb_frame")],
    ..Definition::interpreter(&["traceback"])
};
