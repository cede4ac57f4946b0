//! A [`Heap`] as one Parquet file, and back.
//!
//! A row of the file is an object, with columns that any data tool reads as they stand; `docs/snapshot-format.md`
//! specifies them. What comes back from a file equals what was saved, but for the keys that are no names (see
//! [`SaveOptions::with_keys`]) and the texts that nothing refers to.
//!
//! Invariants: no contents of objects are in a file; nobody sees half a file; whatever a file holds, reading it ends
//! with the heap that was saved or with an error, never with a panic, and within the memory of [`Limits`].
//!
//! It computes nothing about a heap: retained sizes are given by the caller.
//!
//! ```
//! use memtop_heap::testing::graph;
//! use memtop_snapshot::{SaveOptions, load, save};
//!
//! let graph = graph("module:shop -> globals:dict -> sessions:shop.Sessions('sessions')");
//! let path = std::env::temp_dir().join(format!("doc-{}.parquet", std::process::id()));
//! let saved = save(graph.heap(), None, &path, &SaveOptions::default())?;
//! assert!(saved.bytes > 0);
//! assert_eq!(load(&path)?.heap, *graph.heap());
//! # std::fs::remove_file(&path).ok();
//! # Ok::<(), memtop_snapshot::SnapshotError>(())
//! ```
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod error;
mod file;
mod guard;
mod label_text;
mod page_reader;
mod page_writer;
mod parallel;
mod read_at;
mod rows;
mod schema;
mod scratch_file;
mod stored_heap;
mod tables;
mod view;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use memtop_heap::{CaptureInfo, Heap, ObjectId};

use read_at::{OpenFile, ReadAt};

pub use error::SnapshotError;
pub use scratch_file::{ScratchFile, scratch_directory};
pub use stored_heap::StoredHeap;

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// How to save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// Keep the keys that are no names. They are often tokens and addresses of people. Without it, no key is in the
    /// file but string keys that are identifiers, in containers of fewer than 64 keys, and keys of namespaces.
    pub with_keys: bool,
}

/// What was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The size of the file in bytes.
    pub bytes: u64,
}

/// What a file held.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The heap.
    pub heap: Heap,
    /// For each object its retained size in bytes, where it was saved.
    pub retained: Option<Vec<Option<u64>>>,
    /// The format of the file.
    pub format_version: u32,
}

/// How much memory reading a file may take. A small file can unfold to a large heap, or say that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes that any file may take.
    pub bytes: u64,
    /// Bytes that it may take besides for each byte of the file.
    pub bytes_per_byte: u64,
}

impl Default for Limits {
    /// 2 GB, and 512 bytes for each byte of the file: some forty times what a real heap needs.
    fn default() -> Self {
        Self { bytes: 2_000_000_000, bytes_per_byte: 512 }
    }
}

impl Limits {
    /// At most so many bytes, however large the file is.
    #[must_use]
    pub fn at_most(bytes: u64) -> Self {
        Self { bytes, bytes_per_byte: 0 }
    }

    fn memory(&self, file: u64) -> u64 {
        self.bytes.saturating_add(self.bytes_per_byte.saturating_mul(file))
    }
}

/// Saves a heap at `path`, with the retained size of each object where `retained` knows it.
///
/// The file gets mode 0600 and appears under its name only when it is complete; what stood there is replaced.
/// Linear; takes some hundred megabytes while it works, however large the heap is, unless one list is itself so large.
///
/// # Errors
/// If the file cannot be written: see [`SnapshotError`]. Then nothing is left of it, and what stood there stands.
pub fn save(
    heap: &Heap,
    retained: Option<&dyn Fn(ObjectId) -> Option<u64>>,
    path: &Path,
    options: &SaveOptions,
) -> Result<Saved, SnapshotError> {
    Ok(Saved { bytes: file::replace(path, |file| encoded(heap, retained, options, file))? })
}

/// Saves a heap as [`save`] does, but replaces nothing: it gets the first of `names`, paths in one directory, that
/// nothing has when the file is complete. Gives that path too.
///
/// # Errors
/// As [`save`]; also if all names are taken.
pub fn save_new(
    heap: &Heap,
    names: impl Iterator<Item = PathBuf>,
    options: &SaveOptions,
) -> Result<(PathBuf, Saved), SnapshotError> {
    let (path, bytes) = file::create(names, |file| encoded(heap, None, options, file))?;
    Ok((path, Saved { bytes }))
}

