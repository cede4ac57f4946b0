//! The objects of a heap, one column for each fact.
//!
//! Invariant: all columns have the same length. Rows stay in the order in which the capture added them. Addresses may
//! repeat (a capture of a running process may see one address twice).
//!
//! Sizes have 32 bits; the few objects of 4 GiB or more are in a small table of their own. Names and limits are in
//! sparse tables, since few objects have one.

use crate::handles::{ObjectId, StringId, TypeId};

/// The flags of an object, and the tag of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Flags(u8);

impl Flags {
    /// No flags.
    pub const NONE: Self = Self(0);
    /// The collector tracks it.
    pub const TRACKED: Self = Self(1);
    /// It is garbage: no root reaches it, and all of its references come from garbage.
    pub const GARBAGE: Self = Self(2);
    /// Its reference count never changes and does not count references.
    pub const IMMORTAL: Self = Self(4);
    /// It belongs to mem_top itself, and is left out of answers.
    pub const OWN: Self = Self(8);

    /// True if all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// True if any of `flags` is set.
    #[must_use]
    pub const fn intersects(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// The union of both.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// The same flags with a tag of an immutable value, 1 to 15, or 0 for none. It distinguishes two values at one
    /// address in most cases. It is keyed with a secret of the process, and does not reveal the value.
    #[must_use]
    pub const fn with_tag(self, tag: u8) -> Self {
        Self(self.0 & 15 | tag << 4)
    }

    /// The tag of the value, 0 if there is none.
    #[must_use]
    pub const fn tag(self) -> u8 {
        self.0 >> 4
    }

    /// The flags as they are stored.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The flags that were stored.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

/// A row of the table of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Its address, which is its `id()`.
    pub address: u64,
    /// Its type.
    pub ty: TypeId,
    /// Its shallow size in bytes: the memory that it occupies.
    pub size: u64,
    /// Its reference count; `u32::MAX` for that many or more.
    pub refcount: u32,
    /// Its flags.
    pub flags: Flags,
}

impl Object {
    /// An object with one reference and no flags.
    #[must_use]
    pub fn new(address: u64, ty: TypeId, size: u64) -> Self {
        Self { address, ty, size, refcount: 1, flags: Flags::NONE }
    }
}

/// The name of a module, class, function or code object, and the module that defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Its `__module__`; empty for a module, and if there is none.
    pub module: StringId,
    /// Its `__qualname__`; for a module, its whole name.
    pub qualname: StringId,
}

/// The objects of a heap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Objects {
    pub(crate) addresses: Vec<u64>,
    pub(crate) types: Vec<TypeId>,
    /// `u32::MAX` means: see `large`.
    pub(crate) sizes: Vec<u32>,
    /// Sizes that need more than 32 bits, in the order of the objects.
    pub(crate) large: Vec<(ObjectId, u64)>,
    pub(crate) refcounts: Vec<u32>,
    pub(crate) flags: Vec<Flags>,
    /// In the order of the objects.
    pub(crate) names: Vec<(ObjectId, Name)>,
    /// In the order of the objects.
    pub(crate) limits: Vec<(ObjectId, u64)>,
}

impl Objects {
    /// Frees reserved memory that is not used.
    pub(crate) fn shrink(&mut self) {
        self.addresses.shrink_to_fit();
        self.types.shrink_to_fit();
        self.sizes.shrink_to_fit();
        self.refcounts.shrink_to_fit();
        self.flags.shrink_to_fit();
    }

    /// The number of objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// True if there are no objects.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// The handles of all objects, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ObjectId> + DoubleEndedIterator + Clone + use<> {
        (0..self.len()).map(ObjectId::from_index)
    }

    /// The whole row.
    #[must_use]
    pub fn get(&self, id: ObjectId) -> Object {
        Object {
            address: self.address(id),
            ty: self.type_of(id),
            size: self.size(id),
            refcount: self.refcount(id),
            flags: self.flags(id),
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self, id: ObjectId) -> u64 {
        self.addresses[id.index()]
    }

    /// Its type.
    #[must_use]
    pub fn type_of(&self, id: ObjectId) -> TypeId {
        self.types[id.index()]
    }

    /// Its shallow size in bytes.
    #[must_use]
    #[inline]
    pub fn size(&self, id: ObjectId) -> u64 {
        match self.sizes[id.index()] {
            u32::MAX => self.large_size(id),
            size => u64::from(size),
        }
    }

    #[cold]
    fn large_size(&self, id: ObjectId) -> u64 {
        find(&self.large, id).copied().unwrap_or(u64::from(u32::MAX))
    }

    /// Its reference count; `u32::MAX` for that many or more.
    #[must_use]
    pub fn refcount(&self, id: ObjectId) -> u32 {
        self.refcounts[id.index()]
    }

    /// Its flags.
    #[must_use]
    pub fn flags(&self, id: ObjectId) -> Flags {
        self.flags[id.index()]
    }

    /// Its name, if it is a module, class, function or code object whose name was captured.
    #[must_use]
    pub fn name(&self, id: ObjectId) -> Option<Name> {
        find(&self.names, id).copied()
    }

    /// The most items that it allows itself to hold (`maxlen`, `maxsize`), if it has such a limit.
    #[must_use]
    pub fn limit(&self, id: ObjectId) -> Option<u64> {
        find(&self.limits, id).copied()
    }

    /// The first object at `address`. Searches all objects; a caller with many addresses should make a map.
    #[must_use]
    pub fn at_address(&self, address: u64) -> Option<ObjectId> {
        self.addresses.iter().position(|&known| known == address).map(ObjectId::from_index)
    }

    /// The column of addresses.
    #[must_use]
    pub fn addresses(&self) -> &[u64] {
        &self.addresses
    }

    /// The column of types.
    #[must_use]
    pub fn types(&self) -> &[TypeId] {
        &self.types
    }

    /// The column of reference counts.
    #[must_use]
    pub fn refcounts(&self) -> &[u32] {
        &self.refcounts
    }

    /// The column of flags.
    #[must_use]
    pub fn all_flags(&self) -> &[Flags] {
        &self.flags
    }

    /// The objects that have a name, in order.
    #[must_use]
    pub fn names(&self) -> &[(ObjectId, Name)] {
        &self.names
    }

    /// The objects that have a limit, in order.
    #[must_use]
    pub fn limits(&self) -> &[(ObjectId, u64)] {
        &self.limits
    }
}

fn find<T>(rows: &[(ObjectId, T)], id: ObjectId) -> Option<&T> {
    rows.binary_search_by_key(&id, |row| row.0).ok().map(|index| &rows[index].1)
}
