//! The types that are compared by address, and the state that an interpreter keeps for its static types.
//!
//! Invariant: a type is taken for one of CPython's own only if it is static and has the right name, since a
//! program may put anything into `builtins`.

use super::error::RuntimeError;
use super::interpreter::Interpreter;
use super::objects::Objects;
use super::table::{Statics, Table};
use crate::known_types::KnownTypes;
use crate::layout::{Layout, type_object};
use crate::memory::Memory;

/// `PyWeakReference.wr_object` (`Include/cpython/weakrefobject.h`; `weakrefobject.h` to 3.10).
const WEAKLY: u64 = 16;
/// How many elements in a row prove an array of types.
const ROW: u64 = 4;
/// How far around the address in the table the array of types is looked for: large caches lie before it.
const FAR: u64 = 1 << 15;

/// The addresses of the types that are compared by address, and `subtype_traverse` and `subtype_dealloc`,
/// which every type that a class statement made has in its slots.
///
/// `ContextVar` is 0 in a process that has not initialized it, and so has no such objects.
///
/// # Errors
///
/// If one of the others is not found, or no class.
pub fn known_types<M: Memory>(
    memory: &M,
    layout: &Layout,
    interpreter: &Interpreter,
) -> Result<(KnownTypes, (u64, u64)), RuntimeError> {
    let objects = Objects { memory, layout: *layout };
    let own = own_types(&objects, interpreter);
    let by_name = |names: &[&str]| {
        let is_it = |of: u64| objects.type_name(of).is_some_and(|name| names.contains(&name.as_str()));
        own.iter().copied().find(|&of| is_it(of))
    };
    let builtin = |name: &'static str| {
        let found = objects.get(interpreter.builtins, name).filter(|&of| is_own(&objects, of));
        let found = found.filter(|&of| objects.type_name(of).as_deref() == Some(name));
        found.or_else(|| by_name(&[name])).ok_or(RuntimeError::Misfit { what: name })
    };
    let types = KnownTypes {
        string: builtin("str")?,
        integer: builtin("int")?,
        dict: builtin("dict")?,
        list: builtin("list")?,
        set: builtin("set")?,
        tuple: builtin("tuple")?,
        cell: by_name(&["cell"]).ok_or(RuntimeError::Misfit { what: "cell" })?,
        context_variable: by_name(&["_contextvars.ContextVar", "ContextVar"]).unwrap_or(0),
    };
    let class = class_functions(&objects, interpreter).ok_or(RuntimeError::Misfit { what: "a class" })?;
    Ok((types, class))
}

/// The interpreter's own types whose addresses are certain, each with its `tp_name`: from 3.12 on an
/// interpreter keeps a list of its static types. Empty before that.
pub fn certain_types<M: Memory>(
    memory: &M,
    layout: &Layout,
    interpreter: &Interpreter,
) -> Vec<(String, u64)> {
    let objects = Objects { memory, layout: *layout };
    let own = static_types(memory, layout.minor, interpreter, true).into_iter();
    own.filter_map(|(of, _)| Some((objects.type_name(of)?, of))).collect()
}

fn flags<M: Memory>(objects: &Objects<'_, M>, of: u64) -> Option<u64> {
    // Only a type has a name, and sizes of objects.
    objects.type_of(of).filter(|&meta| objects.is_a(of, "type") || meta == of)?;
    objects.word(of, type_object::FLAGS as u64)
}

/// Whether a static type lies at an address.
fn is_own<M: Memory>(objects: &Objects<'_, M>, of: u64) -> bool {
    flags(objects, of).is_some_and(|flags| flags & type_object::HEAP_TYPE == 0)
}

