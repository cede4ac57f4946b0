//! The whole heap of this process as a [`Heap`]: everything that the collector tracks, and everything reachable from it.
//!
//! While the process stands still (the GIL is held, the collector off) the walk of `memtop-cpython` copies it; what a
//! type's objects refer to is asked of its own `tp_traverse`, what they weigh of its `__sizeof__` where that is C.
//!
//! Invariants: no code of the program runs, nothing of the interpreter's is made or changed, no `__dict__` comes to be.
//! Keys that are no names are not read, unless asked for. mem_top's own objects are in the heap, flagged as its own.

mod source;

use std::sync::OnceLock;
use std::time::Instant;

use memtop_cpython::{Decoder, InterpreterRoots, KnownTypes, Room, Surroundings, Walk};
use memtop_heap::{CaptureInfo, CaptureMethod, Heap, PythonVersion};
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::{Py_tp_dealloc, Py_tp_traverse};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PySet, PyString, PyTuple, PyType};
use rustc_hash::FxHashMap;

use crate::process;
use crate::raw;
use crate::runtime::{self, Runtime};
use source::InProcess;

/// What to capture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Units of work that the program has done so far.
    pub work: Option<f64>,
    /// Whether keys that are no names are kept.
    pub with_keys: bool,
    /// Bytes that earlier captures take in this process: they are no part of the program's memory.
    pub own_bytes: u64,
}

/// Captures the heap.
///
/// The GIL is held for some tens of nanoseconds an object; what follows runs without it. Memory: 25 bytes an object and
/// 8 a reference for the heap itself, and some 6 more an object while it is made.
///
/// # Errors
/// `RuntimeError` for a version of CPython whose layout is unknown, or if the heap could not be put together (more than
/// 2^32 objects); `MemoryError`.
pub fn capture(py: Python<'_>, options: &Options) -> PyResult<Heap> {
    let start = Instant::now();
    let runtime = Runtime::get(py)?;
    let layout = runtime.layout.ok_or_else(|| {
        let version = py.version_info();
        PyRuntimeError::new_err(format!(
            "mem_top does not know how CPython {}.{} lays out its memory\nhint: mem_top() still counts; a newer mem_top may know it",
            version.major, version.minor
        ))
    })?;
    let mut known = Known::find(py, runtime)?;
    let mut info = info(py, options)?;
    // Before there is anything of this capture in the process's memory.
    info.memory = process::memory(options.own_bytes);
    let expected = expected_objects(py);
    let room = py.detach(|| Room::for_objects(expected, raw::populate));
    let (walked, pause) = raw::freeze(py, |heap| {
        let stopped = Instant::now();
        let memory = heap.memory();
        let decoder = Decoder::new(&memory, layout, known.surroundings.types, known.class, options.with_keys)
            .ok_or_else(|| PyRuntimeError::new_err("mem_top: the interpreter's types cannot be read"))?;
        known.surroundings.interpreters[0].threads = heap.threads();
        let mut source = InProcess::new(heap, known.heads_differ);
        let walked = Walk::new(&mut source, &memory, decoder, room, &known.surroundings).run();
        Ok((walked, stopped.elapsed().as_nanos() as u64))
    })?;
    info.pause = Some(pause);
    let heap = py.detach(|| {
        info.memory.allocator_free = process::pymalloc_free(layout.minor, walked.pools());
        info.memory.native_known = Some(process::known_native(walked.buffers()));
        walked.settle(info, start)
    });
    heap.map_err(|error| PyRuntimeError::new_err(format!("mem_top: {error}")))
}

/// What is found out of the interpreter before the process stands still.
struct Known {
    surroundings: Surroundings,
    /// `tp_traverse` and `tp_dealloc` of classes made by a class statement.
    class: (u64, u64),
    /// Whether `sys.getsizeof` adds a collector's head to types made at run time alone, and to static ones none.
    heads_differ: bool,
}