fn encoded(
    heap: &Heap,
    retained: Option<&dyn Fn(ObjectId) -> Option<u64>>,
    options: &SaveOptions,
    file: File,
) -> Result<File, error::Fault> {
    let retained: Option<Vec<Option<u64>>> =
        retained.map(|size_of| heap.objects().ids().map(size_of).collect());
    let view = view::View::new(heap, options.with_keys);
    let mut written = encode::encode(&view, retained.as_deref(), BufWriter::new(file))?;
    written.flush()?;
    written.into_inner().map_err(|error| error.into_error().into())
}

/// Writes any file as [`save`] writes a snapshot: with mode 0600, under its name only when it is complete, through no
/// planted link. Gives its size in bytes. What `write` writes is buffered.
///
/// ```
/// let path = std::env::temp_dir().join(format!("doc-{}.txt", std::process::id()));
/// assert_eq!(memtop_snapshot::write_whole(&path, |file| file.write_all(b"an answer"))?, 9);
/// assert_eq!(std::fs::read(&path).ok().as_deref(), Some(b"an answer".as_slice()));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), memtop_snapshot::SnapshotError>(())
/// ```
///
/// # Errors
/// If the file cannot be written, or `write` fails: see [`SnapshotError`]. Then nothing is left of it, and what stood
/// there stands.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, SnapshotError> {
    file::replace(path, |file| buffered(file, write))
}

/// Writes any file as [`save_new`] writes a snapshot, replacing nothing; gives its path.
///
/// # Errors
/// As [`write_whole`]; also if all names are taken.
pub fn write_new(
    names: impl Iterator<Item = PathBuf>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf, SnapshotError> {
    Ok(file::create(names, |file| buffered(file, write))?.0)
}

fn buffered(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<File, error::Fault> {
    let mut buffer = BufWriter::new(file);
    write(&mut buffer)?;
    buffer.flush()?;
    buffer.into_inner().map_err(|error| error.into_error().into())
}

/// Reads the heap that was saved at `path`.
///
/// # Errors
/// If there is no such file, or it is not one that [`save`] made, whole and undamaged: see [`SnapshotError`].
pub fn load(path: &Path) -> Result<Loaded, SnapshotError> {
    load_within(path, &Limits::default())
}

/// As [`load`], within other limits.
///
/// # Errors
/// As [`load`].
pub fn load_within(path: &Path, limits: &Limits) -> Result<Loaded, SnapshotError> {
    let file = OpenFile::new(file::open(path)?);
    read(&file.map_err(|source| SnapshotError::Read { path: path.to_owned(), source })?, path, limits)
}

/// What the snapshot at `path` says of its capture; the heap is not read, and so not known to be undamaged.
///
/// # Errors
/// As [`load`], as far as that is known without reading the heap.
pub fn load_info(path: &Path) -> Result<CaptureInfo, SnapshotError> {
    let file = OpenFile::new(file::open(path)?);
    let file = file.map_err(|source| SnapshotError::Read { path: path.to_owned(), source })?;
    check_file(&file, path)?;
    guard::guarded(|| decode::decode_info(&file, &Limits::default()))
        .map_err(|fault| fault.while_reading(path))
}

/// Reads a heap from the bytes of a file; `name` stands for its path in errors.
///
/// # Errors
/// As [`load`].
pub fn load_from(bytes: Vec<u8>, name: &Path, limits: &Limits) -> Result<Loaded, SnapshotError> {
    read(&bytes::Bytes::from(bytes), name, limits)
}

fn check_file<R: ReadAt>(file: &R, path: &Path) -> Result<(), SnapshotError> {
    check_ends(file).map_err(|problem| match problem {
        Ends::NotParquet => SnapshotError::NotParquet { path: path.to_owned() },
        Ends::CutShort => SnapshotError::CutShort { path: path.to_owned() },
        Ends::Fault(fault) => fault.while_reading(path),
    })
}

fn read<R: ReadAt>(file: &R, path: &Path, limits: &Limits) -> Result<Loaded, SnapshotError> {
    check_file(file, path)?;
    guard::guarded(|| decode::decode(file, limits)).map_err(|fault| fault.while_reading(path))
}

enum Ends {
    NotParquet,
    CutShort,
    Fault(error::Fault),
}

/// A Parquet file begins and ends with the same four bytes.
fn check_ends<R: ReadAt>(file: &R) -> Result<(), Ends> {
    const MAGIC: &[u8] = b"PAR1";
    let length = file.len();
    let ends =
        |start: u64, most: u64| file.read(start, length.min(most)).map_err(|error| Ends::Fault(error.into()));
    let head = ends(0, 4)?;
    if head.is_empty() || !MAGIC.starts_with(&head) {
        return Err(Ends::NotParquet);
    }
    if length < 12 || ends(length - 4, 4)? != MAGIC {
        return Err(Ends::CutShort);
    }
    Ok(())
}
