//! The iterators of `itertools` that hold more, or less, than their words (`Modules/itertoolsmodule.c`).

use memtop_heap::Label;

use super::definition::{CStruct, Definition, SizeFormula};
use super::view::{ObjectSink, ObjectView, WORD};
use crate::address::for_each_item;
use crate::kind::ObjectKind;

/// `teedataobject`: a block of items that `itertools.tee` has read.
pub(super) const TEE_BLOCK: Definition = Definition {
    kind: ObjectKind::Internal,
    c_struct: |_| Some(CStruct::Read { references: tee_block_references, words_from: None }),
    ..Definition::standard("itertools", &["itertools._tee_dataobject"])
};

/// `teedataobject_traverse`: `it`, `nextlink`, and the `numread` items of `values`.
fn tee_block_references(block: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    const ITERATOR: u64 = 16;
    const READ: u64 = 24;
    const NEXT: u64 = 32;
    const VALUES: u64 = 40;
    const MAX_READ: u32 = 57;
    sink.if_object(block.word(ITERATOR));
    sink.if_object(block.word(NEXT));
    let read = block.half(READ).min(MAX_READ);
    for_each_item(block.memory, block.at + VALUES, u64::from(read), |_, to| {
        sink.reference(to, Label::UNLABELLED);
    });
}

/// `groupbyobject`: `currgrouper` is borrowed (`groupby_traverse`).
pub(super) const GROUPBY: Definition = Definition {
    c_struct: |_| Some(CStruct::Without(&[56])),
    ..Definition::standard("itertools", &["itertools.groupby"])
};

/// The tuple `pool` or `pools` of the iterators below.
const POOL: u64 = 16;

/// `product_sizeof`.
pub(super) const PRODUCT: Definition = Definition {
    size: |_| {
        Some(SizeFormula::Read(|product| product.basic_and(product.items_of(POOL).saturating_mul(WORD))))
    },
    ..Definition::standard("itertools", &["itertools.product"])
};

/// `combinations_sizeof` and `cwr_sizeof`: `r` indices.
pub(super) const COMBINATIONS: Definition = Definition {
    size: |_| Some(SizeFormula::Read(|object| object.basic_and(object.word(40).saturating_mul(WORD)))),
    ..Definition::standard(
        "itertools",
        &["itertools.combinations", "itertools.combinations_with_replacement"],
    )
};

/// `permutations_sizeof`: an index for each item of the pool, and `r` cycles.
pub(super) const PERMUTATIONS: Definition = Definition {
    size: |_| {
        Some(SizeFormula::Read(|object| {
            let count = object.items_of(POOL).saturating_add(object.word(48));
            object.basic_and(count.saturating_mul(WORD))
        }))
    },
    ..Definition::standard("itertools", &["itertools.permutations"])
};
