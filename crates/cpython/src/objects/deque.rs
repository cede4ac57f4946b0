//! `collections.deque` (`dequeobject` in `Modules/_collectionsmodule.c`, the same from 3.8 to 3.15): a doubly
//! linked list of blocks with 64 items each.

use memtop_heap::{Label, Shape};

use super::definition::{CStruct, Definition, Remaining, SizeFormula};
use super::view::{ObjectSink, ObjectView};
use crate::address::{MAX_ITEMS, is_item};
use crate::cycle_detector::CycleDetector;
use crate::footprint::{Storage, block};
use crate::kind::ObjectKind;

pub(super) const DEQUE: Definition = Definition {
    kind: ObjectKind::Deque,
    shape: Shape::List,
    c_struct: |_| Some(CStruct::Read { references, words_from: None }),
    remaining: |_| Remaining::Items,
    size: |_| Some(SizeFormula::Read(size)),
    storage: Storage::Blocks(occupied),
    limit: Some(64),
    ..Definition::standard("_collections", &["collections.deque"])
};

const LEFT_BLOCK: u64 = 24;
const LEFT_INDEX: u64 = 40;
/// `BLOCKLEN`: the items of a block.
const BLOCK_ITEMS: u64 = 64;
/// The first item of a block, behind the pointer to the block before it; the pointer to the next block; its
/// size.
const BLOCK_FIRST: u64 = 8;
const BLOCK_NEXT: u64 = BLOCK_FIRST + BLOCK_ITEMS * 8;
const BLOCK_SIZE: u64 = BLOCK_NEXT + 8;

/// `deque_traverse`.
fn references(deque: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    let count = deque.items().min(MAX_ITEMS);
    let (mut block, mut index) = (deque.pointer(LEFT_BLOCK), deque.word(LEFT_INDEX));
    let mut cycle = CycleDetector::default();
    for place in 0..count {
        if index >= BLOCK_ITEMS {
            block = deque.pointer_at(block + BLOCK_NEXT);
            index = 0;
            if cycle.repeats(block) {
                break;
            }
        }
        let item = deque.memory.word(block + BLOCK_FIRST + index * 8);
        let Some(to) = item.filter(|&to| block != 0 && is_item(to)) else { break };
        if to != 0 {
            sink.reference(to, Label::at(place as usize));
        }
        index += 1;
    }
}

/// `deque_sizeof`.
fn size(deque: &ObjectView<'_>) -> u64 {
    let end = deque.word(LEFT_INDEX).saturating_add(deque.items());
    deque.basic_and(end.div_ceil(BLOCK_ITEMS).saturating_mul(BLOCK_SIZE))
}

/// The memory of a deque with its blocks, those included that it keeps for later (`numfreeblocks`, from 3.11 on).
fn occupied(deque: &ObjectView<'_>, own: u64, size: u64) -> u64 {
    const FREE_BLOCKS: u64 = 72;
    const MOST_FREE_BLOCKS: u64 = 16;
    let free = if deque.minor() < 11 { 0 } else { deque.word(FREE_BLOCKS).min(MOST_FREE_BLOCKS) };
    let blocks = (size.saturating_sub(own) / BLOCK_SIZE).saturating_add(free);
    block(own).saturating_add(blocks.saturating_mul(block(BLOCK_SIZE)))
}
