//! The files that commands write: looked at before the work, then written whole.
//!
//! Invariant: a file is for its owner alone (mode 0600), appears under its name when it is complete, and no planted link
//! is followed; see [`memtop_snapshot::write_whole`].

use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// Whether a file will be replaced. To be asked before a process is stopped for nothing.
///
/// # Errors
/// If the file can surely not be written.
pub(crate) fn check(path: &Path) -> Result<bool, Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let message = format!("{}: there is no directory {}", path.display(), folder.display());
        return Err(Failure::new(message, "make it first, or give another path"));
    }
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => {
            let message = format!("{} is a directory", path.display());
            Err(Failure::new(message, "give the path of the file that is to be written"))
        }
        Ok(_) => Ok(true),
        Err(_) => Ok(false),
    }
}

/// Writes a file whole by `write`; gives its size in bytes.
///
/// # Errors
/// If it cannot be written. Then nothing is left of it, and what stood there stands.
pub(crate) fn write(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, Failure> {
    Ok(memtop_snapshot::write_whole(path, write)?)
}
