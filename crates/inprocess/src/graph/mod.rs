//! The whole heap of this process as a [`Heap`]: everything that the collector tracks, and everything reachable from it.
//!
//! While the process stands still (the GIL is held, the collector off) the walk of `memtop-cpython` copies it; what a
//! type's objects refer to is asked of its own `tp_traverse`, what they weigh of its `__sizeof__` where that is C.
//!
//! Invariants: no code of the program runs, nothing of the interpreter's is made or changed, no `__dict__` comes to be.
//! Keys that are no names are not read, unless asked for. mem_top's own objects are in the heap, flagged as its own.

mod source;

use std::time::Instant;

use memtop_cpython::{
    CTypes, Checked, CodeFiles, Decoder, InterpreterFacts, InterpreterRoots, Preallocated, Walk,
};
use memtop_heap::{Budget, CaptureInfo, CaptureMethod, HEADROOM, Heap, HeapError, PythonVersion, headroom};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use rustc_hash::FxHashMap;

use crate::process::{self, Mappings};
use crate::raw::{self, Runtime};
use source::InProcess;

/// What to capture.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotOptions {
    /// Units of work that the program has done so far.
    pub work: Option<f64>,
    /// Whether keys that are no names are kept.
    pub with_keys: bool,
    /// Bytes that earlier captures take in this process: they are no part of the program's memory.
    pub own_bytes: u64,
    /// Bytes that the capture may take at most.
    pub most_bytes: u64,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self { work: None, with_keys: false, own_bytes: 0, most_bytes: u64::MAX }
    }
}

/// Captures the heap.
///
/// The GIL is held for some tens of nanoseconds an object; what follows runs without it. Memory: 25 bytes an object and
/// 8 a reference for the heap itself, and some 6 more an object while it is made.
///
/// # Errors
/// `RuntimeError` for a version of CPython whose layout is unknown, or if the heap could not be put together (more than
/// 2^32 objects); `MemoryError` if there is too little memory, which is found out beforehand where that can be.
pub fn capture(py: Python<'_>, options: &SnapshotOptions) -> PyResult<Heap> {
    let start = Instant::now();
    let runtime = Runtime::get(py)?;
    let layout = runtime.layout.ok_or_else(|| {
        let version = py.version_info();
        PyRuntimeError::new_err(format!(
            "mem_top does not know how CPython {}.{} lays out its memory\nhint: mem_top() still counts; a newer mem_top may know it",
            version.major, version.minor
        ))
    })?;
    headroom(HEADROOM).map_err(|error| failed(&error))?;
    let mut surroundings = surroundings(py, runtime)?;
    let mut info = info(py, runtime, options);
    // Before there is anything of this capture in the process's memory.
    info.memory = process::memory(options.own_bytes, raw::malloc_numbers());
    // There may be as many objects as pymalloc has blocks, at most.
    let expected = runtime.heap.allocated_blocks(py).max(100_000);
    let room = py.detach(|| room(expected, options.most_bytes)).map_err(|error| failed(&error))?;
    let (walked, pause) = raw::freeze(py, |heap| {
        let stopped = Instant::now();
        let memory = heap.memory();
        surroundings.interpreters[0].threads = heap.threads();
        let (types, c_types) = (surroundings.types, &surroundings.c_types);
        let decoder = Decoder::new(&memory, layout, types, c_types, runtime.heap.class, options.with_keys)
            .ok_or_else(|| PyRuntimeError::new_err("mem_top: the interpreter's types cannot be read"))?;
        let checked = Checked::new(&memory);
        let mut source = InProcess::new(heap, runtime, c_types);
        let walked = Walk::new(&mut source, &memory, &checked, decoder, room, &surroundings).run();
        Ok((walked, stopped.elapsed().as_nanos() as u64))
    })?;
    info.pause = Some(pause);
    let heap = py.detach(|| {
        info.memory.allocator_free = process::pymalloc_free(layout.minor, walked.pools());
        info.memory.native_known = Some(process::known_native(walked.buffers()));
        walked.into_heap(info, start)
    });
    heap.map_err(|error| failed(&error))
}

/// Preallocated for so many objects, within so many bytes; for half of them, if there is not enough for all: they are as many as
/// there can be.
fn room(expected: usize, most_bytes: u64) -> Result<Preallocated, HeapError> {
    let of = |objects| Preallocated::for_objects(objects, Budget::of(most_bytes), raw::populate);
    of(expected).or_else(|_| of(expected / 2))
}

fn failed(error: &HeapError) -> PyErr {
    match error {
        HeapError::OutOfMemory { .. } => PyMemoryError::new_err(format!(
            "mem_top: {error}\nhint: `mem_top dump {} -o FILE` captures from outside, where there is more memory",
            std::process::id()
        )),
        _ => PyRuntimeError::new_err(format!("mem_top: {error}")),
    }
}

/// What the walk needs to know of the interpreter, as it is now.
fn surroundings(py: Python<'_>, runtime: &Runtime) -> PyResult<InterpreterFacts> {
    let facts = &runtime.heap;
    let mappings = Mappings::read();
    let files = mappings.code_files(facts.types.tuple, &facts.prefixes);
    Ok(InterpreterFacts {
        static_namespaces: static_namespaces(py, &files)?,
        types: facts.types,
        c_types: CTypes::new(files, facts.certain.iter().cloned()),
        interpreters: vec![InterpreterRoots { modules: facts.modules(py), threads: Vec::new() }],
        package: facts.package.clone(),
        standard: facts.standard.clone(),
        standard_modules: facts.standard_modules.clone(),
        lru_limit: facts.lru_limit,
        deque_limit: facts.deque_limit,
        mapped: mappings.readable().unwrap_or(u64::MAX),
    })
}

/// The namespaces of static types that keep none themselves.
fn static_namespaces(py: Python<'_>, files: &CodeFiles) -> PyResult<FxHashMap<u64, u64>> {
    if py.version_info().minor < 12 {
        return Ok(FxHashMap::default());
    }
    let runtime = Runtime::get(py)?;
    let mut found = FxHashMap::default();
    let facts = &runtime.heap;
    let subclasses = facts.subclasses.bind(py);
    let mut open = vec![facts.object.bind(py).clone()];
    let mut seen = rustc_hash::FxHashSet::default();
    while let Some(of) = open.pop() {
        if !seen.insert(of.as_ptr() as usize) {
            continue;
        }
        let of = of.cast_into::<PyType>()?;
        // Only the interpreter's own static types keep no namespace themselves. What others say of themselves may be false.
        if raw::is_heap_type(&of) || !files.is_standard(of.as_ptr() as u64, &facts.standard_modules) {
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

fn info(py: Python<'_>, runtime: &Runtime, options: &SnapshotOptions) -> CaptureInfo {
    let version = py.version_info();
    let (taken_at, uptime) = process::clocks();
    let (host, container) = process::place();
    CaptureInfo {
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
        program: runtime.heap.program(py),
        method: CaptureMethod::InProcess,
        work: options.work,
        with_keys: options.with_keys,
        ..CaptureInfo::default()
    }
}
