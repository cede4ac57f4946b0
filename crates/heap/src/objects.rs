//! The objects of a heap, one column for each fact.
//!
//! Invariant: all columns have one length. Rows are in the order in which the capture added them; nothing sorts
//! them. Addresses are not promised to differ (a capture that is not stopped may see one place twice).
//!
//! A size is kept in 32 bits: the few objects of 4 GiB or more stand in a small table beside it. Names and limits
//! stand in sparse tables, for few objects have one.

use crate::handles::{ObjectId, StringId, TypeId};

/// What is known of an object beyond numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Flags(u8);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The collector tracks it.
    pub const TRACKED: Self = Self(1);
    /// No root reaches it and its references are all accounted for: it awaits the collector.
    pub const GARBAGE: Self = Self(2);
    /// Its reference count never changes and says nothing of who holds it.
    pub const IMMORTAL: Self = Self(4);
    /// It belongs to mem_top itself, and is in no answer.
    pub const OWN: Self = Self(8);

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether any of `flags` is set.
    #[must_use]
    pub const fn intersects(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// The same with a mark: of what an immutable value says, 1 to 15, so that two values at one address are told
    /// apart by it in most cases; 0 for what has none. It is keyed with a secret of the process and tells no value.
    #[must_use]
    pub const fn with_mark(self, mark: u8) -> Self {
        Self(self.0 & 15 | mark << 4)
    }

    /// The mark, 0 if there is none.
    #[must_use]
    pub const fn mark(self) -> u8 {
        self.0 >> 4
    }

    /// As they are stored.
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

/// An object to add to a heap, and what a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Where it lies; its `id()`.
    pub address: u64,
    /// Its type.
    pub ty: TypeId,
    /// Its shallow size in bytes, what `sys.getsizeof` says.
    pub size: u64,
    /// How many references to it the interpreter counts; `u32::MAX` for that many or more.
    pub refcount: u32,
    /// What else is known.
    pub flags: Flags,
}

impl Object {
    /// An object with one reference and no flags.
    #[must_use]
    pub fn new(address: u64, ty: TypeId, size: u64) -> Self {
        Self { address, ty, size, refcount: 1, flags: Flags::NONE }
    }
}

/// What a module, class, function or code object is called, and in which module it is at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Its `__module__`; the empty text for a module, and where there is none.
    pub module: StringId,
    /// Its `__qualname__`; the whole name of a module.
    pub qualname: StringId,
}

/// The objects of a heap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Objects {
    pub(crate) addresses: Vec<u64>,
    pub(crate) types: Vec<TypeId>,
    /// `u32::MAX`: see `large`.
    pub(crate) sizes: Vec<u32>,
    /// Sizes that need more than 32 bits, by object.
    pub(crate) large: Vec<(ObjectId, u64)>,
    pub(crate) refcounts: Vec<u32>,
    pub(crate) flags: Vec<Flags>,
    /// By object.
    pub(crate) names: Vec<(ObjectId, Name)>,
    /// By object.
    pub(crate) limits: Vec<(ObjectId, u64)>,
}

impl Objects {
    /// Gives back room that was reserved and is not used.
    pub(crate) fn shrink(&mut self) {
        self.addresses.shrink_to_fit();
        self.types.shrink_to_fit();
        self.sizes.shrink_to_fit();
        self.refcounts.shrink_to_fit();
        self.flags.shrink_to_fit();
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether there is no object.
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

    /// Where it lies.
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

    /// How many references the interpreter counts; `u32::MAX` for that many or more.
    #[must_use]
    pub fn refcount(&self, id: ObjectId) -> u32 {
        self.refcounts[id.index()]
    }

    /// What else is known of it.
    #[must_use]
    pub fn flags(&self, id: ObjectId) -> Flags {
        self.flags[id.index()]
    }

    /// What it is called, if it is a module, class, function or code object whose name was captured.
    #[must_use]
    pub fn name(&self, id: ObjectId) -> Option<Name> {
        find(&self.names, id).copied()
    }

    /// How many items it lets itself hold at most (`maxlen`, `maxsize`), if it has such a limit.
    #[must_use]
    pub fn limit(&self, id: ObjectId) -> Option<u64> {
        find(&self.limits, id).copied()
    }

    /// The first object that lies at `address`. Looks at every object; a caller with many addresses makes a map.
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
