//! The references of an object, and their labels.
//!
//! Containers and plain instances are read whole, as CPython's own traverse functions read them. Of other
//! objects, the members that are known give labels to what the traverse visited; where no traverse can be
//! called, `untraced.rs` reads the object. References that CPython's traverse skips are added: string keys,
//! the parts of code and of types.
//!
//! Invariant: each strong reference is reported once per reference count; borrowed and weak references are
//! skipped. The key of an entry is reported right before its value.

use memtop_heap::Label;

use crate::address::{ADDRESS_MASK, MAX_ITEMS, is_plausible_on_heap};
use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::type_object;
use crate::memory::Memory;
use crate::objects::definition::{CStruct, Remaining, UnvisitedStruct};
use crate::objects::view::{ObjectSink, ObjectView};
use crate::scan_plan::scanned_size;
use crate::sink::Sink;
use crate::type_info::TypeInfo;
use crate::visited::{Visited, take};

/// The size of an object without members.
const OBJECT_HEAD: u64 = 16;

/// Passes references on that no traverse visits.
struct Unvisited<'s, S>(&'s mut S);

impl<S: Sink> ObjectSink for Unvisited<'_, S> {
    fn reference(&mut self, to: u64, label: Label) {
        self.0.hidden_reference(to, label);
    }

    fn attribute(&mut self, to: u64, name: &str) {
        let name = self.0.name(name);
        self.0.hidden_reference(to, Label::attribute(name));
    }

    fn if_object(&mut self, to: u64) {
        self.maybe_object(to);
    }

    fn maybe_object(&mut self, to: u64) {
        if is_plausible_on_heap(to) {
            self.0.maybe_reference(to, Label::UNLABELLED);
        }
    }
}

impl<M: Memory> Decoder<'_, M> {
    /// Reports the references of an object. `visited` is what its traverse function visited, in that order,
    /// and is empty afterwards; without it, references are found by memory alone.
    #[inline]
    pub fn references(
        &mut self,
        at: u64,
        info: &TypeInfo,
        visited: Option<&mut Vec<u64>>,
        sink: &mut impl Sink,
    ) {
        if visited.is_none() && !info.complete {
            return self.untraced_references(at, info, sink);
        }
        let mut visited = visited.map(Visited::new);
        if let Some(visited) = &visited
            && matches!(info.kind, ObjectKind::Opaque | ObjectKind::TextBuffer)
        {
            let first = match info.unvisited {
                Some(known) => {
                    self.unvisited_struct_references(at, info, known, sink);
                    known.size
                }
                None => OBJECT_HEAD,
            };
            self.hidden_words(at, info, first, visited.all(), sink);
        }
        self.parts(at, info, &mut visited, sink);
        self.members(at, info, &mut visited, sink);
        if visited.is_some() {
            self.named(at, info, &mut visited, sink);
        }
        self.attributes(at, info, &mut visited, sink);
        if info.holds_type && take(&mut visited, info.address) {
            sink.reference(info.address, Label::TYPE);
        }
        if let Some(visited) = visited {
            self.remaining(info, visited, sink);
        }
    }

    /// Labels what was visited and has no label yet.
    fn remaining(&mut self, info: &TypeInfo, mut visited: Visited<'_>, sink: &mut impl Sink) {
        let has_items = matches!(info.remaining, Remaining::Items | Remaining::CacheLinks);
        // The type's position among the items differs by version.
        if has_items && !info.holds_type && self.is_heap_type(info.address) && visited.take(info.address) {
            sink.reference(info.address, Label::TYPE);
        }
        match info.remaining {
            Remaining::Items => {
                visited.rest().enumerate().for_each(|(index, to)| sink.reference(to, Label::at(index)));
            }
            Remaining::CacheLinks => {
                let rest: Vec<u64> = visited.rest().collect();
                let links = self.cache_links(info.address, &rest, sink);
                self.labelled(info, rest[links..].iter().copied(), sink);
            }
            _ => self.labelled(info, visited.rest(), sink),
        }
    }

    /// The C struct of a type, or of the nearest of its bases of which it is known, if the collector does not know its
    /// objects.
    pub(crate) fn unvisited_struct(&self, of: u64) -> Option<UnvisitedStruct> {
        let mut at = of & ADDRESS_MASK;
        for _ in 0..type_object::LONGEST_CHAIN {
            if at == 0 {
                break;
            }
            let known = self.c_type(at).map(CType::definition);
            if let Some(CStruct::Read { references, .. }) =
                known.and_then(|known| (known.c_struct)(self.layout.minor))
            {
                let flags = self.memory.word(at + type_object::FLAGS as u64)?;
                let size = self.memory.word(at + type_object::BASIC_SIZE as u64)?.min(MAX_ITEMS);
                let is_gc = flags & type_object::HAVE_GC != 0;
                return (!is_gc).then_some(UnvisitedStruct { references, size });
            }
            at = self.memory.word(at + type_object::BASE as u64)? & ADDRESS_MASK;
        }
        None
    }

    /// The references of an object's C struct that no traverse visits.
    #[cold]
    fn unvisited_struct_references(
        &self,
        at: u64,
        info: &TypeInfo,
        known: UnvisitedStruct,
        sink: &mut impl Sink,
    ) {
        let (memory, layout, types) = (self.memory, &self.layout, &self.types);
        let (basic_size, item_size) = (info.basic_size, info.item_size);
        let view = ObjectView { memory, layout, types, at, basic_size, item_size };
        (known.references)(&view.over_any_memory(), &mut Unvisited(sink));
    }

    /// The words of an object of unknown layout, from an offset on, that may be references beside those that were
    /// visited.
    fn hidden_words(&self, at: u64, info: &TypeInfo, first: u64, visited: &[u64], sink: &mut impl Sink) {
        const FEW_VISITED: usize = 64;
        let label = if info.kind == ObjectKind::TextBuffer { Label::STORAGE } else { Label::UNLABELLED };
        const PAGE: u64 = 4096;
        let size = scanned_size(info.basic_size);
        // The object's first page is mapped. Its size is the type's claim.
        let certain = PAGE - at % PAGE;
        let mut claimed = Vec::new();
        if size > certain {
            claimed.resize((size - certain) as usize, 0);
            if self.memory.checked(at + certain, &mut claimed).is_none() {
                claimed.clear();
            }
        }
        for offset in (first..size & !7).step_by(8) {
            if info.weak_list > 0 && offset == info.weak_list as u64 {
                continue;
            }
            let to = match offset.checked_sub(certain) {
                None => self.word(at + offset),
                Some(beyond) => match claimed.get(beyond as usize..).and_then(|rest| rest.first_chunk()) {
                    Some(bytes) => u64::from_le_bytes(*bytes),
                    None => break,
                },
            };
            let inside = (at..at + size).contains(&to);
            if is_plausible_on_heap(to) && !inside && (visited.len() > FEW_VISITED || !visited.contains(&to))
            {
                let named = info.named.iter().find(|&&(known, _)| known == offset);
                sink.maybe_reference(to, named.map_or(label, |&(_, label)| label));
                // From 3.14 the writer of a text buffer is a struct of its own, whose first member is its
                // buffer.
                if info.kind == ObjectKind::TextBuffer
                    && let Some(buffer) = sink.deref(to).filter(|&first| is_plausible_on_heap(first))
                {
                    sink.maybe_reference(buffer, label);
                }
            }
        }
    }
}
