//! Encodes a heap as Parquet: one row group after the other, its columns in parallel.
//!
//! The output can be any writer. Rows are in the order of their ids.

use std::io::Write;
use std::ops::Range;

use bytes::Bytes;
use memtop_heap::{Flags, Label, Name, ObjectId, Origin, RootId, RootKind};
use parquet::column::writer::{ColumnCloseResult, get_column_writer, get_typed_column_writer};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescPtr;
use rustc_hash::FxHashMap;

use crate::digest::digest;
use crate::error::Fault;
use crate::schema::{self, Column, FORMAT, KEY_CAPTURE, KEY_DIGEST, KEY_FORMAT, KEY_TABLES};
use crate::tables::{Capture, Tables, pack};
use crate::view::View;
use crate::{label_text, parallel};

/// The most objects and references in a row group.
const GROUP_OBJECTS: usize = 1 << 18;
const GROUP_REFERENCES: usize = 1 << 20;

/// Writes the whole file.
pub(crate) fn encode<W: Write + Send>(
    view: &View<'_>,
    retained: Option<&[Option<u64>]>,
    to: W,
) -> Result<W, Fault> {
    let schema = schema::schema();
    let properties: WriterPropertiesPtr = schema::properties()?.into();
    let mut file = SerializedFileWriter::new(to, schema.root_schema_ptr(), properties.clone())?;
    let encoder = Encoder::new(view, retained, schema, properties);
    for rows in groups(view) {
        let mut group = file.next_row_group()?;
        let offsets = view.heap.references().offsets();
        let size = rows.len().max((offsets[rows.end] - offsets[rows.start]) as usize);
        let columns =
            parallel::run(Column::ALL.len(), size, |index| encoder.column(Column::ALL[index], rows.clone()));
        for column in columns {
            let (pages, close) = column?;
            group.append_column(&Bytes::from(pages), close)?;
        }
        group.close()?;
    }
    let json = |error: serde_json::Error| Fault::Parquet(error.to_string());
    let capture = serde_json::to_string(&Capture::of(view, retained.is_some())).map_err(json)?;
    let tables = serde_json::to_vec(&Tables::of(view)).map_err(json)?;
    let digest = digest(view, retained, capture.as_bytes(), &tables);
    for (key, value) in [
        (KEY_FORMAT, FORMAT.to_string()),
        (KEY_CAPTURE, capture),
        (KEY_TABLES, pack(&tables)?),
        (KEY_DIGEST, format!("{digest:08x}")),
    ] {
        file.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
    Ok(file.into_inner()?)
}

/// The rows of each row group.
fn groups(view: &View<'_>) -> Vec<Range<usize>> {
    let offsets = view.heap.references().offsets();
    let objects = view.heap.objects().len();
    let mut groups = Vec::new();
    let mut start = 0;
    while start < objects {
        let enough = offsets[start] as usize + GROUP_REFERENCES;
        let by_references = offsets.partition_point(|&offset| offset as usize <= enough) - 1;
        let end = by_references.clamp(start + 1, objects).min(start + GROUP_OBJECTS);
        groups.push(start..end);
        start = end;
    }
    groups
}

type Encoded = (Vec<u8>, ColumnCloseResult);

fn ids(rows: Range<usize>) -> impl Iterator<Item = ObjectId> {
    rows.map(ObjectId::from_index)
}

struct Encoder<'a> {
    view: &'a View<'a>,
    retained: Option<&'a [Option<u64>]>,
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    type_names: Vec<ByteArray>,
    /// For each type its number among the types of the same name.
    type_numbers: Vec<i32>,
    /// The roots by their object.
    roots: Vec<(ObjectId, RootId)>,
}

impl<'a> Encoder<'a> {
    fn new(
        view: &'a View<'a>,
        retained: Option<&'a [Option<u64>]>,
        schema: SchemaDescPtr,
        properties: WriterPropertiesPtr,
    ) -> Self {
        let types = view.heap.types();
        let mut seen: FxHashMap<&str, i32> = FxHashMap::default();
        let mut number = |name| {
            let next = seen.entry(name).or_default();
            *next += 1;
            *next - 1
        };
        let mut roots: Vec<_> = view.heap.roots().iter().map(|(id, root)| (root.object, id)).collect();
        roots.sort_unstable();
        Self {
            view,
            retained,
            schema,
            properties,
            type_names: types.iter().map(|(id, _)| types.name(id).into()).collect(),
            type_numbers: types.iter().map(|(id, _)| number(types.name(id))).collect(),
            roots,
        }
    }

