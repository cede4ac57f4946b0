//! `xml.etree.ElementTree.Element` (`ElementObject` and `ElementObjectExtra` in `Modules/_elementtree.c`).

use memtop_heap::Label;

use super::definition::{CStruct, Definition, SizeFormula};
use super::view::{ObjectSink, ObjectView, WORD};
use crate::address::{MAX_ITEMS, for_each_item};

pub(super) const ELEMENT: Definition = Definition {
    c_struct: |_| Some(CStruct::Read { references, words_from: None }),
    size: |_| Some(SizeFormula::Read(size)),
    ..Definition::standard("_elementtree", &["xml.etree.ElementTree.Element"])
};

const TAG: u64 = 16;
/// `text` and `tail`.
const TEXTS: [u64; 2] = [24, 32];
/// `extra`, and in it `attrib`, `length`, `allocated`, `children`, and four children within itself.
const EXTRA: u64 = 40;
const LENGTH: u64 = 8;
const ALLOCATED: u64 = 16;
const CHILDREN: u64 = 24;
const OWN_CHILDREN: u64 = 32;
const EXTRA_SIZE: u64 = 64;

/// `element_gc_traverse`. The low bit of text and tail is a flag: a list that is to be joined.
fn references(element: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    let tag = element.word(TAG);
    if tag != 0 {
        sink.attribute(tag, "tag");
    }
    for offset in TEXTS {
        let to = element.word(offset) & !1;
        if to != 0 {
            sink.reference(to, Label::UNLABELLED);
        }
    }
    let extra = element.pointer(EXTRA);
    if extra == 0 {
        return;
    }
    let attributes = element.word_at(extra);
    if attributes != 0 {
        sink.reference(attributes, Label::UNLABELLED);
    }
    let count = element.word_at(extra + LENGTH).min(MAX_ITEMS);
    for_each_item(element.memory, element.pointer_at(extra + CHILDREN), count, |_, to| {
        sink.reference(to, Label::UNLABELLED);
    });
}

/// `element_sizeof`.
fn size(element: &ObjectView<'_>) -> u64 {
    let extra = element.pointer(EXTRA);
    match extra {
        0 => element.basic_size,
        _ if element.word_at(extra + CHILDREN) == extra + OWN_CHILDREN => element.basic_and(EXTRA_SIZE),
        _ => {
            let children = element.word_at(extra + ALLOCATED).saturating_mul(WORD);
            element.basic_and(EXTRA_SIZE.saturating_add(children))
        }
    }
}
