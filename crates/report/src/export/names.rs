//! Names in exports: escaped, and cut to a length that viewers can handle.

use std::borrow::Cow;

use memtop_analyze::{PathRoot, StepLabel};
use memtop_heap::{Heap, LabelKind, Root};

use crate::escape::escape;

/// The longest name, in characters.
pub(super) const LONGEST: usize = 1024;

/// The name, escaped as for a terminal, and cut to [`LONGEST`] characters.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    let escaped = escape(text);
    match escaped.char_indices().nth(LONGEST) {
        None => escaped,
        Some(_) => Cow::Owned(escaped.chars().take(LONGEST - 1).chain(['…']).collect()),
    }
}

/// The name of a root as at the start of a path, with its variable: `frame handle (views.py:42) local 'rows'`.
pub(super) fn root_name(heap: &Heap, root: &Root) -> String {
    let frame = root.frame().map(|id| heap.roots().frame(id));
    let text = |id| heap.text(id).to_owned();
    let place = PathRoot {
        kind: root.kind,
        name: text(frame.map_or(root.name, |frame| frame.function)),
        file: frame.map(|frame| text(frame.file)),
        line: frame.map(|frame| frame.line).filter(|&line| line > 0),
        thread: None,
        origin: root.origin,
    };
    match frame.is_some() && root.label.kind() == LabelKind::Local {
        true => name(&format!("{place}{}", StepLabel::exact(heap, root.label, false))).into_owned(),
        false => name(&place.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_and_cut() {
        assert_eq!(name("shop.Session"), "shop.Session");
        assert_eq!(name("a\x1b\n\u{202e}"), "a\\x1b\\n\\u202e");
        let long = "é".repeat(100_000);
        assert_eq!(name(&long).chars().count(), LONGEST);
        assert!(name(&long).ends_with('…'));
        assert_eq!(name(&long[..2 * LONGEST]).chars().count(), LONGEST);
        assert!(!name(&long[..2 * LONGEST]).ends_with('…'));
    }
}
