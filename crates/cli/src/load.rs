//! Heaps from files.

use std::path::{Path, PathBuf};

use memtop_heap::Heap;

use crate::failure::Failure;
use crate::progress::Progress;

/// The heap in a file.
///
/// # Errors
/// If it cannot be read, with the reason and a hint.
pub(crate) fn heap(path: &Path) -> Result<Heap, Failure> {
    Ok(memtop_snapshot::load(path)?.heap)
}

/// The heaps in several files, in the order given.
///
/// # Errors
/// If one cannot be read, or is given twice: it would count as a time without growth.
pub(crate) fn heaps(paths: &[PathBuf], progress: &Progress) -> Result<Vec<Heap>, Failure> {
    let real: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    for (place, path) in real.iter().enumerate() {
        if let Some(before) = real[..place].iter().position(|known| known == path) {
            let message = match paths[before] == paths[place] {
                true => format!("{} is given twice", paths[place].display()),
                false => format!("{} and {} are one file", paths[before].display(), paths[place].display()),
            };
            return Err(Failure::new(message, "give each snapshot once"));
        }
    }
    let load = |(index, path): (usize, &PathBuf)| {
        progress.say(format!("loading {} of {} …", index + 1, paths.len()));
        heap(path)
    };
    paths.iter().enumerate().map(load).collect()
}
