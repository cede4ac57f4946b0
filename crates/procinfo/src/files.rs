//! Reads the files of `/proc` within limits, because a process chooses how long some of them are.

use std::fs::{self, File};
use std::io::{self, Read};

/// The largest file that is read: enough for some hundred thousand mappings. A process can have
/// millions.
const LONGEST: u64 = 1 << 26;

/// Reads a file of `/proc` as text. Bytes that are not UTF-8 are replaced.
///
/// # Errors
/// If it cannot be read, or is longer than 64 MiB.
pub fn read(path: &str) -> io::Result<String> {
    let text = read_up_to(path, LONGEST)?;
    if text.len() as u64 >= LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{path} is longer than 64 MiB")));
    }
    Ok(text)
}

/// Reads the beginning of a file as text.
pub(crate) fn read_up_to(path: &str, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The names in a directory that are numbers, ascending.
pub(crate) fn numbers(directory: &str) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}
