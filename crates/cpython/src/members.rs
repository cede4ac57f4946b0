//! The references of an object that its type's offsets lead to: members, slots, attributes; and the labels of
//! those that have no name.

use memtop_heap::Label;

use crate::address::{ADDRESS_MASK, MAX_ITEMS};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::object;
use crate::memory::Memory;
use crate::objects::definition::Remaining;
use crate::sink::Sink;
use crate::type_info::{DictPlace, TypeInfo};
use crate::validity::Lifetime;
use crate::visited::{Visited, take};

const PAGE: u64 = 4096;

impl<M: Memory> Decoder<'_, M> {
    /// The members that have a label. Those of a static type are among its parts.
    #[inline]
    pub(crate) fn members(
        &self,
        at: u64,
        info: &TypeInfo,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        if info.kind == ObjectKind::Type && !self.is_heap_type(at) {
            return;
        }
        for &(offset, label) in &info.members {
            let to = self.word(at + offset);
            if to != 0 && take(visited, to) {
                sink.reference(to, label);
            }
        }
    }

    /// The members that an unknown C type names, as far as its traverse visited them.
    #[inline]
    pub(crate) fn named(
        &self,
        at: u64,
        info: &TypeInfo,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        for &(offset, label) in &info.named {
            // Of an object of unknown size, only the first page is mapped for certain.
            let is_certain = at % PAGE + offset + 8 <= PAGE;
            let to = if is_certain { self.word(at + offset) } else { self.claimed(at + offset) };
            if to != 0 && take(visited, to) {
                sink.reference(to, label);
            }
        }
    }

    /// A word at an offset that a type claims, so that it may not be readable.
    #[cold]
    #[inline(never)]
    fn claimed(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.memory.checked(at, &mut bytes).map_or(0, |()| u64::from_le_bytes(bytes))
    }

    /// The attributes that an instance has beside its slots.
    #[inline]
    pub(crate) fn attributes(
        &mut self,
        at: u64,
        info: &TypeInfo,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        if info.dict == DictPlace::None {
            return;
        }
        // The interpreter lays out the objects of a class. A type defined in C may claim anything.
        let is_certain = info.is_class || info.kind != ObjectKind::Opaque;
        let word = |at: u64| if is_certain { self.word(at) } else { self.claimed(at) };
        let (values, dict) = match info.dict {
            DictPlace::None => return,
            DictPlace::Offset(offset) if offset > 0 => (0, self.word(at.wrapping_add_signed(offset))),
            DictPlace::Offset(offset) => {
                let items = (self.word(at + object::SIZE as u64) as i64).unsigned_abs().min(MAX_ITEMS);
                let size = (info.basic_size + items.saturating_mul(info.item_size).min(MAX_ITEMS))
                    .next_multiple_of(8);
                let place = (at + size).wrapping_add_signed(offset);
                // Only of a known type is the number of items certain.
                (0, if info.kind == ObjectKind::Opaque { self.claimed(place) } else { self.word(place) })
            }
            DictPlace::Managed311 => match word(at - 32) {
                0 => (0, word(at - 24)),
                values => (values & ADDRESS_MASK, 0),
            },
            DictPlace::Managed312 => match word(at - 24) {
                tagged if tagged & 1 == 1 => ((tagged & ADDRESS_MASK) + 1, 0),
                dict => (0, dict),
            },
            DictPlace::Managed313 { values } => {
                // `valid` is the fourth byte of the word before the values.
                let is_valid = |values: u64| match is_certain {
                    true => self.memory.byte(values + 3).is_some_and(|valid| valid != 0),
                    false => self.claimed(values) >> 24 & 0xFF != 0,
                };
                let values = values.map(|offset| at + offset).filter(|&values| is_valid(values));
                (values.map_or(0, |values| values + 8), word(at - 24))
            }
        };
        if values != 0 {
            for (index, &label) in info.attributes.iter().enumerate() {
                let place = values + index as u64 * 8;
                let to = if is_certain { self.word(place) } else { self.claimed(place) };
                if to != 0 && take(visited, to) {
                    sink.reference(to, label);
                }
            }
        }
        if dict != 0 && take(visited, dict) {
            sink.reference(dict, Label::DICT);
        }
    }

    /// Reports references, labelled by what they lead to.
    pub(crate) fn labelled(
        &mut self,
        info: &TypeInfo,
        references: impl Iterator<Item = u64>,
        sink: &mut impl Sink,
    ) {
        let has_container = info.remaining.has_container();
        for to in references {
            let label = match to {
                _ if to == info.address => Label::TYPE,
                _ if has_container && self.is_plain_container(to) => {
                    if info.remaining == Remaining::ThreadDict {
                        self.add_thread_dict(to);
                    }
                    Label::STORAGE
                }
                _ => Label::UNLABELLED,
            };
            sink.reference(to, label);
        }
    }

    /// Reports a word as a reference if an object lies there: as a probable one, unless it is `certain` or
    /// the object is immortal, so that its count says nothing.
    pub(crate) fn reference_if_object(
        &mut self,
        to: u64,
        info: &TypeInfo,
        certain: bool,
        sink: &mut impl Sink,
    ) {
        self.named_reference_if_object(to, info, certain, None, sink);
    }

    /// The same of a word that may have a label of its own.
    pub(crate) fn named_reference_if_object(
        &mut self,
        to: u64,
        info: &TypeInfo,
        certain: bool,
        label: Option<Label>,
        sink: &mut impl Sink,
    ) {
        let Some(lifetime) = self.lifetime(to) else { return };
        let is_text = info.kind == ObjectKind::TextBuffer;
        let unnamed = if is_text { Label::STORAGE } else { Label::UNLABELLED };
        match label {
            _ if !certain && lifetime != Lifetime::Immortal => {
                sink.probable_reference(to, label.unwrap_or(unnamed));
            }
            Some(label) => sink.reference(to, label),
            None => self.labelled(info, std::iter::once(to), sink),
        }
    }
}
