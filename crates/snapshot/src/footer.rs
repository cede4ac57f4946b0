//! The metadata at the end of a snapshot, and the checks on it before anything else is read.

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::error::{Fault, damaged};
use crate::read_at::ReadAt;
use crate::schema::{FORMAT, KEY_CAPTURE, KEY_FORMAT};
use crate::tables::Capture;

/// The most bytes of memory for a row while its group is read, and for a level of a list.
const ROW_BYTES: u64 = 128;
const LEVEL_BYTES: u64 = 48;
/// The most bytes of memory for a byte of the metadata: an empty row group, for example, has a few bytes in the file.
const METADATA_BYTES: u64 = 64;

/// The value of a key in the metadata.
pub(crate) fn value<'m>(metadata: &'m ParquetMetaData, key: &str) -> Option<&'m str> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
}

pub(crate) fn missing(key: &str) -> Fault {
    damaged(format!("its metadata has no {key}"))
}

/// The part of the metadata that must be known before anything else is read.
pub(crate) struct Header<'m> {
    pub(crate) format_version: u32,
    pub(crate) capture_json: &'m str,
    pub(crate) capture: Capture,
}

impl<'m> Header<'m> {
    pub(crate) fn of(metadata: &'m ParquetMetaData) -> Result<Self, Fault> {
        let format = value(metadata, KEY_FORMAT).ok_or(Fault::NotASnapshot)?;
        let format_version: u32 = format
            .parse()
            .ok()
            .filter(|&format| format > 0)
            .ok_or_else(|| damaged(format!("{format:?} is not a format version")))?;
        if format_version > FORMAT {
            return Err(Fault::Newer(format_version));
        }
        let capture_json = value(metadata, KEY_CAPTURE).ok_or_else(|| missing(KEY_CAPTURE))?;
        let json = |error: serde_json::Error| damaged(format!("its metadata: {error}"));
        Ok(Self { format_version, capture_json, capture: serde_json::from_str(capture_json).map_err(json)? })
    }
}

/// The metadata at the end of the file.
pub(crate) fn read_footer<R: ReadAt>(file: &R, limit: u64) -> Result<ParquetMetaData, Fault> {
    let end = file.len().checked_sub(8).ok_or_else(|| damaged("it has no end"))?;
    let tail = file.read(end, 8)?;
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let start = end.checked_sub(length).ok_or_else(|| damaged("its metadata is longer than the file"))?;
    if length.saturating_mul(METADATA_BYTES) > limit {
        return Err(Fault::TooLarge(format!("{length} bytes of metadata"), limit));
    }
    Ok(ParquetMetaDataReader::decode_metadata(&file.read(start, length)?)?)
}

/// The memory that a heap of so many rows takes, in bytes, at most.
pub(crate) fn heap_bytes(objects: u64, references: u64, roots: u64) -> u64 {
    let bytes = objects.saturating_mul(48).saturating_add(references.saturating_mul(16));
    bytes.saturating_add(roots.saturating_mul(48))
}

/// Checks that the numbers of rows in the metadata are consistent, and that the heap fits into memory.
pub(crate) fn check_size(
    metadata: &ParquetMetaData,
    objects: u64,
    references: u64,
    roots: u64,
    limit: u64,
) -> Result<(), Fault> {
    let too_large = |what: String| Err(Fault::TooLarge(what, limit));
    if heap_bytes(objects, references, roots) > limit {
        return too_large(format!("{objects} objects and {references} references"));
    }
    let mut rows = 0_u64;
    for group in metadata.row_groups() {
        let count =
            u64::try_from(group.num_rows()).map_err(|_| damaged("a group has a negative number of rows"))?;
        rows = rows.saturating_add(count);
        let levels = group.columns().iter().map(|column| column.num_values().max(0).cast_unsigned()).max();
        let levels = levels.unwrap_or(0);
        if count.saturating_mul(ROW_BYTES).saturating_add(levels.saturating_mul(LEVEL_BYTES)) > limit {
            return too_large(format!("{count} rows and {levels} values in one group"));
        }
    }
    match rows == objects {
        true => Ok(()),
        false => Err(damaged(format!("it has {rows} rows for {objects} objects"))),
    }
}
