//! What a capture of the whole heap needs to know of the interpreter, found out once, when the extension module is
//! imported: a capture itself compiles nothing, imports nothing, and looks nothing up through the program's code.

use memtop_cpython::KnownTypes;
use pyo3::ffi::{Py_tp_dealloc, Py_tp_traverse};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PySet, PyString, PyTuple, PyType};
use rustc_hash::FxHashSet;

use crate::raw;
use crate::runtime::eval;

/// See the module's header.
pub(crate) struct HeapFacts {
    /// The types that the decoder tells apart by address.
    pub(crate) types: KnownTypes,
    /// The other types of the interpreter of which there are samples, each with its `tp_name`.
    pub(crate) certain: Vec<(String, u64)>,
    /// `tp_traverse` and `tp_dealloc` of classes made by a class statement.
    pub(crate) class: (u64, u64),
    /// Whether `sys.getsizeof` adds a collector's head to types made at run time alone, and to static ones none.
    pub(crate) heads_differ: bool,
    /// Where a bounded `lru_cache` and a bounded deque keep their limit.
    pub(crate) lru_limit: Option<u64>,
    pub(crate) deque_limit: Option<u64>,
    /// `sys.stdlib_module_names`.
    pub(crate) standard_modules: FxHashSet<String>,
    /// Where the standard library is.
    pub(crate) standard: Vec<String>,
    /// Directories of the interpreter's own.
    pub(crate) prefixes: Vec<String>,
    /// The directory of mem_top's package.
    pub(crate) package: Option<String>,
    /// The namespace of `sys`, and `sys.modules` as it was.
    pub(crate) sys: Py<PyDict>,
    pub(crate) modules: Py<PyDict>,
    /// `sys.getallocatedblocks`.
    pub(crate) allocated_blocks: Py<PyAny>,
    /// `type.__subclasses__` and `object`.
    pub(crate) subclasses: Py<PyAny>,
    pub(crate) object: Py<PyAny>,
}

impl HeapFacts {
    /// Finds them out; `class` is a class that a class statement could have made.
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
        let slot = |slot| raw::slot(class, slot) as u64;
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

    /// The `sys.modules` of now: what stands there if it is a dict, else what stood there. A program may put anything in
    /// its place, and while the interpreter ends there is nothing.
    pub(crate) fn modules(&self, py: Python<'_>) -> u64 {
        let modules =
            raw::value_of(self.sys.bind(py), c"modules").filter(PyAnyMethods::is_instance_of::<PyDict>);
        modules.map_or(self.modules.as_ptr() as u64, |modules| modules.as_ptr() as u64)
    }

    /// The name of the program: the last part of `sys.argv[0]`, where these are what the interpreter made them.
    pub(crate) fn program(&self, py: Python<'_>) -> String {
        let argv =
            raw::value_of(self.sys.bind(py), c"argv").and_then(|argv| argv.cast_into_exact::<PyList>().ok());
        let first = argv.and_then(|argv| argv.get_item(0).ok());
        let first = first.and_then(|first| first.cast_into_exact::<PyString>().ok());
        let path = first.map(|first| first.to_string_lossy().into_owned()).unwrap_or_default();
        path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
    }

    /// How many blocks pymalloc has given out; 0 if that cannot be known.
    pub(crate) fn allocated_blocks(&self, py: Python<'_>) -> usize {
        self.allocated_blocks.bind(py).call0().and_then(|blocks| blocks.extract()).unwrap_or(0)
    }
}

/// Types of the interpreter of which there are samples: no other type has their names.
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
        certain.push((raw::c_name(&of), of.as_ptr() as u64));
    }
    // What the standard library has of the rest, unless a program was quicker.
    let names = ["CoroutineType", "AsyncGeneratorType", "FrameType", "TracebackType"];
    let library = py.import("types")?;
    for of in names.iter().filter_map(|name| library.getattr(name).ok()?.cast_into::<PyType>().ok()) {
        if !raw::may_die(&of) {
            certain.push((raw::c_name(&of), of.as_ptr() as u64));
        }
    }
    Ok(certain)
}

/// Where a container tells how many items it lets itself hold: the word that says 4242421 in one that has this limit.
fn limit_offset(py: Python<'_>, expression: &std::ffi::CStr) -> PyResult<Option<u64>> {
    let sample = eval(py, expression)?;
    Ok(raw::word_saying(&sample, 4_242_421))
}