    fn column(&self, column: Column, rows: Range<usize>) -> Result<Encoded, Fault> {
        match column {
            Column::Id
            | Column::Address
            | Column::Type
            | Column::TypeNumber
            | Column::Size
            | Column::Refcount => self.number_column(column, rows),
            Column::Tracked | Column::Garbage | Column::Immortal | Column::Own | Column::Mark => {
                self.flag_column(column, rows)
            }
            Column::Retained | Column::Root | Column::Name | Column::Module | Column::ItemLimit => {
                self.optional_column(column, rows)
            }
            Column::ReferentId => {
                let references = self.view.heap.references();
                let targets = |id| references.targets_of(id).iter().map(|to| Some(i64::from(to.raw())));
                self.list::<Int64Type, _>(column, ids(rows).map(targets))
            }
            Column::ReferentLabel => self.labels(column, rows),
            Column::RootNumber
            | Column::RootKind
            | Column::RootName
            | Column::RootLabel
            | Column::RootOrigin
            | Column::RootFrame => self.root_column(column, &rows),
        }
    }

    /// A column with one number or type for each object.
    fn number_column(&self, column: Column, rows: Range<usize>) -> Result<Encoded, Fault> {
        let objects = self.view.heap.objects();
        let ids = ids(rows);
        let type_of = |id| objects.type_of(id).index();
        match column {
            Column::Address => {
                self.plain::<Int64Type>(column, ids.map(|id| objects.address(id).cast_signed()))
            }
            Column::Type => {
                self.plain::<ByteArrayType>(column, ids.map(|id| self.type_names[type_of(id)].clone()))
            }
            Column::TypeNumber => {
                self.plain::<Int32Type>(column, ids.map(|id| self.type_numbers[type_of(id)]))
            }
            Column::Size => self.plain::<Int64Type>(column, ids.map(|id| objects.size(id).cast_signed())),
            Column::Refcount => {
                self.plain::<Int64Type>(column, ids.map(|id| i64::from(objects.refcount(id))))
            }
            _ => self.plain::<Int64Type>(column, ids.map(|id| i64::from(id.raw()))),
        }
    }

    /// A column with a flag or the tag of each object.
    fn flag_column(&self, column: Column, rows: Range<usize>) -> Result<Encoded, Fault> {
        let objects = self.view.heap.objects();
        let ids = ids(rows);
        let flag = match column {
            Column::Tracked => Flags::TRACKED,
            Column::Garbage => Flags::GARBAGE,
            Column::Immortal => Flags::IMMORTAL,
            Column::Own => Flags::OWN,
            _ => {
                let tags = ids.map(|id| i32::from(objects.flags(id).tag()));
                return self.plain::<Int32Type>(column, tags);
            }
        };
        self.plain::<BoolType>(column, ids.map(|id| objects.flags(id).contains(flag)))
    }

    /// A column with a value for some objects.
    fn optional_column(&self, column: Column, rows: Range<usize>) -> Result<Encoded, Fault> {
        let heap = self.view.heap;
        let objects = heap.objects();
        match column {
            Column::Retained => {
                let retained = |row| self.retained.and_then(|all: &[Option<u64>]| all[row]);
                self.optional::<Int64Type>(column, rows.map(|row| retained(row).map(u64::cast_signed)))
            }
            Column::Root => {
                let root = |id| self.roots_of(id).first().map(|&(_, root)| heap.roots().get(root));
                let word = |id| root(id).map(|root| root.kind.word().into());
                self.optional::<ByteArrayType>(column, ids(rows).map(word))
            }
            Column::Name => {
                let name = |id| objects.name(id).map(|name| self.full_name(name));
                self.optional::<ByteArrayType>(column, ids(rows).map(name))
            }
            Column::Module => {
                let module = |id| objects.name(id).map(|name| heap.text(name.module).into());
                self.optional::<ByteArrayType>(column, ids(rows).map(module))
            }
            _ => {
                let limit = |id| objects.limit(id).map(u64::cast_signed);
                self.optional::<Int64Type>(column, ids(rows).map(limit))
            }
        }
    }

    fn full_name(&self, name: Name) -> ByteArray {
        let (module, qualname) = (self.view.heap.text(name.module), self.view.heap.text(name.qualname));
        match module {
            "" => qualname.into(),
            _ => ByteArray::from(format!("{module}.{qualname}").into_bytes()),
        }
    }

    /// The labels of the references of each object.
    fn labels(&self, column: Column, rows: Range<usize>) -> Result<Encoded, Fault> {
        let mut written = Written::default();
        let mut list = List::<ByteArrayType>::default();
        for id in ids(rows) {
            let labels = self.view.references(id).map(|one| one.label);
            list.row(labels.map(|label| written.get(self.view, label)), true);
        }
        self.write::<ByteArrayType>(column, &list.values, Some(&list.definitions), Some(&list.repetitions))
    }

