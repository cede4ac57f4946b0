//! Reads the pages of one column. Headers, checksums and decompression are handled here and not by the library, because
//! files may be hostile and the library trusts the sizes in headers.
//!
//! Invariant: no allocation is larger than the limit of a page, or than the available bytes can fill; a
//! decoder only gets a number of values that was checked against the bytes that it needs.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type as Physical};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// The pages of a column chunk.
pub(crate) struct Pages {
    rest: Bytes,
    physical: Physical,
    compression: Compression,
    /// The number of levels that the chunk must still have.
    values_left: u64,
    /// The most bytes that a page may unpack to.
    limit: usize,
    seen_data: bool,
}

impl Pages {
    /// `chunk` has all bytes of the column chunk; `values` is its claimed number of levels.
    pub(crate) fn new(
        chunk: Bytes,
        physical: Physical,
        compression: Compression,
        values: u64,
        limit: usize,
    ) -> Self {
        Self { rest: chunk, physical, compression, values_left: values, limit, seen_data: false }
    }

    fn unpack(&self, packed: &Bytes, size: usize) -> Result<Bytes> {
        match self.compression {
            Compression::UNCOMPRESSED if packed.len() == size => Ok(packed.clone()),
            Compression::ZSTD(_) => {
                // A page of levels without values is empty, and may be packed as nothing.
                let page = match size {
                    0 => Vec::new(),
                    _ => zstd::bulk::decompress(packed, size)
                        .map_err(|error| error_of(format!("a page cannot be unpacked: {error}")))?,
                };
                match page.len() == size {
                    true => Ok(page.into()),
                    false => Err(error_of("a page is not as long as its header says")),
                }
            }
            _ => Err(error_of("a page has a compression that mem_top does not use")),
        }
    }

    fn next(&mut self) -> Result<Option<Page>> {
        if self.values_left == 0 || self.rest.is_empty() {
            return match self.values_left {
                0 => Ok(None),
                left => Err(error_of(format!("{left} values of a column are missing"))),
            };
        }
        let mut cursor = Cursor { bytes: &self.rest, at: 0 };
        let header = Header::read(&mut cursor)?;
        let start = cursor.at;
        if header.packed > self.rest.len() - start {
            return Err(error_of("a page reaches past the end of its column"));
        }
        if header.unpacked > self.limit {
            return Err(error_of(format!("a page of {} bytes is too large", header.unpacked)));
        }
        let packed = self.rest.slice(start..start + header.packed);
        if header.crc.is_some_and(|crc| crc != crc32fast::hash(&packed)) {
            return Err(error_of("a page does not match its checksum"));
        }
        let buf = self.unpack(&packed, header.unpacked)?;
        let page = match header.kind {
            0 => self.data_page(&header, buf)?,
            2 if !self.seen_data => self.dictionary_page(&header, buf)?,
            other => return Err(error_of(format!("unexpected page of kind {other}"))),
        };
        self.rest = self.rest.slice(start + header.packed..);
        Ok(Some(page))
    }

    fn data_page(&mut self, header: &Header, buf: Bytes) -> Result<Page> {
        let num_values = header.values;
        self.seen_data = true;
        self.values_left = self
            .values_left
            .checked_sub(u64::from(num_values))
            .filter(|_| num_values > 0)
            .ok_or_else(|| error_of("a page has more values than its column, or none"))?;
        let encoding = match header.encoding {
            0 => Encoding::PLAIN,
            2 | 8 => Encoding::RLE_DICTIONARY,
            5 => Encoding::DELTA_BINARY_PACKED,
            other => return Err(error_of(format!("a page has the encoding {other}"))),
        };
        if header.level_encodings != [3, 3] {
            return Err(error_of("the levels of a page have an encoding that mem_top does not use"));
        }
        Ok(Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    }

    fn dictionary_page(&self, header: &Header, buf: Bytes) -> Result<Page> {
        let num_values = header.values;
        let width = match self.physical {
            Physical::INT64 => 8,
            Physical::INT32 | Physical::BYTE_ARRAY => 4,
            _ => return Err(error_of("a column of this type cannot have a dictionary")),
        };
        if num_values as usize > buf.len() / width {
            return Err(error_of("a dictionary has fewer values than its header says"));
        }
        Ok(Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false })
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(error_of("pages are read in order"))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(error_of("pages are read in order"))
    }

    /// The writer ends every page at a record boundary.
    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(self.values_left == 0)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn error_of(what: impl Into<String>) -> ParquetError {
    ParquetError::General(what.into())
}

/// The fields of a `PageHeader` that are needed.
#[derive(Default)]
struct Header {
    kind: i32,
    unpacked: usize,
    packed: usize,
    crc: Option<u32>,
    values: u32,
    encoding: i32,
    level_encodings: [i32; 2],
}

impl Header {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self> {
        let size = |value: i32| usize::try_from(value).map_err(|_| error_of("a page has a negative size"));
        let (mut header, mut last) = (Self { kind: -1, ..Self::default() }, 0);
        while let Some((id, kind)) = cursor.field(&mut last)? {
            match (id, kind) {
                (1, Cursor::I32) => header.kind = cursor.int()?,
                (2, Cursor::I32) => header.unpacked = size(cursor.int()?)?,
                (3, Cursor::I32) => header.packed = size(cursor.int()?)?,
                (4, Cursor::I32) => header.crc = Some(cursor.int()?.cast_unsigned()),
                (5 | 7, Cursor::STRUCT) => {
                    let mut last = 0;
                    while let Some((id, kind)) = cursor.field(&mut last)? {
                        match (id, kind) {
                            (1, Cursor::I32) => header.values = size(cursor.int()?)? as u32,
                            (2, Cursor::I32) => header.encoding = cursor.int()?,
                            (3 | 4, Cursor::I32) => header.level_encodings[id as usize - 3] = cursor.int()?,
                            (_, kind) => cursor.skip(kind, 0)?,
                        }
                    }
                }
                (_, kind) => cursor.skip(kind, 0)?,
            }
        }
        Ok(header)
    }
}

/// A reader of Thrift's compact protocol, as far as page headers need it.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    const I32: u8 = 5;
    const STRUCT: u8 = 12;

    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| error_of("a page's header is cut short"))?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(error_of("a number in a page's header has no end"))
    }

    fn int(&mut self) -> Result<i32> {
        let value = u32::try_from(self.varint()?)
            .map_err(|_| error_of("a number in a page's header is too large"))?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The next field's number and kind; `None` at the end of the struct.
    fn field(&mut self, last: &mut u64) -> Result<Option<(u64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *last = match byte >> 4 {
            0 => self.varint()? >> 1,
            step => *last + u64::from(step),
        };
        Ok(Some((*last, byte & 15)))
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Result<()> {
        if depth > 8 {
            return Err(error_of("a page's header is too deep"));
        }
        match kind {
            1 | 2 => {}
            3 => self.at += 1,
            4..=6 => {
                self.varint()?;
            }
            7 => self.at += 8,
            8 => self.at = self.at.saturating_add(usize::try_from(self.varint()?).unwrap_or(usize::MAX)),
            Self::STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return Err(error_of("a page's header has a field that cannot be skipped")),
        }
        match self.at <= self.bytes.len() {
            true => Ok(()),
            false => Err(error_of("a page's header is cut short")),
        }
    }
}
