//! Loading a heap from a snapshot.

use std::path::Path;

use bytes::Bytes;
use memtop_heap::CaptureInfo;

use crate::decode::{Loaded, decode, decode_info};
use crate::error::{Fault, SnapshotError};
use crate::file;
use crate::guard::guarded;
use crate::limits::Limits;
use crate::read_at::{OpenFile, ReadAt};

/// Reads the heap that was saved at `path`.
///
/// # Errors
/// If there is no such file, or it is not a complete and undamaged file of [`crate::save`]: see [`SnapshotError`].
pub fn load(path: &Path) -> Result<Loaded, SnapshotError> {
    load_within(path, &Limits::default())
}

/// Reads the heap like [`load`], within other limits.
///
/// # Errors
/// As [`load`].
pub fn load_within(path: &Path, limits: &Limits) -> Result<Loaded, SnapshotError> {
    let file = OpenFile::new(file::open(path)?);
    read(&file.map_err(|source| SnapshotError::Read { path: path.to_owned(), source })?, path, limits)
}

/// Reads the information about the capture from the snapshot at `path`. The heap is not read, so damage to it is not
/// noticed.
///
/// # Errors
/// As [`load`], except for errors in the heap.
pub fn load_info(path: &Path) -> Result<CaptureInfo, SnapshotError> {
    Ok(load_info_and_size(path)?.0)
}

/// The same, and the memory that the heap takes once it is loaded, in bytes, as far as the file says.
pub(crate) fn load_info_and_size(path: &Path) -> Result<(CaptureInfo, u64), SnapshotError> {
    let file = OpenFile::new(file::open(path)?);
    let file = file.map_err(|source| SnapshotError::Read { path: path.to_owned(), source })?;
    check_file(&file, path)?;
    guarded(|| decode_info(&file, &Limits::default())).map_err(|fault| fault.while_reading(path))
}

/// Reads a heap from the bytes of a file; `name` is the path in errors.
///
/// # Errors
/// As [`load`].
pub fn load_from(bytes: Vec<u8>, name: &Path, limits: &Limits) -> Result<Loaded, SnapshotError> {
    read(&Bytes::from(bytes), name, limits)
}

fn check_file<R: ReadAt>(file: &R, path: &Path) -> Result<(), SnapshotError> {
    check_ends(file).map_err(|problem| match problem {
        FileProblem::NotParquet => SnapshotError::NotParquet { path: path.to_owned() },
        FileProblem::CutShort => SnapshotError::CutShort { path: path.to_owned() },
        FileProblem::Fault(fault) => fault.while_reading(path),
    })
}

fn read<R: ReadAt>(file: &R, path: &Path, limits: &Limits) -> Result<Loaded, SnapshotError> {
    check_file(file, path)?;
    guarded(|| decode(file, limits)).map_err(|fault| fault.while_reading(path))
}

enum FileProblem {
    NotParquet,
    CutShort,
    Fault(Fault),
}

/// A Parquet file begins and ends with the same four bytes.
fn check_ends<R: ReadAt>(file: &R) -> Result<(), FileProblem> {
    const MAGIC: &[u8] = b"PAR1";
    let length = file.len();
    let ends = |start: u64, most: u64| {
        file.read(start, length.min(most)).map_err(|error| FileProblem::Fault(error.into()))
    };
    let head = ends(0, 4)?;
    if head.is_empty() || !MAGIC.starts_with(&head) {
        return Err(FileProblem::NotParquet);
    }
    if length < 12 || ends(length - 4, 4)? != MAGIC {
        return Err(FileProblem::CutShort);
    }
    Ok(())
}
