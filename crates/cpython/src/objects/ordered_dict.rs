//! `collections.OrderedDict` (`struct _odictobject` in `Objects/odictobject.c`) and `collections.defaultdict`
//! (`defdictobject` in `Modules/_collectionsmodule.c`): dicts with more members.

use memtop_heap::Shape;

use super::definition::{CStruct, Coverage, Definition, Member, SizeFormula};
use super::dict::tables_size;
use super::view::{ObjectView, WORD};
use crate::kind::ObjectKind;
use crate::layout::container;

/// Its entries are those of the dict; its own members are weak references and memory that is not an object.
pub(super) const ORDERED_DICT: Definition = Definition {
    kind: ObjectKind::DictAndMore,
    shape: Shape::Dict,
    coverage: Coverage::Struct,
    c_struct: |_| Some(CStruct::Only(&[])),
    size: |_| Some(SizeFormula::Read(size)),
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
    const FAST_NODES: u64 = 48;
    const FAST_NODES_SIZE: u64 = 72;
    const NODE: u64 = 32;
    let nodes = if dict.word(FAST_NODES) == 0 { 0 } else { dict.word(container::DICT_USED as u64) };
    let more = tables_size(dict)
        .saturating_add(dict.word(FAST_NODES_SIZE).saturating_mul(WORD))
        .saturating_add(nodes.saturating_mul(NODE));
    dict.basic_and(more)
}
