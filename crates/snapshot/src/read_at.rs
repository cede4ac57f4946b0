//! Positional reads of the bytes of a snapshot, from a file or from memory.

use std::fs::File;
use std::io;
#[cfg(not(unix))]
use std::io::{Read, Seek, SeekFrom};
#[cfg(unix)]
use std::os::unix::fs::FileExt;
#[cfg(not(unix))]
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Bytes that several threads can read at once.
pub(crate) trait ReadAt: Sync {
    /// The number of bytes.
    fn len(&self) -> u64;

    /// Reads `length` bytes from `start` on.
    ///
    /// # Errors
    /// If they cannot be read, or there are fewer.
    fn read(&self, start: u64, length: u64) -> io::Result<Bytes>;
}

/// An open file, read without moving its position, which a forked process shares.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    length: u64,
}

/// An open file. Threads share its position, so they read in turn.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: Mutex<File>,
    length: u64,
}

impl OpenFile {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        #[cfg(not(unix))]
        let file = Mutex::new(file);
        Ok(Self { file, length })
    }
}

impl ReadAt for OpenFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read(&self, start: u64, length: u64) -> io::Result<Bytes> {
        check(start, length, self.length)?;
        #[cfg(unix)]
        {
            let mut bytes = vec![0; length as usize];
            FileExt::read_exact_at(&self.file, &mut bytes, start)?;
            Ok(bytes.into())
        }
        #[cfg(not(unix))]
        self.read_in_turn(start, length)
    }
}

#[cfg(not(unix))]
impl OpenFile {
    fn read_in_turn(&self, start: u64, length: u64) -> io::Result<Bytes> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::with_capacity(length as usize);
        file.by_ref().take(length).read_to_end(&mut bytes)?;
        check(0, length, bytes.len() as u64)?;
        Ok(bytes.into())
    }
}

impl ReadAt for Bytes {
    fn len(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read(&self, start: u64, length: u64) -> io::Result<Bytes> {
        check(start, length, ReadAt::len(self))?;
        Ok(self.slice(start as usize..(start + length) as usize))
    }
}

fn check(start: u64, length: u64, all: u64) -> io::Result<()> {
    match start.checked_add(length).is_some_and(|end| end <= all) {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
