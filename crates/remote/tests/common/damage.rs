//! Damage to a copy of a process's memory: pages that say something else, lie over the copy and leave it as it is.
//!
//! The same seed makes the same damage to the same copy. What is damaged is chosen so that it is read: words of objects,
//! each type as often as any other, and of what they point to; and words that an undamaged capture asked for.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "each program that has it uses a part"
)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use memtop_cpython::Memory;
use memtop_heap::Heap;

const PAGE: u64 = 4096;

/// Numbers that look random and are the same each time (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len() as u64) as usize])
    }
}

/// A memory with some pages changed or gone.
pub struct Damaged<'m, M> {
    memory: &'m M,
    pages: HashMap<u64, Option<Box<[u8]>>>,
    /// A bit for pages whose numbers end alike: most pages are told at a look to be as they were.
    changed: Vec<u64>,
}

const CHANGED_BITS: u64 = 1 << 16;

impl<'m, M: Memory> Damaged<'m, M> {
    pub fn new(memory: &'m M) -> Self {
        Self { memory, pages: HashMap::new(), changed: vec![0; CHANGED_BITS as usize / 64] }
    }

    fn is_changed(&self, page: u64) -> bool {
        let bit = page % CHANGED_BITS;
        self.changed[(bit / 64) as usize] >> (bit % 64) & 1 == 1 && self.pages.contains_key(&page)
    }

    fn note(&mut self, page: u64) {
        let bit = page % CHANGED_BITS;
        self.changed[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    /// The page of an address, to be written to; none if it cannot be read.
    fn page(&mut self, page: u64) -> Option<&mut Box<[u8]>> {
        if !self.is_changed(page) {
            let mut bytes = Vec::new();
            self.memory.bytes(page.checked_mul(PAGE)?, PAGE as usize, &mut bytes)?;
            self.note(page);
            self.pages.insert(page, Some(bytes.into()));
        }
        self.pages.get_mut(&page)?.as_mut()
    }

    /// Writes as far as pages are there.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        for (at, &byte) in (0..).map(|offset| address.wrapping_add(offset)).zip(bytes) {
            if let Some(page) = self.page(at / PAGE) {
                page[(at % PAGE) as usize] = byte;
            }
        }
    }

    pub fn put(&mut self, address: u64, word: u64) {
        self.write(address, &word.to_le_bytes());
    }

    /// Takes the page of an address away.
    pub fn lose(&mut self, address: u64) {
        self.note(address / PAGE);
        self.pages.insert(address / PAGE, None);
    }

    fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.checked(address, &mut bytes)?;
        Some(bytes)
    }
}

impl<M: Memory> Memory for Damaged<'_, M> {
    fn word(&self, address: u64) -> Option<u64> {
        self.read(address).map(u64::from_le_bytes)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.read(address).map(u32::from_le_bytes)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.read(address).map(u8::from_le_bytes)
    }

    /// Reads page by page: byte by byte, a capture of a heap of which most pages are changed took ten times as long.
    fn checked(&self, mut address: u64, mut into: &mut [u8]) -> Option<()> {
        while !into.is_empty() {
            let (page, offset) = (address / PAGE, (address % PAGE) as usize);
            let (part, rest) = into.split_at_mut(into.len().min(PAGE as usize - offset));
            if self.is_changed(page) {
                let bytes = self.pages.get(&page)?.as_ref()?;
                part.copy_from_slice(&bytes[offset..offset + part.len()]);
            } else {
                self.memory.checked(address, part)?;
            }
            if rest.is_empty() {
                return Some(());
            }
            address = address.checked_add(part.len() as u64)?;
            into = rest;
        }
        Some(())
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        let last = address.saturating_add((length as u64).saturating_sub(1));
        if (address / PAGE..=last / PAGE).all(|page| !self.is_changed(page)) {
            return self.memory.bytes(address, length, into);
        }
        into.clear();
        into.resize(length, 0);
        self.checked(address, into)
    }
}

/// What a capture asked a memory for. The same heap asks for the same on every machine, however busy that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    pub number: u64,
    pub bytes: u64,
}

/// A memory that counts how often and for how much it is asked.
pub struct Counted<'m, M> {
    memory: &'m M,
    reads: Cell<Reads>,
}

impl<'m, M> Counted<'m, M> {
    pub fn new(memory: &'m M) -> Self {
        Self { memory, reads: Cell::default() }
    }

    pub fn reads(&self) -> Reads {
        self.reads.get()
    }

    fn count(&self, bytes: usize) {
        let Reads { number, bytes: before } = self.reads.get();
        self.reads.set(Reads { number: number + 1, bytes: before + bytes as u64 });
    }
}

impl<M: Memory> Memory for Counted<'_, M> {
    fn word(&self, address: u64) -> Option<u64> {
        self.count(8);
        self.memory.word(address)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.count(4);
        self.memory.half(address)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.count(1);
        self.memory.byte(address)
    }

    fn checked(&self, address: u64, into: &mut [u8]) -> Option<()> {
        self.count(into.len());
        self.memory.checked(address, into)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        self.count(length);
        self.memory.bytes(address, length, into)
    }
}

/// A memory that remembers what it was asked for.
pub struct Traced<'m, M> {
    pub memory: &'m M,
    asked: RefCell<Vec<u64>>,
}

