//! Facts about the interpreter that a capture of the whole heap needs, found once, when the extension module
//! is imported. A capture itself compiles nothing, imports nothing, and looks nothing up through the
//! program's code.

use memtop_cpython::KnownTypes;
use pyo3::ffi::{Py_tp_dealloc, Py_tp_traverse};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PySet, PyString, PyTuple, PyType};
use rustc_hash::FxHashSet;

use super::memory::find_word;
use super::object::{self, eval, is_heap_type, value_of};

/// See the module's header.
pub(crate) struct HeapFacts {
    /// The types that the decoder recognises by address.
    pub(crate) types: KnownTypes,
    /// The interpreter's other types that have a sample instance, each with its `tp_name`.
    pub(crate) certain: Vec<(String, u64)>,
    /// `tp_traverse` and `tp_dealloc` of classes made by a class statement.
    pub(crate) class: (u64, u64),
    /// Whether `sys.getsizeof` adds a collector's head to types made at run time only, not to static ones.
    pub(crate) heads_differ: bool,
    /// Offsets of the limit in a bounded `lru_cache` and a bounded deque.
    pub(crate) lru_limit: Option<u64>,
    pub(crate) deque_limit: Option<u64>,
    /// `sys.stdlib_module_names`.
    pub(crate) standard_modules: FxHashSet<String>,
    /// Where the standard library is installed.
    pub(crate) standard: Vec<String>,
    /// The interpreter's own directories.
    pub(crate) prefixes: Vec<String>,
    /// The directory of mem_top's package.
    pub(crate) package: Option<String>,
    /// The namespace of `sys`, and `sys.modules` at the time of import.
    pub(crate) sys: Py<PyDict>,
    pub(crate) modules: Py<PyDict>,
    /// `sys.getallocatedblocks`.
    pub(crate) allocated_blocks: Py<PyAny>,
    /// `type.__subclasses__` and `object`.
    pub(crate) subclasses: Py<PyAny>,
    pub(crate) object: Py<PyAny>,
}

impl HeapFacts {
    /// Finds the facts; `class` is a class like those that class statements make.
    pub(crate) fn find(py: Python<'_>, class: &Bound<'_, PyType>) -> PyResult<Self> {
        let address = |object: &Bound<'_, PyAny>| object.as_ptr() as u64;
        let sys = py.import("sys")?;
        let builtins = py.import("builtins")?;
        let cell = eval(py, c"type((lambda x: lambda: x)(0).__closure__[0])")?;
        let context_variable = py.import("_contextvars")?.getattr("ContextVar")?;
        let mut standard = Vec::new();
        let mut prefixes = Vec::new();
        for name in ["_stdlib_dir", "base_prefix", "base_exec_prefix"] {
            if let Ok(path) = sys.getattr(name).and_then(|path| path.extract::<String>()) {
                prefixes.push(path.clone());
                standard.push(if name == "_stdlib_dir" { path } else { format!("{path}/lib/python3") });
            }
        }
        let package = py.import("mem_top").and_then(|module| module.getattr("__file__")?.extract::<String>());
        let directory = package.ok().and_then(|file| {
            let (parent, _) = file.rsplit_once(['/', '\\'])?;
            Some(format!("{parent}/"))
        });
        let slot = |slot| object::slot(class, slot) as u64;
        Ok(Self {
            types: KnownTypes {
                string: address(&py.get_type::<PyString>()),
                integer: address(&py.get_type::<PyInt>()),
                dict: address(&py.get_type::<PyDict>()),
                list: address(&py.get_type::<PyList>()),
                set: address(&py.get_type::<PySet>()),
                tuple: address(&py.get_type::<PyTuple>()),
                cell: address(&cell),
                context_variable: address(&context_variable),
            },
            certain: certain_types(py)?,
            class: (slot(Py_tp_traverse), slot(Py_tp_dealloc)),
            heads_differ: eval(py, c"__import__('sys').getsizeof(int) == type.__sizeof__(int)")?.extract()?,
            lru_limit: limit_offset(py, c"__import__('functools').lru_cache(maxsize=4242421)(lambda: 0)")?,
            deque_limit: limit_offset(py, c"__import__('collections').deque(maxlen=4242421)")?,
            standard_modules: sys.getattr("stdlib_module_names")?.extract()?,
            standard,
            prefixes,
            package: directory,
            sys: sys.dict().unbind(),
            modules: sys.getattr("modules")?.cast_into::<PyDict>()?.unbind(),
            allocated_blocks: sys.getattr("getallocatedblocks")?.unbind(),
            subclasses: builtins.getattr("type")?.getattr("__subclasses__")?.unbind(),
            object: builtins.getattr("object")?.unbind(),
        })
    }

