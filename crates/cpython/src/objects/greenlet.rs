//! `greenlet.greenlet` of the package greenlet (`src/greenlet/greenlet.h`, from 2.0 on also `TGreenlet.hpp`; read from
//! 1.0.0 to 3.5.3).
//!
//! A greenlet that is switched out holds its frames: its top frame leads to the others. The frames are in no thread's
//! chain, and greenlet's own traverse does not visit them (on CPython 3.15 it does, from 3.5 on). It also keeps the part
//! of the C stack that another greenlet overwrote, and from CPython 3.11 on a stack of Python frames of its own. What the
//! functions on its C stack hold (tuples of arguments) is not known.
//!
//! The struct differs by the version of greenlet, which no memory states. So nothing is read by an offset alone: the
//! C++ object has to lead back to the greenlet, the top frame has to be a frame whose data lead back to it, and a stack
//! of frames has to have the size that its end says.

use memtop_heap::{Label, StringId};

use super::definition::{CStruct, Coverage, DefinedIn, Definition, ReadBuffers};
use super::view::{ObjectView, WORD};
use crate::address::{ADDRESS_MASK, may_be_object};
use crate::buffer::{BufferSink, Claim};
use crate::cycle_detector::CycleDetector;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{FRAME_OWNED_BY_GENERATOR, FRAME_OWNED_BY_THREAD, FrameLayout, object, type_object};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::type_info::TypeInfo;
use crate::visited::{Visited, take};

pub(super) const GREENLET: Definition = Definition {
    kind: ObjectKind::Greenlet,
    coverage: Coverage::Struct,
    // `greenlet_parts` reads them.
    c_struct: |_| Some(CStruct::Only(&[])),
    buffers: ReadBuffers::outside(buffers),
    ..Definition::of(DefinedIn::Package("greenlet"), &["greenlet.greenlet"])
};

/// `pimpl` of a `PyGreenlet`, from 2.0 on.
const IMPLEMENTATION: u64 = 32;
/// How many words `PythonState` may have behind `_top_frame`, in all versions.
const MOST_STATE: u64 = 12;
/// More frames than a greenlet has.
const MAX_FRAMES: usize = 1 << 16;
/// More than a greenlet saves of its C stack.
const MOST_SAVED: u64 = 1 << 30;
/// The most stacks of frames of one greenlet.
const MAX_CHUNKS: usize = 1 << 10;

/// The addresses of the members of a greenlet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Members {
    /// `exc_state`: the exception that it handles, one word from CPython 3.11 on, else three.
    exceptions: u64,
    /// `switch_args`, two words: what the next switch passes. None in 1.x.
    arguments: Option<u64>,
    /// `stack_copy`, followed by the number of its bytes.
    stack: u64,
    /// `context`.
    context: u64,
    /// `top_frame`.
    frame: u64,
    /// `_main_greenlet`, `_run_callable` and `_parent`, if they are certain. In 1.x there are two.
    links: Option<u64>,
    is_c: bool,
}

impl Members {
    /// `None` if the greenlet does not look like one of a known version.
    fn of(greenlet: &ObjectView<'_>) -> Option<Self> {
        let of = greenlet.pointer(object::TYPE as u64);
        let exceptions = if greenlet.minor() >= 11 { 2 } else { 4 };
        match greenlet.word_at(of + type_object::WEAK_LIST_OFFSET as u64) {
            16 => Self::of_cpp(greenlet, exceptions * WORD),
            // 1.x, whose frames have four more words from CPython 3.11 on.
            weak @ (88 | 120) if (weak == 120) == (greenlet.minor() >= 11) => {
                let exceptions_at = greenlet.at + weak + 2 * WORD;
                Some(Self {
                    exceptions: exceptions_at,
                    arguments: None,
                    stack: greenlet.at + 32,
                    context: exceptions_at + (exceptions + 1) * WORD,
                    frame: greenlet.at + 72,
                    links: Some(greenlet.at + 56),
                    is_c: true,
                })
            }
            _ => None,
        }
    }

    fn of_cpp(greenlet: &ObjectView<'_>, exceptions: u64) -> Option<Self> {
        let implementation = greenlet.pointer(IMPLEMENTATION);
        if !may_be_object(implementation) {
            return None;
        }
        let is_greenlet = |at: u64| greenlet.word_at(at) == greenlet.at;
        // From 3.2 on, `_self` is the first member; before, the first behind the state of Python.
        let is_first = is_greenlet(implementation + WORD);
        let first = implementation + if is_first { 2 * WORD } else { WORD };
        let arguments = first + WORD + exceptions;
        let context = arguments + 7 * WORD;
        let frame = context + WORD;
        let links = match is_first {
            true => None,
            false => {
                let behind = (1..=MOST_STATE).map(|word| frame + word * WORD);
                Some(behind.into_iter().find(|&at| is_greenlet(at))? + WORD)
            }
        };
        let stack = arguments + 4 * WORD;
        let exceptions = first + WORD;
        Some(Self { exceptions, arguments: Some(arguments), stack, context, frame, links, is_c: false })
    }

