//! The whole heap of this process as a [`Heap`]: everything that the collector tracks, and everything
//! reachable from it.
//!
//! The walk of `memtop-cpython` copies it while the process is paused (the GIL is held, the collector off). References
//! come from the type's own `tp_traverse`, sizes from its `__sizeof__` where that is written in C.
//!
//! Invariants: no code of the program runs, no object of the interpreter is made or changed, no `__dict__` is created.
//! Keys that are not identifiers are read only on request. mem_top's own objects are in the heap, flagged as its own.

mod source;

use std::time::Instant;

use memtop_cpython::{
    CTypes, Checked, CodeFiles, Decoder, InterpreterFacts, InterpreterRoots, MappedMemory, Preallocated, Walk,
};
use memtop_heap::{Budget, CaptureInfo, CaptureMethod, HEADROOM, Heap, HeapError, PythonVersion, headroom};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use rustc_hash::FxHashMap;

use crate::process::{self, Mappings};
use crate::raw::{self, Runtime};
use crate::residency::Residency;
use source::InProcess;

/// The options of a capture.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotOptions {
    /// The units of work that the program has done so far.
    pub work: Option<f64>,
    /// Whether keys that are not identifiers are kept.
    pub with_keys: bool,
    /// The bytes that earlier captures take in this process, which are not the program's memory.
    pub own_bytes: u64,
    /// The most bytes that the capture may take.
    pub most_bytes: u64,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self { work: None, with_keys: false, own_bytes: 0, most_bytes: u64::MAX }
    }
}

/// Captures the heap.
///
/// The GIL is held for some tens of nanoseconds per object; the rest runs without it. The heap takes 25 bytes
/// per object and 8 per reference, and about 6 more per object while it is built.
///
/// # Errors
/// `RuntimeError` for a version of CPython with an unknown layout, or if the heap cannot be built (more than 2^32
/// objects); `MemoryError` if there is too little memory, before any is taken where that can be known.
pub fn capture(py: Python<'_>, options: &SnapshotOptions) -> PyResult<Heap> {
    let start = Instant::now();
    let runtime = Runtime::get(py)?;
    let layout = runtime.layout.ok_or_else(|| {
        let version = py.version_info();
        PyRuntimeError::new_err(format!(
            "mem_top does not know the memory layout of CPython {}.{}\n\
             hint: upgrade mem_top (pip install -U mem_top); until then, the counters of mem_top() still work",
            version.major, version.minor
        ))
    })?;
    headroom(HEADROOM).map_err(|error| failed(&error))?;
    let mut facts = interpreter_facts(py, runtime)?;
    let mut info = info(py, runtime, options);
    // Read before this capture takes memory of the process.
    info.memory = process::memory(options.own_bytes, raw::malloc_numbers());
    // There are at most as many objects as pymalloc has blocks.
    let expected = runtime.heap.allocated_blocks(py).max(100_000);
    let preallocated =
        py.detach(|| preallocate(expected, options.most_bytes)).map_err(|error| failed(&error))?;
    let (walked, pause) = raw::freeze(py, |heap| {
        let stopped = Instant::now();
        let memory = heap.memory();
        info.collector = heap.collector();
        facts.interpreters[0].threads = heap.threads();
        let (types, c_types) = (facts.types, &facts.c_types);
        let decoder = Decoder::new(&memory, layout, types, c_types, runtime.heap.class, options.with_keys)
            .ok_or_else(|| PyRuntimeError::new_err("mem_top: the interpreter's own types cannot be read"))?;
        let checked = Checked::new(&memory);
        let mut source = InProcess::new(heap, runtime, c_types);
        let walked = Walk::new(&mut source, &memory, &checked, decoder, preallocated, &facts).run();
        Ok((walked, stopped.elapsed().as_nanos() as u64))
    })?;
    info.pause = Some(pause);
    let (types, state) = (facts.types, raw::interpreter_state(py) as u64);
    let heap = py.detach(|| {
        let mut walked = walked;
        let mut residency = Residency::default();
        let counted = walked.count_buffers(|start, end| residency.of(start, end));
        let memory = &mut info.memory;
        memory.file_backed = memory.file_backed.map(|bytes| bytes.saturating_sub(counted.in_files));
        memory.malloc_in_use = memory.malloc_in_use.map(|bytes| bytes.saturating_sub(counted.untouched));
        memory.held = Some(counted.added);
        info.memory = process::with_native(info.memory, layout.minor, walked.native(), walked.held());
        info.memory.interned = process::interned(&layout, &types, state, |address| walked.contains(address));
        walked.into_heap(info, start)
    });
    heap.map_err(|error| failed(&error))
}

/// Preallocates for `expected` objects within `most_bytes`; for half of them if that is not enough, since `expected` is
/// an upper bound.
fn preallocate(expected: usize, most_bytes: u64) -> Result<Preallocated, HeapError> {
    let of = |objects| Preallocated::for_objects(objects, Budget::of(most_bytes), raw::populate);
    of(expected).or_else(|_| of(expected / 2))
}

fn failed(error: &HeapError) -> PyErr {
    match error {
        HeapError::OutOfMemory { .. } => PyMemoryError::new_err(format!(
            "mem_top: {error}\nhint: capture from outside, where more memory may be available: \
             mem_top dump {} -o FILE",
            std::process::id()
        )),
        _ => PyRuntimeError::new_err(format!("mem_top: {error}")),
    }
}

/// The facts about the interpreter that the walk needs, as they are now.
fn interpreter_facts(py: Python<'_>, runtime: &Runtime) -> PyResult<InterpreterFacts> {
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
        mapped: mappings.readable().unwrap_or_else(MappedMemory::unknown),
    })
}

/// The namespaces of static types that are not stored in the type itself.
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
        // Only the interpreter's own static types store their namespace elsewhere. What other types claim may be false.
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
