//! What CPython's memory looks like: layouts as data, and the decoder of objects over them.
//!
//! It knows no operating system: whoever holds the memory, from inside the process or from outside, gives it as a
//! [`Memory`]. The decoder says what an object refers to and what each reference is called ([`Decoder`]), what a type
//! is ([`TypeInfo`]), what a string says, what the variables of a frame are.
//!
//! Invariants: every number of a layout names the CPython source that it was read from, and is *checked on the
//! process in hand* before it is trusted; a version that is not in a table has no layout, and is never guessed. What
//! is read is taken for hostile: every count is capped, nothing is followed for ever.
#![forbid(unsafe_code)]

mod c_types;
mod decoder;
mod frames;
mod kind;
pub mod layout;
mod memory;
mod pools;
mod runtime;
mod size_parts;
mod sizes;
mod structures;
mod text;
mod type_info;
mod untraced;
mod validity;
mod value_tag;
mod variables;
mod visited;
mod walk;

pub use c_types::{CType, CTypes, CodeFiles};
pub use decoder::{Decoder, KnownTypes, Sink};
pub use frames::{FrameView, Local};
pub use kind::ObjectKind;
pub use layout::Layout;
pub use memory::{Checked, Memory};
pub use pools::Pools;
pub use runtime::{
    GcLists, Interpreter, ListWalk, RuntimeError, certain_types, interpreters, known_types, list_objects,
    static_namespaces,
};
pub use sizes::limit_offset;
pub use text::{Text, is_identifier};
pub use type_info::{DictPlace, TypeInfo};
pub use variables::ContextVariable;
pub use walk::{HeapAccess, InterpreterFacts, InterpreterRoots, Preallocated, Walk, WalkResult};
