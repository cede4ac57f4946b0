//! Texts held once: names of modules, types, functions, attributes, files.
//!
//! Invariant: a text is in the table once, and `StringId` 0 is the empty text. All texts together are below 4 GiB.
//!
//! It holds names, never the contents of objects; which keys count as names is the capture's decision.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::handles::StringId;

/// The texts of a heap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    /// Where each text ends; it begins where the one before ends.
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

    /// The handle of `text`, if a name of the heap is spelled so. Looks at every text.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<StringId> {
        self.iter().find(|&(_, known)| known == text).map(|(id, _)| id)
    }

    /// The memory that they take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.text.len() as u64 + self.ends.len() as u64 * 4
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text at all.
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

/// Builds [`Strings`]: gives each text its handle, the same one for the same text.
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
    /// Past 4 GiB of text every new one becomes the empty text, and [`Interner::overflowed`] says so; where memory cannot
    /// be had too, and [`Interner::is_starved`] says so.
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

    /// Whether a text found no room.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Whether there was no memory for a text.
    #[must_use]
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// The texts so far.
    #[must_use]
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// The texts alone, without what finds them again.
    #[must_use]
    pub fn finish(mut self) -> Strings {
        self.strings.text.shrink_to_fit();
        self.strings.ends.shrink_to_fit();
        self.strings
    }
}
