//! The files that commands write: checked before the work begins, then written atomically.
//!
//! Invariant: a file has mode 0600, appears under its name only when it is complete, and no planted link is followed;
//! see [`memtop_snapshot::write_whole`].

use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// Whether a path stands for standard output, or for standard input: `-`.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Checks whether a file can be written, before a process is paused in vain. Returns whether it will be replaced.
///
/// # Errors
/// If its directory does not exist, or it is a directory itself.
pub(crate) fn check(path: &Path) -> Result<bool, Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let message = format!("cannot write {}: there is no directory {}", path.display(), folder.display());
        return Err(Failure::new(message, "create the directory, or give another path"));
    }
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => {
            let message = format!("cannot write {}: it is a directory", path.display());
            Err(Failure::new(message, "give the path of a file"))
        }
        Ok(_) => Ok(true),
        Err(_) => Ok(false),
    }
}

/// Writes a file atomically. Returns its size in bytes.
///
/// # Errors
/// If it cannot be written. Then an existing file is unchanged.
pub(crate) fn write(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, Failure> {
    Ok(memtop_snapshot::write_whole(path, write)?)
}