impl Known {
    fn find(py: Python<'_>, runtime: &Runtime) -> PyResult<Self> {
        let address = |object: &Bound<'_, PyAny>| object.as_ptr() as u64;
        let sys = py.import("sys")?;
        let class = class_slots(py)?;
        let cell = runtime::eval(py, c"type((lambda x: lambda: x)(0).__closure__[0])")?;
        let context_variable = py.import("_contextvars")?.getattr("ContextVar")?;
        let package = py.import("mem_top").and_then(|module| module.getattr("__file__")?.extract::<String>());
        let directory = package
            .ok()
            .and_then(|file| file.rsplit_once(['/', '\\']).map(|(parent, _)| format!("{parent}/")));
        let mut standard = Vec::new();
        for name in ["_stdlib_dir", "base_prefix", "base_exec_prefix"] {
            if let Ok(path) = sys.getattr(name).and_then(|path| path.extract::<String>()) {
                let path = if name == "_stdlib_dir" { path } else { format!("{path}/lib/python3") };
                standard.push(path);
            }
        }
        let surroundings = Surroundings {
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
            interpreters: vec![InterpreterRoots {
                modules: address(&sys.getattr("modules")?),
                threads: Vec::new(),
            }],
            package: directory,
            standard,
            standard_modules: runtime.stdlib.iter().cloned().collect(),
            static_namespaces: static_namespaces(py)?,
            lru_limit: limit_offset(py, c"__import__('functools').lru_cache(maxsize=4242421)(lambda: 0)")?,
            deque_limit: limit_offset(py, c"__import__('collections').deque(maxlen=4242421)")?,
        };
        let heads = runtime::eval(py, c"__import__('sys').getsizeof(int) == type.__sizeof__(int)")?;
        Ok(Self { surroundings, class, heads_differ: heads.extract()? })
    }
}

/// `tp_traverse` and `tp_dealloc` of what a class statement makes: the same functions of C for all of them. Found out
/// once, since a class that was made for it is garbage for the collector.
fn class_slots(py: Python<'_>) -> PyResult<(u64, u64)> {
    static SLOTS: OnceLock<(u64, u64)> = OnceLock::new();
    if let Some(&slots) = SLOTS.get() {
        return Ok(slots);
    }
    let class = runtime::eval(py, c"type('probe', (), {})")?.cast_into::<PyType>()?;
    let slot = |slot| raw::slot(&class, slot) as u64;
    Ok(*SLOTS.get_or_init(|| (slot(Py_tp_traverse), slot(Py_tp_dealloc))))
}

/// Where a container tells how many items it lets itself hold: the word that says 4242421 in one that has this limit.
fn limit_offset(py: Python<'_>, expression: &std::ffi::CStr) -> PyResult<Option<u64>> {
    let sample = runtime::eval(py, expression)?;
    Ok(raw::word_saying(&sample, 4_242_421))
}

/// The namespaces of static types that keep none themselves.
fn static_namespaces(py: Python<'_>) -> PyResult<FxHashMap<u64, u64>> {
    if py.version_info().minor < 12 {
        return Ok(FxHashMap::default());
    }
    let runtime = Runtime::get(py)?;
    let mut found = FxHashMap::default();
    let object = py.import("builtins")?.getattr("object")?;
    let subclasses = py.import("builtins")?.getattr("type")?.getattr("__subclasses__")?;
    let mut open = vec![object];
    let mut seen = rustc_hash::FxHashSet::default();
    while let Some(of) = open.pop() {
        if !seen.insert(of.as_ptr() as usize) {
            continue;
        }
        let of = of.cast_into::<PyType>()?;
        if raw::may_die(&of) {
            continue;
        }
        let namespace = runtime.type_dict.bind(py).call_method1("__get__", (&of,))?;
        if let Some(dict) = raw::first_referent(&namespace) {
            found.insert(of.as_ptr() as u64, dict.as_ptr() as u64);
        }
        for below in subclasses.call1((of,))?.try_iter()? {
            open.push(below?);
        }
    }
    Ok(found)
}

/// How many objects there may be: as many as pymalloc has blocks, at most.
fn expected_objects(py: Python<'_>) -> usize {
    let blocks = py.import("sys").and_then(|sys| sys.call_method0("getallocatedblocks")?.extract::<usize>());
    blocks.unwrap_or(0).max(100_000)
}

fn info(py: Python<'_>, options: &Options) -> PyResult<CaptureInfo> {
    let version = py.version_info();
    let sys = py.import("sys")?;
    let argv = sys.getattr("argv").and_then(|argv| argv.get_item(0)?.extract::<String>()).unwrap_or_default();
    let program = argv.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let (taken_at, uptime) = process::clocks();
    let (host, container) = process::place();
    Ok(CaptureInfo {
        taken_at,
        uptime,
        process: process::identity(raw::interpreter(py)),
        host,
        container,
        python: PythonVersion {
            major: version.major,
            minor: version.minor,
            micro: version.patch,
            suffix: version.suffix.unwrap_or_default().to_owned(),
        },
        implementation: "cpython".to_owned(),
        program,
        method: CaptureMethod::InProcess,
        work: options.work,
        with_keys: options.with_keys,
        ..CaptureInfo::default()
    })
}
