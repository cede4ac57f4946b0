//! The memory that reading a file may take.

/// A limit on the memory that reading a file may take. A small file can unpack to a large heap, or claim to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The bytes that any file may take.
    pub bytes: u64,
    /// The bytes that it may take in addition, for each byte of the file.
    pub bytes_per_byte: u64,
}

impl Default for Limits {
    /// 2 GB, and 512 bytes for each byte of the file: about forty times what a real heap needs.
    fn default() -> Self {
        Self { bytes: 2_000_000_000, bytes_per_byte: 512 }
    }
}

impl Limits {
    /// A limit that does not depend on the size of the file.
    #[must_use]
    pub fn at_most(bytes: u64) -> Self {
        Self { bytes, bytes_per_byte: 0 }
    }

    pub(crate) fn memory(&self, file: u64) -> u64 {
        self.bytes.saturating_add(self.bytes_per_byte.saturating_mul(file))
    }
}
