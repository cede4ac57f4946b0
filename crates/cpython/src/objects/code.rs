//! `code` (`PyCodeObject` in `Include/code.h`, from 3.9 in `Include/cpython/code.h`): its parts, and the
//! names of the variables of its frames.

use std::rc::Rc;

use memtop_heap::{Label, Shape, StringId};

use super::definition::{Coverage, Definition, SizeFormula};
use super::view::{ObjectView, WORD};
use crate::address::{ADDRESS_MASK, is_item};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::object;
use crate::memory::Memory;
use crate::sink::Sink;

pub(super) const CODE: Definition = Definition {
    kind: ObjectKind::Code,
    shape: Shape::Code,
    coverage: Coverage::All,
    size: |_| Some(SizeFormula::Read(size)),
    ..Definition::interpreter(&["code"])
};

/// More variables than a frame has.
pub(super) const MAX_VARIABLES: u64 = 100_000;

impl<M: Memory> Decoder<'_, M> {
    /// Whether code lies at an address.
    pub fn is_code(&self, at: u64) -> bool {
        self.kind_at(at) == Some(ObjectKind::Code)
    }

    /// The parts of code, which the collector does not know.
    pub(super) fn code(&mut self, at: u64, sink: &mut impl Sink) {
        let code = self.layout.code;
        let parts = [
            (code.consts, "co_consts"),
            (code.names, "co_names"),
            (code.filename, "co_filename"),
            (code.name, "co_name"),
            (code.line_table, "co_linetable"),
            (code.local_names, "co_varnames"),
            (code.other, if self.layout.minor <= 10 { "co_code" } else { "co_exceptiontable" }),
        ];
        for (offset, name) in parts {
            let to = self.word(at + offset);
            if to != 0 {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        let more = match code.cells_and_free {
            Some((cells, free)) => [cells, free],
            None => [code.qualname, 0],
        };
        for offset in more.into_iter().filter(|&offset| offset != 0) {
            let to = self.word(at + offset);
            if to != 0 {
                sink.reference(to, Label::UNLABELLED);
            }
        }
    }

    /// The names that a code object has: its qualified name, its file, the line where it begins.
    pub fn code_names(
        &mut self,
        code: u64,
        sink: &mut impl Sink,
    ) -> (Option<StringId>, Option<StringId>, u32) {
        let layout = self.layout.code;
        let qualname = self.memory.word(code + layout.qualname).filter(|&at| self.is_string(at));
        let filename = self.memory.word(code + layout.filename).filter(|&at| self.is_string(at));
        let line = self.memory.half(code + layout.first_line).unwrap_or(0);
        (qualname.and_then(|at| self.text(at, sink)), filename.and_then(|at| self.text(at, sink)), line)
    }

    /// The file of a code object.
    pub fn code_file(&mut self, code: u64) -> Option<String> {
        let at = self.memory.word(code + self.layout.code.filename)?;
        self.string_at(at)
    }

    /// The variables of a code object, as labels; cells and free variables come last.
    pub(super) fn variable_labels(&mut self, code: u64, sink: &mut impl Sink) -> Rc<[Label]> {
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
    pub(super) fn free_names(&mut self, code: u64, sink: &mut impl Sink) -> Vec<Label> {
        let layout = self.layout.code;
        let texts = match layout.cells_and_free {
            Some((_, free)) => {
                let tuple = self.memory.word(code + free).unwrap_or(0);
                self.tuple_texts(tuple, sink)
            }
            None => {
                let free = self.memory.half(code + layout.free_count).unwrap_or(0) as usize;
                let names = self.variable_labels(code, sink);
                let first = names.len().saturating_sub(free);
                names[first..].iter().map(|label| label.text()).collect()
            }
        };
        texts.into_iter().map(|text| text.map_or(Label::STORAGE, Label::closure)).collect()
    }

    fn tuple_texts(&mut self, tuple: u64, sink: &mut impl Sink) -> Vec<Option<StringId>> {
        let tuple = tuple & ADDRESS_MASK;
        if tuple == 0 || self.memory.word(tuple + object::TYPE as u64) != Some(self.types.tuple) {
            return Vec::new();
        }
        let count = self.memory.word(tuple + object::SIZE as u64).unwrap_or(0).min(MAX_VARIABLES);
        let first = tuple + self.tuple_first();
        let mut texts = Vec::new();
        for index in 0..count {
            let Some(string) = self.memory.word(first + index * 8).filter(|&at| is_item(at)) else { break };
            texts.push(if self.is_string(string) { self.text(string, sink) } else { None });
        }
        texts
    }
}

/// `code_sizeof` in `codeobject.c`.
fn size(code: &ObjectView<'_>) -> u64 {
    if code.minor() >= 11 {
        let instructions = code.items().saturating_mul(code.item_size);
        return code.basic_and(instructions).checked_next_multiple_of(8).unwrap_or(0);
    }
    // `co_cell2arg`; `co_extra`; the cache of global variables (`co_opcache_map`, `co_opcache`), 32 bytes an
    // entry.
    const CELLS: u64 = 88;
    const CELLS_TO_ARGUMENTS: u64 = 96;
    const EXTRA: u64 = 144;
    const CACHE: u64 = 160;
    const CACHE_SIZE: u64 = 172;
    let mut size = code.basic_size;
    if code.word(CELLS_TO_ARGUMENTS) != 0 {
        size = size.saturating_add(code.items_of(CELLS).saturating_mul(WORD));
    }
    if code.word(EXTRA) != 0 {
        let count = code.word_at(code.pointer(EXTRA));
        size = size.saturating_add(count.saturating_mul(WORD)).saturating_add(WORD);
    }
    if code.word(CACHE) != 0 {
        let entries = u64::from(code.byte(CACHE_SIZE).unwrap_or(0));
        let instructions = code.items_of(code.layout.code.instructions) / 2;
        size = size.saturating_add(instructions).saturating_add(entries * 32);
    }
    size
}

/// The bytes of all slots of a frame of the code at an address: variables and stack.
pub(super) fn slots_size(object: &ObjectView<'_>, code: u64) -> u64 {
    if code == 0 {
        return 0;
    }
    let layout = object.layout.code;
    let half = |offset: u64| u64::from(object.memory.half(code + offset).unwrap_or(0));
    let mut slots = half(layout.local_count) + half(layout.stack_size);
    if let Some((cells, free)) = layout.cells_and_free {
        for offset in [cells, free] {
            let tuple = object.pointer_at(code + offset);
            slots = slots.saturating_add(object.word_at(tuple + object::SIZE as u64));
        }
    }
    slots.saturating_mul(WORD)
}
