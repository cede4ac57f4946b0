//! The file around a snapshot: written beside its name and renamed, so that nobody ever sees half of one.
//!
//! Invariants: the temporary file is created with mode 0600 and O_EXCL, so that nobody else can read it and no planted
//! link is followed; after an error none of it is left. An existing file of the name is replaced as a whole; a symbolic
//! link is replaced and not followed.
//!
//! The crate `tempfile` does not keep these rules: on Linux its files without a name get the mode that the
//! umask leaves, elsewhere it ignores that the name could not be removed, a new name needs a file system with
//! links, and its errors end with the random name.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Fault, SnapshotError};

/// The number of random names that are tried.
const TRIES: usize = 16;

/// Writes a file by `write`; returns its size in bytes.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(File) -> Result<File, Fault>,
) -> Result<u64, SnapshotError> {
    if let Some(found) = fs::symlink_metadata(path).ok().and_then(|found| special_kind(found.file_type())) {
        return Err(SnapshotError::NotAFile { path: path.to_owned(), found });
    }
    let in_place = |source| SnapshotError::Write { path: path.to_owned(), source };
    let (bytes, temporary) = write_beside(path, write)?;
    fs::rename(&temporary.0, path).map_err(in_place)?;
    temporary.keep();
    sync_directory(path);
    Ok(bytes)
}

/// Writes a file by `write` under the first of `names` that is free; returns that name and the size in bytes. The names
/// are in one directory.
pub(crate) fn create(
    mut names: impl Iterator<Item = PathBuf>,
    write: impl FnOnce(File) -> Result<File, Fault>,
) -> Result<(PathBuf, u64), SnapshotError> {
    let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    let mut path = names.find(is_free).ok_or_else(no_name)?;
    let (bytes, temporary) = write_beside(&path, write)?;
    loop {
        match link_new(&temporary.0, &path) {
            Ok(()) => break,
            // Somebody else has taken the name meanwhile.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = names.find(is_free).ok_or_else(no_name)?;
            }
            Err(source) => return Err(SnapshotError::Write { path, source }),
        }
    }
    drop(temporary);
    sync_directory(&path);
    Ok((path, bytes))
}

fn no_name() -> SnapshotError {
    let source = io::Error::new(io::ErrorKind::AlreadyExists, "all possible names are taken");
    SnapshotError::Write { path: PathBuf::from("a new file"), source }
}

/// Gives a complete file a name that is free. A second link fails if the name is taken, which a rename does not. On a
/// file system without links, there is a moment in which somebody else could take the name.
fn link_new(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            fs::rename(temporary, path)
        }
        linked => linked,
    }
}

/// Writes a file by `write` beside a path; returns its size in bytes.
fn write_beside(
    path: &Path,
    write: impl FnOnce(File) -> Result<File, Fault>,
) -> Result<(u64, Temporary), SnapshotError> {
    let in_place = |source| SnapshotError::Write { path: path.to_owned(), source };
    let (file, temporary) = create_beside(path).map_err(in_place)?;
    let file = write(file).map_err(|fault| fault.while_writing(path))?;
    let bytes = file.metadata().map_err(in_place)?.len();
    file.sync_all().map_err(in_place)?;
    Ok((bytes, temporary))
}

/// Makes the name durable, by writing its directory. The file is complete even where that fails.
fn sync_directory(path: &Path) {
    if let Ok(directory) = File::open(directory_of(path)) {
        let _ = directory.sync_all();
    }
}

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> Result<File, SnapshotError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SnapshotError::NotFound { path: path.to_owned() },
        _ => SnapshotError::Read { path: path.to_owned(), source },
    };
    // Checked before it is opened: opening a pipe would wait for its other end.
    let found = fs::metadata(path).map_err(fail)?;
    match special_kind(found.file_type()) {
        Some(found) => Err(SnapshotError::NotAFile { path: path.to_owned(), found }),
        None => File::open(path).map_err(fail),
    }
}

/// The kind of a path that is not a regular file or a link.
fn special_kind(kind: fs::FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() || kind.is_symlink() => None,
        kind if kind.is_dir() => Some("a directory"),
        _ => Some("a device, a pipe or a socket"),
    }
}

/// A file that is removed when dropped, unless it is kept.
struct Temporary(PathBuf);

impl Temporary {
    fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a file for writing and reading that has no name. It has one like `path` for a moment.
pub(crate) fn create_nameless(path: &Path) -> io::Result<File> {
    // If the name cannot be removed here, the guard tries once more.
    let (file, temporary) = create_beside(path)?;
    fs::remove_file(&temporary.0)?;
    temporary.keep();
    Ok(file)
}

fn create_beside(path: &Path) -> io::Result<(File, Temporary)> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"));
    };
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..TRIES {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        // The standard library's own source of randomness. The name must be new, which is checked.
        hidden.push(format!(".{:016x}.tmp", RandomState::new().hash_one(std::process::id())));
        let temporary = directory_of(path).join(hidden);
        let mut options = OpenOptions::new();
        // `create_new` is O_EXCL, which does not follow a link at the end of the path.
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&temporary) {
            Ok(file) => return Ok((file, Temporary(temporary))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
