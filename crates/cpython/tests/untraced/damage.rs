//! Damaged memory: whatever it holds, the decoder ends after a bounded number of reads.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};

use crate::live::{self, Foreign, Still};
use memtop_cpython::layout::{object, type_object};
use memtop_cpython::{Decoder, Layout, Memory, Sink};
use memtop_heap::{CaptureInfo, HeapBuilder, Label, StringId};

/// A program's memory in which one word of many has another value, the same at each read.
struct Damaged<'m> {
    memory: &'m Foreign,
    seed: u64,
    /// One of this number of words is damaged.
    one_of: u64,
    /// The program's objects.
    objects: &'m [live::Object],
    read: Cell<u64>,
}

impl Memory for Damaged<'_> {
    fn word(&self, address: u64) -> Option<u64> {
        self.read.set(self.read.get() + 1);
        let word = self.memory.word(address)?;
        let mut hasher = rustc_hash::FxBuildHasher.build_hasher();
        hasher.write_u64(address);
        hasher.write_u64(self.seed);
        let chance = hasher.finish();
        if !(chance >> 8).is_multiple_of(self.one_of) {
            return Some(word);
        }
        let object = |chance: u64| self.objects[chance as usize % self.objects.len()].address;
        Some(match chance >> 32 & 7 {
            0 => chance,
            1 => u64::MAX - (chance & 0xFF),
            2 => i64::MAX as u64,
            3 => chance & 0xFFFF,
            4 => address & !15,
            5 => word ^ 1 << (chance >> 40 & 63),
            _ => object(chance >> 16),
        })
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.word(address & !7).map(|word| (word >> (8 * (address & 4))) as u32)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.word(address & !7).map(|word| (word >> (8 * (address & 7))) as u8)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        for index in 0..length as u64 {
            into.push(self.byte(address.checked_add(index)?)?);
        }
        Some(())
    }
}

/// Counts references.
struct Counted {
    builder: HeapBuilder,
    references: u64,
}

impl Sink for Counted {
    fn reference(&mut self, _: u64, _: Label) {
        self.references += 1;
    }

    fn maybe_reference(&mut self, _: u64, _: Label) {
        self.references += 1;
    }

    fn probable_reference(&mut self, _: u64, _: Label) {
        self.references += 1;
    }

    fn deref(&mut self, _: u64) -> Option<u64> {
        None
    }

    fn name(&mut self, text: &str) -> StringId {
        self.builder.string(text)
    }

    fn is_namespace(&mut self, dict: u64) -> bool {
        dict.is_multiple_of(32)
    }

    fn variable(&mut self, _: u64, _: Label) {}
}

#[test]
fn damaged_memory_ends_every_question() {
    let Some(python) = live::interpreters().pop() else { return };
    let still = Still::start(&python, &[]);
    let Some(layout) = Layout::of(still.minor) else { return };
    let slot = |offset: usize| still.memory.word(still.class + offset as u64).expect("a class can be read");
    let class = (slot(type_object::TRAVERSE), slot(type_object::DEALLOC));
    // An object cannot refer to more than all memory holds.
    const MOST: u64 = 1 << 27;
    for (seed, one_of) in [(1, 10), (2, 50), (3, 200)] {
        let memory =
            Damaged { memory: &still.memory, seed, one_of, objects: &still.objects, read: Cell::default() };
        let Some(mut decoder) =
            Decoder::new(&memory, layout, still.types, &still.c_types, class, seed & 1 == 0)
        else {
            continue;
        };
        let mut sink = Counted { builder: HeapBuilder::new(CaptureInfo::default()), references: 0 };
        for object in still.objects.iter().skip(seed as usize).step_by(200) {
            let before = memory.read.get();
            let of = memory.word(object.address + object::TYPE as u64).unwrap_or(0);
            if let Some(info) = decoder.type_info(of, &mut sink) {
                decoder.references(object.address, &info, None, &mut sink);
                decoder.size(object.address, &info);
            }
            assert!(memory.read.get() - before < MOST);
        }
        assert!(sink.references > 0, "something is left of it");
    }
}
