//! The reprs that are written natively, recognised by the C function in the type's `tp_repr` slot. So a subclass that
//! inherits the repr is written like its base, and one that has its own is not.

use pyo3::ffi::{Py_tp_iter, Py_tp_repr};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use rustc_hash::FxHashMap;

use crate::raw::{self, eval};

/// How objects with a certain `tp_repr` are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReprKind {
    List,
    Tuple,
    Dict,
    FrozenDict,
    Set,
    Deque,
    DefaultDict,
    OrderedDict,
    MappingProxy,
    DictView,
    Str,
    Bytes,
    ByteArray,
    Exception,
    Method,
    Slice,
    Partial,
    Namespace,
    Array,
    Module,
    /// `object.__repr__`, or another that reads only names and addresses.
    Plain,
}

/// The interpreter's own reprs, by the address of the function in the type's slot.
pub(super) struct Kinds {
    by_repr: FxHashMap<usize, ReprKind>,
    /// The types whose objects the function is for, by the same address.
    owners: FxHashMap<usize, Vec<Py<PyType>>>,
    pub(super) object_repr: usize,
    pub(super) type_repr: usize,
    pub(super) set_iter: usize,
    pub(super) deque_iter: usize,
    pub(super) deque_maxlen: Py<PyAny>,
    pub(super) default_factory: Py<PyAny>,
    pub(super) odict_items: Py<PyAny>,
    pub(super) partial: Py<PyAny>,
    pub(super) namespace: Py<PyAny>,
    pub(super) array: Option<ArrayMethods>,
    pub(super) function: Py<PyAny>,
    /// From 3.12, an OrderedDict shows itself as a dict, no longer as a list of pairs.
    pub(super) odict_as_dict: bool,
    /// Up to 3.14, a bytearray escapes a single quote within double ones too.
    pub(super) bytearray_escapes: bool,
}

/// The methods of `array.array` itself, whatever a subclass overrides.
pub(super) struct ArrayMethods {
    typecode: Py<PyAny>,
    length: Py<PyAny>,
    item: Py<PyAny>,
}

impl ArrayMethods {
    fn of(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            typecode: array.getattr("typecode")?.unbind(),
            length: array.getattr("__len__")?.unbind(),
            item: array.getattr("__getitem__")?.unbind(),
        })
    }

    pub(super) fn typecode(&self, array: &Bound<'_, PyAny>) -> PyResult<String> {
        self.typecode.bind(array.py()).call_method1("__get__", (array,))?.extract()
    }

    pub(super) fn length(&self, array: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.length.bind(array.py()).call1((array,))?.extract()
    }

    /// The method that returns the item at an index.
    pub(super) fn item<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.item.bind(py).clone()
    }
}

static KINDS: PyOnceLock<Kinds> = PyOnceLock::new();

impl Kinds {
    /// The reprs; the first call, when the extension module is imported, finds them.
    pub(super) fn get(py: Python<'_>) -> PyResult<&Self> {
        KINDS.get_or_try_init(py, || Self::find(py))
    }

    /// How objects of a type with this `tp_repr` are written; `None` if the function is not for them.
    pub(super) fn of(&self, repr: usize, of: &Bound<'_, PyType>) -> Option<ReprKind> {
        let kind = *self.by_repr.get(&repr)?;
        let owners = self.owners.get(&repr)?;
        owners.iter().any(|owner| raw::derives_from(of, owner.bind(of.py()))).then_some(kind)
    }

    fn find(py: Python<'_>) -> PyResult<Self> {
        let builtins = py.import("builtins")?;
        let collections = py.import("_collections")?;
        let deque = collections.getattr("deque")?;
        let partial = py.import("_functools")?.getattr("partial")?;
        let namespace = py.import("sys")?.getattr("implementation")?.get_type().into_any();
        let mut known = KnownReprs::default();
        known.add_plain(py)?;
        known.add(&partial, ReprKind::Partial)?;
        known.add(&namespace, ReprKind::Namespace)?;
        known.add_containers(py)?;
        // Optional: a build may lack the module.
        let mut array = None;
        if let Ok(module) = py.import("array") {
            let of = module.getattr("array")?;
            known.add(&of, ReprKind::Array)?;
            array = Some(ArrayMethods::of(&of)?);
        }
        Ok(Self {
            object_repr: known.add(&builtins.getattr("object")?, ReprKind::Plain)?,
            type_repr: known.add(&builtins.getattr("type")?, ReprKind::Plain)?,
            by_repr: known.by_repr,
            owners: known.owners,
            set_iter: raw::slot(builtins.getattr("set")?.cast()?, Py_tp_iter),
            deque_iter: raw::slot(deque.cast()?, Py_tp_iter),
            deque_maxlen: deque.getattr("maxlen")?.unbind(),
            default_factory: collections.getattr("defaultdict")?.getattr("default_factory")?.unbind(),
            odict_items: collections.getattr("OrderedDict")?.getattr("items")?.unbind(),
            partial: partial.unbind(),
            namespace: namespace.unbind(),
            array,
            function: eval(py, c"type(lambda: 0)")?.unbind(),
            odict_as_dict: py.version_info() >= (3, 12),
            bytearray_escapes: py.version_info() < (3, 15),
        })
    }
}

