//! Labels as text in a file: written as in Python, and unambiguous.
//!
//! Invariant: every label is read back as the same label, whatever its text is. So a key that is not a string
//! has spaces within its brackets (`[ 42 ]`, as Python allows), which an index (`[42]`) and `[*]` never have.

use memtop_heap::{Label, LabelKind};

/// Writes a label; `None` for a reference without one. `text` is the label's own text, empty if it has none.
pub(crate) fn write(label: Label, text: &str) -> Option<String> {
    Some(match label.kind() {
        LabelKind::Unlabelled => return None,
        LabelKind::Attribute => format!(".{text}"),
        LabelKind::Key => format!("['{text}']"),
        LabelKind::KeyText => format!("[ {text} ]"),
        LabelKind::AnyKey => "[*]".to_owned(),
        LabelKind::KeyObject => "key".to_owned(),
        LabelKind::Member => "{*}".to_owned(),
        LabelKind::Index => format!("[{}]", label.index().unwrap_or_default()),
        LabelKind::Local => format!("local {text}"),
        LabelKind::Closure => format!("closure {text}"),
        LabelKind::Type => "type".to_owned(),
        LabelKind::Base => "base".to_owned(),
        LabelKind::Dict => "__dict__".to_owned(),
        LabelKind::Storage => "storage".to_owned(),
        // A future kind without a text here is written as no label, which the digest then detects.
        _ => return None,
    })
}

/// A label read from a file: of a kind with a text, or complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    Plain(Label),
    Named(LabelKind, &'a str),
}

/// Reads the label that was written as `written`; `None` if it is not a label.
pub(crate) fn read(written: &str) -> Option<Parsed<'_>> {
    let plain = |label| Some(Parsed::Plain(label));
    let named = |kind, text| Some(Parsed::Named(kind, text));
    if let Some(text) = written.strip_prefix('.') {
        return named(LabelKind::Attribute, text);
    }
    if let Some(text) = written.strip_prefix("['").and_then(|rest| rest.strip_suffix("']")) {
        return named(LabelKind::Key, text);
    }
    if let Some(text) = written.strip_prefix("[ ").and_then(|rest| rest.strip_suffix(" ]")) {
        return named(LabelKind::KeyText, text);
    }
    if let Some(text) = written.strip_prefix("local ") {
        return named(LabelKind::Local, text);
    }
    if let Some(text) = written.strip_prefix("closure ") {
        return named(LabelKind::Closure, text);
    }
    match written {
        "[*]" => plain(Label::ANY_KEY),
        "key" => plain(Label::KEY_OBJECT),
        "{*}" => plain(Label::MEMBER),
        "type" => plain(Label::TYPE),
        "base" => plain(Label::BASE),
        "__dict__" => plain(Label::DICT),
        "storage" => plain(Label::STORAGE),
        _ => {
            let digits = written.strip_prefix('[')?.strip_suffix(']')?;
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let label = Label::at(digits.parse().ok()?);
            (label.kind() == LabelKind::Index).then_some(Parsed::Plain(label))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_read_back_whatever_its_text() {
        let mut interner = memtop_heap::Interner::default();
        let texts = ["", "name", "42", "*", "']", "[ x ]", " ", "key", "it's", "a b", "локаль", "\u{0}\n"];
        for text in texts {
            let id = interner.intern(text);
            for label in [
                Label::attribute(id),
                Label::key(id),
                Label::key_text(id),
                Label::local(id),
                Label::closure(id),
            ] {
                let written = write(label, text).expect("it has a label");
                assert_eq!(read(&written), Some(Parsed::Named(label.kind(), text)), "{written}");
            }
        }
        for label in [
            Label::ANY_KEY,
            Label::KEY_OBJECT,
            Label::MEMBER,
            Label::TYPE,
            Label::BASE,
            Label::DICT,
            Label::STORAGE,
            Label::at(0),
            Label::at(7),
            Label::at((1 << 28) - 1),
        ] {
            let written = write(label, "").expect("it has a label");
            assert_eq!(read(&written), Some(Parsed::Plain(label)), "{written}");
        }
        assert_eq!(write(Label::UNLABELLED, ""), None);
    }

    #[test]
    fn other_texts_are_refused() {
        for written in
            ["", "x", "[", "[]", "[-1]", "[268435456]", "[99999999999999999999]", "['", "[ ]", "Key"]
        {
            assert_eq!(read(written), None, "{written}");
        }
    }
}
