//! `queue.SimpleQueue` (`simplequeueobject` in `Modules/_queuemodule.c`): around a list to 3.12, around a
//! ring buffer of its own (`RingBuf`) from 3.13.

use memtop_heap::Label;

use super::definition::{CStruct, Definition, Remaining, SizeFormula};
use super::view::{ObjectSink, ObjectView, WORD};
use crate::address::{MAX_ITEMS, is_item};
use crate::kind::ObjectKind;

pub(super) const SIMPLE_QUEUE: Definition = Definition {
    kind: ObjectKind::Queue,
    c_struct: |minor| (minor >= 13).then_some(CStruct::Read { references, words_from: None }),
    remaining: |minor| if minor < 13 { Remaining::Container } else { Remaining::Items },
    // `simplequeue_sizeof`, from 3.15.
    size: |minor| (minor >= 15).then_some(SizeFormula::Read(size)),
    ..Definition::standard("_queue", &["_queue.SimpleQueue"])
};

/// `RingBuf.get_idx`, `items`, `items_cap` and `num_items`.
const FIRST: u64 = 32;
const ITEMS: u64 = 40;
const CAPACITY: u64 = 48;
const COUNT: u64 = 56;

/// `simplequeue_traverse`.
fn references(queue: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    let (first, items) = (queue.word(FIRST), queue.pointer(ITEMS));
    let capacity = queue.word(CAPACITY).min(MAX_ITEMS);
    let count = queue.word(COUNT).min(capacity);
    for index in 0..count {
        let place = first.wrapping_add(index) % capacity;
        let Some(to) = queue.memory.word(items + place * 8).filter(|&to| is_item(to)) else { break };
        if to != 0 {
            sink.reference(to, Label::at(index as usize));
        }
    }
}

fn size(queue: &ObjectView<'_>) -> u64 {
    queue.basic_and(queue.word(CAPACITY).saturating_mul(WORD))
}
