//! The small tables of a snapshot, which are in the file's metadata: the information about the capture as plain JSON;
//! texts, types and frames as compressed JSON.
//!
//! Invariant: unknown fields are ignored, so that later versions can add some; numbers of kinds never change their
//! meaning.

use std::collections::BTreeSet;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memtop_heap::{
    CaptureInfo, CaptureMethod, CollectorState, HeapBuilder, MallocLibrary, MemoryNumbers, ObjectId, Origin,
    ProcessIdentity, ProgramImage, PythonVersion, Shape, StringId, Type,
};
use serde::{Deserialize, Serialize};

use crate::error::{Fault, damaged};
use crate::view::View;

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Capture {
    taken_at: i64,
    uptime: Option<u64>,
    pid: u32,
    namespace_pid: Option<u32>,
    process_started: u64,
    boot: String,
    interpreter: u64,
    image: Option<String>,
    host: Option<String>,
    container: Option<String>,
    python: (u8, u8, u8, String),
    implementation: String,
    program: String,
    method: u8,
    pause: Option<u64>,
    duration: Option<u64>,
    work: Option<f64>,
    memory: Memory,
    collector: Option<Collector>,
    with_keys: bool,
    damaged: u64,
    dangling: u64,
    approximate: bool,
    notes: Vec<String>,
    pub(crate) objects: u64,
    pub(crate) references: u64,
    pub(crate) roots: u64,
    pub(crate) has_retained: bool,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Memory {
    rss: Option<u64>,
    peak_rss: Option<u64>,
    swapped: Option<u64>,
    allocator_free: Option<u64>,
    malloc_in_use: Option<u64>,
    malloc_free: Option<u64>,
    native_known: Option<u64>,
    file_backed: Option<u64>,
    pymalloc_in_use: Option<u64>,
    malloc_known: Option<u64>,
    held: Option<u64>,
    malloc_trimmable: Option<u64>,
    frame_stacks: Option<u64>,
    other_mapped: Option<u64>,
    interned: Option<u64>,
    malloc_library: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Collector {
    enabled: bool,
    collecting: bool,
    frozen: bool,
    thresholds: [i32; 3],
    counts: [i32; 3],
    collections: [u64; 3],
    collected: [u64; 3],
}

impl From<CollectorState> for Collector {
    fn from(state: CollectorState) -> Self {
        let CollectorState { enabled, collecting, frozen, thresholds, counts, collections, collected } =
            state;
        Self { enabled, collecting, frozen, thresholds, counts, collections, collected }
    }
}

impl From<Collector> for CollectorState {
    fn from(state: Collector) -> Self {
        let Collector { enabled, collecting, frozen, thresholds, counts, collections, collected } = state;
        Self { enabled, collecting, frozen, thresholds, counts, collections, collected }
    }
}

impl Capture {
    pub(crate) fn of(view: &View<'_>, has_retained: bool) -> Self {
        let (heap, info) = (view.heap, view.heap.info());
        // Each field by name, so that a new field of the heap's must be added here for this to compile.
        let CaptureInfo {
            taken_at,
            uptime,
            process,
            host,
            container,
            python,
            implementation,
            program,
            method,
            pause,
            duration,
            work,
            memory,
            collector,
            with_keys,
            damaged,
            dangling,
            approximate,
            notes,
        } = info.clone();
        let ProcessIdentity { pid, namespace_pid, started, boot, interpreter, image } = process;
        let MemoryNumbers {
            rss,
            peak_rss,
            swapped,
            allocator_free,
            malloc_in_use,
            malloc_free,
            native_known,
            file_backed,
            pymalloc_in_use,
            malloc_known,
            held,
            malloc_trimmable,
            frame_stacks,
            other_mapped,
            interned,
            malloc_library,
        } = memory;
        Self {
            taken_at,
            uptime,
            pid,
            namespace_pid,
            process_started: started,
            boot,
            interpreter,
            image: image.map(|image| image.to_string()),
            host,
            container,
            python: (python.major, python.minor, python.micro, python.suffix),
            implementation,
            program,
            method: method as u8,
            pause,
            duration,
            work,
            memory: Memory {
                rss,
                peak_rss,
                swapped,
                allocator_free,
                malloc_in_use,
                malloc_free,
                native_known,
                file_backed,
                pymalloc_in_use,
                malloc_known,
                held,
                malloc_trimmable,
                frame_stacks,
                other_mapped,
                interned,
                malloc_library: malloc_library.map(|library| library.name().to_owned()),
            },
            collector: collector.map(Collector::from),
            with_keys: with_keys && view.with_keys,
            damaged,
            dangling,
            approximate,
            notes,
            objects: heap.objects().len() as u64,
            references: heap.references().len() as u64,
            roots: heap.roots().len() as u64,
            has_retained,
        }
    }

    pub(crate) fn info(self) -> Result<CaptureInfo, Fault> {
        let (major, minor, micro, suffix) = self.python;
        let memory = self.memory;
        Ok(CaptureInfo {
            taken_at: self.taken_at,
            uptime: self.uptime,
            process: ProcessIdentity {
                pid: self.pid,
                namespace_pid: self.namespace_pid,
                started: self.process_started,
                boot: self.boot,
                interpreter: self.interpreter,
                image: self.image.as_deref().and_then(ProgramImage::parse),
            },
            host: self.host,
            container: self.container,
            python: PythonVersion { major, minor, micro, suffix },
            implementation: self.implementation,
            program: self.program,
            method: *CaptureMethod::ALL
                .get(usize::from(self.method))
                .ok_or_else(|| damaged(format!("unknown capture method {}", self.method)))?,
            pause: self.pause,
            duration: self.duration,
            work: self.work,
            memory: MemoryNumbers {
                rss: memory.rss,
                peak_rss: memory.peak_rss,
                swapped: memory.swapped,
                allocator_free: memory.allocator_free,
                malloc_in_use: memory.malloc_in_use,
                malloc_free: memory.malloc_free,
                native_known: memory.native_known,
                file_backed: memory.file_backed,
                pymalloc_in_use: memory.pymalloc_in_use,
                malloc_known: memory.malloc_known,
                held: memory.held,
                malloc_trimmable: memory.malloc_trimmable,
                frame_stacks: memory.frame_stacks,
                other_mapped: memory.other_mapped,
                interned: memory.interned,
                malloc_library: memory.malloc_library.as_deref().and_then(MallocLibrary::named),
            },
            collector: self.collector.map(CollectorState::from),
            with_keys: self.with_keys,
            damaged: self.damaged,
            dangling: self.dangling,
            approximate: self.approximate,
            notes: self.notes,
        })
    }
}

/// Texts, and the tables that refer to them by number.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tables {
    pub(crate) texts: Vec<String>,
    /// Module, qualified name, origin, shape, the type's own object.
    types: Vec<(u32, u32, u8, u8, Option<u32>)>,
    /// The types that are defined in C, by their position; none if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c_types: Option<BTreeSet<usize>>,
    /// Thread, function, file, line.
    frames: Vec<(u32, u32, u32, u32)>,
}

impl Tables {
    pub(crate) fn of(view: &View<'_>) -> Self {
        let heap = view.heap;
        Self {
            texts: view.texts.iter().map(|&text| heap.text(text).to_owned()).collect(),
            types: heap
                .types()
                .iter()
                .map(|(_, ty)| {
                    let object = ty.object().map(ObjectId::raw);
                    (
                        view.number(ty.module),
                        view.number(ty.qualname),
                        ty.origin as u8,
                        ty.shape as u8,
                        object,
                    )
                })
                .collect(),
            c_types: heap.types().iter().any(|(_, ty)| ty.is_c.is_some()).then(|| {
                let in_c = heap.types().iter().filter(|(_, ty)| ty.is_c == Some(true));
                in_c.map(|(id, _)| id.index()).collect()
            }),
            frames: heap
                .roots()
                .frames()
                .iter()
                .map(|frame| {
                    (
                        view.number(frame.thread),
                        view.number(frame.function),
                        view.number(frame.file),
                        frame.line,
                    )
                })
                .collect(),
        }
    }

    /// Adds the tables to an empty builder.
    pub(crate) fn fill(&self, builder: &mut HeapBuilder) -> Result<(), Fault> {
        for (number, text) in self.texts.iter().enumerate() {
            if builder.string(text).index() != number {
                return Err(damaged("a text is twice in its table, or the first one is not empty"));
            }
        }
        for (position, &(module, qualname, origin, shape, object)) in self.types.iter().enumerate() {
            let (module, qualname) = (self.text(module)?, self.text(qualname)?);
            let ty = Type {
                origin: origin_of(origin)?,
                shape: *Shape::ALL
                    .get(usize::from(shape))
                    .ok_or_else(|| damaged(format!("a type has the unknown shape {shape}")))?,
                is_c: self.c_types.as_ref().map(|types| types.contains(&position)),
                object: None,
                ..Type::new(module, qualname)
            };
            let id = builder.add_type(ty);
            if let Some(object) = object {
                builder.set_type_object(id, object_id(i64::from(object))?);
            }
        }
        for &(thread, function, file, line) in &self.frames {
            let (thread, function, file) =
                (self.text_id(thread)?, self.text_id(function)?, self.text_id(file)?);
            builder.add_frame(memtop_heap::Frame { thread, function, file, line });
        }
        Ok(())
    }

    /// The displayed names of the types, in the order of their handles.
    pub(crate) fn type_names(&self) -> Result<Vec<String>, Fault> {
        let shown = |module: &str, qualname: &str| match module {
            "" | "builtins" => qualname.to_owned(),
            _ => format!("{module}.{qualname}"),
        };
        self.types.iter().map(|&(module, name, ..)| Ok(shown(self.text(module)?, self.text(name)?))).collect()
    }

    pub(crate) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    fn text(&self, number: u32) -> Result<&str, Fault> {
        self.texts
            .get(number as usize)
            .map(String::as_str)
            .ok_or_else(|| damaged(format!("text {number} is missing: there are only {}", self.texts.len())))
    }

    fn text_id(&self, number: u32) -> Result<StringId, Fault> {
        self.text(number).map(|_| StringId::from_index(number as usize))
    }
}

pub(crate) fn origin_of(number: u8) -> Result<Origin, Fault> {
    Origin::ALL.get(usize::from(number)).copied().ok_or_else(|| damaged(format!("unknown origin {number}")))
}

/// A handle from a file. `finish` checks that there is such a row.
pub(crate) fn object_id(id: i64) -> Result<ObjectId, Fault> {
    u32::try_from(id)
        .ok()
        .and_then(ObjectId::from_raw)
        .ok_or_else(|| damaged(format!("{id} is not an object id")))
}

/// Packs JSON for the metadata: zstd in base64.
pub(crate) fn pack(json: &[u8]) -> Result<String, Fault> {
    Ok(STANDARD.encode(zstd::encode_all(json, 9)?))
}

/// Unpacks JSON, up to `limit` bytes, so that a small file cannot unpack to fill the memory.
pub(crate) fn unpack(packed: &str, limit: u64) -> Result<Vec<u8>, Fault> {
    let bytes = STANDARD.decode(packed).map_err(|error| damaged(format!("the tables: {error}")))?;
    let unfold = || -> std::io::Result<Vec<u8>> {
        let mut json = Vec::new();
        zstd::Decoder::with_buffer(bytes.as_slice())?.take(limit.saturating_add(1)).read_to_end(&mut json)?;
        Ok(json)
    };
    let json = unfold().map_err(|error| damaged(format!("the tables: {error}")))?;
    match json.len() as u64 <= limit {
        true => Ok(json),
        false => Err(Fault::TooLarge("tables of names".to_owned(), limit)),
    }
}
