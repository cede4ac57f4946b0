//! The interpreters of a process: where each keeps its modules, its threads and the collector's lists.

use rustc_hash::FxHashSet;

use super::error::RuntimeError;
use super::lists::GcLists;
use super::objects::Objects;
use super::table::{NEARBY, Table};
use crate::layout::{Layout, THREAD_NEXT};
use crate::memory::Memory;

/// `PyThreadState.interp`, the same from 3.8 to 3.15.
const THREAD_INTERPRETER: u64 = 16;
const MAX_INTERPRETERS: usize = 1 << 16;
const MAX_THREADS: usize = 1 << 20;

/// An interpreter of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Its `PyInterpreterState`.
    pub address: u64,
    /// Its number: 0 is the main one.
    pub id: i64,
    /// The dict of its modules.
    pub modules: u64,
    /// The namespace of its `sys`.
    pub sysdict: u64,
    /// The namespace of its `builtins`.
    pub builtins: u64,
    /// The collector's lists. In 3.8 all interpreters share them, and only the first has heads.
    pub lists: GcLists,
    /// Its `PyThreadState`s, the newest first.
    pub threads: Vec<u64>,
    /// Whether these are all: false if their list is broken.
    pub all_threads: bool,
    /// Whether it is being finalized.
    pub finalizing: bool,
}

/// All interpreters of a process of CPython 3.`minor`.`micro`, the main one first; `runtime` is the address
/// of `_PyRuntime`.
///
/// The micro version is only compared with the one that the process reports, from 3.13 on: where patch
/// releases differ, the memory itself decides. An interpreter other than the main one without modules is left
/// out.
///
/// # Errors
///
/// If the interpreter's state or build cannot be read, or nothing proves where its structures are.
pub fn interpreters<M: Memory>(
    memory: &M,
    runtime: u64,
    minor: u8,
    micro: u8,
) -> Result<Vec<Interpreter>, RuntimeError> {
    let layout = Layout::of(minor).ok_or(RuntimeError::UnknownVersion { minor })?;
    let table = Table::read(memory, runtime, minor, micro)?;
    let objects = Objects { memory, layout };
    let at = |offset: u64| runtime.wrapping_add(offset);
    let read = |offset: u64| memory.word(at(offset)).ok_or(RuntimeError::Unreadable { address: at(offset) });
    let (initialized, finalizing, head) =
        (read(table.initialized)? as u32, read(table.finalizing)?, read(table.head)?);
    if finalizing != 0 && (initialized == 0 || is_thread(&objects, finalizing)) {
        return Err(RuntimeError::Finalizing);
    }
    let first = match is_interpreter(&objects, &table, head) {
        true => head,
        false if initialized == 0 => return Err(RuntimeError::Starting),
        false => {
            let nearby = around(table.head).filter_map(|offset| memory.word(at(offset)));
            let found = nearby.into_iter().find(|&address| is_interpreter(&objects, &table, address));
            match found {
                Some(found) => found,
                None if head == 0 => return Err(RuntimeError::NoInterpreter),
                None => return Err(RuntimeError::Misfit { what: "the list of interpreters" }),
            }
        }
    };
    if initialized == 0 {
        return Err(RuntimeError::Starting);
    }
    let mut chain = Vec::new();
    let mut seen = FxHashSet::default();
    let mut next = first;
    while next != 0 && chain.len() < MAX_INTERPRETERS && seen.insert(next) {
        chain.push(next);
        next = objects.word(next, table.next).ok_or(RuntimeError::Unreadable { address: next })?;
    }
    let mut found = Vec::new();
    let mut refused = None;
    for address in chain {
        match interpreter(&objects, &table, runtime, address) {
            Ok(one) => found.push(one),
            Err(error) => refused = Some(error),
        }
    }
    if !found.iter().any(|one: &Interpreter| one.id == 0) {
        return Err(refused.unwrap_or(RuntimeError::NoInterpreter));
    }
    found.sort_by_key(|one| one.id);
    if minor == 8 {
        for other in &mut found[1..] {
            other.lists.heads.clear();
        }
    }
    Ok(found)
}

/// The offsets near one, the nearest first, without itself.
fn around(offset: u64) -> impl Iterator<Item = u64> {
    (8..=NEARBY).step_by(8).flat_map(move |by| [offset.checked_sub(by), Some(offset + by)]).flatten()
}

fn is_thread<M: Memory>(objects: &Objects<'_, M>, at: u64) -> bool {
    at.is_multiple_of(8)
        && objects.word(at, THREAD_INTERPRETER).is_some_and(|of| of != 0 && of.is_multiple_of(8))
}