    /// The address of `current_frame`, from CPython 3.11 on: it has the data of the top frame. `None` if the greenlet is
    /// not switched out.
    fn current_frame(&self, greenlet: &ObjectView<'_>) -> Option<u64> {
        let data = data_of(greenlet.memory, &greenlet.layout.frame, greenlet.pointer_at(self.frame))?;
        let behind = (1..=MOST_STATE).map(|word| self.frame + word * WORD);
        behind.into_iter().find(|&at| greenlet.pointer_at(at) == data)
    }
}

/// The data of the frame at an address, from CPython 3.11 on; `None` if they do not lead back to it.
fn data_of<M: Memory + ?Sized>(memory: &M, layout: &FrameLayout, frame: u64) -> Option<u64> {
    let in_object = layout.in_frame_object?;
    if !may_be_object(frame) {
        return None;
    }
    let data = memory.word(frame + in_object)? & ADDRESS_MASK;
    let is_its = may_be_object(data) && memory.word(data + layout.frame_object())? == frame;
    is_its.then_some(data)
}

impl<M: Memory> Decoder<'_, M> {
    /// The references of a greenlet. Those that its traverse does not visit are hidden ones, without proof.
    pub(super) fn greenlet_parts(
        &mut self,
        at: u64,
        info: &TypeInfo,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let (layout, types) = (self.layout, self.types);
        let (basic_size, item_size) = (info.basic_size, info.item_size);
        let view =
            ObjectView { memory: self.memory, layout: &layout, types: &types, at, basic_size, item_size };
        let view = view.over_any_memory();
        let Some(members) = Members::of(&view) else { return };
        let current = members.current_frame(&view);
        let exceptions = if layout.minor >= 11 { 1 } else { 3 };
        for word in 0..exceptions {
            let to = self.word(members.exceptions + word * WORD);
            self.greenlet_member(to, info, None, visited, sink);
        }
        for (to, name) in self.greenlet_links(&members, current) {
            let label = Label::attribute(sink.name(name));
            self.greenlet_member(to, info, Some(label), visited, sink);
        }
        let context = Label::attribute(sink.name("gr_context"));
        self.greenlet_member(self.word(members.context), info, Some(context), visited, sink);
        for word in 0..2 {
            let to = members.arguments.map_or(0, |arguments| self.word(arguments + word * WORD));
            if self.is_object(to) {
                sink.unproved_reference(to, Label::UNLABELLED);
            }
        }
        let frame = self.word(members.frame);
        if self.is_frame(frame) {
            self.suspended_frames(frame, visited, sink);
        }
    }

    /// A member that greenlet's traverse visits.
    fn greenlet_member(
        &mut self,
        to: u64,
        info: &TypeInfo,
        label: Option<Label>,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        match visited {
            _ if to == 0 => {}
            None => self.named_reference_if_object(to, info, true, label, sink),
            // What has no label is reported with everything else that was visited.
            Some(visited) => {
                if let Some(label) = label
                    && visited.take(to)
                {
                    sink.reference(to, label);
                }
            }
        }
    }

    /// Whether a frame object lies at an address.
    fn is_frame(&self, at: u64) -> bool {
        may_be_object(at) && self.kind_at(at) == Some(ObjectKind::Frame)
    }

    /// Whether a greenlet lies at an address.
    fn is_greenlet(&self, at: u64) -> bool {
        may_be_object(at) && self.kind_at(at) == Some(ObjectKind::Greenlet)
    }

    /// `_main_greenlet`, `run` and `parent`, as far as it is certain where they are.
    fn greenlet_links(&self, members: &Members, current: Option<u64>) -> Vec<(u64, &'static str)> {
        // Behind `datastack_limit`, the third from `current_frame`.
        let behind_frames = current.filter(|_| !members.is_c).map(|at| at + 4 * WORD);
        let sizes: &[u64] = match self.layout.minor {
            ..10 => &[24],
            10 => &[40],
            11 | 12 => &[72],
            13 => &[72, 64],
            _ => &[88, 80],
        };
        let usual = || {
            let places = sizes.iter().map(|&size| members.context + size);
            places.into_iter().find(|&at| self.is_greenlet(self.word(at + 2 * WORD)))
        };
        let Some(at) = members.links.or(behind_frames).or_else(usual) else { return Vec::new() };
        match members.is_c {
            true => vec![(self.word(at), "parent"), (self.word(at + WORD), "run")],
            false => vec![
                (self.word(at), "_main_greenlet"),
                (self.word(at + WORD), "run"),
                (self.word(at + 2 * WORD), "parent"),
            ],
        }
    }

    /// The references of a greenlet's frames, from the top one on. To 3.10 it is a frame object, which leads to the next.
    fn suspended_frames(&mut self, top: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let layout = self.layout.frame;
        let Some(data) = data_of(self.memory, &layout, top) else {
            if layout.in_frame_object.is_none() {
                take(visited, top);
                sink.unproved_reference(top, Label::STORAGE);
            }
            return;
        };
        let code = self.word(data + layout.code) & !3;
        let is_visited = visited.as_ref().is_some_and(|visited| visited.all().contains(&code));
        let mut at = data;
        let mut cycle = CycleDetector::default();
        for _ in 0..MAX_FRAMES {
            if at == 0 || cycle.repeats(at) {
                break;
            }
            let Some(frame) = self.frame(at) else { break };
            if !self.is_code(frame.code) {
                break;
            }
            match layout.owner.and_then(|offset| self.memory.byte(at + offset)) {
                Some(FRAME_OWNED_BY_THREAD) => {
                    let object = self.word(at + layout.frame_object());
                    let is_frame = self.is_frame(object);
                    if is_visited {
                        self.frame_parts(at, visited, sink);
                        if is_frame && take(visited, object) {
                            sink.reference(object, Label::STORAGE);
                        }
                    } else {
                        self.frame_parts(at, &mut None, &mut Hidden(sink));
                        if is_frame {
                            take(visited, object);
                            sink.unproved_reference(object, Label::STORAGE);
                        }
                    }
                }
                // The generator holds what is in its frame. What runs it may be on the C stack.
                Some(FRAME_OWNED_BY_GENERATOR) => {
                    sink.maybe_reference(at - layout.in_generator, Label::UNLABELLED);
                }
                _ => break,
            }
            at = self.previous_frame(at).unwrap_or(0);
        }
    }
}

