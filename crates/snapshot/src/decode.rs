//! Decodes Parquet into a heap: one row group after the other, its columns in parallel.
//!
//! Invariant: the result is exactly the heap that was encoded, or an error: the digest in the file is compared with the
//! finished heap. Memory is checked against [`Limits`] before it is allocated.

use memtop_heap::{
    CaptureInfo, Flags, Heap, HeapBuilder, Label, LabelKind, Name, Object, ObjectId, Origin, Root, RootKind,
    StringId, TypeId,
};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type};
use rustc_hash::FxHashMap;

use crate::digest::digest;
use crate::encode::{origin_word, root_kind};
use crate::error::{Fault, damaged};
use crate::footer::{Header, check_size, heap_bytes, missing, read_footer, value};
use crate::guard::guarded;
use crate::label_text::{self, Parsed};
use crate::limits::Limits;
use crate::parallel;
use crate::read_at::ReadAt;
use crate::row_group::{Group, Lists};
use crate::schema::{Column, KEY_DIGEST, KEY_TABLES};
use crate::tables::{Tables, object_id, unpack};
use crate::view::View;

/// The most bytes of memory for a byte of the tables: an empty text has three bytes in the file.
const TABLE_BYTES: u64 = 16;
/// The number of labels that are cached by the address of their bytes.
const MOST_SEEN: usize = 1 << 16;
/// The limit of a page is the limit of the file divided by this: several pages are unpacked at a time, and their values
/// take more memory than their bytes.
const PAGE_BYTES: u64 = 8;

/// The contents of a snapshot.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The heap.
    pub heap: Heap,
    /// The retained size of each object in bytes, if it was saved.
    pub retained: Option<Vec<Option<u64>>>,
    /// The format of the file.
    pub format_version: u32,
}

/// The information about the capture in a file, and the memory that the heap takes, in bytes. Only reading the whole file
/// verifies both.
pub(crate) fn decode_info<R: ReadAt>(file: &R, limits: &Limits) -> Result<(CaptureInfo, u64), Fault> {
    let metadata = guarded(|| read_footer(file, limits.memory(file.len())))?;
    let capture = Header::of(&metadata)?.capture;
    let bytes = heap_bytes(capture.objects, capture.references, capture.roots);
    Ok((capture.info()?, bytes))
}

/// Reads the whole file.
pub(crate) fn decode<R: ReadAt>(file: &R, limits: &Limits) -> Result<Loaded, Fault> {
    let limit = limits.memory(file.len());
    let metadata = guarded(|| read_footer(file, limit))?;
    let Header { format_version, capture_json, capture } = Header::of(&metadata)?;
    let needed = |key| value(&metadata, key).ok_or_else(|| missing(key));
    let json = |error: serde_json::Error| damaged(format!("its metadata: {error}"));
    let tables_json = unpack(needed(KEY_TABLES)?, limit / TABLE_BYTES)?;
    let tables: Tables = serde_json::from_slice(&tables_json).map_err(json)?;

    let (objects, references, roots) = (capture.objects, capture.references, capture.roots);
    check_size(&metadata, objects, references, roots, limit)?;
    let has_retained = capture.has_retained;
    let mut builder = HeapBuilder::new(capture.info()?);
    tables.fill(&mut builder)?;
    builder.reserve(objects as usize, references as usize);
    let mut reader = Rows {
        texts: tables
            .texts
            .iter()
            .zip(0..)
            .map(|(text, index)| (text.as_str(), StringId::from_index(index)))
            .collect(),
        types: TypesByName::new(&tables)?,
        frames: tables.frame_count(),
        builder,
        roots: Vec::new(),
        retained: has_retained.then(Vec::new),
    };
    for group in metadata.row_groups() {
        let group =
            Group { file, metadata: group, limit: usize::try_from(limit / PAGE_BYTES).unwrap_or(usize::MAX) };
        reader.add(&group)?;
    }
    let Rows { mut builder, mut roots, retained, .. } = reader;
    roots.sort_by_key(|&(number, _)| number);
    for (number, (stored, root)) in (0..).zip(roots) {
        if stored != number {
            return Err(damaged(format!("root {number} is missing")));
        }
        builder.add_root(root);
    }
    let heap = builder.finish().map_err(|error| damaged(error.to_string()))?;
    let found = digest(&View::new(&heap, true), retained.as_deref(), capture_json.as_bytes(), &tables_json);
    if format!("{found:08x}") != needed(KEY_DIGEST)? {
        return Err(damaged("its contents do not match its digest"));
    }
    Ok(Loaded { heap, retained, format_version })
}

