//! `function` (`PyFunctionObject` in `Include/funcobject.h`, from 3.11 in `Include/cpython/funcobject.h`).

use memtop_heap::{Label, Shape};

use super::definition::{Definition, Member};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::Layout;
use crate::memory::Memory;
use crate::sink::Sink;

pub(super) const FUNCTION: Definition = Definition {
    kind: ObjectKind::Function,
    shape: Shape::Function,
    members,
    ..Definition::interpreter(&["function"])
};

/// The offsets of the members that are read for more than their reference.
struct Offsets {
    code: u64,
    closure: u64,
    dict: u64,
    module: u64,
    qualname: u64,
}

const fn offsets(minor: u8) -> Offsets {
    match minor {
        ..10 => Offsets { code: 16, closure: 48, dict: 72, module: 88, qualname: 104 },
        _ => Offsets { code: 48, closure: 72, dict: 88, module: 104, qualname: 40 },
    }
}

fn members(layout: &Layout) -> Vec<Member> {
    let at = offsets(layout.minor);
    let others: &[(u64, &str)] = match layout.minor {
        ..10 => &[
            (24, "__globals__"),
            (32, "__defaults__"),
            (40, "__kwdefaults__"),
            (56, "__doc__"),
            (64, "__name__"),
            (96, "__annotations__"),
        ],
        _ => &[
            (16, "__globals__"),
            (24, "__builtins__"),
            (32, "__name__"),
            (56, "__defaults__"),
            (64, "__kwdefaults__"),
            (80, "__doc__"),
            (112, "__annotations__"),
        ],
    };
    let mut attributes =
        vec![(at.code, "__code__"), (at.module, "__module__"), (at.qualname, "__qualname__")];
    attributes.extend(others);
    attributes.sort_unstable();
    let attributes = attributes.into_iter().map(|(offset, name)| Member::Attribute(offset, name));
    let parts = [(at.closure, Label::STORAGE), (at.dict, Label::DICT)];
    attributes.chain(parts.map(|(offset, label)| Member::Labelled(offset, label))).collect()
}

impl<M: Memory> Decoder<'_, M> {
    /// Names the variables that a function closes over. The references to their cells are those of the tuple
    /// that holds them.
    pub(super) fn closure(&mut self, at: u64, sink: &mut impl Sink) {
        let offsets = offsets(self.layout.minor);
        let (cells, code) = (self.pointer(at + offsets.closure), self.pointer(at + offsets.code));
        if cells == 0 || code == 0 {
            return;
        }
        let names = self.free_names(code, sink);
        // The tuple and the cells are not steps of a path: the variable is what a cell holds.
        sink.variable(cells, Label::STORAGE);
        for (index, &name) in names.iter().enumerate() {
            let cell = self.word(cells + self.tuple_first() + index as u64 * 8);
            if cell != 0 {
                sink.variable(cell, name);
            }
        }
    }

    /// The addresses of a function's `__module__` and `__qualname__`.
    pub(crate) fn names_of_function(&self, at: u64) -> (u64, u64) {
        let offsets = offsets(self.layout.minor);
        (self.word(at + offsets.module), self.word(at + offsets.qualname))
    }
}