/// Whether an interpreter lies at an address: its first thread points back at it.
fn is_interpreter<M: Memory>(objects: &Objects<'_, M>, table: &Table, at: u64) -> bool {
    if at == 0 || !at.is_multiple_of(8) {
        return false;
    }
    let thread = objects.word(at, table.threads).filter(|&thread| thread != 0);
    match thread {
        Some(thread) => objects.word(thread, THREAD_INTERPRETER) == Some(at),
        // From 3.13 an idle interpreter has no thread. It is recognised by its number, and by the interpreter
        // after it.
        None => {
            let id = objects.word(at, table.id);
            let next = objects.word(at, table.next).filter(|&next| next != 0 && next != at);
            id.is_some_and(|id| id != 0 && id < 1 << 31)
                && next.is_some_and(|next| objects.word(next, table.id).is_some_and(|id| id < 1 << 31))
        }
    }
}

fn interpreter<M: Memory>(
    objects: &Objects<'_, M>,
    table: &Table,
    runtime: u64,
    address: u64,
) -> Result<Interpreter, RuntimeError> {
    let read = |offset: u64| {
        objects
            .word(address, offset)
            .ok_or(RuntimeError::Unreadable { address: address.wrapping_add(offset) })
    };
    let id = read(table.id)?;
    if id >= 1 << 31 {
        return Err(RuntimeError::Misfit { what: "the interpreter's number" });
    }
    let (threads, all_threads) = threads(objects, read(table.threads)?, address);
    let (modules, sysdict, builtins) = namespaces(objects, table, address)?;
    if objects.get(sysdict, "gettotalrefcount").is_some() {
        return Err(RuntimeError::DebugBuild { which: "Py_DEBUG" });
    }
    let state = if objects.layout.minor == 8 { runtime } else { address }.wrapping_add(table.gc);
    let lists = GcLists::find(objects, state, &table.collector)?;
    let finalizing = read(table.ending & !7)? >> (8 * (table.ending & 7)) & 0xFFFF_FFFF != 0;
    Ok(Interpreter {
        address,
        id: id as i64,
        modules,
        sysdict,
        builtins,
        lists,
        threads,
        all_threads,
        finalizing,
    })
}

/// The threads of an interpreter, and whether their list is complete.
fn threads<M: Memory>(objects: &Objects<'_, M>, first: u64, interpreter: u64) -> (Vec<u64>, bool) {
    let mut threads = Vec::new();
    let mut seen = FxHashSet::default();
    let mut at = first;
    while at != 0 {
        let is_its = objects.word(at, THREAD_INTERPRETER) == Some(interpreter);
        if !is_its || threads.len() == MAX_THREADS || !seen.insert(at) {
            return (threads, false);
        }
        threads.push(at);
        match objects.word(at, THREAD_NEXT) {
            Some(next) => at = next,
            None => return (threads, false),
        }
    }
    (threads, true)
}

/// The dict of modules, the namespace of `sys`, that of `builtins`.
fn namespaces<M: Memory>(
    objects: &Objects<'_, M>,
    table: &Table,
    interpreter: u64,
) -> Result<(u64, u64, u64), RuntimeError> {
    let member = |offset: u64| objects.word(interpreter, offset).unwrap_or(0);
    let modules = member(table.modules);
    let (sysdict, builtins) = (member(table.sysdict), member(table.builtins));
    // A program may replace `sys.modules`, or remove `sys` from it, but hardly both.
    let leads_back =
        objects.module(modules, "sys") == Some(sysdict) || objects.get(sysdict, "modules") == Some(modules);
    if leads_back && objects.get(builtins, "str").is_some() {
        return Ok((modules, sysdict, builtins));
    }
    for offset in around(table.modules) {
        let modules = member(offset);
        if !objects.is_a(modules, "dict") {
            continue;
        }
        let Some(sysdict) = objects.module(modules, "sys") else { continue };
        let Some(builtins) = objects.module(modules, "builtins") else { continue };
        if objects.get(sysdict, "modules") == Some(modules) && objects.get(builtins, "str").is_some() {
            return Ok((modules, sysdict, builtins));
        }
    }
    let traced = |at: u64| is_traced_dict(objects, at);
    if modules == 0 {
        Err(RuntimeError::Starting)
    } else if std::iter::once(table.modules).chain(around(table.modules)).any(|offset| traced(member(offset)))
    {
        Err(RuntimeError::DebugBuild { which: "Py_TRACE_REFS" })
    } else {
        Err(RuntimeError::Misfit { what: "the dict of modules" })
    }
}

/// Whether a dict lies at an address with the two words before its reference count that `Py_TRACE_REFS` adds
/// to every object, types included.
fn is_traced_dict<M: Memory>(objects: &Objects<'_, M>, at: u64) -> bool {
    const ADDED: u64 = 16;
    if at == 0 {
        return false;
    }
    let of = objects.word(at, 8 + ADDED).unwrap_or(0);
    let name = objects.word(of, 24 + ADDED).and_then(|name| objects.c_string(name));
    name.as_deref() == Some("dict")
}
