//! The strings of a `.heapsnapshot`: each has a number when it is first used, and they are written in that order.
//!
//! Invariant: together they are shorter than the longest text that DevTools can parse; texts beyond that become `…`.

use std::borrow::Cow;
use std::io::{self, Write};

use memtop_heap::{Heap, Label, LabelKind, RootId, TypeId};
use rustc_hash::FxHashMap;

use crate::export::names::{name, root_name};

/// DevTools makes one string of all, and V8's strings are shorter than 512 MiB.
const ROOM: u64 = 500_000_000;
/// The text that replaces those without room.
const LEFT_OUT: &str = "…";

enum Text {
    Label(Label),
    Own(Box<str>),
}

/// The strings so far.
pub(super) struct Texts<'a> {
    heap: &'a Heap,
    texts: Vec<Text>,
    labels: FxHashMap<u32, u32>,
    types: FxHashMap<u32, u32>,
    roots: FxHashMap<u32, u32>,
    own: FxHashMap<Box<str>, u32>,
    room: u64,
    left_out: bool,
}

impl<'a> Texts<'a> {
    pub(super) fn new(heap: &'a Heap) -> Self {
        let mut texts = Self {
            heap,
            texts: Vec::new(),
            labels: FxHashMap::default(),
            types: FxHashMap::default(),
            roots: FxHashMap::default(),
            own: FxHashMap::default(),
            room: ROOM,
            left_out: false,
        };
        texts.own(LEFT_OUT);
        texts
    }

    /// Whether some had no room.
    pub(super) fn left_out(&self) -> bool {
        self.left_out
    }

    pub(super) fn fixed(&mut self, text: &'static str) -> u32 {
        self.own(text)
    }

    /// A text, as it is.
    pub(super) fn own(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.own.get(text) {
            return known;
        }
        let Some(place) = self.place_for(text) else { return 0 };
        self.texts.push(Text::Own(text.into()));
        self.own.insert(text.into(), place);
        place
    }

    /// The name of a type, as a class that DevTools takes as it is.
    pub(super) fn type_name(&mut self, ty: TypeId) -> u32 {
        if let Some(&known) = self.types.get(&ty.raw()) {
            return known;
        }
        let text = class_name(self.heap.types().name(ty));
        // Types of one name are one class.
        let place = self.own(&text);
        self.types.insert(ty.raw(), place);
        place
    }

    pub(super) fn root(&mut self, root: RootId) -> u32 {
        if let Some(&known) = self.roots.get(&root.raw()) {
            return known;
        }
        let place = self.own(&root_name(self.heap, self.heap.roots().get(root)));
        self.roots.insert(root.raw(), place);
        place
    }

    pub(super) fn label(&mut self, label: Label) -> u32 {
        if let Some(&known) = self.labels.get(&label.raw()) {
            return known;
        }
        let place = self.place_for(&label_text(self.heap, label));
        if place.is_some() {
            self.texts.push(Text::Label(label));
        }
        let place = place.unwrap_or(0);
        self.labels.insert(label.raw(), place);
        place
    }

    /// The index for a text, if there is room for it.
    fn place_for(&mut self, text: &str) -> Option<u32> {
        // A character is written as six at most, and usually as one; names are escaped already, except `"` and `\`.
        let bytes =
            3 + text.len() as u64 + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count() as u64;
        match self.room.checked_sub(bytes) {
            Some(room) => {
                self.room = room;
                Some(self.texts.len() as u32)
            }
            None => {
                self.left_out = true;
                None
            }
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (place, text) in self.texts.iter().enumerate() {
            out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
            let text = match text {
                Text::Label(label) => label_text(self.heap, *label),
                Text::Own(text) => Cow::Borrowed(&**text),
            };
            serde_json::to_writer(&mut *out, &*text)?;
        }
        Ok(())
    }
}

/// DevTools treats names that look like page elements specially, and names an `Object` after its attributes.
fn class_name(text: &str) -> Cow<'_, str> {
    let text = name(text);
    match text.is_empty() {
        true => Cow::Borrowed("(a type without a name)"),
        false if text.starts_with('<') || text.starts_with("Detached <") || text == "Object" => {
            Cow::Owned(format!("class {text}"))
        }
        false => text,
    }
}

/// A label as a name. The viewer adds brackets and quotes.
fn label_text(heap: &Heap, label: Label) -> Cow<'_, str> {
    let fixed = match label.kind() {
        LabelKind::AnyKey => "[*]",
        LabelKind::KeyObject => "key",
        LabelKind::Member => "{*}",
        LabelKind::Type => "__class__",
        LabelKind::Base => "__base__",
        LabelKind::Dict => "__dict__",
        LabelKind::Storage => "storage",
        LabelKind::Unlabelled => "(unnamed reference)",
        LabelKind::Index => return Cow::Owned(format!("[{}]", label.index().unwrap_or(0))),
        LabelKind::KeyText => {
            return name(&format!("[{}]", label.text().map_or("", |text| heap.text(text))))
                .into_owned()
                .into();
        }
        _ => return label.text().map_or(Cow::Borrowed("(unnamed reference)"), |text| name(heap.text(text))),
    };
    Cow::Borrowed(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_shown_as_it_is_called() {
        assert_eq!(class_name("shop.Session"), "shop.Session");
        assert_eq!(class_name("object"), "object");
        assert_eq!(class_name("Object"), "class Object");
        assert_eq!(class_name("<div id=1>"), "class <div id=1>");
        assert_eq!(class_name("Detached <div>"), "class Detached <div>");
        assert_eq!(class_name(""), "(a type without a name)");
        assert_eq!(class_name("a\n\"b\u{202e}"), "a\\n\"b\\u202e");
    }
}
