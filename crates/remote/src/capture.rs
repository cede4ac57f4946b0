//! Captures the heap of another process: copies its memory while it is stopped, and reads the copy
//! after it was resumed.
//!
//! `memtop-cpython` walks the copy. Invariants: nothing but the memory of the process is used;
//! memory that does not look like CPython's is refused, and damaged objects are counted and
//! reported.

use std::path::Path;
use std::time::Instant;

use memtop_cpython::layout::{container, object};
use memtop_cpython::{
    AnonymousMemory, BLOCK_HEADER, BufferTotals, CTypes, Checked, CodeFiles, Decoder, GcLists, HeapAccess,
    Interpreter, InterpreterFacts, InterpreterRoots, Layout, MappedMemory, Memory, NativeMemory, ObjectKind,
    Preallocated, Resident, RuntimeError, TypeInfo, Walk, WalkResult, certain_types, collector_state,
    interned_bytes, interpreters, known_types, limit_offset, list_objects, static_namespaces,
};
use memtop_heap::{
    Budget, CaptureInfo, CaptureMethod, CollectorState, Heap, HeapError, MallocLibrary, MemoryNumbers,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::RemoteError;
use crate::malloc::Malloc;
use crate::maps::Region;
use crate::options::CaptureOptions;
use crate::ranges::{Ranges, push};
use crate::target::{Copied, Target};

/// Captures the heap of a process.
///
/// The process is stopped for about as long as copying its memory takes. mem_top needs as much
/// memory for the copy, and about 30 bytes per object and 8 per reference for the heap.
///
/// # Errors
/// If there is no such process, or it may not be read, runs no supported CPython, or does not fit
/// into memory.
pub fn capture(pid: u32, options: &CaptureOptions) -> Result<Heap, RemoteError> {
    Target::find(pid)?.capture(options)
}

impl Target {
    /// Captures the heap of this process; see [`capture`].
    ///
    /// # Errors
    /// Those of [`capture`].
    pub fn capture(&self, options: &CaptureOptions) -> Result<Heap, RemoteError> {
        // The memory of a running process may be inconsistent and look like another layout, so it
        // is read again.
        for _ in 1..TRIES {
            match self.attempt(options) {
                Err(RemoteError::OtherLayout { .. }) if !options.pause => {}
                other => return other,
            }
        }
        self.attempt(options)
    }

    /// Captures the heap in a core file; see [`Self::of_core`] for `exe`.
    ///
    /// # Errors
    /// Those of [`Self::of_core`] and of [`capture`].
    pub fn capture_core(
        path: &Path,
        exe: Option<&Path>,
        options: &CaptureOptions,
    ) -> Result<Heap, RemoteError> {
        let start = Instant::now();
        let (target, copied) = Self::of_core_within(path, exe, &options.memory)?;
        target.heap(copied, options, start)
    }

    fn attempt(&self, options: &CaptureOptions) -> Result<Heap, RemoteError> {
        let start = Instant::now();
        let copied = self.copy(&options.copy())?;
        self.heap(copied, options, start)
    }

    fn heap(&self, copied: Copied, options: &CaptureOptions, start: Instant) -> Result<Heap, RemoteError> {
        let (walked, info) = self.walk(&copied, &copied.image, options)?;
        // The copy is not needed any more, and takes as much memory as the process.
        drop(copied);
        self.finish(walked, info, start)
    }

    /// Builds the heap from a copy that is kept. Its bytes are read through `memory`: the copy's
    /// own image, or one with changes, as in the tests with damaged copies.
    ///
    /// # Errors
    /// If `memory` is not that of a supported CPython, or no valid heap can be built from it.
    pub fn heap_of<M: Memory>(
        &self,
        copied: &Copied,
        memory: &M,
        options: &CaptureOptions,
    ) -> Result<Heap, RemoteError> {
        let start = Instant::now();
        let (walked, info) = self.walk(copied, memory, options)?;
        self.finish(walked, info, start)
    }

    fn finish(&self, walked: WalkResult, info: CaptureInfo, start: Instant) -> Result<Heap, RemoteError> {
        let heap = walked.into_heap(info, start);
        heap.map_err(|error| RemoteError::NoHeap { pid: self.pid, what: error.to_string() })
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
        // Reading `sys` needs only the types of the interpreter itself.
        let c_types = c_types_with(&[]);
        let decoder = Decoder::new(image, layout, types, &c_types, class, options.with_keys);
        let sys = decoder.map(|mut decoder| SysFacts::of(image, &mut decoder, main)).unwrap_or_default();
        let c_types = c_types_with(&sys.prefixes);
        let decoder = Decoder::new(image, layout, types, &c_types, class, options.with_keys)
            .ok_or_else(|| fault(RuntimeError::Misfit { what: "the type of tuples" }))?;
        let facts = InterpreterFacts {
            types,
            c_types: c_types.clone(),
            interpreters: interpreters
                .iter()
                .map(|one| InterpreterRoots { modules: one.modules, threads: one.threads.clone() })
                .collect(),
            package: sys.package,
            standard: sys.standard,
            standard_modules: sys.standard_modules,
            static_namespaces: interpreters
                .iter()
                .flat_map(|one| static_namespaces(image, minor, one))
                .collect::<FxHashMap<u64, u64>>(),
            lru_limit: limit_offset(ObjectKind::LruCache, minor),
            deque_limit: limit_offset(ObjectKind::Deque, minor),
            mapped: MappedMemory::new(
                regions.iter().filter(|region| region.readable).map(|region| (region.start, region.end)),
            ),
        };
        let mut source = Outside { image, lists: interpreters.iter().map(|one| one.lists.clone()).collect() };
        let preallocated = self.preallocated(copied, options)?;
        let checked = Checked::new(image);
        let mut walked = Walk::new(&mut source, image, &checked, decoder, preallocated, &facts).run();
        let counted = walked.count_buffers(|start, end| {
            let in_files = copied.image.resident_in_files(start, end);
            Resident { bytes: copied.image.resident(start, end).saturating_add(in_files), in_files }
        });
        let mut memory = memory(copied, image, &walked, counted, minor);
        memory.interned = interpreters
            .iter()
            .filter_map(|one| interned_bytes(image, &layout, &types, one.address, |at| walked.contains(at)))
            .reduce(u64::saturating_add);
        let mut info = self.info(copied, options, memory);
        // To 3.8 interpreters share one collector.
        if let ([one], _) | ([one, ..], 8) = (&interpreters[..], minor) {
            info.collector = collector(image, &one.lists, minor);
        }
        Ok((walked, info))
    }

    /// Memory for the objects that the copy may contain.
    fn preallocated(&self, copied: &Copied, options: &CaptureOptions) -> Result<Preallocated, RemoteError> {
        let expected = copied.bytes / BYTES_PER_OBJECT;
        let expected = usize::try_from(expected).unwrap_or(usize::MAX).min(MOST_EXPECTED);
        let most = options.memory.most_bytes.saturating_sub(copied.bytes);
        // The memory need not be populated, since the process is running again.
        Preallocated::for_objects(expected, Budget::of(most), |_, _| true)
            .map_err(|error| RemoteError::NoHeap { pid: self.pid, what: error.to_string() })
    }

    fn info(&self, copied: &Copied, options: &CaptureOptions, memory: MemoryNumbers) -> CaptureInfo {
        CaptureInfo {
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
            memory,
            with_keys: options.with_keys,
            approximate: copied.pause.is_none() && !copied.was_stopped,
            notes: copied.notes.clone(),
            ..CaptureInfo::default()
        }
    }

    /// Converts an error about the interpreter into an error about this process.
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

/// The state of the collector that has these lists.
fn collector<M: Memory>(image: &M, lists: &GcLists, minor: u8) -> Option<CollectorState> {
    let [youngest, .., permanent] = lists.heads[..] else { return None };
    collector_state(image, youngest, permanent.wrapping_sub(youngest), minor)
}

/// How often a process that is not stopped is read before it is refused.
const TRIES: usize = 5;
/// The fewest bytes of a process's memory per object.
const BYTES_PER_OBJECT: u64 = 80;
/// The most objects for which memory is allocated beforehand.
const MOST_EXPECTED: usize = 1 << 28;

/// The parts of the resident memory, as far as they can be determined from the copy.
fn memory<M: Memory>(
    copied: &Copied,
    bytes: &M,
    walked: &WalkResult,
    counted: BufferTotals,
    minor: u8,
) -> MemoryNumbers {
    let image = &copied.image;
    let regions = image.regions();
    let range = |region: &Region| (region.start, region.end);
    let anonymous: Vec<(u64, u64)> =
        regions.iter().filter(|region| region.is_anonymous()).map(range).collect();
    let unnamed = regions.iter().filter(|region| region.is_anonymous() && region.path.is_empty()).map(range);
    let heap = regions.iter().find(|region| region.path == "[heap]").map(range);
    let malloc = Malloc::count(bytes, heap, unnamed, &|start, end| image.resident(start, end));
    let known = known_ranges(copied, walked);
    let heaps = match &malloc {
        Some(malloc) => malloc.heaps.clone(),
        None => heap.into_iter().collect(),
    };
    let read = |at: u64| {
        let mut header = [0; BLOCK_HEADER];
        // What was left out has no headers.
        let is_copied = !image.is_skipped(at) && bytes.checked(at, &mut header).is_some();
        is_copied.then_some(header)
    };
    let native = NativeMemory::divide(
        &AnonymousMemory {
            minor,
            mappings: &anonymous,
            resident: image.resident_ranges(),
            malloc_heaps: &heaps,
            known: &known,
            held: walked.held(),
        },
        read,
    );
    MemoryNumbers {
        allocator_free: native.pymalloc_free(),
        pymalloc_in_use: native.pymalloc_free().map(|_| native.pymalloc_in_use),
        malloc_in_use: malloc.as_ref().map(|malloc| malloc.in_use + native.malloc_mapped),
        malloc_free: malloc.as_ref().map(|malloc| malloc.free),
        malloc_known: malloc.as_ref().map(|_| native.malloc_known),
        malloc_trimmable: malloc.as_ref().map(|malloc| malloc.trimmable),
        native_known: Some(native.known),
        frame_stacks: (minor >= 11).then_some(native.frame_stacks),
        other_mapped: Some(native.other),
        held: Some(counted.added),
        file_backed: copied.memory.file_backed.map(|bytes| bytes.saturating_sub(counted.in_files)),
        malloc_library: MallocLibrary::of_files(regions.iter().map(|region| region.path.as_str())),
        ..copied.memory
    }
}

/// Memory outside of objects whose user is known: the stacks of frames and threads.
fn known_ranges(copied: &Copied, walked: &WalkResult) -> Ranges {
    let page = |at: u64| at / 4096 * 4096;
    let native = walked.native().iter().map(|&(start, size)| (page(start), start.saturating_add(size)));
    let stacks = copied.threads.iter().filter_map(|thread| thread.stack);
    let mut all: Vec<(u64, u64)> = native.chain(stacks).collect();
    all.sort_unstable();
    let mut known = Ranges::new();
    for (start, end) in all {
        let until = known.last().map_or(0, |last| last.1);
        push(&mut known, start.max(until), end);
    }
    known
}

/// Gives the walk access to the copy. No code of the process can be called, so the decoder computes
/// everything.
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
                "a list of the collector is broken: objects after the break that no root reaches are missing"
                    .to_owned(),
            ),
        }
    }
}

