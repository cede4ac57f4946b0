//! A [`Heap`] as one Parquet file, and back.
//!
//! A row of the file is an object, with columns that any data tool can read; `docs/snapshot-format.md` specifies them.
//! The heap read from a file equals the saved one, except for keys that are not identifiers (see
//! [`SaveOptions::with_keys`]) and texts that nothing refers to.
//!
//! Invariants: a file has no contents of objects; nobody sees half a file; whatever a file contains, reading it returns
//! the heap that was saved or an error, never panics, and stays within the memory of [`Limits`].
//!
//! The crate computes nothing about a heap: the caller provides retained sizes.
//!
//! ```
//! use memtop_heap::testing::graph;
//! use memtop_snapshot::{SaveOptions, load, save};
//!
//! let graph = graph("module:shop -> globals:dict -> sessions:shop.Sessions('sessions')");
//! let path = std::env::temp_dir().join(format!("doc-{}.parquet", std::process::id()));
//! let saved = save(graph.heap(), None, &path, &SaveOptions::default())?;
//! assert!(saved.bytes > 0);
//! assert_eq!(load(&path)?.heap, *graph.heap());
//! # std::fs::remove_file(&path).ok();
//! # Ok::<(), memtop_snapshot::SnapshotError>(())
//! ```
#![forbid(unsafe_code)]

mod decode;
mod digest;
mod encode;
mod error;
mod file;
mod footer;
mod guard;
mod label_text;
mod limits;
mod load;
mod page_reader;
mod page_writer;
mod parallel;
mod read_at;
mod row_group;
mod rows;
mod save;
mod schema;
mod scratch_file;
mod stored_heap;
mod tables;
mod view;

pub use decode::Loaded;
pub use error::SnapshotError;
pub use limits::Limits;
pub use load::{load, load_from, load_info, load_within};
pub use save::{SaveOptions, Saved, save, save_new, save_to, write_new, write_whole};
pub use schema::FORMAT;
pub use scratch_file::{ScratchFile, scratch_directory};
pub use stored_heap::{StoredHeap, StoredHeaps};