/// The rows so far, and the tables that they refer to.
struct Rows<'a> {
    texts: FxHashMap<&'a str, StringId>,
    types: TypesByName,
    frames: usize,
    builder: HeapBuilder,
    roots: Vec<(i64, Root)>,
    retained: Option<Vec<Option<u64>>>,
}

/// The types of each name; `places` has the index of a name in `types`.
struct TypesByName {
    places: FxHashMap<String, i64>,
    types: Vec<Vec<TypeId>>,
}

impl TypesByName {
    fn new(tables: &Tables) -> Result<Self, Fault> {
        let mut new = Self { places: FxHashMap::default(), types: Vec::new() };
        for (index, name) in tables.type_names()?.into_iter().enumerate() {
            let place = *new.places.entry(name).or_insert(new.types.len() as i64);
            if place as usize == new.types.len() {
                new.types.push(Vec::new());
            }
            new.types[place as usize].push(TypeId::from_index(index));
        }
        Ok(new)
    }
}

/// The values of a column.
enum Read {
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
    MaybeNumbers(Vec<Option<i64>>),
    MaybeTexts(Vec<Option<ByteArray>>),
    NumberLists(Lists<Option<i64>>),
    LabelLists(Lists<Label>),
    TextLists(Lists<Option<ByteArray>>),
}

/// The columns of a group, from which each is taken once, with the type that it must have.
struct Taken(Vec<Option<Read>>);

macro_rules! take {
    ($($name:ident: $kind:ident($type:ty),)*) => {
        impl Taken {
            $(fn $name(&mut self, column: Column) -> Result<$type, Fault> {
                match self.0[column as usize].take() {
                    Some(Read::$kind(values)) => Ok(values),
                    _ => Err(damaged(format!("the column {} has the wrong type", column.path()))),
                }
            })*
        }
    };
}

take! {
    numbers: Numbers(Vec<i64>),
    flags: Flags(Vec<bool>),
    maybe_numbers: MaybeNumbers(Vec<Option<i64>>),
    maybe_texts: MaybeTexts(Vec<Option<ByteArray>>),
    number_lists: NumberLists(Lists<Option<i64>>),
    label_lists: LabelLists(Lists<Label>),
    text_lists: TextLists(Lists<Option<ByteArray>>),
}