impl<'m, M> Traced<'m, M> {
    pub fn new(memory: &'m M) -> Self {
        Self { memory, asked: RefCell::default() }
    }

    fn ask(&self, address: u64) {
        self.asked.borrow_mut().push(address);
    }
}

impl<M: Memory> Memory for Traced<'_, M> {
    fn word(&self, address: u64) -> Option<u64> {
        self.ask(address);
        self.memory.word(address)
    }

    fn half(&self, address: u64) -> Option<u32> {
        self.ask(address);
        self.memory.half(address)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        self.ask(address);
        self.memory.byte(address)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        self.ask(address);
        self.memory.bytes(address, length, into)
    }
}

/// What there is to damage.
pub struct Places {
    /// The objects of each type.
    types: Vec<Vec<u64>>,
    /// What an undamaged capture asked for: at its beginning, that is the interpreter's own structures; at its end, the
    /// allocators'; and some of what is between.
    asked: [Vec<u64>; 3],
}

impl Places {
    pub fn new<M: Memory>(heap: &Heap, traced: Traced<'_, M>) -> Self {
        const ENDS: usize = 30_000;
        const BETWEEN: usize = 100_000;
        let mut types: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for id in heap.objects().ids() {
            types.entry(heap.objects().type_of(id).index()).or_default().push(heap.objects().address(id));
        }
        let all = traced.asked.into_inner();
        let (first, last) = (ENDS.min(all.len()), all.len().saturating_sub(ENDS));
        let some = |from: &[u64]| {
            let mut some: Vec<u64> = from.to_vec();
            some.sort_unstable();
            some.dedup();
            some
        };
        let step = (all.len() / BETWEEN).max(1);
        let between: Vec<u64> = all.iter().copied().step_by(step).collect();
        Self {
            types: types.into_values().collect(),
            asked: [some(&all[..first]), some(&between), some(&all[last..])],
        }
    }

    fn object(&self, chance: &mut Chance) -> u64 {
        let of = chance.below(self.types.len() as u64) as usize;
        self.types.get(of).and_then(|objects| chance.one_of(objects)).unwrap_or(0)
    }

    /// A place that a capture reads.
    fn place<M: Memory>(&self, memory: &Damaged<'_, M>, chance: &mut Chance) -> u64 {
        if chance.below(3) == 0 {
            let of = chance.below(3) as usize;
            return chance.one_of(&self.asked[of]).unwrap_or(0);
        }
        let object = self.object(chance);
        // What stands before an object: the collector's head, a managed dict.
        let words = if chance.below(4) == 0 { 64 } else { 10 };
        let at = object.wrapping_add(chance.below(words + 4) * 8).wrapping_sub(32);
        match chance.below(3) {
            0 => memory.word(at).map_or(at, |to| (to & !7).wrapping_add(chance.below(10) * 8)),
            _ => at,
        }
    }

    fn word(&self, old: u64, at: u64, chance: &mut Chance) -> u64 {
        match chance.below(16) {
            0 => 0,
            1 => u64::MAX - chance.below(64),
            2 => 1 << chance.below(64),
            3 => (1_u64 << chance.below(64)).wrapping_sub(1 + chance.below(16)),
            4 => i64::MAX as u64,
            5 => (1 << 47) - chance.below(4096),
            6 => chance.below(1 << 16),
            7 => old.wrapping_add(chance.below(64)).wrapping_sub(32),
            8 => at & !15,
            9 => at.wrapping_sub(chance.below(12) * 8),
            10 => old ^ 1 << chance.below(64),
            11 => chance.next(),
            12 => old.wrapping_mul(chance.below(1 << 20)),
            _ => self.object(chance),
        }
    }

    /// Damages a memory in one way or several, as the seed has it.
    pub fn damage<'m, M: Memory>(&self, memory: &'m M, seed: u64) -> Damaged<'m, M> {
        let mut damaged = Damaged::new(memory);
        let mut chance = Chance(seed);
        let chance = &mut chance;
        let times = 1 << chance.below(10);
        for _ in 0..1 + chance.below(times) {
            self.once(&mut damaged, chance);
        }
        damaged
    }

    fn once<M: Memory>(&self, damaged: &mut Damaged<'_, M>, chance: &mut Chance) {
        let at = self.place(damaged, chance);
        match chance.below(24) {
            0 => damaged.write(at, &vec![0; 1 << chance.below(10)]),
            1 => damaged.write(at, &vec![0xFF; 1 << chance.below(8)]),
            2 => damaged.lose(at),
            3 => {
                // Two pieces change places.
                let other = self.place(damaged, chance);
                let length = 8 << chance.below(7);
                let (mut one, mut two) = (Vec::new(), Vec::new());
                let read = damaged.bytes(at, length, &mut one).and(damaged.bytes(other, length, &mut two));
                if read.is_some() {
                    damaged.write(at, &two);
                    damaged.write(other, &one);
                }
            }
            4 | 5 => damaged.write(at.wrapping_add(chance.below(8)), &[chance.next() as u8]),
            6 => {
                let half = [0, 1, u32::MAX, i32::MAX as u32, chance.next() as u32][chance.below(5) as usize];
                damaged.write(at & !3, &half.to_le_bytes());
            }
            _ => {
                let old = damaged.word(at).unwrap_or(0);
                let word = self.word(old, at, chance);
                damaged.put(at, word);
            }
        }
    }
}