    /// A column with a value for each root of each object.
    fn root_column(&self, column: Column, rows: &Range<usize>) -> Result<Encoded, Fault> {
        let heap = self.view.heap;
        let root = |id| heap.roots().get(id);
        match column {
            Column::RootKind => {
                self.roots::<ByteArrayType>(column, rows, |id| Some(root(id).kind.word().into()))
            }
            Column::RootName => {
                self.roots::<ByteArrayType>(column, rows, |id| Some(heap.text(root(id).name).into()))
            }
            Column::RootLabel => self.roots::<ByteArrayType>(column, rows, |id| {
                let label = self.view.root_label(root(id));
                let text = label.text().map_or("", |text| heap.text(text));
                label_text::write(label, text).map(|text| text.into_bytes().into())
            }),
            Column::RootOrigin => {
                self.roots::<ByteArrayType>(column, rows, |id| Some(origin_word(root(id).origin).into()))
            }
            Column::RootFrame => self
                .roots::<Int64Type>(column, rows, |id| root(id).frame().map(|frame| i64::from(frame.raw()))),
            _ => self.roots::<Int64Type>(column, rows, |id| Some(i64::from(id.raw()))),
        }
    }

    fn roots_of(&self, id: ObjectId) -> &[(ObjectId, RootId)] {
        let start = self.roots.partition_point(|&(object, _)| object < id);
        let count = self.roots[start..].iter().take_while(|&&(object, _)| object == id).count();
        &self.roots[start..start + count]
    }

    fn roots<T: DataType>(
        &self,
        column: Column,
        rows: &Range<usize>,
        value: impl Fn(RootId) -> Option<T::T>,
    ) -> Result<Encoded, Fault> {
        let of = |row| self.roots_of(ObjectId::from_index(row)).iter().map(|&(_, root)| value(root));
        self.list::<T, _>(column, rows.clone().map(of))
    }

    fn plain<T: DataType>(
        &self,
        column: Column,
        values: impl Iterator<Item = T::T>,
    ) -> Result<Encoded, Fault> {
        self.write::<T>(column, &values.collect::<Vec<_>>(), None, None)
    }

    fn optional<T: DataType>(
        &self,
        column: Column,
        rows: impl Iterator<Item = Option<T::T>>,
    ) -> Result<Encoded, Fault> {
        let (mut values, mut definitions) = (Vec::new(), Vec::new());
        for value in rows {
            definitions.push(i16::from(value.is_some()));
            values.extend(value);
        }
        self.write::<T>(column, &values, Some(&definitions), None)
    }

    fn list<T: DataType, R: Iterator<Item = Option<T::T>>>(
        &self,
        column: Column,
        rows: impl Iterator<Item = R>,
    ) -> Result<Encoded, Fault> {
        let nullable = self.schema.column(column as usize).max_def_level() == 2;
        let mut list = List::<T>::default();
        for row in rows {
            list.row(row, nullable);
        }
        self.write::<T>(column, &list.values, Some(&list.definitions), Some(&list.repetitions))
    }

    fn write<T: DataType>(
        &self,
        column: Column,
        values: &[T::T],
        definitions: Option<&[i16]>,
        repetitions: Option<&[i16]>,
    ) -> Result<Encoded, Fault> {
        let pages = crate::page_writer::Pages::default();
        let writer = get_column_writer(
            self.schema.column(column as usize),
            self.properties.clone(),
            Box::new(pages.clone()),
        );
        let mut writer = get_typed_column_writer::<T>(writer);
        writer.write_batch(values, definitions, repetitions)?;
        let close = writer.close()?;
        Ok((pages.take(), close))
    }
}

/// The values of a list column, with Parquet's levels. A repetition of 0 begins a row. A definition of 0 is an empty
/// list, of 1 an item (or a null item, if items can be null), of 2 an item that could be null and is not.
struct List<T: DataType> {
    values: Vec<T::T>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

impl<T: DataType> Default for List<T> {
    fn default() -> Self {
        Self { values: Vec::new(), definitions: Vec::new(), repetitions: Vec::new() }
    }
}

impl<T: DataType> List<T> {
    fn row(&mut self, items: impl Iterator<Item = Option<T::T>>, nullable: bool) {
        let mut repetition = 0;
        for item in items {
            self.repetitions.push(repetition);
            self.definitions.push(if nullable { 1 + i16::from(item.is_some()) } else { 1 });
            self.values.extend(item);
            repetition = 1;
        }
        if repetition == 0 {
            self.repetitions.push(0);
            self.definitions.push(0);
        }
    }
}

/// A cache of labels as text.
#[derive(Default)]
struct Written(FxHashMap<Label, Option<ByteArray>>);

impl Written {
    fn get(&mut self, view: &View<'_>, label: Label) -> Option<ByteArray> {
        let written = self.0.entry(label).or_insert_with(|| {
            let text = label.text().map_or("", |text| view.heap.text(text));
            label_text::write(label, text).map(|text| text.into_bytes().into())
        });
        written.clone()
    }
}

/// The words for origins in a file.
pub(crate) fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Unknown => "unknown",
        Origin::Own => "own",
        Origin::Package => "package",
        Origin::Standard => "standard",
    }
}

/// The root kind of a word in a file.
pub(crate) fn root_kind(word: &str) -> Option<RootKind> {
    RootKind::ALL.into_iter().find(|kind| kind.word() == word)
}
