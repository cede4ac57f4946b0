//! The interpreter's own structures: which interpreters a process has, where each keeps its modules, threads
//! and the collector's lists, and the addresses of the types that are compared by address.
//!
//! Invariant: an offset is proved before it is used. An interpreter is proved by its first thread, which
//! points back at it; a dict of modules by the `sys` in it, which leads back to it; a list head by its
//! neighbours. A structure that is not proved is looked for nearby, since two patch releases may differ; if
//! it is not there either, the process is refused.
//!
//! The module neither finds `_PyRuntime` nor stops a process: its caller has the memory of a stopped one.

mod collector;
mod error;
mod interpreter;
mod lists;
mod objects;
mod table;
mod types;

pub use collector::collector_state;
pub use error::RuntimeError;
pub use interpreter::{Interpreter, interpreters};
pub use lists::{GcLists, ListWalk, list_objects};
pub use types::{certain_types, known_types, static_namespaces};
