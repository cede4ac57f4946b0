//! The referrers of all objects: an index that is made from a finished heap.
//!
//! Invariant: it has exactly the references of the heap, reversed. Those to one object are ordered by the object that
//! holds them, and for one holder in the heap's order.

use crate::handles::ObjectId;
use crate::heap::Heap;
use crate::label::Label;

/// A reference, seen from the referent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Referrer {
    /// The object that holds the reference.
    pub from: ObjectId,
    /// The label of the reference.
    pub label: Label,
}

/// The referrers of all objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrers {
    offsets: Vec<u32>,
    sources: Vec<ObjectId>,
    labels: Vec<Label>,
}

impl Referrers {
    /// Reverses the references of `heap`. Linear; takes 8 bytes per reference and 4 per object.
    #[must_use]
    pub fn new(heap: &Heap) -> Self {
        let references = heap.references();
        let mut offsets = vec![0_u32; heap.objects().len() + 1];
        for to in references.targets() {
            offsets[to.index()] += 1;
        }
        // The offsets are ends at first. Filling from the back turns each end into a start, without a second array.
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let mut sources = vec![ObjectId::from_index(0); references.len()];
        let mut labels = vec![Label::UNLABELLED; references.len()];
        for from in heap.objects().ids().rev() {
            for reference in references.of(from).rev() {
                let place = &mut offsets[reference.to.index()];
                *place -= 1;
                sources[*place as usize] = from;
                labels[*place as usize] = reference.label;
            }
        }
        Self { offsets, sources, labels }
    }

    /// The references to `to`.
    pub fn of(
        &self,
        to: ObjectId,
    ) -> impl ExactSizeIterator<Item = Referrer> + DoubleEndedIterator + Clone + '_ {
        let range = self.offsets[to.index()] as usize..self.offsets[to.index() + 1] as usize;
        let labels = &self.labels[range.clone()];
        self.sources[range].iter().zip(labels).map(|(&from, &label)| Referrer { from, label })
    }

    /// The number of references to `to`.
    #[must_use]
    pub fn count_of(&self, to: ObjectId) -> usize {
        (self.offsets[to.index() + 1] - self.offsets[to.index()]) as usize
    }
}
