//! The label of a reference: an attribute, a key, an index, a local variable …, in one `u32`.
//!
//! Encoding: the kind in the upper four bits, the text or the index in the lower 28. Zero is "no label".
//!
//! Invariant: a label of a kind with a text has the handle of a text of its heap. A key or an index that does not fit
//! becomes [`LabelKind::AnyKey`], any other text "no label": a label is never wrong, only less exact.
//!
//! How a label is *shown* is not decided here: in a path, storage is folded into its owner, and a key of a namespace
//! looks like an attribute.

use crate::handles::StringId;

const PAYLOAD_BITS: u32 = 28;
const PAYLOAD_MASK: u32 = (1 << PAYLOAD_BITS) - 1;

/// A dict with this many keys or more holds data: its keys may be secrets, and are kept only on request. Keys
/// of smaller dicts, and of namespaces, are names that a programmer chose.
pub const KEYS_ARE_DATA: u64 = 64;

/// The kind of a label. Its number is the upper four bits of the label, and is stored in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum LabelKind {
    /// A reference of which nothing else is known.
    Unlabelled = 0,
    /// An attribute or a slot: `.name`. In a function, a frame or a C type, a member: `.__globals__`, `.f_back`.
    Attribute = 1,
    /// A value under a string key that counts as a name: `['name']`; in a namespace, `.name`.
    Key = 2,
    /// A value under a key that is not a string, with the key's text: `[42]`. Only if keys are kept.
    KeyText = 3,
    /// A value under a hidden key: `[*]`.
    AnyKey = 4,
    /// From a container to the key object of an entry. The reference to the entry's value comes right after it, so that
    /// a value without a name in its label can still be recognised by its key.
    KeyObject = 5,
    /// A member of a set.
    Member = 6,
    /// An item of a sequence, by its index from 0: `[3]`.
    Index = 7,
    /// A local variable of a frame, a generator or a coroutine.
    Local = 8,
    /// A variable in the closure of a function.
    Closure = 9,
    /// From an instance to its type.
    Type = 10,
    /// From a class to one of its bases.
    Base = 11,
    /// From an instance, class or module to its `__dict__`. Not a step in a path.
    Dict = 12,
    /// From an object to the storage of its items: a key table, the tuple of a closure. Not a step in a path.
    Storage = 13,
}

impl LabelKind {
    /// Every kind, by its number.
    pub const ALL: [Self; 14] = [
        Self::Unlabelled,
        Self::Attribute,
        Self::Key,
        Self::KeyText,
        Self::AnyKey,
        Self::KeyObject,
        Self::Member,
        Self::Index,
        Self::Local,
        Self::Closure,
        Self::Type,
        Self::Base,
        Self::Dict,
        Self::Storage,
    ];

    /// True if labels of this kind have a text.
    #[must_use]
    pub fn has_text(self) -> bool {
        matches!(self, Self::Attribute | Self::Key | Self::KeyText | Self::Local | Self::Closure)
    }

    /// True if a reference of this kind is internal to one object, so that paths do not show it.
    #[must_use]
    pub fn is_fold(self) -> bool {
        matches!(self, Self::Dict | Self::Storage)
    }
}

/// The label of a reference: its kind and, depending on the kind, a text or an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Label(u32);

impl Label {
    /// No label.
    pub const UNLABELLED: Self = Self::plain(LabelKind::Unlabelled);
    /// A value under a hidden key.
    pub const ANY_KEY: Self = Self::plain(LabelKind::AnyKey);
    /// The key of an entry.
    pub const KEY_OBJECT: Self = Self::plain(LabelKind::KeyObject);
    /// A member of a set.
    pub const MEMBER: Self = Self::plain(LabelKind::Member);
    /// An instance's type.
    pub const TYPE: Self = Self::plain(LabelKind::Type);
    /// A class's base.
    pub const BASE: Self = Self::plain(LabelKind::Base);
    /// An object's namespace.
    pub const DICT: Self = Self::plain(LabelKind::Dict);
    /// An object's storage.
    pub const STORAGE: Self = Self::plain(LabelKind::Storage);

