//! The sizing of the objects of a type, found once for all of them. `sizes.rs` applies it.

use crate::c_types::CType;
use crate::decoder::Decoder;
use crate::footprint::{Blocks, Footprint, Storage, Values};
use crate::kind::ObjectKind;
use crate::layout::{Layout, gc_head, type_object};
use crate::memory::Memory;
use crate::objects::definition::{Definition, SizeFormula};
use crate::objects::view::WORD;

/// How the objects of a type are sized; see `sizes.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Sizing {
    pub(crate) formula: SizeFormula,
    /// The bytes before each object that `sys.getsizeof()` includes.
    pub(crate) header: u64,
    /// Whether a collector's head is before some of the objects only: static types have none, other types do.
    pub(crate) heads_differ: bool,
}

/// The footprint of the objects of a type, by its sizes and what it derives from.
pub(crate) fn footprint(
    layout: &Layout,
    sizing: &Sizing,
    storage: Storage,
    values: Values,
    is_class: bool,
    (basic_size, item_size): (u64, u64),
) -> Footprint {
    /// The size of a `PyLongObject` without digits, which is all that `int.__sizeof__` counts beside them.
    const INT: u64 = 24;
    /// More than an item of any type has, and than the instances of a class add to those of its base.
    const MOST: u64 = 1 << 16;
    // A type may be damaged, and its sizes with it.
    let more = |bytes: u64| if bytes <= MOST { bytes } else { 0 };
    // `PyUnicodeObject`: the same for a str whose characters are in a block of their own.
    let str_object = layout.compact_text + WORD;
    let own = sizing.header.saturating_add(basic_size);
    // `PyType_GenericAlloc`, which every class has, allocates one more item.
    let one_more = if is_class { more(item_size) } else { 0 };
    let blocks = match (storage, sizing.formula) {
        (Storage::Blocks(_), _) => Blocks::Padded,
        (_, SizeFormula::Str) if is_class => {
            Blocks::Two { own: sizing.header + str_object, more: more(basic_size.saturating_sub(str_object)) }
        }
        (_, SizeFormula::Str) => Blocks::One { more: 0 },
        (_, SizeFormula::Int) => Blocks::One { more: more(basic_size.saturating_sub(INT)) + one_more },
        (_, SizeFormula::Object) if matches!(values, Values::Inline(_)) => Blocks::One { more: 0 },
        _ if item_size > 0 => Blocks::One { more: one_more },
        _ => Blocks::Two { own, more: 0 },
    };
    Footprint { values, storage, own, blocks }
}

impl<M: Memory> Decoder<'_, M> {
    /// The definitions of a type and its bases, the nearest first, without classes made by a statement.
    pub(crate) fn known_bases(&self, address: u64) -> impl Iterator<Item = &'static Definition> + '_ {
        let base = |&at: &u64| Some(self.pointer(at + type_object::BASE as u64)).filter(|&base| base != 0);
        let bases =
            std::iter::successors(Some(address).filter(|&at| at != 0), base).take(type_object::LONGEST_CHAIN);
        bases
            .filter(|&at| self.is_class(at) == Some(false))
            .filter_map(|at| self.c_type(at).map(CType::definition))
    }

    /// The `__sizeof__` that a type has or inherits, and the storage that goes with it.
    pub(crate) fn sizing(&self, address: u64, flags: u64, kind: ObjectKind) -> (Sizing, Storage) {
        let of = |definition: &Definition| Some(((definition.size)(self.layout.minor)?, definition.storage));
        let sized = self.known_bases(address).find_map(of);
        let (formula, storage) = sized.unwrap_or((SizeFormula::Object, Storage::Block));
        let is_gc = flags & type_object::HAVE_GC != 0;
        // Two words for a dict and weak references (`_PyType_PreHeaderSize` in `pycore_object.h`).
        let has_more = self.layout.minor >= 11 && flags & type_object::PRE_HEADER != 0;
        let header = gc_head::SIZE as u64 * u64::from(is_gc)
            + type_object::PRE_HEADER_SIZE as u64 * u64::from(has_more);
        // 3.11 and 3.12 ask the type whether there is a head, the others the object (`_PySys_GetSizeOf`).
        let heads_differ = kind == ObjectKind::Type && is_gc && !matches!(self.layout.minor, 11 | 12);
        (Sizing { formula, header, heads_differ }, storage)
    }
}
