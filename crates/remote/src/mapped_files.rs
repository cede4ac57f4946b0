//! The files that a process had mapped when it dumped a core file.
//!
//! A core file may come from anyone, and its paths may name any file. So only regular files are
//! opened, and a file is read as memory only if it is a program or library (ELF) that the core file
//! proves to be the mapped one: by its first page, or, if the core file does not contain that page,
//! by its mappings and its dynamic section.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::core_elf::{CoreBytes, PAGE, Piece};
use crate::elf_headers::ElfHeaders;
use crate::error::RemoteError;
use crate::maps::{Region, base};
use crate::rooted::FoundFile;

/// The part of a file's beginning that is compared: a page, which contains the build ID.
const HEAD: usize = PAGE as usize;

/// The files that a process had mapped.
#[derive(Debug, Default)]
pub(crate) struct CoreFiles {
    /// Files that have moved, by the path that they had.
    moved: FxHashMap<String, PathBuf>,
    /// Files that are proved to be the mapped ones.
    proved: FxHashSet<String>,
    /// Files that exist and are not the mapped ones.
    replaced: FxHashSet<String>,
}

impl CoreFiles {
    /// Compares the files with the contents of the core file. `exe` replaces the file of the same
    /// name, or else the program.
    pub(crate) fn new(core: CoreBytes<'_>, program: &str, exe: Option<&Path>) -> Result<Self, RemoteError> {
        let mut files = Self::default();
        let mut given = None;
        let mapped = || core.pieces.iter().filter(|piece| piece.region.is_file());
        if let Some(exe) = exe {
            let unreadable = |source| RemoteError::CoreUnreadable { path: exe.to_owned(), source };
            FoundFile::of(exe).and_then(|found| found.open()).map_err(unreadable)?;
            let name = exe.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let same_name = mapped().map(|piece| &piece.region.path).find(|path| base(path) == name);
            let replaces = same_name.map_or(program, String::as_str);
            files.moved.insert(replaces.to_owned(), exe.to_owned());
            given = Some((exe, replaces));
        }
        let mut by_path: FxHashMap<&str, Vec<&Piece>> = FxHashMap::default();
        for piece in mapped() {
            by_path.entry(&piece.region.path).or_default().push(piece);
        }
        for (path, pieces) in by_path {
            let Some(file) = files.open(path) else { continue };
            if is_same(core, &pieces, &file) {
                files.proved.insert(path.to_owned());
                continue;
            }
            if let Some((exe, file)) = given.filter(|(_, file)| *file == path) {
                return Err(RemoteError::NotItsFile { exe: exe.to_owned(), file: file.to_owned() });
            }
            // Data files are never read, so it does not matter whether they changed.
            if ElfHeaders::of(&file).is_some() || base(path).contains("python") {
                files.replaced.insert(path.to_owned());
            }
        }
        Ok(files)
    }

    /// The file of a mapping, if it is proved to be the mapped one.
    pub(crate) fn file(&self, region: &Region) -> Option<File> {
        if self.is_proved(region) { self.open(&region.path) } else { None }
    }

    /// Whether the file of a mapping is proved to be the mapped one.
    pub(crate) fn is_proved(&self, region: &Region) -> bool {
        self.proved.contains(&region.path)
    }

    /// The paths of files that exist and are not the mapped ones, sorted.
    pub(crate) fn replaced(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.replaced.iter().map(String::as_str).collect();
        paths.sort_unstable();
        paths
    }

    fn open(&self, path: &str) -> Option<File> {
        let path = self.moved.get(path).map_or(Path::new(path), PathBuf::as_path);
        FoundFile::of(path).ok()?.open().ok()
    }
}

/// Whether a file is the one that these pieces map: an ELF file with the first page that is in the
/// core file, or, if that page is not in it, one that fits all the mappings and has the same
/// dynamic section.
fn is_same(core: CoreBytes<'_>, pieces: &[&Piece], file: &File) -> bool {
    let mut now = [0; HEAD];
    let Some(headers_now) = ElfHeaders::of(file).filter(|_| read_from_file(file, 0, &mut now) > 0) else {
        return false;
    };
    let mut firsts = pieces.iter().filter(|piece| piece.region.offset == 0 && piece.length >= HEAD as u64);
    if let Some(first) = firsts.next() {
        let mut then = [0; HEAD];
        if core.file.read_exact_at(&mut then, first.offset).is_err() {
            return false;
        }
        let compared = if first.region.writable { length_of_headers(&now) } else { HEAD };
        return then[..compared] == now[..compared];
    }
    let mapped = pieces.iter().map(|piece| &piece.region);
    headers_now.bias(mapped).is_some_and(|bias| {
        headers_now.has_same_dynamic(file, |within| core.word(bias.wrapping_add(within)).ok())
    })
}

/// The length of the headers at the beginning of an ELF file. The dynamic loader may have written
/// to what follows, if the page is writable (`patchelf` moves `DT_DEBUG` there).
fn length_of_headers(page: &[u8; HEAD]) -> usize {
    const HEADER: usize = 64;
    const PROGRAM_HEADER: usize = 56;
    let count = u16::from_le_bytes([page[56], page[57]]);
    (HEADER + PROGRAM_HEADER * usize::from(count)).min(HEAD)
}

/// Reads from a file as if it were mapped: the rest of its last page is zeros, and nothing follows.
/// Returns the number of bytes.
pub(crate) fn read_from_file(file: &File, mut offset: u64, bytes: &mut [u8]) -> usize {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset) {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                read += length;
                offset = offset.saturating_add(length as u64);
            }
        }
    }
    read.next_multiple_of(PAGE as usize).min(bytes.len())
}