/// The interpreter's own types: to 3.11 those directly below `object`, from 3.12 on all.
fn own_types<M: Memory>(objects: &Objects<'_, M>, interpreter: &Interpreter) -> Vec<u64> {
    if objects.layout.minor >= 12 {
        let own = static_namespaces(objects.memory, objects.layout.minor, interpreter);
        return own.into_iter().map(|(of, _)| of).collect();
    }
    let keys = objects.entries(interpreter.modules);
    let string = keys.iter().map(|&(key, _)| key).find(|&key| objects.is_a(key, "str"));
    let base = string
        .and_then(|string| objects.type_of(string))
        .and_then(|of| objects.word(of, type_object::BASE as u64));
    let subclasses = base.and_then(|base| objects.word(base, type_object::SUBCLASSES)).unwrap_or(0);
    let below = objects.entries(subclasses).into_iter();
    below
        .filter_map(|(_, reference)| objects.word(reference, WEAKLY))
        .filter(|&of| is_own(objects, of))
        .collect()
}

/// `tp_traverse` and `tp_dealloc` of the classes of the import system, which every process has.
fn class_functions<M: Memory>(objects: &Objects<'_, M>, interpreter: &Interpreter) -> Option<(u64, u64)> {
    let places = ["_frozen_importlib", "_frozen_importlib_external", "importlib._bootstrap", "types"];
    let namespaces = places.iter().filter_map(|name| objects.module(interpreter.modules, name));
    for namespace in namespaces {
        for (_, of) in objects.entries(namespace) {
            let Some(flags) = flags(objects, of) else { continue };
            let wanted = type_object::HEAP_TYPE | type_object::HAVE_GC;
            let base = objects.word(of, type_object::BASE as u64);
            let is_class = flags & wanted == wanted
                && base.and_then(|base| objects.type_name(base)).as_deref() == Some("object");
            if !is_class {
                continue;
            }
            let slot = |offset: usize| objects.word(of, offset as u64).filter(|&function| function != 0);
            if let (Some(traverse), Some(dealloc)) = (slot(type_object::TRAVERSE), slot(type_object::DEALLOC))
            {
                return Some((traverse, dealloc));
            }
        }
    }
    None
}

/// The static types of an interpreter, each with its namespace, which from 3.12 on the type itself does not
/// have. Empty before that, and where the array of types is not found.
pub fn static_namespaces<M: Memory>(memory: &M, minor: u8, interpreter: &Interpreter) -> Vec<(u64, u64)> {
    static_types(memory, minor, interpreter, false)
}

/// The same; with `only_own`, without the static types of extension modules.
fn static_types<M: Memory>(
    memory: &M,
    minor: u8,
    interpreter: &Interpreter,
    only_own: bool,
) -> Vec<(u64, u64)> {
    let (Some(layout), Some(table)) = (Layout::of(minor), Table::of(minor)) else { return Vec::new() };
    let Some(statics) = table.statics else { return Vec::new() };
    let objects = Objects { memory, layout };
    let [own, extensions] = statics.arrays;
    let fits = |moved: u64| {
        let first = interpreter.address.wrapping_add(own.0).wrapping_add(moved);
        (0..ROW).all(|index| {
            let element = element(&objects, &statics, first, index);
            // One of the interpreter's own types has its index in this array, counted from 1.
            element.is_some_and(|(of, _)| objects.word(of, type_object::SUBCLASSES) == Some(index + 1))
        })
    };
    let nearby = (8..=FAR).step_by(8).flat_map(|by| [by, by.wrapping_neg()]);
    let Some(moved) = std::iter::once(0).chain(nearby).find(|&moved| fits(moved)) else { return Vec::new() };
    let mut found = Vec::new();
    for (offset, room) in [own, extensions].into_iter().take(if only_own { 1 } else { 2 }) {
        let first = interpreter.address.wrapping_add(offset).wrapping_add(moved);
        found.extend((0..room).filter_map(|index| element(&objects, &statics, first, index)));
    }
    found
}

/// The type and its namespace in an element of an array of static types.
fn element<M: Memory>(
    objects: &Objects<'_, M>,
    statics: &Statics,
    first: u64,
    index: u64,
) -> Option<(u64, u64)> {
    let at = first.wrapping_add(index * statics.size);
    let (of, dict) = (objects.memory.word(at)?, objects.word(at, statics.dict)?);
    (of != 0 && is_own(objects, of) && objects.is_a(dict, "dict")).then_some((of, dict))
}
