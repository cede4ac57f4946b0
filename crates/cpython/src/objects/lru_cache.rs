//! The functions that `functools.lru_cache` makes, and the links of their caches (`lru_cache_object` and
//! `lru_list_elem` in `Modules/_functoolsmodule.c`). A bounded cache has a ring of links that begins in the
//! function itself.

use memtop_heap::{Label, Shape};

use super::definition::{CStruct, Definition, Remaining};
use super::view::{ObjectSink, ObjectView};
use crate::cycle_detector::CycleDetector;
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::layout::object;
use crate::memory::Memory;
use crate::sink::Sink;

pub(super) const LRU_CACHE: Definition = Definition {
    kind: ObjectKind::LruCache,
    shape: Shape::Function,
    c_struct: |_| Some(CStruct::Read { references, words_from: Some(CACHE) }),
    remaining: |_| Remaining::CacheLinks,
    limit: Some(96),
    ..Definition::standard("_functools", &["functools._lru_cache_wrapper"])
};

/// The cache visits what its links hold, so that a link itself holds nothing.
pub(super) const LINK: Definition = Definition {
    kind: ObjectKind::Internal,
    c_struct: |_| Some(CStruct::Only(&[])),
    ..Definition::standard("_functools", &[LINK_NAME])
};

const LINK_NAME: &str = "functools._lru_list_elem";
/// `lru_list_elem.next`, `key` and `result`.
const NEXT: u64 = 24;
const KEY: u64 = 40;
const RESULT: u64 = 48;
/// `lru_cache_object.cache`, behind which every word may be a reference.
const CACHE: u64 = 72;

/// `lru_cache_tp_traverse`: the key and the result of each link; from 3.10 the link's type.
fn references(cache: &ObjectView<'_>, sink: &mut dyn ObjectSink) {
    let mut link = cache.pointer(NEXT);
    let mut cycle = CycleDetector::default();
    while link != 0 && link != cache.at && !cycle.repeats(link) {
        let Some(of) = cache.memory.word(link + object::TYPE as u64) else { break };
        for (offset, label) in [(KEY, Label::KEY_OBJECT), (RESULT, Label::ANY_KEY)] {
            let to = cache.word_at(link + offset);
            if to != 0 {
                sink.reference(to, label);
            }
        }
        if cache.minor() >= 10 {
            sink.reference(of, Label::UNLABELLED);
        }
        link = cache.pointer_at(link + NEXT);
    }
}

impl<M: Memory> Decoder<'_, M> {
    /// The references to the contents of a bounded cache, which its traverse visits first: the key, the
    /// result and the type of each link. Returns how many of the visited addresses that were.
    pub(crate) fn cache_links(&mut self, cache_type: u64, visited: &[u64], sink: &mut impl Sink) -> usize {
        let type_of = |at: u64| self.word(at + object::TYPE as u64);
        let Some(&[_, _, link]) = visited.first_chunk::<3>() else { return 0 };
        if type_of(link) != type_of(cache_type) || self.c_type(link).is_none_or(|of| of.name() != LINK_NAME) {
            return 0;
        }
        let mut taken = 0;
        for triple in visited.chunks_exact(3).take_while(|triple| triple[2] == link) {
            sink.reference(triple[0], Label::KEY_OBJECT);
            sink.reference(triple[1], Label::ANY_KEY);
            sink.reference(link, Label::UNLABELLED);
            taken += 3;
        }
        taken
    }
}
