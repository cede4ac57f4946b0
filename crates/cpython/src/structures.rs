//! Structures of C that are more than the words of the object, or less: where their references stand.
//!
//! Each is read as its own traverse function in CPython reads it, which is named beside it. Invariant: no chain is
//! followed twice around, no count is believed past the memory that can be read.

use memtop_heap::Label;

use crate::c_types::CType;
use crate::decoder::{Decoder, MOST, Sink, is_item};
use crate::layout::{object, type_object};
use crate::memory::Memory;
use crate::type_info::{DictPlace, TypeInfo};
use crate::untraced::MOST_SCANNED;

/// Structures that are more than their words, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structure {
    Words,
    /// Nothing of it is its own but what is named.
    Named(&'static [u64]),
    /// All of it but these words.
    Without(&'static [u64]),
    Deque,
    OrderedDict,
    LruCache,
    /// From 3.13.
    Queue,
    TeeBlock,
    Element,
    Module,
    NumpyArray,
    StructSequence {
        fields: u64,
    },
}
/// More than any state of a module has.
const MOST_STATE: u64 = 1 << 14;
const BLOCK: u64 = 64;
const TEE_BLOCK: u64 = 57;

/// Tells when a chain leads back into itself, in constant memory (Brent 1980, "An improved Monte Carlo factorization
/// algorithm").
#[derive(Default)]
pub(crate) struct Chain {
    mark: u64,
    steps: u64,
    until: u64,
}

impl Chain {
    /// Whether the chain came to `at` before. The mark moves less and less often, so a ring is gone round at most twice.
    pub(crate) fn returns(&mut self, at: u64) -> bool {
        if at == self.mark {
            return true;
        }
        self.steps += 1;
        if self.steps > self.until {
            self.until = self.steps * 2;
            self.mark = at;
        }
        false
    }
}

impl Structure {
    /// Of a C type. `_ctypes._CData`: what it points to is no object's (`b_ptr`, `b_value`;
    /// `PyCData_traverse` in `_ctypes.c`). A capsule's pointer is not its own; of a `BytesIO` the buffer is visited
    /// from 3.12 on; `ContextVar.var_cached` is borrowed (`contextvar_tp_traverse`).
    pub(crate) fn of(c_type: CType, minor: u8) -> Option<Self> {
        Some(match c_type.name() {
            "collections.deque" => Self::Deque,
            "collections.OrderedDict" => Self::OrderedDict,
            "collections.defaultdict" => Self::Named(&[]),
            "functools._lru_cache_wrapper" => Self::LruCache,
            "functools._lru_list_elem"
            | "PyCapsule"
            | "mem_top._native.Snapshot"
            | "mem_top._native.Types" => Self::Named(&[]),
            "_queue.SimpleQueue" if minor >= 13 => Self::Queue,
            "itertools._tee_dataobject" => Self::TeeBlock,
            "xml.etree.ElementTree.Element" => Self::Element,
            "module" => Self::Module,
            "numpy.ndarray" => Self::NumpyArray,
            // `hamt_tp_iter` and its kin in `hamt.c`: their stack of nodes is borrowed.
            "items" | "keys" | "values" => Self::Named(&[16]),
            // `currgrouper` is borrowed (`groupby_traverse`).
            "itertools.groupby" => Self::Without(&[56]),
            // `descr_traverse`: a descriptor's names are visited by nobody.
            "wrapper_descriptor"
            | "method_descriptor"
            | "classmethod_descriptor"
            | "getset_descriptor"
            | "member_descriptor" => Self::Named(&[16]),
            "memoryview" => Self::Named(&[24]),
            "managedbuffer" => Self::Named(&[40]),
            "_ctypes._CData" => Self::Without(&[16, 72, 80]),
            "_contextvars.ContextVar" | "ContextVar" => Self::Without(&[32]),
            "_io.BytesIO" if minor < 12 => Self::Without(&[16]),
            "weakref"
            | "weakref.ReferenceType"
            | "weakproxy"
            | "weakref.ProxyType"
            | "weakcallableproxy"
            | "weakref.CallableProxyType" => Self::Named(&[24]),
            _ => return None,
        })
    }
}
impl<M: Memory> Decoder<'_, M> {
    /// How many fields a named tuple of C has, those included that are no items (`structseq_traverse`).
    pub(crate) fn struct_sequence(&self, of_c: u64) -> Option<Structure> {
        let fields = self.value_of(self.pointer(of_c + type_object::DICT as u64), "n_fields")?;
        let fields = u64::try_from(self.small_int(fields)?).ok().filter(|&fields| fields < MOST_SCANNED)?;
        Some(Structure::StructSequence { fields })
    }

    pub(crate) fn structure(&mut self, at: u64, info: &TypeInfo, structure: Structure, sink: &mut impl Sink) {
        match structure {
            Structure::Deque => self.deque(at, sink),
            Structure::LruCache => self.lru_cache(at, info, sink),
            Structure::Queue => self.ring(at, sink),
            Structure::TeeBlock => self.tee_block(at, info, sink),
            Structure::Element => self.element(at, sink),
            Structure::Module => self.module(at, info, sink),
            Structure::NumpyArray => self.numpy_array(at, info, sink),
            _ => {}
        }
    }

    /// `deque_traverse` in `_collectionsmodule.c`: blocks of 64 items, each with the one after it behind them.
    fn deque(&self, at: u64, sink: &mut impl Sink) {
        let count = self.word(at + object::SIZE as u64).min(MOST);
        let (mut block, mut index) = (self.pointer(at + 24), self.word(at + 40));
        let mut chain = Chain::default();
        for place in 0..count {
            if index >= BLOCK {
                block = self.pointer(block + 8 + BLOCK * 8);
                index = 0;
                if chain.returns(block) {
                    break;
                }
            }
            let item = self.memory.word(block + 8 + index * 8);
            let Some(to) = item.filter(|&to| block != 0 && is_item(to)) else {
                break;
            };
            if to != 0 {
                sink.reference(to, Label::at(place as usize));
            }
            index += 1;
        }
    }

    /// `lru_cache_tp_traverse` in `_functoolsmodule.c`: the key and the result of each link of a ring that begins in
    /// the cache itself; from 3.10 the link's type.
    fn lru_cache(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let mut link = self.pointer(at + 24);
        let mut chain = Chain::default();
        while link != 0 && link != at && !chain.returns(link) {
            let Some(of) = self.memory.word(link + object::TYPE as u64) else { break };
            for (offset, label) in [(40, Label::KEY_OBJECT), (48, Label::ANY_KEY)] {
                let to = self.word(link + offset);
                if to != 0 {
                    sink.reference(to, label);
                }
            }
            if self.layout.minor >= 10 {
                sink.reference(of, Label::UNLABELLED);
            }
            link = self.pointer(link + 24);
        }
        let size = info.basic_size.min(152);
        for offset in (72..size & !7).step_by(8) {
            let not_its_own = offset as i64 == info.weak_list
                || matches!(info.dict, DictPlace::Offset(dict) if dict == offset as i64)
                || info.members.iter().any(|&(known, _)| known == offset);
            if !not_its_own {
                let to = self.word(at + offset);
                self.found(to, info, true, sink);
            }
        }
    }

    /// `simplequeue_traverse` and `RingBuf` in `_queuemodule.c`, from 3.13.
    fn ring(&self, at: u64, sink: &mut impl Sink) {
        let (first, items, capacity) =
            (self.word(at + 32), self.pointer(at + 40), self.word(at + 48).min(MOST));
        let count = self.word(at + 56).min(capacity);
        for index in 0..count {
            let place = first.wrapping_add(index) % capacity;
            let Some(to) = self.memory.word(items + place * 8).filter(|&to| is_item(to)) else { break };
            if to != 0 {
                sink.reference(to, Label::at(index as usize));
            }
        }
    }

    /// `teedataobject_traverse` in `itertoolsmodule.c`: items that were read stand in the object.
    fn tee_block(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        for offset in [16, 32] {
            let to = self.word(at + offset);
            self.found(to, info, true, sink);
        }
        let read = u64::from(self.memory.half(at + 24).unwrap_or(0)).min(TEE_BLOCK);
        self.unlabelled(at + 40, read, sink);
    }

    /// `element_gc_traverse` in `_elementtree.c`: the low bit of text and tail marks a list that is to be joined.
    fn element(&self, at: u64, sink: &mut impl Sink) {
        for offset in [16, 24, 32] {
            let to = self.word(at + offset) & !1;
            if to != 0 {
                sink.reference(to, Label::UNLABELLED);
            }
        }
        let extra = self.pointer(at + 40);
        if extra == 0 {
            return;
        }
        let (attributes, count, children) =
            (self.word(extra), self.word(extra + 8).min(MOST), self.pointer(extra + 24));
        if attributes != 0 {
            sink.reference(attributes, Label::UNLABELLED);
        }
        self.unlabelled(children, count, sink);
    }

    /// Items that no index of Python's leads to.
    pub(crate) fn unlabelled(&self, first: u64, count: u64, sink: &mut impl Sink) {
        for index in 0..count {
            let Some(to) = self.memory.word(first + index * 8).filter(|&to| is_item(to)) else { break };
            if to != 0 {
                sink.reference(to, Label::UNLABELLED);
            }
        }
    }

    /// `module_traverse` in `moduleobject.c`: beside the dict, what the module's own traverse visits in its state.
    fn module(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        let (state, size) = if self.layout.minor >= 15 {
            (self.pointer(at + 24), self.word(at + 56))
        } else {
            let definition = self.pointer(at + 24);
            let size = if definition == 0 { 0 } else { self.word(definition + 56) };
            (self.pointer(at + 32), size)
        };
        if state == 0 || (size as i64) < 0 {
            return;
        }
        for offset in (0..size.min(MOST_STATE) & !7).step_by(8) {
            let to = self.word(state + offset);
            self.found(to, info, false, sink);
        }
    }

    /// `PyArrayObject_fields` and `PyArray_Descr` in numpy's `ndarraytypes.h`; the items of an array of objects.
    fn numpy_array(&mut self, at: u64, info: &TypeInfo, sink: &mut impl Sink) {
        const OWNS_DATA: u32 = 4;
        const MOST_DIMENSIONS: u32 = 64;
        for (offset, name) in [(48, "base"), (56, "dtype")] {
            let to = self.word(at + offset);
            if to != 0 {
                let name = sink.name(name);
                sink.reference(to, Label::attribute(name));
            }
        }
        if info.basic_size >= 96 {
            let to = self.word(at + 88);
            self.found(to, info, false, sink);
        }
        let owns = self.memory.half(at + 64).is_some_and(|flags| flags & OWNS_DATA != 0);
        if owns && self.memory.byte(self.pointer(at + 56) + 24) == Some(b'O') {
            let dimensions = self.memory.half(at + 24).unwrap_or(0).min(MOST_DIMENSIONS);
            let lengths = self.pointer(at + 32);
            let count = (0..u64::from(dimensions))
                .map(|index| self.word(lengths + index * 8))
                .fold(1_u64, u64::saturating_mul)
                .min(MOST);
            self.items(self.pointer(at + 16), count, &mut None, sink);
        }
    }
}
