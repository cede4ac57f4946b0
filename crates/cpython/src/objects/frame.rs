//! `frame` (`PyFrameObject` in `Include/frameobject.h`, from 3.11 in `Include/internal/pycore_frame.h`), and
//! the frames of running functions and generators.
//!
//! A frame's data are in an `_PyInterpreterFrame` from 3.11 on (`pycore_frame.h`,
//! `pycore_interpframe_structs.h`), in the frame object itself to 3.10. To 3.9 a running frame does not
//! record how deep its stack is: its temporaries are unknown, as they are to CPython's own traverse. From
//! 3.14 a slot is tagged: with both low bits set it is a small number, with bit 0 alone a borrowed reference.

use memtop_heap::{Label, Shape};

use super::code::{MAX_VARIABLES, slots_size};
use super::definition::{Coverage, Definition, Member, SizeFormula};
use super::view::{ObjectView, WORD};
use crate::address::{ADDRESS_MASK, is_item};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::{FRAME_OWNED_BY_FRAME_OBJECT, Layout, object};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::{Visited, take};

pub(super) const FRAME: Definition = Definition {
    kind: ObjectKind::Frame,
    shape: Shape::Frame,
    coverage: Coverage::Struct,
    members,
    // `f_extra_locals`, `f_locals_cache` and `f_overwritten_fast_locals`.
    unlabelled: |layout| match layout.minor {
        ..13 => vec![],
        13 => vec![48, 56],
        _ => vec![48, 56, 64],
    },
    size: |_| Some(SizeFormula::Read(size)),
    ..Definition::interpreter(&["frame"])
};

fn members(layout: &Layout) -> Vec<Member> {
    let members: &[(u64, &str)] = match layout.minor {
        ..10 => &[
            (24, "f_back"),
            (32, "f_code"),
            (40, "f_builtins"),
            (48, "f_globals"),
            (56, "f_locals"),
            (80, "f_trace"),
        ],
        10 => &[
            (24, "f_back"),
            (32, "f_code"),
            (40, "f_builtins"),
            (48, "f_globals"),
            (56, "f_locals"),
            (72, "f_trace"),
        ],
        _ => &[(16, "f_back"), (32, "f_trace")],
    };
    members.iter().map(|&(offset, name)| Member::Attribute(offset, name)).collect()
}

/// A frame's code, and where its slots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameView {
    /// The frame's data; the frame object itself to 3.10.
    pub address: u64,
    /// Its code object.
    pub code: u64,
    /// The number of its variables.
    pub variables: u64,
    /// The number of its slots in use, variables included.
    pub slots: u64,
}

/// A variable of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// [`Label::local`] with the name; no label for a temporary on the stack.
    pub label: Label,
    /// The object that it holds.
    pub value: u64,
}

