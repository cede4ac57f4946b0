//! Contexts (`PyContext` in `Include/internal/pycore_context.h`), the hash array mapped tries that hold their
//! variables (`Include/internal/pycore_hamt.h`, `Python/hamt.c`), and `contextvars.ContextVar`.

use memtop_heap::{Label, StringId};
use rustc_hash::FxHashSet;

use super::definition::{CStruct, Coverage, Definition};
use crate::address::ADDRESS_MASK;
use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::object;
use crate::memory::Memory;
use crate::sink::Sink;
use crate::visited::{Visited, take};

pub(super) const CONTEXT: Definition = Definition {
    // `ctx_prev`.
    unlabelled: |_| vec![16],
    ..part(&["_contextvars.Context", "Context"])
};

pub(super) const TREE: Definition = part(&[TREE_NAME]);
pub(super) const BITMAP_NODE: Definition = part(&[BITMAP_NODE_NAME]);
pub(super) const ARRAY_NODE: Definition = part(&[ARRAY_NODE_NAME]);
pub(super) const COLLISION_NODE: Definition = part(&[COLLISION_NODE_NAME]);

const TREE_NAME: &str = "hamt";
const BITMAP_NODE_NAME: &str = "hamt_bitmap_node";
const ARRAY_NODE_NAME: &str = "hamt_array_node";
const COLLISION_NODE_NAME: &str = "hamt_collision_node";

const fn part(names: &'static [&'static str]) -> Definition {
    Definition { kind: ObjectKind::Context, coverage: Coverage::Struct, ..Definition::interpreter(names) }
}

/// `hamt_tp_iter` and its kin in `hamt.c`: their stack of nodes is borrowed.
pub(super) const TREE_ITERATOR: Definition = Definition {
    c_struct: |_| Some(CStruct::Only(&[16])),
    ..Definition::interpreter(&["items", "keys", "values"])
};

/// `var_cached` is borrowed (`contextvar_tp_traverse` in `context.c`).
pub(super) const CONTEXT_VARIABLE: Definition = Definition {
    c_struct: |_| Some(CStruct::Without(&[32])),
    ..Definition::interpreter(&["_contextvars.ContextVar", "ContextVar"])
};

/// A variable of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextVariable {
    /// Its name; `None` if it cannot be read.
    pub name: Option<StringId>,
    /// The object that it holds.
    pub value: u64,
}

const CONTEXT_VARIABLES: u64 = 24;
const HAMT_ROOT: u64 = 16;
const NODE_ITEMS: u64 = 32;
const ARRAY_NODE_ITEMS: u64 = 16;
const ARRAY_NODE_SIZE: u64 = 32;
const VARIABLE_NAME: u64 = 16;
/// A bitmap node has 32 pairs at most; a collision node rarely more.
const MAX_NODE_ITEMS: u64 = 4096;
const MAX_VARIABLES: usize = 100_000;

/// An entry of a node of the tree.
enum Item {
    Node(u64),
    Entry { key: u64, value: u64 },
}

impl<M: Memory> Decoder<'_, M> {
    fn node_items(&self, node: u64, of: CType) -> Vec<Item> {
        let word = |at: u64| self.memory.word(at).unwrap_or(0);
        if of.name() == ARRAY_NODE_NAME {
            let children = (0..ARRAY_NODE_SIZE).map(|index| word(node + ARRAY_NODE_ITEMS + index * 8));
            return children.filter(|&child| child != 0).map(Item::Node).collect();
        }
        if ![BITMAP_NODE_NAME, COLLISION_NODE_NAME].contains(&of.name()) {
            return Vec::new();
        }
        let count = word(node + object::SIZE as u64).min(MAX_NODE_ITEMS);
        let pairs = (0..count / 2).map(|index| {
            let at = node + NODE_ITEMS + index * 16;
            (word(at), word(at + 8))
        });
        pairs
            .filter(|&(_, value)| value != 0)
            .map(|(key, value)| if key == 0 { Item::Node(value) } else { Item::Entry { key, value } })
            .collect()
    }

    fn variable_name(&mut self, key: u64, sink: &mut impl Sink) -> Option<StringId> {
        if self.memory.word(key.wrapping_add(object::TYPE as u64)) != Some(self.types.context_variable) {
            return None;
        }
        let name =
            self.memory.word((key & ADDRESS_MASK) + VARIABLE_NAME).filter(|&name| self.is_string(name))?;
        self.text(name, sink)
    }

    fn c_type_of(&self, at: u64) -> Option<CType> {
        self.c_type(self.pointer(at + object::TYPE as u64))
    }

    /// The variables of a context, 100,000 at most.
    pub fn context_variables(&mut self, context: u64, sink: &mut impl Sink) -> Vec<ContextVariable> {
        let tree = self.pointer((context & ADDRESS_MASK) + CONTEXT_VARIABLES);
        let mut open = vec![];
        let mut variables = Vec::new();
        if tree != 0 {
            open.extend(self.memory.word(tree + HAMT_ROOT).filter(|&root| root != 0));
        }
        let mut visited = FxHashSet::default();
        while let Some(node) = open.pop() {
            let node = node & ADDRESS_MASK;
            if !visited.insert(node) {
                continue;
            }
            if visited.len() > MAX_VARIABLES || variables.len() > MAX_VARIABLES {
                break;
            }
            let Some(of) = self.c_type_of(node) else { continue };
            for item in self.node_items(node, of) {
                match item {
                    Item::Node(node) => open.push(node),
                    Item::Entry { key, value } => {
                        let name = self.variable_name(key, sink);
                        variables.push(ContextVariable { name, value });
                    }
                }
            }
        }
        variables
    }

    /// The references of a context, or of a part of its tree.
    pub(super) fn context_parts(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let Some(of) = self.c_type_of(at) else { return };
        match of.name() {
            TREE_NAME => self.context_part(at + HAMT_ROOT, visited, sink),
            BITMAP_NODE_NAME | ARRAY_NODE_NAME | COLLISION_NODE_NAME => {
                for item in self.node_items(at, of) {
                    match item {
                        Item::Node(node) if take(visited, node) => sink.reference(node, Label::STORAGE),
                        Item::Entry { key, value } => {
                            let label =
                                self.variable_name(key, sink).map_or(Label::ANY_KEY, Label::attribute);
                            if take(visited, key) {
                                sink.reference(key, Label::KEY_OBJECT);
                            }
                            if take(visited, value) {
                                sink.reference(value, label);
                            }
                        }
                        Item::Node(_) => {}
                    }
                }
            }
            _ => self.context_part(at + CONTEXT_VARIABLES, visited, sink),
        }
    }

    fn context_part(&self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let to = self.memory.word(at).unwrap_or(0);
        if to != 0 && take(visited, to) {
            sink.reference(to, Label::STORAGE);
        }
    }
}
