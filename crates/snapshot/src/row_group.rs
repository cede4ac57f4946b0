//! The columns of one row group, as values with Parquet's levels taken out.
//!
//! Invariant: a column is decoded as this version knows it, whatever the file says of it, and no size in the file is
//! used before it is checked.

use bytes::Bytes;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::DataType;
use parquet::file::metadata::RowGroupMetaData;

use crate::error::{Fault, damaged};
use crate::page_reader;
use crate::read_at::ReadAt;
use crate::schema::{self, Column};

/// A row group of a file.
pub(crate) struct Group<'a, R> {
    pub(crate) file: &'a R,
    pub(crate) metadata: &'a RowGroupMetaData,
    /// The most bytes that a page may unpack to.
    pub(crate) limit: usize,
}

/// The items of all rows, and for each row the number of its items.
pub(crate) struct Lists<T> {
    pub(crate) counts: Vec<u32>,
    pub(crate) items: Vec<T>,
}

impl<T> Lists<T> {
    pub(crate) fn try_map<U>(self, map: impl FnMut(T) -> Result<U, Fault>) -> Result<Lists<U>, Fault> {
        Ok(Lists { counts: self.counts, items: self.items.into_iter().map(map).collect::<Result<_, _>>()? })
    }
}

impl<R: ReadAt> Group<'_, R> {
    pub(crate) fn rows(&self) -> usize {
        self.metadata.num_rows() as usize
    }

    /// Its rows, or the items of its longest lists if those are more.
    pub(crate) fn size(&self) -> usize {
        self.metadata.columns().iter().map(|column| column.num_values().max(0) as usize).max().unwrap_or(0)
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.metadata.columns().iter().any(|chunk| chunk.column_path().string() == column.path())
    }

    /// A column with one value in each row.
    pub(crate) fn plain<T: DataType>(&self, column: Column) -> Result<Vec<T::T>, Fault> {
        Ok(self.all::<T>(column)?.values)
    }

    pub(crate) fn optional<T: DataType>(&self, column: Column) -> Result<Vec<Option<T::T>>, Fault> {
        let read = self.all::<T>(column)?;
        let mut values = read.values.into_iter();
        Ok(read.definitions.iter().map(|&level| if level == 1 { values.next() } else { None }).collect())
    }

    /// A column with a list in each row; null items are `None`.
    pub(crate) fn lists<T: DataType>(&self, column: Column) -> Result<Lists<Option<T::T>>, Fault> {
        let read = self.all::<T>(column)?;
        let mut values = read.values.into_iter();
        let mut lists = Lists {
            counts: Vec::with_capacity(self.rows()),
            items: Vec::with_capacity(read.definitions.len()),
        };
        for (&definition, &repetition) in read.definitions.iter().zip(&read.repetitions) {
            if repetition == 0 {
                lists.counts.push(0);
            }
            if definition == 0 {
                continue;
            }
            match lists.counts.last_mut() {
                Some(count) => *count += 1,
                None => return Err(damaged("a list has an item before its row")),
            }
            lists.items.push(if definition == read.most { values.next() } else { None });
        }
        Ok(lists)
    }

    fn all<T: DataType>(&self, column: Column) -> Result<Levels<T>, Fault> {
        let known = schema::schema().column(column as usize);
        let found =
            self.metadata.columns().iter().find(|chunk| chunk.column_path().string() == column.path());
        let chunk = found.ok_or_else(|| damaged("it is missing"))?;
        let description = chunk.column_descr_ptr();
        let (most, repeats) = (known.max_def_level(), known.max_rep_level());
        if description.physical_type() != known.physical_type()
            || description.max_def_level() != most
            || description.max_rep_level() != repeats
        {
            return Err(damaged("it has the wrong type"));
        }
        let levels =
            u64::try_from(chunk.num_values()).map_err(|_| damaged("it has a negative number of values"))?;
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let (start, length) = (u64::try_from(start), u64::try_from(chunk.compressed_size()));
        let (Ok(start), Ok(length)) = (start, length) else {
            return Err(damaged("its position is negative"));
        };
        if start.checked_add(length).is_none_or(|end| end > self.file.len()) {
            return Err(damaged("it reaches past the end of the file"));
        }
        let bytes: Bytes = self.file.read(start, length)?;
        let pages =
            page_reader::Pages::new(bytes, known.physical_type(), chunk.compression(), levels, self.limit);
        // Decoded by this version's schema, whatever the file says of the column.
        let mut reader = ColumnReaderImpl::<T>::new(known, Box::new(pages));
        let mut read = Levels { values: Vec::new(), definitions: Vec::new(), repetitions: Vec::new(), most };
        let rows = self.rows();
        let (records, _, read_levels) = reader.read_records(
            rows,
            (most > 0).then_some(&mut read.definitions),
            (repeats > 0).then_some(&mut read.repetitions),
            &mut read.values,
        )?;
        if records != rows || read_levels as u64 != levels {
            return Err(damaged(format!(
                "it has {records} rows and {read_levels} values, not {rows} and {levels}"
            )));
        }
        Ok(read)
    }
}

/// A column with Parquet's levels: see `encode`.
struct Levels<T: DataType> {
    values: Vec<T::T>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// The definition of a value.
    most: i16,
}
