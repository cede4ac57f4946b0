//! Everything that is known of C types: one file for each type or close family.
//!
//! A file has the type's [`Definition`](definition::Definition): how it is recognised, its struct by version,
//! its references, its size, its limit, with the CPython sources that they are mirrored from. [`DEFINITIONS`]
//! is the only list of them, and can only be asked with a [`CType`](crate::CType), which is recognised by its
//! address.
//!
//! The kinds that most of a heap consists of are chosen by a `match` and compiled for the memory in use; a
//! type that is not among them needs its file and its line in the list, no more.

mod array;
mod arrow;
mod atom;
mod bytearray;
mod capsule;
mod cell;
mod code;
pub(crate) mod context;
mod cpp;
mod ctypes;
mod datetime;
mod decimal;
pub(crate) mod definition;
mod deque;
mod descriptor;
mod dict;
mod element;
mod exception;
pub(crate) mod frame;
mod function;
mod generator;
mod greenlet;
mod int;
mod io;
mod itertools;
mod list;
mod lru_cache;
mod mappingproxy;
mod mem_top;
mod memoryview;
mod method;
mod mmap;
pub(crate) mod module;
mod ndarray;
mod ordered_dict;
mod partial;
mod pil;
mod plain;
mod queue;
mod set;
mod sqlite;
pub(crate) mod str;
mod struct_;
mod thread_local;
mod torch;
mod tuple;
mod type_;
pub(crate) mod view;
mod weakref;

use crate::c_types::CTypes;
use crate::code_files::CodeFiles;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::memory::Memory;
use crate::sink::Sink;
use crate::type_info::TypeInfo;
use crate::visited::Visited;
use definition::{Definition, SizeFormula};
use view::ObjectView;

/// Every C type of which something is known. No two have a name in common.
const DEFINITIONS: &[&Definition] = &[
    &plain::PLAIN,
    &int::INT,
    &int::BOOL,
    &str::STR,
    &atom::FLOAT,
    &atom::BYTES,
    &atom::ATOM,
    &atom::RANDOM,
    &bytearray::BYTEARRAY,
    &array::ARRAY,
    &decimal::DECIMAL,
    &datetime::DATE,
    &datetime::DATETIME,
    &datetime::TIME,
    &dict::DICT,
    &ordered_dict::ORDERED_DICT,
    &ordered_dict::DEFAULTDICT,
    &list::LIST,
    &tuple::TUPLE,
    &set::SET,
    &deque::DEQUE,
    &queue::SIMPLE_QUEUE,
    &lru_cache::LRU_CACHE,
    &lru_cache::LINK,
    &partial::PARTIAL,
    &function::FUNCTION,
    &code::CODE,
    &cell::CELL,
    &method::METHOD,
    &method::BUILTIN_FUNCTION,
    &module::MODULE,
    &type_::TYPE,
    &generator::GENERATOR,
    &generator::COROUTINE,
    &frame::FRAME,
    &exception::EXCEPTION,
    &exception::TRACEBACK,
    &descriptor::PROPERTY,
    &descriptor::STATIC_AND_CLASS_METHOD,
    &descriptor::DESCRIPTOR,
    &descriptor::METHOD_WRAPPER,
    &mappingproxy::MAPPINGPROXY,
    &context::CONTEXT,
    &context::TREE,
    &context::BITMAP_NODE,
    &context::ARRAY_NODE,
    &context::COLLISION_NODE,
    &context::TREE_ITERATOR,
    &context::CONTEXT_VARIABLE,
    &weakref::WEAKREF,
    &thread_local::THREAD_LOCAL,
    &io::STRING_IO,
    &io::BYTES_IO,
    &io::BUFFERED,
    &itertools::TEE_BLOCK,
    &itertools::GROUPBY,
    &itertools::PRODUCT,
    &itertools::COMBINATIONS,
    &itertools::PERMUTATIONS,
    &memoryview::MEMORYVIEW,
    &memoryview::MANAGED_BUFFER,
    &memoryview::MEMORY_ITERATOR,
    &capsule::CAPSULE,
    &capsule::SYMBOL_TABLE_ENTRY,
    &sqlite::STATEMENT_CACHE,
    &struct_::STRUCT,
    &ctypes::C_DATA,
    &ctypes::C_TYPE,
    &ctypes::STG_DICT,
    &mmap::MMAP,
    &element::ELEMENT,
    &ndarray::NDARRAY,
    &ndarray::SCALARS[0],
    &ndarray::SCALARS[1],
    &ndarray::SCALARS[2],
    &ndarray::SCALARS[3],
    &ndarray::SCALARS[4],
    &ndarray::SCALARS[5],
    &arrow::BUFFER,
    &arrow::ARRAY,
    &arrow::CHUNKED_ARRAY,
    &arrow::TABLE,
    &arrow::RECORD_BATCH,
    &greenlet::GREENLET,
    &torch::TENSOR,
    &torch::STORAGE,
    &pil::IMAGE,
    &mem_top::MEM_TOP,
];

