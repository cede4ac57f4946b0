//! Errors of writing and reading snapshots. Each names the file, says what failed, and has a hint where one helps.

use std::io;
use std::path::{Path, PathBuf};

use crate::schema::FORMAT;

/// The reason why a snapshot could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There is no such file.
    #[error("{}: no such file", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The path leads to a directory, a device or a pipe.
    #[error("{}: not a regular file but {found}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// The kind of the path: `a directory`.
        found: &'static str,
    },
    /// The operating system refused to read the file.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is not Parquet.
    #[error("{}: not a Parquet file", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
    },
    /// The file begins as Parquet but does not end so.
    #[error("{}: the file is cut short: its end is missing", path.display())]
    CutShort {
        /// The file.
        path: PathBuf,
    },
    /// A Parquet file that mem_top did not write.
    #[error("{}: a Parquet file, but not a snapshot of mem_top", path.display())]
    NotASnapshot {
        /// The file.
        path: PathBuf,
    },
    /// A snapshot in a format that this version does not know.
    #[error("{}: a snapshot in format {found}; this version of mem_top reads formats up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// The contents of the file are not as they were written.
    #[error("{}: the snapshot is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The damage.
        what: String,
    },
    /// The heap in the file would take more memory than is allowed.
    #[error("{}: the snapshot claims {what}, which would take more than {limit} bytes of memory", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The claimed contents that are too large.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The operating system refused to write. No partial file is left.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The heap could not be encoded as Parquet.
    #[error("{}: cannot be written: {what}", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// The library's error.
        what: String,
    },
}

impl SnapshotError {
    /// The next step for the user, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotFound { .. } => {
                Some("check the path; snapshot.save() or mem_top dump creates a snapshot")
            }
            Self::NotAFile { .. } => Some("give the path of a file"),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("only the user who created a snapshot can read it (mode 0600)")
            }
            Self::NotParquet { .. } | Self::NotASnapshot { .. } => {
                Some("give a file written by snapshot.save() or by mem_top dump")
            }
            Self::CutShort { .. } => Some("copy the file again, or take a new snapshot"),
            Self::Newer { .. } => Some("upgrade mem_top: pip install -U mem_top"),
            Self::Damaged { .. } => Some("copy the file again, or take a new snapshot"),
            Self::TooLarge { .. } => Some("the file is damaged, or was crafted to exhaust memory"),
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("the disk is full: free some space, or save elsewhere")
                }
                io::ErrorKind::NotFound => Some("the directory does not exist: create it first"),
                io::ErrorKind::PermissionDenied => Some("save to a directory in which you may create files"),
                _ => None,
            },
            Self::Read { .. } | Self::Encode { .. } => None,
        }
    }
}

/// An error of which the file is not yet known.
#[derive(Debug)]
pub(crate) enum Fault {
    Damaged(String),
    TooLarge(String, u64),
    Io(io::Error),
    Parquet(String),
    NotASnapshot,
    Newer(u32),
}

pub(crate) fn damaged(what: impl Into<String>) -> Fault {
    Fault::Damaged(what.into())
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<parquet::errors::ParquetError> for Fault {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            // The library wraps the system's error, such as a full disk.
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => Self::Io(*error),
                Err(other) => Self::Parquet(other.to_string()),
            },
            other => Self::Parquet(other.to_string()),
        }
    }
}

impl Fault {
    pub(crate) fn while_reading(self, path: &Path) -> SnapshotError {
        let path = path.to_owned();
        match self {
            Self::Damaged(what) | Self::Parquet(what) => SnapshotError::Damaged { path, what },
            Self::TooLarge(what, limit) => SnapshotError::TooLarge { path, what, limit },
            Self::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                SnapshotError::CutShort { path }
            }
            Self::Io(source) => SnapshotError::Read { path, source },
            Self::NotASnapshot => SnapshotError::NotASnapshot { path },
            Self::Newer(found) => SnapshotError::Newer { path, found, known: FORMAT },
        }
    }

    pub(crate) fn while_writing(self, path: &Path) -> SnapshotError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => SnapshotError::Write { path, source },
            Self::Damaged(what) | Self::Parquet(what) | Self::TooLarge(what, _) => {
                SnapshotError::Encode { path, what }
            }
            Self::NotASnapshot | Self::Newer(_) => unreachable!("a writer reads no version"),
        }
    }
}
