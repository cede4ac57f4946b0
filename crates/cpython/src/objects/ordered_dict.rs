//! `collections.OrderedDict` (`struct _odictobject` in `Objects/odictobject.c`) and `collections.defaultdict`
//! (`defdictobject` in `Modules/_collectionsmodule.c`): dicts with more members.

use memtop_heap::Shape;

use super::definition::{CStruct, Coverage, Definition, Member, SizeFormula};
use super::dict::tables_size;
use super::view::{ObjectView, WORD};
use crate::footprint::{Storage, block};
use crate::kind::ObjectKind;
use crate::layout::container;

/// Its entries are those of the dict; its own members are weak references and memory that is not an object.
pub(super) const ORDERED_DICT: Definition = Definition {
    kind: ObjectKind::DictAndMore,
    shape: Shape::Dict,
    coverage: Coverage::Struct,
    c_struct: |_| Some(CStruct::Only(&[])),
    size: |_| Some(SizeFormula::Read(size)),
    storage: Storage::Blocks(occupied),
    ..Definition::interpreter(&["collections.OrderedDict"])
};

pub(super) const DEFAULTDICT: Definition = Definition {
    kind: ObjectKind::DictAndMore,
    shape: Shape::Dict,
    coverage: Coverage::Struct,
    members: |_| vec![Member::Attribute(48, "default_factory")],
    c_struct: |_| Some(CStruct::Only(&[])),
    ..Definition::standard("_collections", &["collections.defaultdict"])
};

/// `odict_sizeof`: the dict, `od_fast_nodes`, and an `_ODictNode` for each entry.
fn size(dict: &ObjectView<'_>) -> u64 {
    dict.basic_and(tables_size(dict).saturating_add(fast_nodes_size(dict)).saturating_add(nodes_size(dict)))
}

/// The memory of an ordered dict, in which each node is a block. `size` is without the padding of blocks.
fn occupied(dict: &ObjectView<'_>, own: u64, size: u64) -> u64 {
    let (fast, nodes) = (fast_nodes_size(dict), nodes_size(dict));
    let tables = size.saturating_sub(own).saturating_sub(fast).saturating_sub(nodes);
    [block(own), block(tables), block(fast), nodes].into_iter().fold(0, u64::saturating_add)
}

fn fast_nodes_size(dict: &ObjectView<'_>) -> u64 {
    const FAST_NODES_SIZE: u64 = 72;
    dict.word(FAST_NODES_SIZE).saturating_mul(WORD)
}

fn nodes_size(dict: &ObjectView<'_>) -> u64 {
    const FAST_NODES: u64 = 48;
    const NODE: u64 = 32;
    match dict.word(FAST_NODES) {
        0 => 0,
        _ => dict.word(container::DICT_USED as u64).saturating_mul(NODE),
    }
}
