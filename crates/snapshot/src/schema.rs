//! The columns of a snapshot: their names, types and encodings. `docs/snapshot-format.md` explains their meaning.
//!
//! Invariant: a column of format 1 keeps its name, type and meaning; later versions only add columns.

use std::sync::{Arc, LazyLock};

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, SchemaDescPtr, SchemaDescriptor};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The keys of the file's metadata.
pub(crate) const KEY_FORMAT: &str = "mem_top.format";
pub(crate) const KEY_CAPTURE: &str = "mem_top.capture";
pub(crate) const KEY_TABLES: &str = "mem_top.tables";
pub(crate) const KEY_DIGEST: &str = "mem_top.digest";

const MESSAGE: &str = "
message snapshot {
  required int64 id;
  required int64 address;
  required binary type (STRING);
  required int32 type_number;
  required int64 size;
  optional int64 retained;
  required int64 refcount;
  required boolean tracked;
  required boolean garbage;
  required boolean immortal;
  required boolean own;
  required int32 mark;
  optional binary root (STRING);
  optional binary name (STRING);
  optional binary module (STRING);
  optional int64 item_limit;
  required group referents (LIST) {
    repeated group list {
      required group element {
        required int64 id;
        optional binary label (STRING);
      }
    }
  }
  required group roots (LIST) {
    repeated group list {
      required group element {
        required int64 number;
        required binary kind (STRING);
        required binary name (STRING);
        optional binary label (STRING);
        required binary origin (STRING);
        optional int64 frame;
      }
    }
  }
}
";

macro_rules! columns {
    ($($name:ident = $path:literal,)*) => {
        /// A column, in the order of the file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Column { $($name,)* }

        impl Column {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its path, as Parquet writes it.
            pub(crate) fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// Its path in parts, for the library.
            fn column_path(self) -> ColumnPath {
                ColumnPath::new(self.path().split('.').map(str::to_owned).collect())
            }
        }
    };
}

columns! {
    Id = "id",
    Address = "address",
    Type = "type",
    TypeNumber = "type_number",
    Size = "size",
    Retained = "retained",
    Refcount = "refcount",
    Tracked = "tracked",
    Garbage = "garbage",
    Immortal = "immortal",
    Own = "own",
    Mark = "mark",
    Root = "root",
    Name = "name",
    Module = "module",
    ItemLimit = "item_limit",
    ReferentId = "referents.list.element.id",
    ReferentLabel = "referents.list.element.label",
    RootNumber = "roots.list.element.number",
    RootKind = "roots.list.element.kind",
    RootName = "roots.list.element.name",
    RootLabel = "roots.list.element.label",
    RootOrigin = "roots.list.element.origin",
    RootFrame = "roots.list.element.frame",
}

/// The schema of a file.
pub(crate) fn schema() -> SchemaDescPtr {
    static SCHEMA: LazyLock<SchemaDescPtr> = LazyLock::new(|| {
        let message = parse_message_type(MESSAGE).expect("the schema is written as Parquet has it");
        Arc::new(SchemaDescriptor::new(Arc::new(message)))
    });
    SCHEMA.clone()
}

/// How the columns are written.
///
/// There are no statistics and no page index: nobody searches a snapshot for a range of sizes, and they would
/// repeat names in the metadata. Pages have version 1, which every reader knows.
pub(crate) fn properties() -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("mem_top {}", env!("CARGO_PKG_VERSION")))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_dictionary_page_size_limit(1 << 20);
    for column in [Column::Id, Column::Address, Column::ReferentId, Column::RootNumber] {
        let path = column.column_path();
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    // Used where a dictionary would be too large; these numbers are close to their neighbours.
    for column in [Column::Size, Column::Retained, Column::Refcount, Column::ItemLimit] {
        builder = builder.set_column_encoding(column.column_path(), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(builder.build())
}
