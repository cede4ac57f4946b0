//! Chains of like objects, such as linked lists: each object retains most of the one before.
//!
//! The links of a chain after the first have no row of their own: a list of a million nodes would fill every list of
//! large objects. A chain is found in the dominator tree. Its links have the same type at a fixed distance, so a list
//! whose nodes are linked through a dict or a tuple is a chain too.
//!
//! Invariant: two passes over the dominators, and ten bytes per object.

use memtop_heap::{Heap, ObjectId, RootKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::path::REPEATS_WITHIN;
use crate::retained::Retained;

/// How many like objects, one below the other, make a chain with the object above them.
pub(crate) const CHAIN: u8 = 16;

/// The chains of a heap.
pub(crate) struct Chains<'a> {
    retained: &'a Retained,
    /// By number in the walk: the first object of its chain; 0 for an object that is its first, or in none.
    head: Vec<u32>,
    /// By the number of a chain's first object: how many links it has, the first included.
    links: FxHashMap<u32, u64>,
}

/// The namespaces of modules and of rooted classes: they hold what is in them, and are not a part of it.
pub(crate) fn namespaces(heap: &Heap) -> FxHashSet<ObjectId> {
    let is_namespace = |kind| matches!(kind, RootKind::Module | RootKind::Class | RootKind::Builtins);
    let rooted = heap.roots().iter().filter(|(_, root)| is_namespace(root.kind));
    rooted.filter(|(_, root)| root.label.kind().is_fold()).map(|(_, root)| root.object).collect()
}

impl<'a> Chains<'a> {
    /// Finds the chains.
    pub(crate) fn new(heap: &Heap, retained: &'a Retained) -> Self {
        let dominators = retained.dominators();
        let (above, count) = (dominators.numbers(), dominators.len() + 1);
        let namespaces: FxHashSet<u32> =
            namespaces(heap).into_iter().filter_map(|id| dominators.number_of(id)).collect();
        let type_at = |number: u32| heap.objects().type_of(dominators.object_at(number));
        let size_at = |number: u32| retained.of(dominators.object_at(number)).unwrap_or(0);
        // The objects above one with their distance, less one.
        let over = |number: u32| {
            std::iter::successors(Some(number), |&at| Some(above[at as usize]))
                .skip(1)
                .take_while(|at| *at != 0 && !namespaces.contains(at))
                .take(REPEATS_WITHIN)
                .enumerate()
        };
        // By object and distance: how many like objects are below it, each of which retains most of the one before.
        let mut runs = vec![[0_u8; REPEATS_WITHIN]; count];
        for number in (1..count as u32).rev() {
            let (ty, size) = (type_at(number), size_at(number));
            for (distance, at) in over(number).filter(|&(_, at)| type_at(at) == ty) {
                if size >= size_at(at) / 2 {
                    let below = (runs[number as usize][distance] + 1).min(CHAIN);
                    let run = &mut runs[at as usize][distance];
                    *run = below.max(*run);
                }
            }
        }
        let mut period = vec![0_u8; count];
        let mut chains = Self { retained, head: vec![0; count], links: FxHashMap::default() };
        for number in 1..count as u32 {
            let ty = type_at(number);
            let link = over(number).filter(|&(_, at)| type_at(at) == ty).find(|&(distance, at)| {
                let (before, own) = (runs[at as usize][distance], runs[number as usize][distance]);
                usize::from(period[at as usize]) == distance + 1 || before >= CHAIN && own + 1 >= CHAIN
            });
            let Some((distance, at)) = link else { continue };
            let first = if chains.head[at as usize] == 0 { at } else { chains.head[at as usize] };
            // What lies between the first link and the second is a part of the chain too.
            let between = over(number).take_while(|&(_, between)| between != at).map(|(_, between)| between);
            for part in between.chain([number]) {
                if period[part as usize] == 0 {
                    (period[part as usize], chains.head[part as usize]) = (distance as u8 + 1, first);
                }
            }
            if type_at(first) == ty {
                *chains.links.entry(first).or_insert(1) += 1;
            }
        }
        chains
    }

    /// Whether an object is a link of a chain after the first, or a part of one.
    pub(crate) fn is_within(&self, id: ObjectId) -> bool {
        self.retained.dominators().number_of(id).is_some_and(|number| self.head[number as usize] != 0)
    }

    /// How many links the chain has that begins with an object; 1 if none does.
    pub(crate) fn links(&self, id: ObjectId) -> u64 {
        let number = self.retained.dominators().number_of(id);
        number.and_then(|number| self.links.get(&number)).copied().unwrap_or(1)
    }
}
