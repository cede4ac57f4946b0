//! Frames: running ones, those of suspended generators, and those that a frame object has outlived; and the names of
//! their variables.
//!
//! Layout: `_PyInterpreterFrame` from 3.11 (`pycore_frame.h`, `pycore_interpframe_structs.h`), the frame object itself
//! to 3.10. To 3.9 a running frame does not tell how deep its stack is: its temporaries are not known, as they are not
//! to CPython's own traverse. From 3.14 a slot is tagged: both low bits set is a small number, bit 0 alone a borrowed reference.

use std::rc::Rc;

use memtop_heap::{Label, StringId};

use crate::decoder::{ADDRESS, Decoder, Sink, is_item};
use crate::kind::ObjectKind;
use crate::layout::{FRAME_OWNED_BY_FRAME_OBJECT, object};
use crate::memory::Memory;
use crate::visited::{Visited, take};

/// A frame's code, and where its slots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameView {
    /// The frame's data; the frame object itself to 3.10.
    pub address: u64,
    /// Its code object.
    pub code: u64,
    /// How many variables it has.
    pub variables: u64,
    /// How many slots are in use, variables included.
    pub slots: u64,
}

/// A variable of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// [`Label::local`] with the name; none for a temporary on the stack.
    pub label: Label,
    /// What it holds.
    pub value: u64,
}

const MOST_VARIABLES: u64 = 100_000;

