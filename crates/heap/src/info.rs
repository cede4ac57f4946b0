//! Information about a capture besides the graph: its time, process and cost, and the process's memory.
//!
//! All fields are plain; an unknown value is `None`, never 0.

use crate::identity::ProcessIdentity;

/// The way in which a heap was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum CaptureMethod {
    /// Built by hand, as in tests.
    #[default]
    Made = 0,
    /// From inside the process.
    InProcess = 1,
    /// From outside, of a stopped process or a core file.
    Remote = 2,
}

impl CaptureMethod {
    /// Every method, by its number.
    pub const ALL: [Self; 3] = [Self::Made, Self::InProcess, Self::Remote];
}

/// The version of an interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PythonVersion {
    /// 3 in 3.11.7.
    pub major: u8,
    /// 11 in 3.11.7.
    pub minor: u8,
    /// 7 in 3.11.7.
    pub micro: u8,
    /// The rest: `rc1`, or nothing.
    pub suffix: String,
}

impl std::fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.micro, self.suffix)
    }
}

/// The library that provides `malloc` in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MallocLibrary {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
    /// jemalloc.
    Jemalloc,
    /// mimalloc.
    Mimalloc,
    /// TCMalloc, of gperftools or of Google.
    Tcmalloc,
}

impl MallocLibrary {
    const ALL: [Self; 5] = [Self::Glibc, Self::Musl, Self::Jemalloc, Self::Mimalloc, Self::Tcmalloc];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
            Self::Jemalloc => "jemalloc",
            Self::Mimalloc => "mimalloc",
            Self::Tcmalloc => "tcmalloc",
        }
    }

    /// The library with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|library| library.name() == name)
    }

    /// The library that provides `malloc` where these files are mapped: a library that replaces the C library's
    /// `malloc` takes precedence over the C library.
    ///
    /// ```
    /// use memtop_heap::MallocLibrary;
    ///
    /// let files = ["/usr/lib/libc.so.6", "/usr/lib/libjemalloc.so.2"];
    /// assert_eq!(MallocLibrary::of_files(files.into_iter()), Some(MallocLibrary::Jemalloc));
    /// ```
    pub fn of_files<'p>(paths: impl Iterator<Item = &'p str>) -> Option<Self> {
        let of = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is = |start: &str| name.starts_with(start);
            match () {
                () if is("libjemalloc") => Some(Self::Jemalloc),
                () if is("libmimalloc") => Some(Self::Mimalloc),
                () if is("libtcmalloc") => Some(Self::Tcmalloc),
                () if is("ld-musl") || is("libc.musl") => Some(Self::Musl),
                () if is("libc.so.6") || is("libc-2.") => Some(Self::Glibc),
                () => None,
            }
        };
        paths.filter_map(of).max_by_key(|&library| library as u8)
    }
}

/// The memory of the process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryNumbers {
    /// Resident memory.
    pub rss: Option<u64>,
    /// The peak of resident memory.
    pub peak_rss: Option<u64>,
    /// Swapped-out memory.
    pub swapped: Option<u64>,
    /// Memory that pymalloc or mimalloc holds free.
    pub allocator_free: Option<u64>,
    /// Memory of malloc that is in use, blocks with a mapping of their own included.
    pub malloc_in_use: Option<u64>,
    /// Memory that malloc holds free.
    pub malloc_free: Option<u64>,
    /// Known memory outside of Python objects: stacks of frames and threads.
    pub native_known: Option<u64>,
    /// Resident pages of mapped files: the program and its libraries.
    pub file_backed: Option<u64>,
    /// Blocks of pymalloc that are in use, by objects or by anything else.
    pub pymalloc_in_use: Option<u64>,
    /// The part of `native_known` that is in blocks of malloc.
    pub malloc_known: Option<u64>,
    /// Native memory that is part of the sizes of objects, beside their own blocks.
    pub held: Option<u64>,
    /// The part of `malloc_free` that `malloc_trim` would return to the system.
    pub malloc_trimmable: Option<u64>,
    /// Stacks of Python frames (`_PyStackChunk`): of threads, and of greenlets that are switched out.
    pub frame_stacks: Option<u64>,
    /// Resident anonymous memory that is in no other number.
    pub other_mapped: Option<u64>,
    /// Interned strings that no object refers to, with the table of all: CPython 3.12 never frees them.
    pub interned: Option<u64>,
    /// The library that provides `malloc`.
    pub malloc_library: Option<MallocLibrary>,
}

/// The state of the garbage collector of the main interpreter. Arrays are by generation, the youngest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorState {
    /// Whether it runs by itself.
    pub enabled: bool,
    /// Whether it was running.
    pub collecting: bool,
    /// Whether `gc.freeze()` has put objects out of its reach.
    pub frozen: bool,
    /// A generation is collected when its count exceeds this. If the first is 0, none is.
    pub thresholds: [i32; 3],
    /// Of the youngest, the objects since its last collection; of the others, the collections of the next younger one.
    pub counts: [i32; 3],
    /// The collections since the interpreter started.
    pub collections: [u64; 3],
    /// The objects that those freed.
    pub collected: [u64; 3],
}

impl CollectorState {
    /// Whether nothing is collected unless the program calls `gc.collect()`.
    #[must_use]
    pub fn is_off(&self) -> bool {
        !self.enabled || self.thresholds[0] == 0
    }

    /// The number of collections of all generations: those that free all garbage.
    #[must_use]
    pub fn full_collections(&self) -> u64 {
        self.collections[2]
    }

    /// The objects that all collections freed.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.collected.iter().fold(0, |sum, &collected| sum.saturating_add(collected))
    }
}

/// Information about a capture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaptureInfo {
    /// The time of the capture, in microseconds since 1970 (UTC).
    pub taken_at: i64,
    /// A monotonic clock, in microseconds, comparable among captures of one process; `None` if unknown.
    pub uptime: Option<u64>,
    /// The captured process.
    pub process: ProcessIdentity,
    /// The host name as seen by whoever captured the process; within a container, usually the container's own.
    pub host: Option<String>,
    /// The container of the process, if it can be named: see [`crate::container`].
    pub container: Option<String>,
    /// The version of its interpreter.
    pub python: PythonVersion,
    /// `cpython`, or another implementation.
    pub implementation: String,
    /// The name of the script or program, without arguments.
    pub program: String,
    /// The way in which it was captured.
    pub method: CaptureMethod,
    /// How long the process was paused, in nanoseconds.
    pub pause: Option<u64>,
    /// How long the whole capture took, in nanoseconds.
    pub duration: Option<u64>,
    /// The units of work that the process had done.
    pub work: Option<f64>,
    /// The process's memory.
    pub memory: MemoryNumbers,
    /// The garbage collector; `None` if its state is unknown, or there are several interpreters, each with its own.
    pub collector: Option<CollectorState>,
    /// True if keys that are not identifiers were kept.
    pub with_keys: bool,
    /// The number of objects that were found but could not be read.
    pub damaged: u64,
    /// The number of references that lead to no object.
    pub dangling: u64,
    /// True if the process kept running while it was captured, so that the graph is approximate.
    pub approximate: bool,
    /// Anything else that a reader should know, one sentence each.
    pub notes: Vec<String>,
}
