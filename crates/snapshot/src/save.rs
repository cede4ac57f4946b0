//! Saving a heap as a snapshot, and any other file in the same safe way.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use memtop_heap::{Heap, ObjectId};

use crate::encode::encode;
use crate::error::{Fault, SnapshotError};
use crate::file;
use crate::view::View;

/// The options of saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// Keep all keys, which are often tokens or personal data. Without it, the only keys in the file are those of
    /// namespaces, and string keys that are identifiers in containers of fewer than 64 keys.
    pub with_keys: bool,
}

/// Facts about a saved file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The size of the file in bytes.
    pub bytes: u64,
}

/// Saves a heap at `path`, with the retained size of each object for which `retained` has one.
///
/// The file gets mode 0600 and appears under its name only when it is complete; an existing file is replaced. Linear;
/// takes about a hundred megabytes while it works, however large the heap is, unless a single list is larger.
///
/// # Errors
/// If the file cannot be written: see [`SnapshotError`]. Then no partial file is left, and an existing file
/// is unchanged.
pub fn save(
    heap: &Heap,
    retained: Option<&dyn Fn(ObjectId) -> Option<u64>>,
    path: &Path,
    options: &SaveOptions,
) -> Result<Saved, SnapshotError> {
    Ok(Saved { bytes: file::replace(path, |file| encoded(heap, retained, options, file))? })
}

/// Saves a heap as [`save`] does, but replaces nothing: the file gets the first of `names`, paths in one
/// directory, that is free when the file is complete. Returns that path too.
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

/// Writes a heap as [`save`] does, to anything: a pipe, say. `name` is what errors call it. What was written before an
/// error is not a snapshot, and is refused when it is read.
///
/// # Errors
/// If it cannot be written.
pub fn save_to(
    heap: &Heap,
    retained: Option<&dyn Fn(ObjectId) -> Option<u64>>,
    to: impl Write + Send,
    name: &Path,
    options: &SaveOptions,
) -> Result<Saved, SnapshotError> {
    let counted = Counted { to, bytes: 0 };
    let written = encoded(heap, retained, options, counted).map_err(|fault| fault.while_writing(name))?;
    Ok(Saved { bytes: written.bytes })
}

/// Counts the bytes that are written to it.
struct Counted<W> {
    to: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn encoded<W: Write + Send>(
    heap: &Heap,
    retained: Option<&dyn Fn(ObjectId) -> Option<u64>>,
    options: &SaveOptions,
    to: W,
) -> Result<W, Fault> {
    let retained: Option<Vec<Option<u64>>> =
        retained.map(|size_of| heap.objects().ids().map(size_of).collect());
    let view = View::new(heap, options.with_keys);
    let mut written = encode(&view, retained.as_deref(), BufWriter::new(to))?;
    written.flush()?;
    written.into_inner().map_err(|error| error.into_error().into())
}

/// Writes any file as [`save`] writes a snapshot: with mode 0600, under its name only when it is complete, without
/// following a planted link. Returns its size in bytes. The output of `write` is buffered.
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
/// If the file cannot be written, or `write` fails: see [`SnapshotError`]. Then no partial file is left, and
/// an existing file is unchanged.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, SnapshotError> {
    file::replace(path, |file| buffered(file, write))
}

/// Writes any file as [`save_new`] writes a snapshot, replacing nothing; returns its path.
///
/// # Errors
/// As [`write_whole`]; also if all names are taken.
pub fn write_new(
    names: impl Iterator<Item = PathBuf>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf, SnapshotError> {
    Ok(file::create(names, |file| buffered(file, write))?.0)
}

fn buffered(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<File, Fault> {
    let mut buffer = BufWriter::new(file);
    write(&mut buffer)?;
    buffer.flush()?;
    buffer.into_inner().map_err(|error| error.into_error().into())
}
