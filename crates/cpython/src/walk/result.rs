//! What a walk found, before it is a heap.

use memtop_heap::{HeapBuilder, Label, Name, ObjectId, Root, TypeId};

use super::address_index::{AddressId, AddressIndex};

/// A word that may be a reference.
pub(super) struct UncertainReference {
    /// Where its reference stands among all.
    pub(super) place: usize,
    /// The reference count of what it leads to.
    pub(super) refcount: u32,
}

/// What the walk found; [`WalkResult::into_heap`] makes the heap of it.
pub struct WalkResult {
    pub(super) builder: HeapBuilder,
    pub(super) addresses: AddressIndex,
    /// The objects' addresses, in the order of the objects.
    pub(super) order: Vec<AddressId>,
    /// Roots, to stand-ins of objects.
    pub(super) roots: Vec<Root>,
    pub(super) types: Vec<(TypeId, AddressId)>,
    pub(super) names: Vec<(ObjectId, Name)>,
    pub(super) limits: Vec<(ObjectId, u64)>,
    /// mem_top's own modules, their namespaces, and instances of its classes.
    pub(super) own: Vec<AddressId>,
    /// What the variables are called that cells hold.
    pub(super) variables: Vec<(AddressId, Label)>,
    /// Dicts that turned out to be namespaces after they were copied, and the labels of their entries.
    pub(super) namespaces: Vec<(AddressId, Vec<Label>)>,
    pub(super) uncertain: Vec<UncertainReference>,
    /// Buffers outside of objects that no object's size has in it: where, and how large.
    pub(super) native: Vec<(u64, u64)>,
    pub(super) dangling: u64,
    pub(super) damaged: u64,
    pub(super) notes: Vec<String>,
}