impl Rows<'_> {
    /// Adds the rows of a group.
    fn add<R: ReadAt>(&mut self, group: &Group<'_, R>) -> Result<(), Fault> {
        let first = self.builder.object_count();
        let columns = parallel::run(Column::ALL.len(), group.size(), |index| {
            guarded(|| {
                self.read(group, Column::ALL[index]).map_err(|fault| in_column(Column::ALL[index], fault))
            })
        });
        let mut taken = Taken(columns.into_iter().map(|column| column.map(Some)).collect::<Result<_, _>>()?);
        self.add_objects(&mut taken)?;
        self.add_names(&mut taken, first)?;
        self.add_references(&mut taken, first)?;
        self.add_roots(&mut taken, first)
    }

    fn add_objects(&mut self, taken: &mut Taken) -> Result<(), Fault> {
        let ids = taken.numbers(Column::Id)?;
        let addresses = taken.numbers(Column::Address)?;
        let (types, numbers) = (taken.numbers(Column::Type)?, taken.numbers(Column::TypeNumber)?);
        let (sizes, refcounts) = (taken.numbers(Column::Size)?, taken.numbers(Column::Refcount)?);
        let flags = [
            (taken.flags(Column::Tracked)?, Flags::TRACKED),
            (taken.flags(Column::Garbage)?, Flags::GARBAGE),
            (taken.flags(Column::Immortal)?, Flags::IMMORTAL),
            (taken.flags(Column::Own)?, Flags::OWN),
        ];
        let tags = taken.numbers(Column::Mark)?;
        for (row, &id) in ids.iter().enumerate() {
            if id != self.builder.object_count() as i64 {
                return Err(damaged(format!("object {id} is in row {}", self.builder.object_count())));
            }
            let ty =
                usize::try_from(numbers[row]).ok().and_then(|n| self.types.types[types[row] as usize].get(n));
            let ty =
                *ty.ok_or_else(|| damaged(format!("object {id} has a type that is not in the tables")))?;
            let refcount = u32::try_from(refcounts[row]).map_err(|_| {
                damaged(format!("object {id} has the invalid reference count {}", refcounts[row]))
            })?;
            let tag = u8::try_from(tags[row]).ok().filter(|&tag| tag < 16);
            let tag =
                tag.ok_or_else(|| damaged(format!("object {id} has the invalid mark {}", tags[row])))?;
            let set = flags.iter().filter(|(column, _)| column[row]);
            self.builder.add_object(Object {
                address: addresses[row].cast_unsigned(),
                ty,
                size: sizes[row].cast_unsigned(),
                refcount,
                flags: set.fold(Flags::NONE, |all, &(_, flag)| all | flag).with_tag(tag),
            });
        }
        if let Some(retained) = &mut self.retained {
            let read = taken.maybe_numbers(Column::Retained)?;
            retained.extend(read.into_iter().map(|bytes| bytes.map(i64::cast_unsigned)));
        }
        Ok(())
    }

    fn add_names(&mut self, taken: &mut Taken, first: usize) -> Result<(), Fault> {
        let (names, modules) = (taken.maybe_texts(Column::Name)?, taken.maybe_texts(Column::Module)?);
        for (row, (name, module)) in names.into_iter().zip(modules).enumerate() {
            let (Some(name), Some(module)) = (name, module) else { continue };
            let (name, module) = (name.as_utf8()?, module.as_utf8()?);
            let qualname = match module {
                "" => Some(name),
                _ => name.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')),
            };
            let qualname = qualname
                .ok_or_else(|| damaged(format!("the name {name:?} is not in its module {module:?}")))?;
            let name = Name { module: self.text(module)?, qualname: self.text(qualname)? };
            self.builder.set_name(ObjectId::from_index(first + row), name);
        }
        for (row, limit) in taken.maybe_numbers(Column::ItemLimit)?.into_iter().enumerate() {
            if let Some(limit) = limit {
                self.builder.set_limit(ObjectId::from_index(first + row), limit.cast_unsigned());
            }
        }
        Ok(())
    }

    fn add_references(&mut self, taken: &mut Taken, first: usize) -> Result<(), Fault> {
        let targets = taken.number_lists(Column::ReferentId)?;
        let labels = taken.label_lists(Column::ReferentLabel)?;
        if targets.counts != labels.counts {
            return Err(damaged("its references have different numbers of ids and labels"));
        }
        let mut references = targets.items.into_iter().zip(labels.items);
        for (row, &count) in labels.counts.iter().enumerate() {
            let from = ObjectId::from_index(first + row);
            for (to, label) in references.by_ref().take(count as usize) {
                self.builder.add_reference(from, object_id(to.unwrap_or(-1))?, label);
            }
        }
        Ok(())
    }

    fn add_roots(&mut self, taken: &mut Taken, first: usize) -> Result<(), Fault> {
        let numbers = taken.number_lists(Column::RootNumber)?;
        let kinds = taken.text_lists(Column::RootKind)?;
        let names = taken.text_lists(Column::RootName)?;
        let labels = taken.label_lists(Column::RootLabel)?;
        let origins = taken.text_lists(Column::RootOrigin)?;
        let frames = taken.number_lists(Column::RootFrame)?;
        let counts = [&kinds.counts, &names.counts, &labels.counts, &origins.counts, &frames.counts];
        if counts.into_iter().any(|counts| *counts != numbers.counts) {
            return Err(damaged("its roots have columns of different lengths"));
        }
        let rows = numbers.counts.iter().enumerate();
        let rows = rows.flat_map(|(row, &count)| std::iter::repeat_n(first + row, count as usize));
        for (index, row) in rows.enumerate() {
            let kind = text_of(&kinds.items[index])?;
            let kind: RootKind =
                root_kind(kind).ok_or_else(|| damaged(format!("a root has the unknown kind {kind:?}")))?;
            let origin = text_of(&origins.items[index])?;
            let origin = Origin::ALL
                .into_iter()
                .find(|&known| origin_word(known) == origin)
                .ok_or_else(|| damaged(format!("a root has the unknown origin {origin:?}")))?;
            let name = self.text(text_of(&names.items[index])?)?;
            let mut root = Root::new(kind, name, ObjectId::from_index(row));
            root = root.with_origin(origin).with_label(labels.items[index]);
            if let Some(frame) = frames.items[index] {
                let frame = usize::try_from(frame).ok().filter(|&frame| frame < self.frames);
                let frame = frame.ok_or_else(|| damaged("a root has a frame that is not in the tables"))?;
                root = root.with_frame(memtop_heap::FrameId::from_index(frame));
            }
            self.roots.push((numbers.items[index].unwrap_or(-1), root));
        }
        Ok(())
    }

    fn text(&self, text: &str) -> Result<StringId, Fault> {
        self.texts.get(text).copied().ok_or_else(|| damaged("a name is not in the tables"))
    }

    fn label(&self, written: &[u8]) -> Result<Label, Fault> {
        let written = std::str::from_utf8(written).map_err(|_| damaged("a label is not valid UTF-8"))?;
        let parsed =
            label_text::read(written).ok_or_else(|| damaged(format!("{written:?} is not a label")))?;
        Ok(match parsed {
            Parsed::Plain(label) => label,
            Parsed::Named(kind, text) => {
                let text = self.text(text)?;
                match kind {
                    LabelKind::Attribute => Label::attribute(text),
                    LabelKind::Key => Label::key(text),
                    LabelKind::KeyText => Label::key_text(text),
                    LabelKind::Local => Label::local(text),
                    _ => Label::closure(text),
                }
            }
        })
    }

    fn read<R: ReadAt>(&self, group: &Group<'_, R>, column: Column) -> Result<Read, Fault> {
        Ok(match column {
            Column::Id | Column::Address | Column::Size | Column::Refcount => {
                Read::Numbers(group.plain::<Int64Type>(column)?)
            }
            Column::TypeNumber => {
                Read::Numbers(group.plain::<Int32Type>(column)?.into_iter().map(i64::from).collect())
            }
            // The first files do not have the column.
            Column::Mark if !group.has(column) => Read::Numbers(vec![0; group.rows()]),
            Column::Mark => {
                Read::Numbers(group.plain::<Int32Type>(column)?.into_iter().map(i64::from).collect())
            }
            Column::Type => {
                let names = group.plain::<ByteArrayType>(column)?;
                let place = |name: &ByteArray| {
                    let name = name.as_utf8()?;
                    let place = self.types.places.get(name).copied();
                    place.ok_or_else(|| damaged(format!("the type {name:?} is not in the tables")))
                };
                Read::Numbers(names.iter().map(place).collect::<Result<_, _>>()?)
            }
            Column::Tracked | Column::Garbage | Column::Immortal | Column::Own => {
                Read::Flags(group.plain::<BoolType>(column)?)
            }
            Column::Retained | Column::ItemLimit => Read::MaybeNumbers(group.optional::<Int64Type>(column)?),
            Column::Root | Column::Name | Column::Module => {
                Read::MaybeTexts(group.optional::<ByteArrayType>(column)?)
            }
            Column::ReferentId | Column::RootNumber | Column::RootFrame => {
                Read::NumberLists(group.lists::<Int64Type>(column)?)
            }
            Column::ReferentLabel | Column::RootLabel => {
                let written = group.lists::<ByteArrayType>(column)?;
                // The values of a dictionary page share their bytes, so that each label is parsed once.
                let mut seen: FxHashMap<(*const u8, usize), Label> = FxHashMap::default();
                Read::LabelLists(written.try_map(|written| {
                    let Some(bytes) = written.as_ref().map(ByteArray::data) else {
                        return Ok(Label::UNLABELLED);
                    };
                    let place = (bytes.as_ptr(), bytes.len());
                    if let Some(&label) = seen.get(&place) {
                        return Ok(label);
                    }
                    let label = self.label(bytes)?;
                    if seen.len() < MOST_SEEN {
                        seen.insert(place, label);
                    }
                    Ok(label)
                })?)
            }
            Column::RootKind | Column::RootName | Column::RootOrigin => {
                Read::TextLists(group.lists::<ByteArrayType>(column)?)
            }
        })
    }
}

fn text_of(text: &Option<ByteArray>) -> Result<&str, Fault> {
    Ok(text.as_ref().ok_or_else(|| damaged("a root has a missing value"))?.as_utf8()?)
}

fn in_column(column: Column, fault: Fault) -> Fault {
    match fault {
        Fault::Parquet(what) | Fault::Damaged(what) => {
            damaged(format!("the column {}: {what}", column.path()))
        }
        other => other,
    }
}
