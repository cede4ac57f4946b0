//! CPython's memory: layouts as data, and the decoder of objects over them.
//!
//! The crate knows no operating system: its caller holds the memory, from inside the process or from outside,
//! and provides it as a [`Memory`]. The [`Decoder`] reports what an object refers to and how each reference
//! is labelled, what a type is ([`TypeInfo`]), the text of a str, the variables of a frame. Everything that
//! is known of a C type is in its file in `objects/`; a [`Walk`] puts a whole heap together.
//!
//! Invariants: each number of a layout names the CPython source that it was read from, and is *checked on the
//! process at hand* before it is trusted. A version that is not in a table has no layout; nothing is guessed
//! for it. Memory is taken to be hostile: every count is capped, every loop ends.
#![forbid(unsafe_code)]

mod address;
mod buffer;
mod c_string;
mod c_types;
mod code_files;
mod cycle_detector;
mod decoder;
mod footprint;
mod getter_code;
mod interned;
mod kind;
mod known_types;
pub mod layout;
mod limit_names;
mod mapped_memory;
mod members;
mod memory;
mod named_members;
mod native_memory;
mod objects;
mod references;
mod runtime;
mod scan_plan;
mod sink;
mod sizes;
mod sizing;
mod text;
mod type_info;
mod untraced;
mod validity;
mod value_tag;
mod visited;
mod walk;

pub use c_types::{CType, CTypes};
pub use code_files::CodeFiles;
pub use decoder::Decoder;
pub use footprint::Footprint;
pub use interned::interned_bytes;
pub use kind::ObjectKind;
pub use known_types::KnownTypes;
pub use layout::Layout;
pub use mapped_memory::MappedMemory;
pub use memory::{Checked, Memory};
pub use native_memory::{AnonymousMemory, HEADER as BLOCK_HEADER, NativeMemory};
pub use objects::context::ContextVariable;
pub use objects::definition::Remaining;
pub use objects::frame::{FrameView, Local};
pub use objects::limit_offset;
pub use runtime::{
    GcLists, Interpreter, ListWalk, RuntimeError, certain_types, collector_state, interpreters, known_types,
    list_objects, static_namespaces,
};
pub use sink::Sink;
pub use sizing::Sizing;
pub use text::{Text, is_identifier};
pub use type_info::{DictPlace, TypeInfo};
pub use walk::{
    BufferTotals, HeapAccess, InterpreterFacts, InterpreterRoots, Preallocated, Resident, Walk, WalkResult,
};