/// Passes references on as hidden ones without proof.
struct Hidden<'s, S>(&'s mut S);

impl<S: Sink> Sink for Hidden<'_, S> {
    fn reference(&mut self, to: u64, label: Label) {
        self.0.unproved_reference(to, label);
    }

    fn maybe_reference(&mut self, to: u64, label: Label) {
        self.0.maybe_reference(to, label);
    }

    fn probable_reference(&mut self, to: u64, label: Label) {
        self.0.probable_reference(to, label);
    }

    fn hidden_reference(&mut self, to: u64, label: Label) {
        self.0.unproved_reference(to, label);
    }

    fn deref(&mut self, pointer: u64) -> Option<u64> {
        self.0.deref(pointer)
    }

    fn name(&mut self, text: &str) -> StringId {
        self.0.name(text)
    }

    fn is_namespace(&mut self, dict: u64) -> bool {
        self.0.is_namespace(dict)
    }

    fn variable(&mut self, cell: u64, label: Label) {
        self.0.variable(cell, label);
    }
}

/// The copy of its C stack, and its stacks of Python frames.
fn buffers(greenlet: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let Some(members) = Members::of(greenlet) else { return };
    let (copy, saved) = (greenlet.pointer_at(members.stack), greenlet.word_at(members.stack + WORD));
    if saved <= MOST_SAVED {
        sink.add(Claim::Owned, copy, saved);
    }
    let Some(current) = members.current_frame(greenlet) else { return };
    let [mut chunk, top, limit] = [1, 2, 3].map(|word| greenlet.pointer_at(current + word * WORD));
    // `_PyStackChunk`: the chunk before it, its size, and how many words of it were in use when the next was begun.
    let size = |chunk: u64| greenlet.word_at(chunk + WORD);
    if chunk == 0 || chunk.checked_add(size(chunk)) != Some(limit) || !(chunk..=limit).contains(&top) {
        return;
    }
    // What is in use: other pages may be resident or not, and a page is if it was only read.
    let mut used = top - chunk;
    for _ in 0..MAX_CHUNKS {
        if chunk == 0 || !sink.may_read() {
            break;
        }
        sink.add(Claim::Owned, chunk, used.min(size(chunk)));
        chunk = greenlet.pointer_at(chunk);
        used = greenlet.word_at(chunk + 2 * WORD).saturating_add(3).saturating_mul(WORD);
    }
}
