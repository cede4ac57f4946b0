//! `mmap.mmap` (`mmap_object` in `Modules/mmapmodule.c`).

use super::definition::Definition;

/// `data` and `size` are memory that no object's size includes.
pub(super) const MMAP: Definition =
    Definition { mapping: Some((16, 24)), ..Definition::standard("mmap", &["mmap.mmap"]) };