impl CTypes {
    /// Recognises the C types of a process by its mapped files, and by the types whose address is `certain`,
    /// each with its `tp_name`.
    #[must_use]
    pub fn new(files: CodeFiles, certain: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self::with_definitions(DEFINITIONS, files, certain)
    }
}

/// The offset of the most items that an object of this kind allows itself, a signed word that is negative if
/// there is no limit. `None` for other kinds and unknown versions.
#[must_use]
pub fn limit_offset(kind: ObjectKind, minor: u8) -> Option<u64> {
    crate::Layout::of(minor)?;
    DEFINITIONS.iter().filter(|definition| definition.kind == kind).find_map(|definition| definition.limit)
}

impl<M: Memory> Decoder<'_, M> {
    /// Reports the references that the function of the object's kind finds, and takes them out of `visited`.
    #[inline]
    pub(crate) fn parts(
        &mut self,
        at: u64,
        info: &TypeInfo,
        visited: &mut Option<Visited<'_>>,
        sink: &mut impl Sink,
    ) {
        match info.kind {
            ObjectKind::Tuple => self.tuple(at, visited, sink),
            ObjectKind::List => self.list(at, visited, sink),
            ObjectKind::Dict | ObjectKind::DictAndMore => self.dict(at, visited, sink),
            ObjectKind::Set => self.set(at, visited, sink),
            ObjectKind::Code => self.code(at, sink),
            ObjectKind::Type => self.type_parts(at, visited, sink),
            ObjectKind::Frame => self.frame_object_parts(at, visited, sink),
            ObjectKind::Generator => self.generator_parts(at, visited, sink),
            ObjectKind::Greenlet => self.greenlet_parts(at, info, visited, sink),
            ObjectKind::Context => self.context_parts(at, visited, sink),
            ObjectKind::Function => self.closure(at, sink),
            ObjectKind::DateTime | ObjectKind::TimeOfDay => self.time_zone(at, info.kind, sink),
            _ => {}
        }
    }
}

impl SizeFormula {
    /// The size of an object without what precedes it, in bytes.
    #[inline]
    pub(crate) fn size<M: Memory>(self, object: &ObjectView<'_, M>) -> u64 {
        match self {
            Self::Object => plain::size(object),
            Self::Int => int::size(object),
            Self::Str => str::size(object),
            Self::List => list::size(object),
            Self::Dict => dict::size(object),
            Self::Set => set::size(object),
            Self::Fixed(more) => object.basic_and(more),
            Self::Read(formula) => formula(&object.over_any_memory()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_definitions_have_a_name_in_common() {
        let mut seen = BTreeSet::new();
        for name in DEFINITIONS.iter().flat_map(|definition| definition.names) {
            assert!(seen.insert(name), "{name} is defined twice");
        }
    }

    #[test]
    fn limits_are_known_for_supported_versions_only() {
        assert_eq!(limit_offset(ObjectKind::Deque, 12), Some(64));
        assert_eq!(limit_offset(ObjectKind::LruCache, 8), Some(96));
        assert_eq!(limit_offset(ObjectKind::List, 12), None);
        assert_eq!(limit_offset(ObjectKind::Deque, 99), None);
    }
}
