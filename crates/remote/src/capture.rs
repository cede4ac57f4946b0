//! The heap of another process: its memory is copied while it stands still, and read when it runs on.
//!
//! The walk is that of `memtop-cpython`, over the copy. Invariants: nothing is asked of the process but its memory;
//! what does not look like CPython's is refused, what is damaged is counted and shown.

use std::time::Instant;

use memtop_cpython::layout::{container, object};
use memtop_cpython::{
    CTypes, Checked, CodeFiles, Decoder, GcLists, HeapAccess, Interpreter, InterpreterFacts,
    InterpreterRoots, Layout, Memory, ObjectKind, Pools, Preallocated, RuntimeError, TypeInfo, Walk,
    WalkResult, certain_types, interpreters, known_types, limit_offset, list_objects, static_namespaces,
};
use memtop_heap::{Budget, CaptureInfo, CaptureMethod, Heap, HeapError, MemoryNumbers};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::malloc::Malloc;
use crate::maps::Region;
use crate::{Copied, CopyOptions, MemoryPlan, RemoteError, Target};

/// What to capture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptureOptions {
    /// Units of work that the program has done so far.
    pub work: Option<f64>,
    /// Whether keys that are no names are kept.
    pub with_keys: bool,
    /// Whether the process is stopped; else the answer is approximate.
    pub pause: bool,
    /// Whether pages are read that are swapped out.
    pub include_swapped: bool,
    /// Whether large mappings are copied too that hold no addresses.
    pub large_mappings: bool,
    /// How much memory may be taken, and what for.
    pub memory: MemoryPlan,
}

impl Default for CaptureOptions {
    fn default() -> Self {
        Self {
            work: None,
            with_keys: false,
            pause: true,
            include_swapped: false,
            large_mappings: false,
            memory: MemoryPlan::default(),
        }
    }
}

/// Captures the heap of a process.
///
/// It stands still for about as long as it takes to copy its memory. Here that memory is needed once more, and some
/// 30 bytes an object and 8 a reference for the heap.
///
/// # Errors
/// If there is no such process, it may not be looked into, it is no CPython whose memory is known, or it does not fit.
pub fn capture(pid: u32, options: &CaptureOptions) -> Result<Heap, RemoteError> {
    Target::find(pid)?.capture(options)
}

impl Target {
    /// Captures the heap of this process; see [`capture`].
    ///
    /// # Errors
    /// Those of [`capture`].
    pub fn capture(&self, options: &CaptureOptions) -> Result<Heap, RemoteError> {
        // What a process that runs on happens to be in the middle of may look like another layout: it is looked at again.
        for _ in 1..TRIES {
            match self.attempt(options) {
                Err(RemoteError::OtherLayout { .. }) if !options.pause => {}
                other => return other,
            }
        }
        self.attempt(options)
    }

    fn attempt(&self, options: &CaptureOptions) -> Result<Heap, RemoteError> {
        let start = Instant::now();
        let copied = self.copy(&CopyOptions {
            pause: options.pause,
            include_swapped: options.include_swapped,
            large_mappings: options.large_mappings,
            memory: options.memory,
        })?;
        self.heap(copied, options, start)
    }

    pub(crate) fn heap(
        &self,
        copied: Copied,
        options: &CaptureOptions,
        start: Instant,
    ) -> Result<Heap, RemoteError> {
        let (walked, info) = self.walk(&copied, &copied.image, options)?;
        // The heap is made of what was found: the copy is not needed any more, and takes as much as the process.
        drop(copied);
        self.into_heap(walked, info, start)
    }

    /// The heap in a copy that is kept, whose bytes are read through `memory`: the copy's own image, or one that says
    /// something else here and there, as tests have it that damage a copy.
    ///
    /// # Errors
    /// If what `memory` says is no CPython whose layout is known, or makes no heap.
    pub fn heap_of<M: Memory>(
        &self,
        copied: &Copied,
        memory: &M,
        options: &CaptureOptions,
    ) -> Result<Heap, RemoteError> {
        let start = Instant::now();
        let (walked, info) = self.walk(copied, memory, options)?;
        self.into_heap(walked, info, start)
    }

    fn into_heap(&self, walked: WalkResult, info: CaptureInfo, start: Instant) -> Result<Heap, RemoteError> {
        let settled = walked.into_heap(info, start);
        settled.map_err(|error| RemoteError::NoHeap { pid: self.pid, what: error.to_string() })
    }

