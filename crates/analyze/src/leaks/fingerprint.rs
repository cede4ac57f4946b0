//! The fingerprint of a place: equal for equal places of different runs and processes.

use crate::path::{Path, StepLabel};

/// A digest of a path that is the same in every run: FNV-1a with 64 bits (G. Fowler, L. C. Noll, K.-P. Vo; RFC 9923)
/// over the root's kind and name, and each step's label and type; keys and indexes are `[*]`, files have no folders,
/// and there are no lines. Each text ends with a zero byte. Sixteen hexadecimal digits.
pub(super) fn fingerprint(path: &Path) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    add(path.root.kind.word());
    add(&path.root.name);
    let file = path.root.file.as_deref().unwrap_or("");
    add(file.rsplit(['/', '\\']).next().unwrap_or(file));
    for step in &path.steps {
        match &step.label {
            StepLabel::Key(_) | StepLabel::KeyText(_) | StepLabel::Index(_) | StepLabel::Any => add("[*]"),
            label => add(&label.to_string()),
        }
        add(&step.type_name);
    }
    format!("{hash:016x}")
}
