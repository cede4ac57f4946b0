//! Writes the pages of one column into memory, each with its checksum, which the library itself does not write.
//!
//! Invariant: the output is that of the library plus the header's field `crc`: CRC-32 over the page as it is
//! stored in the file, as the Parquet format specifies.

use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Encoding, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::errors::ParquetError;

/// The pages of a column chunk. The column writer owns the page writer, so the bytes are shared.
#[derive(Clone, Default)]
pub(crate) struct Pages(Arc<Mutex<Vec<u8>>>);

impl Pages {
    /// The bytes, once the column is closed.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PageWriter for Pages {
    fn write_page(&mut self, page: CompressedPage) -> Result<PageWriteSpec, ParquetError> {
        let header = header(&page)?;
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spec = PageWriteSpec::new();
        spec.page_type = page.page_type();
        spec.uncompressed_size = page.uncompressed_size() + header.len();
        spec.compressed_size = page.compressed_size() + header.len();
        spec.num_values = page.num_values();
        spec.offset = bytes.len() as u64;
        spec.bytes_written = (header.len() + page.data().len()) as u64;
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(page.data());
        Ok(spec)
    }

    fn close(&mut self) -> Result<(), ParquetError> {
        Ok(())
    }
}

/// A `PageHeader` in Thrift's compact protocol.
fn header(page: &CompressedPage) -> Result<Vec<u8>, ParquetError> {
    let size = |size: usize| {
        i32::try_from(size).map_err(|_| ParquetError::General(format!("a page of {size} bytes is too large")))
    };
    let mut out = Thrift::default();
    out.int(1, page.page_type() as i32);
    out.int(2, size(page.uncompressed_size())?);
    out.int(3, size(page.compressed_size())?);
    out.int(4, crc32fast::hash(page.data()).cast_signed());
    let values = size(page.num_values() as usize)?;
    match page.compressed_page() {
        Page::DataPage { encoding, def_level_encoding, rep_level_encoding, .. } => {
            out.begin(5);
            out.int(1, values);
            out.int(2, number(*encoding)?);
            out.int(3, number(*def_level_encoding)?);
            out.int(4, number(*rep_level_encoding)?);
        }
        Page::DictionaryPage { encoding, .. } => {
            out.begin(7);
            out.int(1, values);
            out.int(2, number(*encoding)?);
        }
        Page::DataPageV2 { .. } => {
            return Err(ParquetError::General("pages of version 2 are not written".to_owned()));
        }
    }
    out.end();
    out.end();
    debug_assert!(matches!(page.page_type(), PageType::DATA_PAGE | PageType::DICTIONARY_PAGE));
    Ok(out.bytes)
}

/// The numbers of the encodings in the format, which differ from those of `Encoding`.
fn number(encoding: Encoding) -> Result<i32, ParquetError> {
    match encoding {
        Encoding::PLAIN => Ok(0),
        Encoding::PLAIN_DICTIONARY => Ok(2),
        Encoding::RLE => Ok(3),
        Encoding::DELTA_BINARY_PACKED => Ok(5),
        Encoding::RLE_DICTIONARY => Ok(8),
        other => Err(ParquetError::General(format!("the encoding {other} is not written"))),
    }
}

#[derive(Default)]
struct Thrift {
    bytes: Vec<u8>,
    last: u8,
}

impl Thrift {
    const I32: u8 = 5;
    const STRUCT: u8 = 12;

    fn field(&mut self, id: u8, kind: u8) {
        self.bytes.push((id - self.last) << 4 | kind);
        self.last = id;
    }

    fn int(&mut self, id: u8, value: i32) {
        self.field(id, Self::I32);
        let mut rest = (value << 1 ^ value >> 31).cast_unsigned();
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    /// Begins a struct. It is the last field of the struct around it, so that its number need not be remembered.
    fn begin(&mut self, id: u8) {
        self.field(id, Self::STRUCT);
        self.last = 0;
    }

    fn end(&mut self) {
        self.bytes.push(0);
    }
}
