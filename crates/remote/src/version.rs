//! Determines the version of an interpreter by its number or its text.

use memtop_cpython::Layout;
use memtop_heap::PythonVersion;

/// The version in `Py_Version` (`Include/patchlevel.h`): `0x030b07f0` is 3.11.7.
pub(crate) fn of_number(number: u32) -> Option<PythonVersion> {
    let [major, minor, micro, level] = number.to_be_bytes();
    let stage = match level >> 4 {
        0xa => "a",
        0xb => "b",
        0xc => "rc",
        0xf => "",
        _ => return None,
    };
    let suffix = if stage.is_empty() { String::new() } else { format!("{stage}{}", level & 0xf) };
    (major == 3).then_some(PythonVersion { major, minor, micro, suffix })
}

/// The version in the text that the interpreter has composed for `sys.version`, in its memory:
/// `3.9.18 (main, Nov 20 2023, 12:00:00) \n[GCC 12.2.0]`.
pub(crate) fn in_memory(memory: &[u8]) -> Option<PythonVersion> {
    candidates(memory).find_map(|(version, rest)| {
        let line = rest.iter().take(250).position(|&byte| byte == 0 || byte == b'\n')?;
        let is_text = rest.first() == Some(&b' ') && rest[line..].starts_with(b"\n[");
        is_text.then_some(version)
    })
}

/// The version that is a string of its own in the constants of a file: `\0` `3.9.18` `\0`. The
/// lowest, if there are several.
pub(crate) fn among_constants(constants: &[u8]) -> Option<PythonVersion> {
    let alone = candidates(constants).filter(|(_, rest)| rest.first() == Some(&0));
    alone
        .map(|(version, _)| version)
        .filter(|version| matches!(version.major, 2 | 3))
        .min_by_key(|version| (version.major, version.minor, version.micro))
}

/// The texts that look like a version and do not begin within a word, and what follows them.
fn candidates(bytes: &[u8]) -> impl Iterator<Item = (PythonVersion, &[u8])> {
    bytes.windows(2).enumerate().filter_map(move |(at, start)| {
        let begins = matches!(start, b"2." | b"3.") && (at == 0 || !is_word(bytes[at - 1]));
        if !begins {
            return None;
        }
        let rest = &bytes[at + 2..];
        let (minor, rest) = number(rest)?;
        let (micro, rest) = number(rest.strip_prefix(b".")?)?;
        let length = rest.iter().take(8).position(|&byte| !is_word(byte) && byte != b'+')?;
        let (suffix, rest) = rest.split_at(length);
        let suffix = String::from_utf8_lossy(suffix).into_owned();
        Some((PythonVersion { major: start[0] - b'0', minor, micro, suffix }, rest))
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_'
}

/// A decimal number of at most three digits, and what follows it.
fn number(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let digits = bytes.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(&bytes[..digits]).ok()?;
    Some((text.parse().ok()?, &bytes[digits..]))
}

/// Whether the layout of a version is in the tables.
pub(crate) fn is_known(version: &PythonVersion) -> bool {
    version.major == 3 && Layout::of(version.minor).is_some()
}

/// The supported versions as text: `3.8 to 3.15`.
pub(crate) fn known() -> String {
    let known: Vec<u8> = (0..=u8::MAX).filter(|&minor| Layout::of(minor).is_some()).collect();
    match (known.first(), known.last()) {
        (Some(first), Some(last)) => format!("3.{first} to 3.{last}"),
        _ => "none".to_owned(),
    }
}

/// Offsets in `_PyRuntime`, in bytes (`pycore_pystate.h` of 3.8, `pycore_runtime.h` of 3.9.18,
/// 3.10.13, 3.11.7, 3.12.1: `_PyRuntimeState`). Since 3.13, the interpreter publishes them itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RuntimeLayout {
    /// `initialized`, an int.
    pub(crate) initialized: Option<u64>,
    /// `_finalizing`, the thread that finalizes the interpreter.
    pub(crate) finalizing: u64,
    /// `interpreters.head`.
    pub(crate) head: u64,
}

impl RuntimeLayout {
    /// The layout in a minor version of CPython 3 before 3.13.
    pub(crate) fn of(minor: u8) -> Option<Self> {
        match minor {
            8..=10 => Some(Self { initialized: Some(12), finalizing: 16, head: 32 }),
            11 | 12 => Some(Self { initialized: Some(16), finalizing: 24, head: 40 }),
            _ => None,
        }
    }
}

/// The beginning of `_Py_DebugOffsets`, at `_PyRuntime` since 3.13 (`pycore_debug_offsets.h`): a
/// cookie, then words.
pub(crate) const COOKIE: &[u8; 8] = b"xdebugpy";
/// The words of `_Py_DebugOffsets`: `version`, `free_threaded`, `runtime_state.finalizing`,
/// `.interpreters_head`.
pub(crate) mod word {
    pub(crate) const FREE_THREADED: usize = 2;
    pub(crate) const FINALIZING: usize = 4;
    pub(crate) const HEAD: usize = 5;
    /// The number of words that are read.
    pub(crate) const COUNT: usize = 6;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(version: Option<PythonVersion>) -> String {
        version.map_or_else(|| "none".to_owned(), |version| version.to_string())
    }

    #[test]
    fn numbers_are_versions() {
        assert_eq!(text(of_number(0x030b_07f0)), "3.11.7");
        assert_eq!(text(of_number(0x030e_00c2)), "3.14.0rc2");
        assert_eq!(text(of_number(0x020b_07f0)), "none");
        assert_eq!(text(of_number(0x030b_0700)), "none");
    }

    #[test]
    fn texts_are_versions_where_they_are_whole() {
        let memory = b"\x013.7.1 (x)\0\0\x003.9.18 (main, Nov 20 2023, 12:00:00) \n[GCC 12.2.0]\0";
        assert_eq!(text(in_memory(memory)), "3.9.18");
        let conda = b"\x003.10.0rc1+ | packaged by conda-forge | (default) \n[GCC 9]\0";
        assert_eq!(text(in_memory(conda)), "3.10.0rc1+");
        assert_eq!(text(in_memory(b"13.9.18 (main) \n[GCC]")), "none");
        assert_eq!(text(in_memory(b"3.9.")), "none");
        assert_eq!(text(among_constants(b"2.5\0x3.7.4\0\x003.8.18\0")), "3.8.18");
        assert_eq!(text(among_constants(b"\x003.999.1\0")), "none");
    }
}
