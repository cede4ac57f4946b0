//! Why a snapshot could not be written or read. Each error names the file, says what failed, and hints at a way out.

use std::io;
use std::path::{Path, PathBuf};

use crate::schema::FORMAT;

/// Why a snapshot could not be written or read.
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
        /// What it is instead.
        found: &'static str,
    },
    /// The operating system refused to read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not Parquet.
    #[error("{}: not a Parquet file", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
    },
    /// The file begins as Parquet and does not end so.
    #[error("{}: the file is cut short: its end is missing", path.display())]
    CutShort {
        /// The file.
        path: PathBuf,
    },
    /// A Parquet file that mem_top did not write.
    #[error("{}: a Parquet file, but no snapshot of mem_top", path.display())]
    NotASnapshot {
        /// The file.
        path: PathBuf,
    },
    /// A snapshot of a format that this version does not know.
    #[error("{}: a snapshot of format {found}; this version reads up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// Something in the file is not as it was written.
    #[error("{}: the snapshot is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The heap in the file would take more memory than is allowed.
    #[error("{}: the snapshot says that it holds {what}, more than {limit} bytes of memory allow", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What there is too much of.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The operating system refused to write. Nothing is left of the attempt.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The heap could not be put into Parquet.
    #[error("{}: cannot be written: {what}", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// What the library said.
        what: String,
    },
}

impl SnapshotError {
    /// What the user can do, in a sentence, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotFound { .. } => Some("check the path; a snapshot is made by snapshot.save()"),
            Self::NotAFile { .. } => Some("give the path of one file"),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("a snapshot can be read by the user who made it only (mode 0600)")
            }
            Self::NotParquet { .. } | Self::NotASnapshot { .. } => {
                Some("give a file that was written by snapshot.save() or by the command")
            }
            Self::CutShort { .. } => Some("copy the file again, or take a new snapshot"),
            Self::Newer { .. } => Some("read it with a newer version of mem_top"),
            Self::Damaged { .. } => Some("copy the file again, or take a new snapshot"),
            Self::TooLarge { .. } => Some("the file is damaged, or made to exhaust memory"),
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("the disk is full: free some space, or save elsewhere")
                }
                io::ErrorKind::NotFound => Some("the directory does not exist: create it first"),
                io::ErrorKind::PermissionDenied => Some("save into a directory that you may write to"),
                _ => None,
            },
            Self::Read { .. } | Self::Encode { .. } => None,
        }
    }
}

/// What went wrong within, before it is told of which file.
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
            // A full disk comes through the library as an error of its own, with what the system said inside.
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
