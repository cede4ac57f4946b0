//! Context variables: a context keeps them in a hash array mapped trie (`Python/hamt.c`, `Python/context.c`).

use memtop_heap::{Label, StringId};
use rustc_hash::FxHashSet;

use crate::c_types::CType;
use crate::decoder::{ADDRESS, Decoder, Sink};
use crate::layout::object;
use crate::memory::Memory;
use crate::visited::{Visited, take};

/// A variable of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextVariable {
    /// What it is called; none if that cannot be read.
    pub name: Option<StringId>,
    /// What it holds.
    pub value: u64,
}

const CONTEXT_VARIABLES: u64 = 24;
const HAMT_ROOT: u64 = 16;
const NODE_ITEMS: u64 = 32;
const ARRAY_NODE_ITEMS: u64 = 16;
const ARRAY_NODE_SIZE: u64 = 32;
const VARIABLE_NAME: u64 = 16;
/// A bitmap node has 32 pairs at most; a collision node rarely more.
const MOST_ITEMS: u64 = 4096;
const MOST_VARIABLES: usize = 100_000;

/// What a node of the tree leads to.
enum Item {
    Node(u64),
    Entry { key: u64, value: u64 },
}

impl<M: Memory> Decoder<'_, M> {
    fn node_items(&self, node: u64, of: CType) -> Vec<Item> {
        let word = |at: u64| self.memory.word(at).unwrap_or(0);
        if of.name() == "hamt_array_node" {
            let children = (0..ARRAY_NODE_SIZE).map(|index| word(node + ARRAY_NODE_ITEMS + index * 8));
            return children.filter(|&child| child != 0).map(Item::Node).collect();
        }
        if !["hamt_bitmap_node", "hamt_collision_node"].contains(&of.name()) {
            return Vec::new();
        }
        let count = word(node + object::SIZE as u64).min(MOST_ITEMS);
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
        let name = self.memory.word((key & ADDRESS) + VARIABLE_NAME).filter(|&name| self.is_str(name))?;
        self.text(name, sink)
    }

    /// Whether a type is that of contexts, and not of a part of their tree.
    pub(crate) fn is_context(&self, of: u64) -> bool {
        self.c_type(of).is_some_and(|of| ["Context", "_contextvars.Context"].contains(&of.name()))
    }

    fn c_type_of(&self, at: u64) -> Option<CType> {
        self.c_type(self.pointer(at + object::TYPE as u64))
    }

    /// The variables of a context, 100,000 at most.
    pub fn context_variables(&mut self, context: u64, sink: &mut impl Sink) -> Vec<ContextVariable> {
        let tree = self.pointer((context & ADDRESS) + CONTEXT_VARIABLES);
        let mut open = vec![];
        let mut variables = Vec::new();
        if tree != 0 {
            open.extend(self.memory.word(tree + HAMT_ROOT).filter(|&root| root != 0));
        }
        let mut visited = FxHashSet::default();
        while let Some(node) = open.pop() {
            let node = node & ADDRESS;
            if !visited.insert(node) {
                continue;
            }
            if visited.len() > MOST_VARIABLES || variables.len() > MOST_VARIABLES {
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
    pub(crate) fn context_parts(&mut self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let Some(of) = self.c_type_of(at) else { return };
        match of.name() {
            "hamt" => self.part(at + HAMT_ROOT, visited, sink),
            "hamt_bitmap_node" | "hamt_array_node" | "hamt_collision_node" => {
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
            _ => self.part(at + CONTEXT_VARIABLES, visited, sink),
        }
    }

    fn part(&self, at: u64, visited: &mut Option<Visited<'_>>, sink: &mut impl Sink) {
        let to = self.memory.word(at).unwrap_or(0);
        if to != 0 && take(visited, to) {
            sink.reference(to, Label::STORAGE);
        }
    }
}
