//! Facts about this interpreter, found once, when the extension module is imported.
//!
//! Layouts come from `memtop_cpython::layout` as claims. Each is compared here with what Python itself answers, and one
//! that does not match is not used: objects are then listed by `gc.get_objects()`, and sized by `__sizeof__`.

use std::ffi::CStr;

use memtop_cpython::layout::{self, DictKeysSize, GcState, Layout};
use pyo3::ffi::Py_tp_traverse;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PySet, PyTuple, PyType};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Mutex, PoisonError};

use super::heap_facts::HeapFacts;
use super::lists::{Lists, Standstill};
use super::object::{Address, eval, has_pre_header, interpreter, slot};
use super::sizes::{KnownSizeof, NoArguments, dict_formula, native_formula, native_method};
use crate::process::Mappings;

/// See the module's header.
pub(crate) struct Runtime {
    /// The number of the interpreter that all of this belongs to.
    pub(crate) interpreter: i64,
    /// The collector's lists, if they may be walked.
    pub(super) lists: Option<Lists>,
    /// Where a dict's key table stores its size.
    pub(super) dict_keys: Option<DictKeysSize>,
    /// The layout of this version's objects, if it is known.
    pub(crate) layout: Option<Layout>,
    /// Whether a dict's size follows from its key table alone.
    pub(super) dict_formula: bool,
    /// The `__sizeof__` methods that are answered natively, by the descriptor's address.
    pub(super) sizeof: FxHashMap<Address, KnownSizeof>,
    /// Types of the interpreter whose instances have at most as many references as words.
    pub(super) small: FxHashSet<Address>,
    /// `tp_traverse` of list, tuple, dict, set, and of classes made by a class statement.
    pub(super) list_traverse: usize,
    pub(super) tuple_traverse: usize,
    pub(super) dict_traverse: usize,
    pub(super) set_traverse: usize,
    pub(super) class_traverse: usize,
    /// The type of methods that are written in C.
    pub(super) method_descriptor: Address,
    /// The bytes that `sys.getsizeof` adds for a managed dict and weak references before an object.
    pub(super) pre_header: u64,
    /// Facts that a capture of the whole heap needs.
    pub(crate) heap: HeapFacts,
    /// Whether a function is in the interpreter or its standard library, for the functions asked about so far.
    standard_functions: Mutex<FxHashMap<Address, bool>>,
    pub(super) getsizeof: Py<PyAny>,
    pub(super) get_objects: Py<PyAny>,
    /// `type.__dict__['__dict__']`, which reads a type's namespace without involving the metaclass.
    pub(crate) type_dict: Py<PyAny>,
}

static RUNTIME: PyOnceLock<Runtime> = PyOnceLock::new();

impl Runtime {
    /// The facts; the first call finds them, in a few milliseconds.
    ///
    /// # Errors
    /// If the interpreter lacks what every CPython has.
    pub(crate) fn get(py: Python<'_>) -> PyResult<&Self> {
        RUNTIME.get_or_try_init(py, || Self::probe(py))
    }

    /// Whether the collector's lists are walked directly, as far as the facts were found.
    pub(crate) fn walks_lists(py: Python<'_>) -> bool {
        RUNTIME.get(py).is_some_and(|runtime| runtime.lists.is_some())
    }

    fn probe(py: Python<'_>) -> PyResult<Self> {
        let minor = py.version_info().minor;
        let builtins = py.import("builtins")?;
        let traverse = |of: &Bound<'_, PyType>| slot(of, Py_tp_traverse);
        let class = eval(py, c"type('probe', (), {})")?.cast_into::<PyType>()?;
        let method_descriptor = builtins.getattr("str")?.getattr("join")?.get_type().as_ptr() as Address;
        let layout = Layout::of(minor);
        let (sizeof, dict_keys) =
            known_sizes(py, DictKeysSize::of(minor), layout.as_ref(), method_descriptor)?;
        let mut runtime = Self {
            interpreter: interpreter(py),
            lists: None,
            dict_keys,
            layout,
            dict_formula: minor >= 11 && dict_keys.is_some() && dict_formula_holds(py)?,
            sizeof,
            small: small_types(py)?,
            list_traverse: traverse(&py.get_type::<PyList>()),
            tuple_traverse: traverse(&py.get_type::<PyTuple>()),
            dict_traverse: traverse(&py.get_type::<PyDict>()),
            set_traverse: traverse(&py.get_type::<PySet>()),
            class_traverse: traverse(&class),
            method_descriptor,
            pre_header: pre_header(&class)?,
            heap: HeapFacts::find(py, &class)?,
            standard_functions: Mutex::default(),
            getsizeof: py.import("sys")?.getattr("getsizeof")?.unbind(),
            get_objects: py.import("gc")?.getattr("get_objects")?.unbind(),
            type_dict: builtins.getattr("type")?.getattr("__dict__")?.get_item("__dict__")?.unbind(),
        };
        if let Some(lists) = GcState::of(minor).and_then(|state| Lists::find(py, state))
            && runtime.agrees(py, lists)?
        {
            runtime.lists = Some(lists);
        }
        Ok(runtime)
    }