impl<M: Memory> Decoder<'_, M> {
    /// The frame whose data are at `address`; `None` if it does not run Python code.
    pub fn frame(&self, address: u64) -> Option<FrameView> {
        let frame = self.layout.frame;
        let address = address & ADDRESS_MASK;
        let code = self.memory.word(address + frame.code)? & ADDRESS_MASK & !3;
        // A frame through which C calls Python has members that are never set.
        let owner = frame.owner.and_then(|offset| self.memory.byte(address + offset));
        if code == 0 || address == 0 || owner.is_some_and(|owner| owner > FRAME_OWNED_BY_FRAME_OBJECT) {
            return None;
        }
        let (variables, slots) = if self.layout.minor <= 10 {
            let cells_and_free = self.layout.code.cells_and_free?;
            let length = |offset| -> Option<u64> {
                self.memory.word((self.memory.word(code + offset)? & ADDRESS_MASK) + object::SIZE as u64)
            };
            let locals = u64::from(self.memory.half(code + self.layout.code.local_count)?);
            let closed = [length(cells_and_free.0)?, length(cells_and_free.1)?];
            if closed.iter().any(|&count| count > MAX_VARIABLES) {
                return None;
            }
            let variables = locals + closed[0] + closed[1];
            let stack_size = u64::from(self.memory.half(code + self.layout.code.stack_size)?);
            let depth = if self.layout.minor == 10 {
                (self.memory.half(address + frame.stack_top)? as i32).max(0) as u64
            } else {
                let top = self.memory.word(address + frame.stack_top)?;
                (top.saturating_sub(address + frame.locals_plus) / 8).saturating_sub(variables)
            };
            (variables, variables + depth.min(stack_size))
        } else {
            let variables = u64::from(self.memory.half(code + self.layout.code.local_count)?);
            let slots = if self.layout.minor < 14 {
                (self.memory.half(address + frame.stack_top)? as i32).max(0) as u64
            } else {
                let top = self.memory.word(address + frame.stack_top)?;
                top.saturating_sub(address + frame.locals_plus) / 8
            };
            let most = variables + u64::from(self.memory.half(code + self.layout.code.stack_size)?);
            (variables, slots.clamp(variables, most))
        };
        let capped = variables <= MAX_VARIABLES && slots <= 2 * MAX_VARIABLES;
        capped.then_some(FrameView { address, code, variables, slots })
    }

    /// The frame that called the one at an address; `None` if there is none.
    pub fn previous_frame(&self, address: u64) -> Option<u64> {
        let at = (address & ADDRESS_MASK) + self.layout.frame.previous;
        self.memory.word(at).map(|previous| previous & ADDRESS_MASK).filter(|&previous| previous != 0)
    }

    /// The function that a running frame belongs to; 0 if it is not known.
    pub fn function_of(&self, frame: &FrameView) -> u64 {
        let function = self.layout.frame.function.and_then(|offset| self.memory.word(frame.address + offset));
        function.unwrap_or(0) & !3
    }

    /// The variables of a frame that hold something, and its temporaries.
    pub fn locals(&mut self, frame: &FrameView, sink: &mut impl Sink) -> Vec<Local> {
        let names = self.variable_labels(frame.code, sink);
        let first = frame.address + self.layout.frame.locals_plus;
        let mut locals = Vec::new();
        for index in 0..frame.slots {
            let Some(slot) = self.memory.word(first + index * 8) else { break };
            let value = match self.layout.minor {
                14.. if slot & 1 == 1 => continue,
                14.. => slot & !3,
                _ => slot,
            };
            if !is_item(value) {
                break;
            }
            if value != 0 {
                let label = match index < frame.variables {
                    true => names.get(index as usize).copied().unwrap_or(Label::UNLABELLED),
                    false => Label::UNLABELLED,
                };
                locals.push(Local { label, value });
            }
        }
        locals
    }

    /// The references of a frame object to what its frame holds.
    pub(super) fn frame_object_parts(
        &mut self,
        at: u64,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let layout = self.layout.frame;
        let Some(offset) = layout.in_frame_object else { return self.frame_parts(at, visited, sink) };
        let data = self.pointer(at + offset);
        let owner = layout.owner.and_then(|offset| self.memory.byte(data + offset));
        if data != 0 && owner == Some(FRAME_OWNED_BY_FRAME_OBJECT) {
            self.frame_parts(data, visited, sink);
        }
    }

    /// The references of the frame whose data are at an address.
    pub(super) fn frame_parts(
        &mut self,
        address: u64,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let layout = self.layout.frame;
        let Some(frame) = self.frame(address) else { return };
        for local in self.locals(&frame, sink) {
            if !take(visited, local.value) {
                continue;
            }
            match self.in_cell(local.value) {
                // The variable is what the cell holds, and has the name.
                Some(_) if local.label != Label::UNLABELLED => {
                    sink.variable(local.value, local.label);
                    sink.reference(local.value, Label::STORAGE);
                }
                _ => sink.reference(local.value, local.label),
            }
        }
        if layout.in_frame_object.is_none() {
            return;
        }
        let parts =
            [(Some(layout.code), "f_code"), (layout.function, "__func__"), (Some(layout.locals), "f_locals")];
        for (offset, name) in parts {
            let to = offset.and_then(|offset| self.memory.word(address + offset)).unwrap_or(0);
            let borrowed = self.layout.minor >= 14 && to & 1 == 1;
            let to = to & !3;
            if to != 0 && !borrowed && take(visited, to) {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
    }
}

/// `frame_sizeof` in `frameobject.c`.
fn size(object: &ObjectView<'_>) -> u64 {
    let frame = object.layout.frame;
    let Some(in_object) = frame.in_frame_object else {
        let slots = slots_size(object, object.pointer(frame.code));
        // The struct has the first slot in it.
        return object.basic_and(slots).saturating_sub(WORD);
    };
    let code = object.pointer_at(object.pointer(in_object) + frame.code) & !3;
    let head = match object.minor() {
        ..13 => 48,
        13 => 64,
        _ => 72,
    };
    slots_size(object, code).saturating_add(head + frame.locals_plus)
}