    const fn plain(kind: LabelKind) -> Self {
        Self((kind as u32) << PAYLOAD_BITS)
    }

    fn with(kind: LabelKind, payload: u32) -> Self {
        if payload > PAYLOAD_MASK {
            let item = matches!(kind, LabelKind::Key | LabelKind::KeyText | LabelKind::Index);
            return if item { Self::ANY_KEY } else { Self::UNLABELLED };
        }
        Self(((kind as u32) << PAYLOAD_BITS) | payload)
    }

    /// An attribute or slot.
    #[must_use]
    pub fn attribute(name: StringId) -> Self {
        Self::with(LabelKind::Attribute, name.raw())
    }

    /// A value under a string key that counts as a name; `name` is the key itself, without quotes.
    #[must_use]
    pub fn key(name: StringId) -> Self {
        Self::with(LabelKind::Key, name.raw())
    }

    /// A value under a key that is not a string; `text` is the key as written in Python.
    #[must_use]
    pub fn key_text(text: StringId) -> Self {
        Self::with(LabelKind::KeyText, text.raw())
    }

    /// An item of a sequence. Indexes from 2^28 on are not kept: `[*]`.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self::with(LabelKind::Index, u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// A local variable.
    #[must_use]
    pub fn local(name: StringId) -> Self {
        Self::with(LabelKind::Local, name.raw())
    }

    /// A variable in a closure.
    #[must_use]
    pub fn closure(name: StringId) -> Self {
        Self::with(LabelKind::Closure, name.raw())
    }

    /// The kind.
    #[must_use]
    pub fn kind(self) -> LabelKind {
        LabelKind::ALL.get((self.0 >> PAYLOAD_BITS) as usize).copied().unwrap_or(LabelKind::Unlabelled)
    }

    /// The text, for a kind that has one.
    #[must_use]
    pub fn text(self) -> Option<StringId> {
        if self.kind().has_text() { StringId::from_raw(self.0 & PAYLOAD_MASK) } else { None }
    }

    /// The index, for an item of a sequence.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        (self.kind() == LabelKind::Index).then_some((self.0 & PAYLOAD_MASK) as usize)
    }

    /// The label as it is stored.
    #[must_use]
    pub fn raw(self) -> u32 {
        self.0
    }

    /// The label that was stored as `raw`; `None` if that is not a label.
    #[must_use]
    pub fn from_raw(raw: u32) -> Option<Self> {
        let kind = *LabelKind::ALL.get((raw >> PAYLOAD_BITS) as usize)?;
        let payload = raw & PAYLOAD_MASK;
        (payload == 0 || kind.has_text() || kind == LabelKind::Index).then_some(Self(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_survives_its_stored_form() {
        let text = StringId::from_index(77);
        let labels = [
            Label::UNLABELLED,
            Label::attribute(text),
            Label::key(text),
            Label::key_text(text),
            Label::ANY_KEY,
            Label::KEY_OBJECT,
            Label::MEMBER,
            Label::at(0),
            Label::at(PAYLOAD_MASK as usize),
            Label::local(text),
            Label::closure(text),
            Label::TYPE,
            Label::BASE,
            Label::DICT,
            Label::STORAGE,
        ];
        for label in labels {
            assert_eq!(Label::from_raw(label.raw()), Some(label));
            assert_eq!(label.text().is_some(), label.kind().has_text());
        }
        for (number, kind) in LabelKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }

    #[test]
    fn a_label_that_does_not_fit_is_less_exact_but_never_wrong() {
        assert_eq!(Label::at(1 << 28), Label::ANY_KEY);
        assert_eq!(Label::at(usize::MAX), Label::ANY_KEY);
        assert_eq!(Label::attribute(StringId::from_index(1 << 28)), Label::UNLABELLED);
    }

    #[test]
    fn an_unknown_stored_form_is_not_a_label() {
        assert_eq!(Label::from_raw(0xF000_0000), None);
        assert_eq!(Label::from_raw(LabelKind::Type as u32 * (1 << 28) + 1), None);
    }
}
