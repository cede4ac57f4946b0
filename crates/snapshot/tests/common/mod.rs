//! Heaps for the tests: random ones with everything in them that a heap can hold, and a folder for their files.
#![allow(dead_code, clippy::allow_attributes, reason = "each test takes what it needs")]

use std::path::{Path, PathBuf};

use memtop_heap::{
    CaptureInfo, CaptureMethod, CollectorState, Flags, Frame, Heap, HeapBuilder, Label, MallocLibrary,
    MemoryNumbers, Name, Object, ObjectId, Origin, ProcessIdentity, ProgramImage, PythonVersion, Root,
    RootKind, Shape, Type, TypeId,
};

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("memtop-snapshot-{test}-{}", std::process::id()));
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of all files in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("it is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// xorshift64*: random enough, and the same everywhere.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn maybe(&mut self) -> Option<u64> {
        (self.below(3) > 0).then(|| self.next() >> self.below(64))
    }
}

/// Texts that a heap could hold, awkward ones among them.
const TEXTS: &[&str] = &[
    "shop", "Session", "by_token", "__dict__", "user", "it's", "a b", "42", "*", "", "']", "naïve", "ключ",
    "tok-17", "x.y", "key", "a\"b\\", "\u{0}", "<locals>",
];

/// A heap with everything in it, of at most so many objects. Its keys are names, or `with_keys` is set.
pub(crate) fn random_heap(seed: u64, most: usize, with_keys: bool) -> Heap {
    let chance = &mut Chance::new(seed);
    let objects = chance.below(most + 1);
    let mut builder = HeapBuilder::new(info(chance, with_keys));
    let object = |chance: &mut Chance| ObjectId::from_index(chance.below(objects));
    let types = 1 + chance.below(5);
    for _ in 0..types {
        let mut ty = Type::new(TEXTS[chance.below(TEXTS.len())], TEXTS[chance.below(4)]);
        ty.origin = Origin::ALL[chance.below(4)];
        ty.shape = Shape::ALL[chance.below(16)];
        ty.object = (objects > 0 && chance.below(2) == 0).then(|| object(chance));
        builder.add_type(ty);
    }
    for _ in 0..objects {
        let size = if chance.below(50) == 0 { 1 << 40 } else { chance.next() >> (40 + chance.below(24)) };
        let refcount = if chance.below(20) == 0 { u32::MAX } else { chance.below(9) as u32 };
        builder.add_object(Object {
            address: chance.next() >> chance.below(64),
            ty: TypeId::from_index(chance.below(types)),
            size,
            refcount,
            flags: Flags::from_bits(chance.next() as u8),
        });
    }
    let frames = chance.below(3);
    for _ in 0..frames {
        let mut text = || builder.string(TEXTS[chance.below(TEXTS.len())]);
        let (thread, function, file) = (text(), text(), text());
        builder.add_frame(Frame { thread, function, file, line: chance.below(999) as u32 });
    }
    for index in 0..objects {
        let id = ObjectId::from_index(index);
        if chance.below(8) == 0 {
            let module = builder.string(TEXTS[chance.below(TEXTS.len())]);
            let qualname = builder.string(TEXTS[chance.below(TEXTS.len())]);
            builder.set_name(id, Name { module, qualname });
        }
        if chance.below(12) == 0 {
            builder.set_limit(id, chance.next());
        }
        let many = if chance.below(30) == 0 { 90 } else { 6 };
        for place in 0..chance.below(many) {
            let to = object(chance);
            // Without keys, a container of many may not name them.
            let keys = match (with_keys, many > 6) {
                (true, _) => Keys::All,
                (false, true) => Keys::None,
                (false, false) => Keys::Names,
            };
            let label = label(chance, &mut builder, place, keys);
            builder.add_reference(id, to, label);
        }
    }
    if objects > 0 {
        for _ in 0..chance.below(20) {
            let kind = RootKind::ALL[chance.below(9)];
            let name = builder.string(TEXTS[chance.below(TEXTS.len())]);
            let object = object(chance);
            let mut root = Root::new(kind, name, object).with_origin(Origin::ALL[chance.below(4)]);
            if chance.below(3) == 0 {
                let label = label(chance, &mut builder, 0, Keys::Names);
                root = root.with_label(label);
            }
            if frames > 0 && chance.below(2) == 0 {
                root = root.with_frame(memtop_heap::FrameId::from_index(chance.below(frames)));
            }
            builder.add_root(root);
        }
    }
    builder.finish().expect("every handle is one of the heap's")
}

#[derive(Clone, Copy, PartialEq)]
enum Keys {
    None,
    Names,
    All,
}

