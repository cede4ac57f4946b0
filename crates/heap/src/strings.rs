//! Interned texts: names of modules, types, functions, attributes, files.
//!
//! Invariant: each text is in the table once, and `StringId` 0 is the empty text. All texts together are below 4 GiB.
//!
//! The table has names, never contents of objects; the capture decides which keys count as names.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::handles::StringId;

/// The texts of a heap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    /// The end of each text, where the next one begins.
    ends: Vec<u32>,
}

impl Strings {
    /// The text of `id`.
    #[must_use]
    pub fn get(&self, id: StringId) -> &str {
        let index = id.index();
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.text[start..self.ends[index] as usize]
    }

    /// The handle of `text`, if the heap has it. Searches all texts.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<StringId> {
        self.iter().find(|&(_, known)| known == text).map(|(id, _)| id)
    }

    /// The memory that the texts take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.text.len() as u64 + self.ends.len() as u64 * 4
    }

    /// The number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there are no texts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All texts, in the order of their handles.
    pub fn iter(&self) -> impl Iterator<Item = (StringId, &str)> {
        (0..self.ends.len()).map(|index| {
            let id = StringId::from_index(index);
            (id, self.get(id))
        })
    }
}

/// Builds [`Strings`]: returns the same handle for the same text.
#[derive(Debug, Clone)]
pub struct Interner {
    strings: Strings,
    table: HashTable<StringId>,
    overflowed: bool,
    starved: bool,
}

impl Default for Interner {
    fn default() -> Self {
        let mut interner =
            Self { strings: Strings::default(), table: HashTable::new(), overflowed: false, starved: false };
        interner.intern("");
        interner
    }
}

impl Interner {
    /// The empty text.
    #[must_use]
    pub fn empty() -> StringId {
        StringId::from_index(0)
    }

    /// The handle of `text`. Expected constant time.
    ///
    /// Beyond 4 GiB of texts, a new text becomes the empty text and [`Interner::overflowed`] is set; if there
    /// is not enough memory, the same happens and [`Interner::is_starved`] is set.
    pub fn intern(&mut self, text: &str) -> StringId {
        let hash = FxBuildHasher.hash_one(text);
        let strings = &self.strings;
        if let Some(&id) = self.table.find(hash, |&id| strings.get(id) == text) {
            return id;
        }
        let end = self.strings.text.len() + text.len();
        if end > u32::MAX as usize || self.strings.ends.len() + 1 >= StringId::MAX_ROWS {
            self.overflowed = true;
            return StringId::from_index(0);
        }
        let strings = &mut self.strings;
        let refused = strings.text.try_reserve(text.len()).is_err() || strings.ends.try_reserve(1).is_err();
        let strings = &self.strings;
        let hash_of = |&id: &StringId| FxBuildHasher.hash_one(strings.get(id));
        if refused || self.table.try_reserve(1, hash_of).is_err() {
            self.starved = true;
            return StringId::from_index(0);
        }
        let id = StringId::from_index(self.strings.ends.len());
        self.strings.text.push_str(text);
        self.strings.ends.push(end as u32);
        let strings = &self.strings;
        self.table.insert_unique(hash, id, |&id| FxBuildHasher.hash_one(strings.get(id)));
        id
    }

    /// True if a text did not fit into the table.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// True if there was not enough memory for a text.
    #[must_use]
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// The texts so far.
    #[must_use]
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// Returns the texts, without the hash table that finds them.
    #[must_use]
    pub fn finish(mut self) -> Strings {
        self.strings.text.shrink_to_fit();
        self.strings.ends.shrink_to_fit();
        self.strings
    }
}
