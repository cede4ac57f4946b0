//! The heap itself: its tables, read-only.

use crate::handles::{ObjectId, StringId};
use crate::info::CaptureInfo;
use crate::objects::Objects;
use crate::references::References;
use crate::roots::Roots;
use crate::strings::Strings;
use crate::types::Types;

/// A heap at one moment. Made by a [`crate::HeapBuilder`]; never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Heap {
    pub(crate) info: CaptureInfo,
    pub(crate) strings: Strings,
    pub(crate) types: Types,
    pub(crate) objects: Objects,
    pub(crate) references: References,
    pub(crate) roots: Roots,
}

impl Heap {
    /// The time and method of the capture, and the process's memory.
    #[must_use]
    pub fn info(&self) -> &CaptureInfo {
        &self.info
    }

    /// Its texts.
    #[must_use]
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// Its types.
    #[must_use]
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Its references.
    #[must_use]
    pub fn references(&self) -> &References {
        &self.references
    }

    /// Its roots.
    #[must_use]
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The memory that its tables take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let objects = self.objects.len() as u64 * 25;
        let names = self.objects.names.len() as u64 * 12 + self.objects.limits.len() as u64 * 16;
        let references = self.references.len() as u64 * 8;
        let roots = self.roots.len() as u64 * size_of::<crate::roots::Root>() as u64;
        objects + names + references + roots + self.strings.memory_bytes()
    }

    /// A text of this heap.
    #[must_use]
    pub fn text(&self, id: StringId) -> &str {
        self.strings.get(id)
    }

    /// The displayed name of an object's type.
    #[must_use]
    pub fn type_name(&self, id: ObjectId) -> &str {
        self.types.name(self.objects.type_of(id))
    }
}
