//! The walk over a heap that is held still, from inside the process or over a copy of its memory: objects in
//! the order in which they are met, their types, their references.
//!
//! The walk is breadth first from the roots; then it takes what is in the collector's lists and nothing named
//! reaches. An object is met once, by the first reference to it or in the lists; it is copied in the order of
//! meeting, so that the next objects are known some time ahead and their memory can be prefetched. The target
//! of a reference is kept as an address id of 32 bits (`address_index.rs`), which `finish.rs` replaces by the
//! object's id when the process runs on.
//!
//! A [`HeapAccess`] provides what differs between inside and outside. Invariants: nothing is written; keys
//! that are not names are not read unless the decoder was asked to; objects without a valid type become one
//! row of a type named `?`; memory that grows with the heap is allocated fallibly, and a walk that runs out
//! of it ends, so that [`WalkResult::into_heap`] reports the error.

mod access;
mod address_index;
mod buffers;
mod copy;
mod finish;
mod heap_sink;
mod limits;
mod origin;
mod preallocated;
mod result;
mod roots;
mod state;
mod types;

use memtop_heap::{Flags, ObjectId, push};

pub use access::{HeapAccess, InterpreterFacts, InterpreterRoots};
pub use buffers::{BufferTotals, Resident};
pub use preallocated::Preallocated;
pub use result::WalkResult;
pub use state::Walk;

impl<S: HeapAccess> Walk<'_, S> {
    /// Copies what the roots reach, then the rest of the collector's lists. O(objects + references).
    pub fn run(mut self) -> WalkResult {
        self.roots();
        self.follow();
        if !self.sink.builder.has_failed() {
            self.follow_unreached();
        }
        self.finish()
    }

    /// Copies the objects in the collector's lists that were not met, and all that they reach.
    fn follow_unreached(&mut self) {
        let mut unreached = Vec::new();
        let samples = self.samples();
        let sink = &mut self.sink;
        let listed = self.source.walk_gc_lists(&samples, |object| {
            if let Some(id) = sink.id(object)
                && !sink.addresses.contains(id)
            {
                sink.builder.check(push(&mut unreached, object));
            }
        });
        if let Err(problem) = listed {
            self.notes.push(problem);
        }
        // Each with all that it reaches, so that objects that belong together stay together.
        for address in unreached {
            self.sink.meet(address);
            self.follow();
        }
    }

    /// Some objects that the collector tracks, far apart.
    fn samples(&self) -> Vec<u64> {
        const SAMPLES: usize = 32;
        let tracked = |id: usize| self.sink.builder.flags(ObjectId::from_index(id)).contains(Flags::TRACKED);
        let step = (self.done / SAMPLES).max(1);
        let from = (0..self.done).step_by(step);
        let near = from.filter_map(|first| (first..self.done.min(first + step)).find(|&id| tracked(id)));
        near.map(|id| self.sink.addresses.address(self.sink.order[id])).collect()
    }
}
