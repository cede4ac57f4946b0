//! One object of a known C type, as the functions of a [`Definition`](super::definition::Definition) read it.
//!
//! Words that cannot be read are 0, and a pointer is masked to what a process can have: a damaged object
//! leads to a wrong answer, never to a panic.

use memtop_heap::Label;

use crate::address::{ADDRESS_MASK, LOWEST_MAPPED};
use crate::known_types::KnownTypes;
use crate::layout::{Layout, object, type_object};
use crate::memory::Memory;

/// An object, and what its type says of its size.
pub(crate) struct ObjectView<'a, M: Memory + ?Sized = dyn Memory + 'a> {
    pub(crate) memory: &'a M,
    pub(crate) layout: &'a Layout,
    pub(crate) types: &'a KnownTypes,
    /// Its address.
    pub(crate) at: u64,
    /// `tp_basicsize` of its type.
    pub(crate) basic_size: u64,
    /// `tp_itemsize`.
    pub(crate) item_size: u64,
}

/// The size of a pointer.
pub(crate) const WORD: u64 = 8;

impl<M: Memory + ?Sized> ObjectView<'_, M> {
    /// The minor version of the interpreter.
    pub(crate) fn minor(&self) -> u8 {
        self.layout.minor
    }

    /// The word at an address that was read from the object. A pointer that is not set leads to zeros: the
    /// process's own memory is read without a check.
    #[inline]
    pub(crate) fn word_at(&self, address: u64) -> u64 {
        if address < LOWEST_MAPPED {
            return 0;
        }
        self.memory.word(address).unwrap_or(0)
    }

    /// The pointer at an address.
    #[inline]
    pub(crate) fn pointer_at(&self, address: u64) -> u64 {
        self.word_at(address) & ADDRESS_MASK
    }

    /// A word of the object.
    #[inline]
    pub(crate) fn word(&self, offset: u64) -> u64 {
        self.memory.word(self.at + offset).unwrap_or(0)
    }

    /// A pointer in the object.
    #[inline]
    pub(crate) fn pointer(&self, offset: u64) -> u64 {
        self.word(offset) & ADDRESS_MASK
    }

    /// Four bytes of the object.
    #[inline]
    pub(crate) fn half(&self, offset: u64) -> u32 {
        self.memory.half(self.at + offset).unwrap_or(0)
    }

    /// A byte of the object.
    pub(crate) fn byte(&self, offset: u64) -> Option<u8> {
        self.memory.byte(self.at + offset)
    }

    /// `ob_size`.
    #[inline]
    pub(crate) fn items(&self) -> u64 {
        self.word(object::SIZE as u64)
    }

    /// `ob_size` of the tuple at a pointer in the object.
    pub(crate) fn items_of(&self, offset: u64) -> u64 {
        self.word_at(self.pointer(offset) + object::SIZE as u64)
    }

    /// The low half of the reference count of the object at an address.
    pub(crate) fn counted(&self, address: u64) -> u64 {
        match self.minor() {
            12.. => self.word_at(address) & 0xFFFF_FFFF,
            _ => self.word_at(address),
        }
    }

    /// Whether the object, a type, was made at run time.
    pub(crate) fn is_heap_type(&self) -> bool {
        self.word(type_object::FLAGS as u64) & type_object::HEAP_TYPE != 0
    }

    /// `tp_basicsize` of `type`.
    pub(crate) fn basic_size_of_types(&self) -> u64 {
        let type_of_types = self.pointer_at(self.types.tuple + object::TYPE as u64);
        self.word_at(type_of_types + type_object::BASIC_SIZE as u64)
    }

    /// The object's basic size and what it has beside it.
    pub(crate) fn basic_and(&self, more: u64) -> u64 {
        self.basic_size.saturating_add(more)
    }
}

impl<'a, M: Memory> ObjectView<'a, M> {
    /// The same object, for functions that are not compiled for the memory in use.
    pub(crate) fn over_any_memory(&self) -> ObjectView<'a> {
        let Self { memory, layout, types, at, basic_size, item_size } = *self;
        ObjectView { memory, layout, types, at, basic_size, item_size }
    }
}

/// Receives the references of an [`ObjectView`].
pub(crate) trait ObjectSink {
    /// A reference.
    fn reference(&mut self, to: u64, label: Label);
    /// A reference that Python shows as an attribute.
    fn attribute(&mut self, to: u64, name: &str);
    /// A member that is a reference if an object lies there.
    fn if_object(&mut self, to: u64);
    /// A word of unknown meaning that may lead to an object.
    fn maybe_object(&mut self, to: u64);
}
