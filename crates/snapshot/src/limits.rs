//! The memory that reading a file may take.

/// How much memory reading a file may take. A small file can unfold to a large heap, or say that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes that any file may take.
    pub bytes: u64,
    /// Bytes that it may take besides for each byte of the file.
    pub bytes_per_byte: u64,
}

impl Default for Limits {
    /// 2 GB, and 512 bytes for each byte of the file: some forty times what a real heap needs.
    fn default() -> Self {
        Self { bytes: 2_000_000_000, bytes_per_byte: 512 }
    }
}

impl Limits {
    /// At most so many bytes, however large the file is.
    #[must_use]
    pub fn at_most(bytes: u64) -> Self {
        Self { bytes, bytes_per_byte: 0 }
    }

    pub(crate) fn memory(&self, file: u64) -> u64 {
        self.bytes.saturating_add(self.bytes_per_byte.saturating_mul(file))
    }
}
