#![expect(
    unsafe_code,
    reason = "reads the heap of this process through the collector's lists and tp_traverse"
)]
//! Direct access to this process's memory. This folder is the only place in the crate with unsafe code.
//!
//! It gives the rest of the crate a [`Frozen`] heap to walk, [`Object`]s in it, and for each type its [`TypeSlots`],
//! by which the references and bytes of its objects are counted. It does not rank, print, or run the user's code.
//!
//! Soundness rests on one rule, which the SAFETY comments call **frozen**: as long as a [`Standstill`] exists, this
//! thread holds the GIL, the collector is off, and no Python code runs. Therefore every object in one of the
//! collector's lists stays where it is, alive and with a valid type. Only C code of the interpreter is called in that
//! time. It makes at most short-lived objects of its own (an int, a bound method), which are appended to the youngest
//! list and leave it again before the next step.
//!
//! Offsets come from `memtop_cpython::layout`. [`Runtime`] uses them only after comparing them with what Python itself
//! answers; where one does not match, the slower way through Python's own functions is taken. `runtime.rs` and
//! `heap_facts.rs` are in this folder for that reason: the unsafe code relies on what they check.
//!
//! The files form layers, from the bottom up: `object`, `sizes`, `lists` and `memory`; `heap_facts`;
//! `runtime`; `type_slots`; `frozen`.

mod frozen;
mod heap_facts;
mod lists;
mod memory;
mod object;
mod runtime;
mod sizes;
mod type_slots;

pub(crate) use frozen::{Frozen, SizeBound, freeze, getsizeof, native_size};
pub(crate) use memory::{MallocNumbers, OwnMemory, malloc_numbers, populate};
pub(crate) use object::{
    Address, Object, ReprGuard, c_name, call_repr, contains, derives_from, dict_next, eval, first_referent,
    interpreter, interpreter_state, is_heap_type, names_of_class, namespace_of, slot, value_of,
};
pub(crate) use runtime::Runtime;
pub(crate) use type_slots::TypeSlots;