/// The reprs found so far, and the types whose objects they are for.
#[derive(Default)]
struct KnownReprs {
    by_repr: FxHashMap<usize, ReprKind>,
    owners: FxHashMap<usize, Vec<Py<PyType>>>,
}

impl KnownReprs {
    /// Adds a type and its repr, and returns the repr.
    fn add(&mut self, of: &Bound<'_, PyAny>, kind: ReprKind) -> PyResult<usize> {
        let repr = self.add_owner(of)?;
        self.by_repr.insert(repr, kind);
        Ok(repr)
    }

    /// Adds a type that shares the repr of another.
    fn add_owner(&mut self, of: &Bound<'_, PyAny>) -> PyResult<usize> {
        let of = of.cast::<PyType>()?;
        let repr = raw::slot(of, Py_tp_repr);
        self.owners.entry(repr).or_default().push(of.clone().unbind());
        Ok(repr)
    }

    fn add_plain(&mut self, py: Python<'_>) -> PyResult<()> {
        let types = eval(
            py,
            c"[type(f), type(len), type(c), type(f.__code__), type(g), type(str.__dict__['join']), \
               type(str.__dict__['__add__']), type(type.__dict__['__dict__']), type(type(f).__dict__['__globals__']), \
               type(dict.__dict__['fromkeys']), type(''.__add__), range, int, float, complex, bool, type(None), \
               type(...), type(NotImplemented), memoryview] \
               if [f := lambda: 0, g := (x for x in ()), c := (lambda x: lambda: x)(0).__closure__[0]] else 0",
        )?;
        types.try_iter()?.try_for_each(|of| self.add(&of?, ReprKind::Plain).map(|_| ()))
    }

    fn add_containers(&mut self, py: Python<'_>) -> PyResult<()> {
        let builtins = py.import("builtins")?;
        let collections = py.import("_collections")?;
        for (of, kind) in [
            (builtins.getattr("list")?, ReprKind::List),
            (builtins.getattr("tuple")?, ReprKind::Tuple),
            (builtins.getattr("dict")?, ReprKind::Dict),
            (builtins.getattr("set")?, ReprKind::Set),
            (builtins.getattr("str")?, ReprKind::Str),
            (builtins.getattr("bytes")?, ReprKind::Bytes),
            (builtins.getattr("bytearray")?, ReprKind::ByteArray),
            (builtins.getattr("BaseException")?, ReprKind::Exception),
            (builtins.getattr("slice")?, ReprKind::Slice),
            (builtins.get_type().into_any(), ReprKind::Module),
            (collections.getattr("deque")?, ReprKind::Deque),
            (collections.getattr("defaultdict")?, ReprKind::DefaultDict),
            (collections.getattr("OrderedDict")?, ReprKind::OrderedDict),
            (eval(py, c"type(type.__dict__)")?, ReprKind::MappingProxy),
            (eval(py, c"type({}.keys())")?, ReprKind::DictView),
            (eval(py, c"type(type('probe', (), {'f': lambda self: 0})().f)")?, ReprKind::Method),
        ] {
            self.add(&of, kind)?;
        }
        let more = c"[frozenset, *map(type, [{}.values(), {}.items(), o.keys(), o.values(), o.items()])] \
            if [o := __import__('_collections').OrderedDict()] else 0";
        for of in eval(py, more)?.try_iter()? {
            self.add_owner(&of?)?;
        }
        if let Ok(frozendict) = builtins.getattr("frozendict") {
            self.add(&frozendict, ReprKind::FrozenDict)?;
        }
        Ok(())
    }
}