    fn walk<M: Memory>(
        &self,
        copied: &Copied,
        image: &M,
        options: &CaptureOptions,
    ) -> Result<(WalkResult, CaptureInfo), RemoteError> {
        let (minor, micro) = (self.version.minor, self.version.micro);
        let fault = |error| self.fault(error);
        let layout = Layout::of(minor).ok_or_else(|| fault(RuntimeError::UnknownVersion { minor }))?;
        let interpreters = interpreters(image, self.runtime, minor, micro).map_err(fault)?;
        let main = interpreters.first().ok_or_else(|| fault(RuntimeError::NoInterpreter))?;
        let (types, class) = known_types(image, &layout, main).map_err(fault)?;
        let regions = copied.image.regions();
        let mappings = regions.iter().map(|region| (region.start, region.end, region.path.as_str()));
        let certain = certain_types(image, &layout, main);
        let c_types_with = |prefixes: &[String]| {
            CTypes::new(CodeFiles::new(mappings.clone(), types.tuple, prefixes), certain.iter().cloned())
        };
        // What `sys` says takes the interpreter's own types alone.
        let c_types = c_types_with(&[]);
        let decoder = Decoder::new(image, layout, types, &c_types, class, options.with_keys);
        let told = decoder.map(|mut decoder| Told::of(image, &mut decoder, main)).unwrap_or_default();
        let c_types = c_types_with(&told.prefixes);
        let decoder = Decoder::new(image, layout, types, &c_types, class, options.with_keys)
            .ok_or_else(|| fault(RuntimeError::Misfit { what: "the type of tuples" }))?;
        let surroundings = InterpreterFacts {
            types,
            c_types: c_types.clone(),
            interpreters: interpreters
                .iter()
                .map(|one| InterpreterRoots { modules: one.modules, threads: one.threads.clone() })
                .collect(),
            package: told.package,
            standard: told.standard,
            standard_modules: told.standard_modules,
            static_namespaces: interpreters
                .iter()
                .flat_map(|one| static_namespaces(image, minor, one))
                .collect::<FxHashMap<u64, u64>>(),
            lru_limit: limit_offset(ObjectKind::LruCache, minor),
            deque_limit: limit_offset(ObjectKind::Deque, minor),
            mapped: regions.iter().filter(|region| region.readable).map(Region::length).sum(),
        };
        let mut source = Outside { image, lists: interpreters.iter().map(|one| one.lists.clone()).collect() };
        let expected = copied.bytes / BYTES_AN_OBJECT;
        // Nothing stands still meanwhile: memory may come as it is written.
        let expected = usize::try_from(expected).unwrap_or(usize::MAX).min(MOST_EXPECTED);
        let most = options.memory.most_bytes.saturating_sub(copied.bytes);
        let no_room = |error: HeapError| RemoteError::NoHeap { pid: self.pid, what: error.to_string() };
        let room = Preallocated::for_objects(expected, Budget::of(most), |_, _| true).map_err(no_room)?;
        let checked = Checked::new(image);
        let walked = Walk::new(&mut source, image, &checked, decoder, room, &surroundings).run();

        let info = CaptureInfo {
            taken_at: copied.taken_at,
            uptime: copied.uptime,
            process: copied.identity.clone(),
            host: self.host.clone(),
            container: self.container.clone(),
            python: self.version.clone(),
            implementation: "cpython".to_owned(),
            program: self.program.clone(),
            method: CaptureMethod::Remote,
            pause: copied.pause.map(|pause| pause.as_nanos() as u64),
            work: options.work,
            memory: memory(copied, image, &walked, minor),
            with_keys: options.with_keys,
            approximate: copied.pause.is_none() && !copied.was_stopped,
            notes: copied.notes.clone(),
            ..CaptureInfo::default()
        };
        Ok((walked, info))
    }

    /// What does not fit, as an error of this process.
    fn fault(&self, error: RuntimeError) -> RemoteError {
        let (pid, version) = (self.pid, self.version.to_string());
        match error {
            RuntimeError::FreeThreaded => RemoteError::FreeThreaded { pid, version },
            RuntimeError::DebugBuild { .. } => RemoteError::DebugBuild { pid, version },
            RuntimeError::Starting => RemoteError::Starting { pid },
            RuntimeError::Finalizing => RemoteError::Finalizing { pid },
            other => RemoteError::OtherLayout { pid, version, what: other.to_string() },
        }
    }
}

/// A process that is not stopped is looked at so often before it is refused.
const TRIES: usize = 5;
/// Memory of a process that there is for each object, at least.
const BYTES_AN_OBJECT: u64 = 80;
/// Preallocated is made for no more objects than these beforehand.
const MOST_EXPECTED: usize = 1 << 28;

