//! The result of a walk, before it is a heap.

use memtop_heap::{HeapBuilder, Label, Name, ObjectId, Root, TypeId};

use super::address_index::{AddressId, AddressIndex};
use super::buffers::HeldBuffers;
use crate::footprint::Blocks;

/// A reference that counts may refute.
pub(super) struct UncertainReference {
    /// Its index among all references.
    pub(super) index: usize,
    /// The reference count of its target.
    pub(super) refcount: u32,
}

/// The objects that a walk found; [`WalkResult::into_heap`] makes the heap of them.
pub struct WalkResult {
    pub(super) builder: HeapBuilder,
    pub(super) addresses: AddressIndex,
    /// The objects' addresses, in the order of the objects.
    pub(super) order: Vec<AddressId>,
    /// The roots; their targets are address ids.
    pub(super) roots: Vec<Root>,
    pub(super) types: Vec<(TypeId, AddressId)>,
    /// By type: the blocks of its objects.
    pub(super) blocks: Vec<Blocks>,
    pub(super) names: Vec<(ObjectId, Name)>,
    pub(super) limits: Vec<(ObjectId, u64)>,
    /// mem_top's own modules, their namespaces, and instances of its classes.
    pub(super) own: Vec<AddressId>,
    /// Cells, and the names of the variables that they hold.
    pub(super) variables: Vec<(AddressId, Label)>,
    /// Dicts that turned out to be namespaces after they were copied, and the labels of their entries.
    pub(super) namespaces: Vec<(AddressId, Vec<Label>)>,
    pub(super) uncertain: Vec<UncertainReference>,
    /// Uncertain references that a traverse did not visit: the object, and the reference's index.
    pub(super) unvisited: Vec<(ObjectId, usize)>,
    /// Buffers that no object's size includes: address and length.
    pub(super) native: Vec<(u64, u64)>,
    pub(super) buffers: HeldBuffers,
    /// The ranges that were added to the sizes of objects.
    pub(super) held: Vec<(u64, u64)>,
    pub(super) dangling: u64,
    pub(super) damaged: u64,
    pub(super) notes: Vec<String>,
}
