//! `sqlite3.Cache`, the cache of statements of a connection up to 3.10 (`pysqlite_Cache` in `Modules/_sqlite/cache.h`).

use super::definition::Definition;

/// `size`: the most statements that are kept. Padding of zeros makes it a word.
pub(super) const STATEMENT_CACHE: Definition =
    Definition { limit: Some(16), ..Definition::standard("_sqlite3", &["sqlite3.Cache"]) };