    /// The address of the current `sys.modules`; of the one at the time of import, if the program has replaced it by
    /// something that is not a dict, or the interpreter has cleared it while shutting down.
    pub(crate) fn modules(&self, py: Python<'_>) -> u64 {
        let modules = value_of(self.sys.bind(py), c"modules").filter(PyAnyMethods::is_instance_of::<PyDict>);
        modules.map_or(self.modules.as_ptr() as u64, |modules| modules.as_ptr() as u64)
    }

    /// The name of the program: the last part of `sys.argv[0]`, if `argv` is still a list of str.
    pub(crate) fn program(&self, py: Python<'_>) -> String {
        let argv =
            value_of(self.sys.bind(py), c"argv").and_then(|argv| argv.cast_into_exact::<PyList>().ok());
        let first = argv.and_then(|argv| argv.get_item(0).ok());
        let first = first.and_then(|first| first.cast_into_exact::<PyString>().ok());
        let path = first.map(|first| first.to_string_lossy().into_owned()).unwrap_or_default();
        path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
    }

    /// The number of blocks that pymalloc has handed out; 0 if that cannot be known.
    pub(crate) fn allocated_blocks(&self, py: Python<'_>) -> usize {
        self.allocated_blocks.bind(py).call0().and_then(|blocks| blocks.extract()).unwrap_or(0)
    }
}

/// The interpreter's types that have a sample instance, so that their addresses are certain.
fn certain_types(py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
    let types = eval(
        py,
        c"[object, int, float, complex, bool, str, bytes, bytearray, type(None), type(...), type(NotImplemented), \
           range, dict, list, tuple, set, frozenset, type(f), type(f.__code__), type(g), type(c), type(len), \
           type(__import__('sys')), type, BaseException, property, staticmethod, classmethod, memoryview, \
           type(type.__dict__), type(str.__dict__['join']), type(str.__dict__['__add__']), \
           type(type.__dict__['__dict__']), type(type(f).__dict__['__globals__']), \
           type(dict.__dict__['fromkeys']), type(''.__add__), type(type('probe', (), {'f': f})().f)] \
           if [f := lambda: 0, g := (x for x in ()), c := (lambda x: lambda: x)(0).__closure__[0]] else 0",
    )?;
    let mut certain = Vec::new();
    for of in types.try_iter()? {
        let of = of?.cast_into::<PyType>()?;
        certain.push((object::c_name(&of), of.as_ptr() as u64));
    }
    // The others as the standard library has them, unless a program has replaced them.
    let names = ["CoroutineType", "AsyncGeneratorType", "FrameType", "TracebackType"];
    let library = py.import("types")?;
    for of in names.iter().filter_map(|name| library.getattr(name).ok()?.cast_into::<PyType>().ok()) {
        if !is_heap_type(&of) {
            certain.push((object::c_name(&of), of.as_ptr() as u64));
        }
    }
    Ok(certain)
}

/// The offset of a container's limit: of the word 4242421 in a sample that has this limit.
fn limit_offset(py: Python<'_>, expression: &std::ffi::CStr) -> PyResult<Option<u64>> {
    let sample = eval(py, expression)?;
    Ok(find_word(&sample, 4_242_421))
}
