//! The references of all objects as compressed sparse rows: those of one object are adjacent.
//!
//! Invariant: `offsets` has one more entry than there are objects, never falls, and ends with the number of references,
//! which is below 2^32. The references of an object are in the order in which the capture added them: a key comes right
//! before its value.
//!
//! The reverse direction is a separate index, [`crate::Referrers`]. References that the interpreter does not
//! count (weak and borrowed ones) are not included.

use crate::handles::ObjectId;
use crate::label::Label;

/// A reference, seen from the object that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The referent.
    pub to: ObjectId,
    /// The label of the reference.
    pub label: Label,
}

/// The references of a heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct References {
    pub(crate) offsets: Vec<u32>,
    pub(crate) targets: Vec<ObjectId>,
    pub(crate) labels: Vec<Label>,
}

impl References {
    /// The number of references.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// True if there are no references.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The range of the references of `from` in the columns.
    #[must_use]
    #[inline]
    pub fn range(&self, from: ObjectId) -> std::ops::Range<usize> {
        self.offsets[from.index()] as usize..self.offsets[from.index() + 1] as usize
    }

    /// The references of `from`.
    #[inline]
    pub fn of(
        &self,
        from: ObjectId,
    ) -> impl ExactSizeIterator<Item = Reference> + DoubleEndedIterator + Clone + '_ {
        let range = self.range(from);
        let labels = &self.labels[range.clone()];
        self.targets[range].iter().zip(labels).map(|(&to, &label)| Reference { to, label })
    }

    /// The objects that `from` refers to, one for each reference.
    #[must_use]
    pub fn targets_of(&self, from: ObjectId) -> &[ObjectId] {
        &self.targets[self.range(from)]
    }

    /// The number of references that `from` holds.
    #[must_use]
    pub fn count_of(&self, from: ObjectId) -> usize {
        self.range(from).len()
    }

    /// The reference at `index` in the columns.
    #[must_use]
    #[inline]
    pub fn at(&self, index: usize) -> Reference {
        Reference { to: self.targets[index], label: self.labels[index] }
    }

    /// For each object the index of its first reference, and at the end the number of references.
    #[must_use]
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The column of objects referred to.
    #[must_use]
    pub fn targets(&self) -> &[ObjectId] {
        &self.targets
    }

    /// The column of labels.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }
}