/// What resident memory is made of, as far as the copy tells.
fn memory<M: Memory>(copied: &Copied, bytes: &M, walked: &WalkResult, minor: u8) -> MemoryNumbers {
    let image = &copied.image;
    let read = |at: u64| {
        let mut head = [0; Pools::HEAD];
        for (offset, part) in (0..).step_by(8).zip(head.chunks_exact_mut(8)) {
            part.copy_from_slice(&bytes.word(at + offset)?.to_le_bytes());
        }
        Some(head)
    };
    let pools = Pools::count(minor, walked.pools(), read, |start, end| image.resident(start, end));
    let heap = image.regions().iter().find(|region| region.path == "[heap]");
    let mappings = image.regions().iter().filter(|region| region.is_anonymous() && region.path.is_empty());
    let malloc = Malloc::count(
        bytes,
        heap.map(|region| (region.start, region.end)),
        mappings.map(|region| (region.start, region.end)),
    );
    // Every page once, whatever is known to be in it.
    let page = |at: u64| at / 4096 * 4096;
    let buffers = walked.buffers().iter().map(|&(start, size)| (page(start), start.saturating_add(size)));
    let stacks = copied.threads.iter().filter_map(|thread| thread.stack);
    let mut known: Vec<(u64, u64)> = buffers.chain(stacks).collect();
    known.sort_unstable();
    let (mut sum, mut until) = (0, 0);
    for (start, end) in known {
        let start = start.max(until);
        if start < end {
            sum += image.resident(start, end);
            until = end;
        }
    }
    MemoryNumbers {
        allocator_free: pools.map(Pools::free),
        malloc_in_use: malloc.map(|malloc| malloc.in_use),
        malloc_free: malloc.map(|malloc| malloc.free),
        native_known: Some(sum),
        ..copied.memory
    }
}

/// The copy, as the walk asks for it: the decoder knows all, no code is there to be asked.
struct Outside<'i, M> {
    image: &'i M,
    lists: Vec<GcLists>,
}

impl<M: Memory> HeapAccess for Outside<'_, M> {
    type Memory = M;
    type TypePlan = ();

    const HAS_TRAVERSE: bool = false;

    fn plan(&mut self, _: u64, _: &TypeInfo, _: bool) {}

    #[inline]
    fn size(&self, (): &(), info: &TypeInfo, at: u64, decoder: &mut Decoder<'_, M>) -> u64 {
        decoder.size(at, info)
    }

    fn traverse(&self, (): &(), _: u64, _: &mut Vec<u64>) -> Result<(), HeapError> {
        Ok(())
    }

    fn prefetch(&self, _: Option<u64>, _: Option<u64>, _: (u64, u64)) {}

    fn walk_gc_lists(&mut self, _: &[u64], mut visit: impl FnMut(u64)) -> Result<(), String> {
        let mut broken = false;
        for lists in &self.lists {
            broken |= !list_objects(self.image, lists, &mut visit).complete;
        }
        match broken {
            false => Ok(()),
            true => Err(
                "a list of the collector was broken: what it had beyond that and no root reaches is missing"
                    .to_owned(),
            ),
        }
    }
}

/// What `sys` says of the interpreter.
#[derive(Default)]
struct Told {
    standard: Vec<String>,
    prefixes: Vec<String>,
    standard_modules: FxHashSet<String>,
    package: Option<String>,
}

/// More names than `sys` has of its own modules.
const MOST_NAMES: u64 = 4096;

impl Told {
    fn of<M: Memory>(image: &M, decoder: &mut Decoder<'_, M>, interpreter: &Interpreter) -> Self {
        let mut told = Self::default();
        let sys = interpreter.sysdict;
        for name in ["_stdlib_dir", "base_prefix", "base_exec_prefix"] {
            let path = decoder.value_of(sys, name).and_then(|path| decoder.string_at(path));
            if let Some(path) = path {
                told.prefixes.push(path.clone());
                told.standard.push(if name == "_stdlib_dir" { path } else { format!("{path}/lib/python3") });
            }
        }
        // `stdlib_module_names` is there from 3.10 on, a frozenset; before, only what is built in is told.
        for name in ["stdlib_module_names", "builtin_module_names"] {
            let Some(names) = decoder.value_of(sys, name) else { continue };
            for item in items(image, names, name == "stdlib_module_names") {
                told.standard_modules.extend(decoder.string_at(item));
            }
        }
        let module = decoder.value_of(interpreter.modules, "mem_top");
        let dict = module.and_then(|module| decoder.namespace_of_module(module));
        let file = dict.and_then(|dict| decoder.value_of(dict, "__file__"));
        let file = file.and_then(|file| decoder.string_at(file));
        told.package = file.and_then(|file| file.rsplit_once('/').map(|(parent, _)| format!("{parent}/")));
        told
    }
}

/// The items of a set or a tuple.
fn items(image: &impl Memory, at: u64, is_set: bool) -> Vec<u64> {
    let word = |at: u64| image.word(at).unwrap_or(0);
    // What a process can have: sums do not overflow.
    let at = at & (u64::MAX >> 8);
    if !is_set {
        let count = word(at + object::SIZE as u64).min(MOST_NAMES);
        return (0..count).map(|index| word(at + 24 + 8 * index)).collect();
    }
    let mask = word(at + container::SET_MASK as u64);
    let table = word(at + container::SET_TABLE as u64) & (u64::MAX >> 8);
    let slots = mask.saturating_add(1).min(MOST_NAMES);
    (0..slots).map(|index| word(table + 16 * index)).filter(|&item| item != 0).collect()
}