    /// Whether a function is in the file of the interpreter or of an extension module of its standard library. False
    /// where the system does not report what is mapped.
    pub(crate) fn is_standard_function(&self, function: Address) -> bool {
        let mut known = self.standard_functions.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(function).or_insert_with(|| {
            let mappings = Mappings::read();
            let files = mappings.code_files(self.heap.types.tuple, &self.heap.prefixes);
            files.is_standard(function as u64, &self.heap.standard_modules)
        })
    }

    /// Whether a walk of the lists gives the same objects as `gc.get_objects()`, in the same order. A large
    /// generation is not compared, since the list of it would cost memory; then the other two have to
    /// suffice.
    fn agrees(&self, py: Python<'_>, lists: Lists) -> PyResult<bool> {
        const LARGE: usize = 300_000;
        let frozen = Standstill::begin(py);
        for generation in 0..layout::GENERATIONS {
            let count = |each: &mut dyn FnMut(u64, Address)| {
                let never: Result<(), std::convert::Infallible> =
                    lists.walk(&frozen, generation, |position, object| {
                        each(position, object.0);
                        Ok(())
                    });
                never.unwrap_or_else(|never| match never {});
            };
            let mut objects = 0;
            count(&mut |_, _| objects += 1);
            if objects > LARGE {
                continue;
            }
            let listed = self.get_objects.bind(py).call1((generation,))?.cast_into::<PyList>()?;
            let mut walked = Vec::new();
            count(&mut |position, address| walked.push((position, address)));
            walked.sort_unstable();
            let own = listed.as_ptr() as Address;
            let mut walked = walked.into_iter().map(|(_, address)| address).filter(|&address| address != own);
            if !listed.iter().all(|object| walked.next() == Some(object.as_ptr() as Address))
                || walked.next().is_some()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

type KnownSizes = (FxHashMap<Address, KnownSizeof>, Option<DictKeysSize>);

/// The interpreter's own `__sizeof__` methods. A native formula is used only if it is right for samples.
fn known_sizes(
    py: Python<'_>,
    keys: Option<DictKeysSize>,
    layout: Option<&Layout>,
    method_descriptor: Address,
) -> PyResult<KnownSizes> {
    let builtins = py.import("builtins")?;
    let collections = py.import("_collections")?;
    let method = |of: &Bound<'_, PyAny>| -> PyResult<(Address, Option<NoArguments>)> {
        let descriptor = of.getattr("__dict__")?.get_item("__sizeof__")?;
        Ok((descriptor.as_ptr() as Address, native_method(&descriptor, method_descriptor)))
    };
    let (address, _) = method(&builtins.getattr("object")?)?;
    let mut sizeof = FxHashMap::from_iter([(address, KnownSizeof::Object)]);
    let lists = c"[[], [1], list(range(9)), [None] * 1000]";
    let sets = c"[set(), {1}, frozenset(range(9)), set(range(1000))]";
    let dicts = c"[{}, {'a': 1}, {1: 1}, dict.fromkeys(range(999)), dict(zip('abcdefghijk', range(11))), \
        type('probe', (), {})().__dict__, \
        vars(type('probe', (), {'__init__': lambda self: setattr(self, 'x', 1)})())]";
    let holds = |known, samples| match (keys, layout) {
        (Some(keys), Some(layout)) => sizes_hold(py, samples, known, keys, layout),
        _ => Ok(false),
    };
    let strings =
        c"['', 'a', 'abc' * 99, chr(228), chr(20013) * 7, chr(128512), 'a' + chr(228) + chr(20013)]";
    let ints = c"[0, 1, -1, 255, 2**30 - 1, 2**30, -2**61, 2**200, True]";
    let mut dict_keys = None;
    for owner in ["list", "set", "frozenset", "dict", "str", "int", "type", "deque", "OrderedDict"] {
        let owner_type = builtins.getattr(owner).or_else(|_| collections.getattr(owner))?;
        // A type without a method of its own inherits one that is known already.
        let Ok((address, Some(function))) = method(&owner_type) else { continue };
        let known = match owner {
            "list" if holds(KnownSizeof::List, lists)? => KnownSizeof::List,
            "set" | "frozenset" if holds(KnownSizeof::Set, sets)? => KnownSizeof::Set,
            "str" if holds(KnownSizeof::Str(function), strings)? => KnownSizeof::Str(function),
            "int" if holds(KnownSizeof::Int, ints)? => KnownSizeof::Int,
            "dict" => {
                let known = KnownSizeof::Dict(function);
                dict_keys = if holds(known, dicts)? { keys } else { None };
                known
            }
            _ => KnownSizeof::Native(function),
        };
        sizeof.insert(address, known);
    }
    Ok((sizeof, dict_keys))
}

/// Compares a native formula with `__sizeof__` for each of these samples.
fn sizes_hold(
    py: Python<'_>,
    samples: &CStr,
    known: KnownSizeof,
    keys: DictKeysSize,
    layout: &Layout,
) -> PyResult<bool> {
    for sample in eval(py, samples)?.try_iter()? {
        let sample = sample?;
        let expected: u64 = sample.call_method0("__sizeof__")?.extract()?;
        match native_formula(known, keys, layout, &sample) {
            Some((size, exact)) if size == expected || !exact && size > expected => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Compares the exact formula for dicts with `__sizeof__`.
fn dict_formula_holds(py: Python<'_>) -> PyResult<bool> {
    let samples =
        c"[{}, {'a': 1}, {1: 1}, dict.fromkeys(range(999)), {'a': 1, 2: 3}, dict.fromkeys(range(70000)), \
        dict(zip('abcdefghijk', range(11))), dict.fromkeys(map(str, range(5000)))]";
    for sample in eval(py, samples)?.try_iter()? {
        let sample = sample?;
        let expected: u64 = sample.call_method0("__sizeof__")?.extract()?;
        if dict_formula(&sample.cast_into::<PyDict>()?) != Some(expected) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The bytes that `sys.getsizeof` adds for the words of a managed dict and of weak references, measured on a plain
/// instance, which has them from 3.11 on.
fn pre_header(class: &Bound<'_, PyType>) -> PyResult<u64> {
    let py = class.py();
    let instance = class.call0()?;
    let whole: u64 = py.import("sys")?.getattr("getsizeof")?.call1((&instance,))?.extract()?;
    let own: u64 = instance.call_method0("__sizeof__")?.extract()?;
    let added = whole.saturating_sub(own).saturating_sub(layout::gc_head::SIZE as u64);
    Ok(if has_pre_header(class) { added } else { 0 })
}

/// The interpreter's types of small objects without separate storage.
fn small_types(py: Python<'_>) -> PyResult<FxHashSet<Address>> {
    let types = eval(
        py,
        c"[type(f), type((lambda x: lambda: x)(0).__closure__[0]), type(len), property, staticmethod, \
           classmethod, type(str.__dict__['join']), type(str.__dict__['__add__']), \
           type(type.__dict__['__dict__']), type(type(f).__dict__['__globals__']), type(''.join), \
           type(type('probe', (), {'f': f})().f)] if [f := lambda self: 0] else 0",
    )?;
    let mut small: FxHashSet<Address> =
        types.try_iter()?.map(|of| Ok(of?.as_ptr() as Address)).collect::<PyResult<_>>()?;
    small.insert(py.import("_weakref")?.getattr("ref")?.as_ptr() as Address);
    Ok(small)
}
