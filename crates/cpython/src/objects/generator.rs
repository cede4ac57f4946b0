//! Generators, coroutines and asynchronous generators (`Include/genobject.h`, from 3.11
//! `Include/cpython/genobject.h` and `Include/internal/pycore_genobject.h`). From 3.11 the frame is a part of
//! the object.

use memtop_heap::{Label, Shape};

use super::code::slots_size;
use super::definition::{CStruct, Coverage, Definition, Member, SizeFormula};
use super::view::{ObjectSink, ObjectView};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{FrameLayout, Layout};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::Visited;

pub(super) const GENERATOR: Definition = Definition {
    kind: ObjectKind::Generator,
    shape: Shape::Generator,
    coverage: Coverage::Struct,
    members,
    c_struct: |minor| (minor >= 11).then_some(CStruct::Read { references: frame_object, words_from: None }),
    unlabelled,
    size: |minor| (minor >= 11).then_some(SizeFormula::Read(size)),
    ..Definition::interpreter(&["generator"])
};

pub(super) const COROUTINE: Definition = Definition {
    names: &["coroutine", "async_generator"],
    unlabelled: |layout| {
        let mut words = unlabelled(layout);
        if layout.minor >= 11 {
            // `gi_origin_or_finalizer`, which a plain generator does not set.
            words.push(layout.frame.in_generator - 16);
        }
        words
    },
    ..GENERATOR
};

fn members(layout: &Layout) -> Vec<Member> {
    let (frame, members): (Option<u64>, _) = match layout.minor {
        ..10 => (Some(16), vec![(32, "gi_code"), (48, "__name__"), (56, "__qualname__")]),
        10 => (Some(16), vec![(24, "gi_code"), (40, "__name__"), (48, "__qualname__")]),
        _ => {
            let name = layout.frame.in_generator - 48;
            (None, vec![(name, "__name__"), (name + 8, "__qualname__")])
        }
    };
    let frame = frame.map(|offset| Member::Labelled(offset, Label::STORAGE));
    let members = members.into_iter().map(|(offset, name)| Member::Attribute(offset, name));
    frame.into_iter().chain(members).collect()
}

/// The exception that the generator handles (`gi_exc_state`: three members to 3.10), and in 3.11 its code.
fn unlabelled(layout: &Layout) -> Vec<u64> {
    match layout.minor {
        ..10 => vec![64, 72, 80],
        10 => vec![56, 64, 72],
        11 => vec![layout.frame.in_generator - 32, 16],
        _ => vec![layout.frame.in_generator - 32],
    }
}

impl<M: Memory> Decoder<'_, M> {
    /// The references of a generator to what its frame holds.
    pub(super) fn generator_parts(
        &mut self,
        at: u64,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let frame = self.layout.frame;
        if has_frame(self.memory, &frame, at) {
            self.frame_parts(at + frame.in_generator, visited, sink);
        }
    }
}

/// The frame object that was made of a generator's frame (`_PyFrame_Traverse` in `frame.c`, from 3.11).
fn frame_object(generator: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    let frame = generator.layout.frame;
    if has_frame(generator.memory, &frame, generator.at) {
        sink.if_object(generator.word(frame.in_generator + frame.frame_object()));
    }
}

/// Whether a generator's frame is not cleared.
fn has_frame<M: Memory + ?Sized>(memory: &M, frame: &FrameLayout, at: u64) -> bool {
    let state = frame.generator_state.and_then(|offset| memory.byte(at + offset));
    state.is_some_and(|state| (state as i8) < frame.cleared)
}

/// `gen_sizeof` in `genobject.c`, from 3.11.
fn size(generator: &ObjectView<'_>) -> u64 {
    let frame = generator.layout.frame;
    let code = generator.pointer(frame.in_generator + frame.code) & !3;
    slots_size(generator, code).saturating_add(frame.in_generator + frame.locals_plus)
}