/// Facts about the interpreter from its module `sys`.
#[derive(Default)]
struct SysFacts {
    standard: Vec<String>,
    prefixes: Vec<String>,
    standard_modules: FxHashSet<String>,
    package: Option<String>,
}

/// The most module names that are read from `sys`. It has fewer.
const MOST_NAMES: u64 = 4096;

impl SysFacts {
    fn of<M: Memory>(image: &M, decoder: &mut Decoder<'_, M>, interpreter: &Interpreter) -> Self {
        let mut facts = Self::default();
        let sys = interpreter.sysdict;
        for name in ["_stdlib_dir", "base_prefix", "base_exec_prefix"] {
            let path = decoder.value_of(sys, name).and_then(|path| decoder.string_at(path));
            if let Some(path) = path {
                facts.prefixes.push(path.clone());
                facts.standard.push(if name == "_stdlib_dir" { path } else { format!("{path}/lib/python3") });
            }
        }
        // `stdlib_module_names`, a frozenset, exists since 3.10. Before, only the built-in modules
        // are known.
        for name in ["stdlib_module_names", "builtin_module_names"] {
            let Some(names) = decoder.value_of(sys, name) else { continue };
            for item in items(image, names, name == "stdlib_module_names") {
                facts.standard_modules.extend(decoder.string_at(item));
            }
        }
        let module = decoder.value_of(interpreter.modules, "mem_top");
        let dict = module.and_then(|module| decoder.namespace_of_module(module));
        let file = dict.and_then(|dict| decoder.value_of(dict, "__file__"));
        let file = file.and_then(|file| decoder.string_at(file));
        facts.package = file.and_then(|file| file.rsplit_once('/').map(|(parent, _)| format!("{parent}/")));
        facts
    }
}

/// The items of a set or a tuple.
fn items(image: &impl Memory, at: u64, is_set: bool) -> Vec<u64> {
    let word = |at: u64| image.word(at).unwrap_or(0);
    // No address of a process has the highest bits set. Without them, sums do not overflow.
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
