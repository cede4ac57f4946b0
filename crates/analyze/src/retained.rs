//! Retained sizes: the bytes that would be freed with an object.
//!
//! The retained size is the sum of the shallow sizes of the objects that it dominates, itself included, and so a lower
//! bound of the bytes that one fix frees: objects that two hold together are retained by neither.
//!
//! Invariant: the retained sizes of the objects at the top of the dominator tree add up to all reachable
//! bytes. An unreachable object has no retained size.

use memtop_heap::{Heap, ObjectId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::dominators::{DominatorTree, Dominators};

/// The retained size of each object that a root reaches, with the dominators that it follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retained {
    dominators: Dominators,
    /// By number in the walk; the first is the sum of all.
    sizes: Vec<u64>,
}

impl Retained {
    /// Computes the dominators and retained sizes of `heap`. The sizes take one pass, and 8 bytes per object.
    #[must_use]
    pub fn new(heap: &Heap) -> Self {
        let dominators = Dominators::new(heap);
        let mut sizes = Vec::with_capacity(dominators.len() + 1);
        sizes.push(0_u64);
        sizes.extend(dominators.in_order().map(|id| heap.objects().size(id)));
        for number in (1..sizes.len()).rev() {
            let above = dominators.numbers()[number] as usize;
            sizes[above] = sizes[above].saturating_add(sizes[number]);
        }
        Self { dominators, sizes }
    }

    /// The memory that they take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.dominators.memory_bytes() + 8 * self.sizes.capacity() as u64
    }

    /// The dominators.
    #[must_use]
    pub fn dominators(&self) -> &Dominators {
        &self.dominators
    }

    /// The retained size of `id` in bytes; none if no root reaches it.
    #[must_use]
    pub fn of(&self, id: ObjectId) -> Option<u64> {
        self.dominators.number_of(id).map(|number| self.sizes[number as usize])
    }

    /// The retained size of several objects together: what one of them retains is not counted again for another above
    /// it. Linear in the dominators of the objects.
    #[must_use]
    pub fn together(&self, ids: &[ObjectId]) -> u64 {
        let numbers: FxHashSet<u32> = ids.iter().filter_map(|&id| self.dominators.number_of(id)).collect();
        // By dominator that was passed: whether it is one of the objects or below one.
        let mut is_within: FxHashMap<u32, bool> = FxHashMap::default();
        let (mut sum, mut passed) = (0_u64, Vec::new());
        for &number in &numbers {
            let mut at = self.dominators.numbers()[number as usize];
            let is_part = loop {
                if at == 0 {
                    break false;
                }
                if numbers.contains(&at) {
                    break true;
                }
                if let Some(&known) = is_within.get(&at) {
                    break known;
                }
                passed.push(at);
                at = self.dominators.numbers()[at as usize];
            };
            is_within.extend(passed.drain(..).map(|at| (at, is_part)));
            if !is_part {
                sum = sum.saturating_add(self.sizes[number as usize]);
            }
        }
        sum
    }

    /// All reachable bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sizes[0]
    }

    /// By type: the retained size of its objects together. Objects with one of the same type above them in the
    /// dominator tree are not counted, or a linked list would count its tail once for each node.
    #[must_use]
    pub fn by_type(&self, heap: &Heap) -> Vec<u64> {
        let tree = DominatorTree::new(&self.dominators);
        let types = heap.types().len();
        let (mut retained, mut open) = (vec![0_u64; types], std::cell::RefCell::new(vec![0_u32; types]));
        let type_at = |number: u32| heap.objects().type_of(self.dominators.object_at(number)).index();
        tree.walk(
            |number| {
                let ty = type_at(number);
                let open = &mut open.borrow_mut()[ty];
                if *open == 0 {
                    retained[ty] = retained[ty].saturating_add(self.sizes[number as usize]);
                }
                *open += 1;
            },
            |number| open.borrow_mut()[type_at(number)] -= 1,
        );
        debug_assert!(open.get_mut().iter().all(|&open| open == 0));
        retained
    }
}