impl<M: Memory> Decoder<'_, M> {
    /// The frame whose data are at `address`; `None` if it is none that runs Python code.
    pub fn frame(&self, address: u64) -> Option<FrameView> {
        let frame = self.layout.frame;
        let address = address & ADDRESS;
        let code = self.memory.word(address + frame.code)? & ADDRESS & !3;
        // Entries into C stand on its stack, with members that nobody has set.
        let owner = frame.owner.and_then(|offset| self.memory.byte(address + offset));
        if code == 0 || address == 0 || owner.is_some_and(|owner| owner > FRAME_OWNED_BY_FRAME_OBJECT) {
            return None;
        }
        let (variables, slots) = if self.layout.minor <= 10 {
            let cells_and_free = self.layout.code.cells_and_free?;
            let length = |offset| -> Option<u64> {
                self.memory.word((self.memory.word(code + offset)? & ADDRESS) + object::SIZE as u64)
            };
            let locals = u64::from(self.memory.half(code + self.layout.code.local_count)?);
            let closed = [length(cells_and_free.0)?, length(cells_and_free.1)?];
            if closed.iter().any(|&count| count > MOST_VARIABLES) {
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
        let capped = variables <= MOST_VARIABLES && slots <= 2 * MOST_VARIABLES;
        capped.then_some(FrameView { address, code, variables, slots })
    }

    /// The frame that called it, and whether there is one.
    pub fn previous_frame(&self, address: u64) -> Option<u64> {
        let at = (address & ADDRESS) + self.layout.frame.previous;
        self.memory.word(at).map(|previous| previous & ADDRESS).filter(|&previous| previous != 0)
    }

    /// The function that a running frame belongs to; 0 if not known.
    pub fn function_of(&self, frame: &FrameView) -> u64 {
        let function = self.layout.frame.function.and_then(|offset| self.memory.word(frame.address + offset));
        function.unwrap_or(0) & !3
    }

    /// The names that a code object has: its qualified name, its file, the line where it begins.
    pub fn code_names(
        &mut self,
        code: u64,
        sink: &mut impl Sink,
    ) -> (Option<StringId>, Option<StringId>, u32) {
        let layout = self.layout.code;
        let qualname = self.memory.word(code + layout.qualname).filter(|&at| self.is_str(at));
        let filename = self.memory.word(code + layout.filename).filter(|&at| self.is_str(at));
        let line = self.memory.half(code + layout.first_line).unwrap_or(0);
        (qualname.and_then(|at| self.text(at, sink)), filename.and_then(|at| self.text(at, sink)), line)
    }

    /// The file of a code object, as text.
    pub fn code_file(&mut self, code: u64) -> Option<String> {
        let at = self.memory.word(code + self.layout.code.filename).filter(|&at| self.is_str(at))?;
        self.read_text(at)
    }

    /// The variables of a frame that hold something, and its temporaries.
    pub fn locals(&mut self, frame: &FrameView, sink: &mut impl Sink) -> Vec<Local> {
        let names = self.names_of(frame.code, sink);
        let first = frame.address + self.layout.frame.locals_plus;
        let mut locals = Vec::new();
        for index in 0..frame.slots {
            let Some(slot) = self.memory.word(first + index * 8) else { break };
            let value = match self.layout.minor {
                14.. if slot & 3 == 3 || slot & 1 == 1 => continue,
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

    /// What a cell holds; `None` if `at` is no cell.
    pub fn in_cell(&self, at: u64) -> Option<u64> {
        let at = at & ADDRESS;
        let is_cell = self.memory.word(at + object::TYPE as u64) == Some(self.types.cell);
        is_cell.then(|| self.memory.word(at + 16).unwrap_or(0))
    }

    /// The variables of a code object, cells and free ones at the end.
    fn names_of(&mut self, code: u64, sink: &mut impl Sink) -> Rc<[Label]> {
        if let Some(names) = self.variable_names.get(&code) {
            return Rc::clone(names);
        }
        let layout = self.layout.code;
        let mut tuples = vec![layout.local_names];
        tuples.extend(layout.cells_and_free.into_iter().flat_map(|(cells, free)| [cells, free]));
        let mut names = Vec::new();
        for offset in tuples {
            let tuple = self.memory.word(code + offset).unwrap_or(0);
            names.extend(self.tuple_texts(tuple, sink).into_iter().map(|name| match name {
                Some(name) => Label::local(name),
                None => Label::UNLABELLED,
            }));
        }
        let names: Rc<[Label]> = names.into();
        self.variable_names.insert(code, Rc::clone(&names));
        names
    }

    /// The variables that a code object closes over, as labels of what their cells hold.
    pub(crate) fn free_names(&mut self, code: u64, sink: &mut impl Sink) -> Vec<Label> {
        let layout = self.layout.code;
        let texts = match layout.cells_and_free {
            Some((_, free)) => {
                let tuple = self.memory.word(code + free).unwrap_or(0);
                self.tuple_texts(tuple, sink)
            }
            None => {
                let free = self.memory.half(code + layout.free_count).unwrap_or(0) as usize;
                let names = self.names_of(code, sink);
                let first = names.len().saturating_sub(free);
                names[first..].iter().map(|label| label.text()).collect()
            }
        };
        texts.into_iter().map(|text| text.map_or(Label::STORAGE, Label::closure)).collect()
    }

    fn tuple_texts(&mut self, tuple: u64, sink: &mut impl Sink) -> Vec<Option<StringId>> {
        let tuple = tuple & ADDRESS;
        if tuple == 0 || self.memory.word(tuple + object::TYPE as u64) != Some(self.types.tuple) {
            return Vec::new();
        }
        let count = self.memory.word(tuple + object::SIZE as u64).unwrap_or(0).min(MOST_VARIABLES);
        let first = tuple + self.tuple_first();
        let mut texts = Vec::new();
        for index in 0..count {
            let Some(string) = self.memory.word(first + index * 8).filter(|&at| is_item(at)) else { break };
            texts.push(if self.is_str(string) { self.text(string, sink) } else { None });
        }
        texts
    }

    /// What a generator or a frame object holds of its frame.
    pub(crate) fn frame_parts(
        &mut self,
        at: u64,
        kind: ObjectKind,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        let layout = self.layout.frame;
        let address = match (kind, layout.in_frame_object) {
            (ObjectKind::Frame, None) => at,
            (ObjectKind::Frame, Some(offset)) => {
                let data = self.pointer(at + offset);
                let owner = layout.owner.and_then(|offset| self.memory.byte(data + offset));
                if data == 0 || owner != Some(FRAME_OWNED_BY_FRAME_OBJECT) {
                    return;
                }
                data
            }
            (_, None) => return,
            _ => {
                let state = layout.generator_state.and_then(|offset| self.memory.byte(at + offset));
                if state.is_none_or(|state| state as i8 >= layout.cleared) {
                    return;
                }
                at + layout.in_generator
            }
        };
        let Some(frame) = self.frame(address) else { return };
        for local in self.locals(&frame, sink) {
            if !take(visited, local.value) {
                continue;
            }
            match self.in_cell(local.value) {
                // A variable in a cell is the cell's, by its name.
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