fn label(chance: &mut Chance, builder: &mut HeapBuilder, place: usize, keys: Keys) -> Label {
    let text = TEXTS[chance.below(TEXTS.len())];
    let identifier = TEXTS[chance.below(5)];
    match chance.below(14) {
        0 => Label::UNLABELLED,
        1 => Label::attribute(builder.string(text)),
        2 if keys == Keys::All => Label::key(builder.string(text)),
        2 if keys == Keys::Names => Label::key(builder.string(identifier)),
        3 if keys == Keys::All => Label::key_text(builder.string(text)),
        2..=4 => Label::ANY_KEY,
        5 => Label::KEY_OBJECT,
        6 => Label::MEMBER,
        7 => Label::local(builder.string(text)),
        8 => Label::closure(builder.string(text)),
        9 => Label::TYPE,
        10 => Label::BASE,
        11 => Label::DICT,
        12 => Label::STORAGE,
        _ => Label::at(place << chance.below(20)),
    }
}

fn info(chance: &mut Chance, with_keys: bool) -> CaptureInfo {
    CaptureInfo {
        taken_at: chance.next().cast_signed(),
        uptime: chance.maybe(),
        process: ProcessIdentity {
            pid: chance.next() as u32,
            namespace_pid: chance.maybe().map(|pid| pid as u32),
            started: chance.next(),
            boot: TEXTS[chance.below(TEXTS.len())].to_owned(),
            interpreter: chance.next(),
            image: chance
                .maybe()
                .map(|layout| ProgramImage { layout, random: chance.maybe().map(|random| random as u32) }),
        },
        host: chance.maybe().map(|text| TEXTS[text as usize % TEXTS.len()].to_owned()),
        container: chance.maybe().map(|text| TEXTS[text as usize % TEXTS.len()].to_owned()),
        python: PythonVersion { major: 3, minor: chance.below(16) as u8, micro: 7, suffix: "rc1".to_owned() },
        implementation: "cpython".to_owned(),
        program: TEXTS[chance.below(TEXTS.len())].to_owned(),
        method: CaptureMethod::ALL[chance.below(3)],
        pause: chance.maybe(),
        duration: chance.maybe(),
        work: chance.maybe().map(|work| work as f64 / 3.0),
        memory: MemoryNumbers {
            rss: chance.maybe(),
            peak_rss: chance.maybe(),
            swapped: chance.maybe(),
            allocator_free: chance.maybe(),
            malloc_in_use: chance.maybe(),
            malloc_free: chance.maybe(),
            native_known: chance.maybe(),
            file_backed: chance.maybe(),
            pymalloc_in_use: chance.maybe(),
            malloc_known: chance.maybe(),
            held: chance.maybe(),
            malloc_trimmable: chance.maybe(),
            frame_stacks: chance.maybe(),
            other_mapped: chance.maybe(),
            interned: chance.maybe(),
            malloc_library: chance.maybe().map(|_| MallocLibrary::Jemalloc),
        },
        collector: chance.maybe().map(|_| CollectorState {
            enabled: chance.below(2) == 0,
            collecting: chance.below(2) == 0,
            frozen: chance.below(2) == 0,
            thresholds: [0; 3].map(|_: i32| chance.next() as i32),
            counts: [0; 3].map(|_: i32| chance.next() as i32),
            collections: [0; 3].map(|_: u64| chance.next()),
            collected: [0; 3].map(|_: u64| chance.next()),
        }),
        with_keys,
        damaged: chance.next(),
        dangling: chance.next(),
        approximate: chance.below(2) == 0,
        notes: TEXTS[..chance.below(4)].iter().map(|&text| text.to_owned()).collect(),
    }
}

/// The same file with a column that no version knows.
pub(crate) fn with_a_column_more(file: &[u8]) -> Vec<u8> {
    use std::sync::Arc;

    use parquet::column::writer::ColumnCloseResult;
    use parquet::data_type::Int32Type;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::types::Type;

    let file = bytes::Bytes::copy_from_slice(file);
    let reader = SerializedFileReader::new(file.clone()).expect("it is a Parquet file");
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema();
    let mut fields = schema.get_fields().to_vec();
    let more = Type::primitive_type_builder("later", parquet::basic::Type::INT32)
        .with_repetition(parquet::basic::Repetition::REQUIRED);
    fields.push(Arc::new(more.build().expect("a column")));
    let schema = Type::group_type_builder("snapshot").with_fields(fields).build().expect("a schema");
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Default::default()).expect("a writer");
    for group in metadata.row_groups() {
        let mut into = writer.next_row_group().expect("a group");
        for column in group.columns() {
            let close = ColumnCloseResult {
                bytes_written: column.compressed_size() as u64,
                rows_written: group.num_rows() as u64,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            into.append_column(&file, close).expect("a column");
        }
        let mut column = into.next_column().expect("a column").expect("the last");
        let values = vec![7; group.num_rows() as usize];
        column.typed::<Int32Type>().write_batch(&values, None, None).expect("values");
        column.close().expect("a column");
        into.close().expect("a group");
    }
    for pair in metadata.file_metadata().key_value_metadata().into_iter().flatten() {
        writer.append_key_value_metadata(pair.clone());
    }
    writer.into_inner().expect("a file")
}
