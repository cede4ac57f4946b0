//! `module` (`PyModuleObject` in `Include/internal/pycore_moduleobject.h`, in `moduleobject.c` to 3.9).

use memtop_heap::{Label, Shape};

use super::definition::{CStruct, Definition, Member};
use super::view::{ObjectSink, ObjectView};
use crate::kind::ObjectKind;

pub(super) const MODULE: Definition = Definition {
    kind: ObjectKind::Module,
    shape: Shape::Module,
    members: |_| vec![Member::Labelled(16, Label::DICT)],
    c_struct: |_| Some(CStruct::Read { references, words_from: None }),
    ..Definition::interpreter(&["module"])
};

/// Larger than the state of any module, in bytes.
const MAX_STATE: u64 = 1 << 14;

/// The offset of `md_state`.
pub(crate) const fn state_offset(minor: u8) -> u64 {
    if minor >= 15 { 24 } else { 32 }
}

/// `module_traverse`: beside the dict, what the module's own traverse visits in its state.
fn references(module: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    let state = module.pointer(state_offset(module.minor()));
    let size = if module.minor() >= 15 {
        module.word(56)
    } else {
        // `md_def`, and `m_size` in it.
        let definition = module.pointer(24);
        if definition == 0 { 0 } else { module.word_at(definition + 56) }
    };
    if state == 0 || (size as i64) < 0 {
        return;
    }
    for offset in (0..size.min(MAX_STATE) & !7).step_by(8) {
        sink.maybe_object(module.word_at(state + offset));
    }
}
