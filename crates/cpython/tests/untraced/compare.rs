//! Compares the references and sizes that are found by memory alone with Python's own answers, and with those
//! that the decoder reports when it knows what `tp_traverse` visits.

use std::collections::BTreeMap;

use memtop_cpython::layout::{object, type_object};
use memtop_cpython::{Decoder, Layout, Memory, ObjectKind, Sink, TypeInfo};
use memtop_heap::{CaptureInfo, HeapBuilder, Label, LabelKind, StringId};
use rustc_hash::FxHashMap;

use crate::live::{Foreign, Still};

/// A reference that the decoder reported.
struct Reported {
    from: usize,
    to: u64,
    label: Label,
    /// Whether the target's reference count decides.
    probable: bool,
}

struct Collected<'m> {
    memory: &'m Foreign,
    builder: HeapBuilder,
    names: FxHashMap<StringId, String>,
    reported: Vec<Reported>,
    from: usize,
}

impl Sink for Collected<'_> {
    fn reference(&mut self, to: u64, label: Label) {
        self.reported.push(Reported { from: self.from, to, label, probable: false });
    }

    fn maybe_reference(&mut self, to: u64, label: Label) {
        self.reported.push(Reported { from: self.from, to, label, probable: true });
    }

    fn probable_reference(&mut self, to: u64, label: Label) {
        self.reported.push(Reported { from: self.from, to, label, probable: true });
    }

    fn deref(&mut self, pointer: u64) -> Option<u64> {
        self.memory.word(pointer)
    }

    fn name(&mut self, text: &str) -> StringId {
        let id = self.builder.string(text);
        self.names.entry(id).or_insert_with(|| text.to_owned());
        id
    }

    fn is_namespace(&mut self, _: u64) -> bool {
        false
    }

    fn variable(&mut self, _: u64, _: Label) {}
}

/// The reference count of an object; `None` if it is immortal.
fn count_of(memory: &impl Memory, minor: u8, at: u64) -> Option<u64> {
    let word = memory.word(at)?;
    match minor {
        12.. if (word as i32) < 0 => None,
        12.. => Some(word & 0xFFFF_FFFF),
        _ => Some(word),
    }
}

/// Keeps probable references as long as their target's reference count is not explained without them.
fn resolve_probable(reported: &mut Vec<Reported>, memory: &impl Memory, minor: u8) {
    let mut found: FxHashMap<u64, u64> = FxHashMap::default();
    for one in reported.iter().filter(|one| !one.probable) {
        *found.entry(one.to).or_default() += 1;
    }
    reported.retain(|one| {
        if !one.probable {
            return true;
        }
        let found = found.entry(one.to).or_default();
        *found += 1;
        count_of(memory, minor, one.to).is_some_and(|count| *found <= count)
    });
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) true_references: u64,
    pub(crate) found: u64,
    pub(crate) wrong: u64,
    pub(crate) explained: BTreeMap<&'static str, u64>,
    pub(crate) sized: u64,
    pub(crate) right_size: u64,
    pub(crate) missed_by: BTreeMap<String, u64>,
    pub(crate) wrong_by: BTreeMap<String, u64>,
    pub(crate) size_by: BTreeMap<String, (u64, String)>,
    /// Objects with more references reported than their reference count.
    pub(crate) over: u64,
    /// Objects whose reference count is fully explained.
    pub(crate) balanced: u64,
    /// Objects that are not immortal.
    pub(crate) mortal: u64,
    /// References that lead to no object.
    pub(crate) broken_by: BTreeMap<String, u64>,
    /// Objects with fewer references reported than their reference count.
    pub(crate) under_by: BTreeMap<String, u64>,
    pub(crate) over_by: BTreeMap<String, u64>,
    /// References reported with a traverse, and those of them that are reported alike without: the same
    /// object, by the same name.
    pub(crate) with_traverse: u64,
    pub(crate) same: u64,
    pub(crate) otherwise: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn recall(&self) -> f64 {
        self.found as f64 / self.true_references as f64
    }

    pub(crate) fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.wrong) as f64
    }

    pub(crate) fn alike(&self) -> f64 {
        self.same as f64 / self.with_traverse as f64
    }

    pub(crate) fn sizes(&self) -> f64 {
        self.right_size as f64 / self.sized.max(1) as f64
    }
}

struct Zoo<'s> {
    still: &'s Still,
    decoder: Decoder<'s, Foreign>,
    sink: Collected<'s>,
    infos: FxHashMap<u64, TypeInfo>,
}

impl Zoo<'_> {
    fn info(&mut self, at: u64) -> Option<TypeInfo> {
        let of = self.still.memory.word(at + object::TYPE as u64)?;
        if !self.infos.contains_key(&of) {
            let info = self.decoder.type_info(of, &mut self.sink)?;
            self.infos.insert(of, info);
        }
        self.infos.get(&of).cloned()
    }

    /// Compares with what is reported where `tp_traverse` can be called: it visits what `gc.get_referents()`
    /// returns.
    fn with_traverse(&mut self, tally: &mut Tally) {
        let alone = std::mem::take(&mut self.sink.reported);
        for (from, object) in self.still.objects.iter().enumerate() {
            let info = self.info(object.address).expect("each type can be read");
            self.sink.from = from;
            let mut visited = (!info.complete).then(|| object.referents.clone());
            self.decoder.references(object.address, &info, visited.as_mut(), &mut self.sink);
        }
        let mut reported = std::mem::take(&mut self.sink.reported);
        // A word that may not lead to an object is not counted.
        reported.retain(|one| !one.probable || self.decoder.is_object(one.to));
        resolve_probable(&mut reported, &self.still.memory, self.still.minor);
        tally.with_traverse = reported.len() as u64;
        let mut left: FxHashMap<(usize, u64, Label), u64> = FxHashMap::default();
        for one in &alone {
            *left.entry((one.from, one.to, one.label)).or_default() += 1;
        }
        let mut differ: Vec<(&Reported, &str)> = Vec::new();
        for one in &reported {
            match left.get_mut(&(one.from, one.to, one.label)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    tally.same += 1;
                }
                _ => differ.push((one, "inside")),
            }
        }
        for one in &alone {
            if let Some(left) = left.get_mut(&(one.from, one.to, one.label))
                && *left > 0
            {
                *left -= 1;
                differ.push((one, "outside"));
            }
        }
        for (one, side) in differ {
            let of = self.info(self.still.objects[one.from].address).map(|info| name_of(&info));
            let to = self.info(one.to).map(|info| name_of(&info)).unwrap_or_default();
            let what = format!("{side}: {} to {to} as {:?}", of.unwrap_or_default(), one.label.kind());
            *tally.otherwise.entry(what).or_default() += 1;
        }
        self.sink.reported = alone;
    }

    /// Why a reference that Python does not give may be one all the same.
    fn explanation(&mut self, info: &TypeInfo, at: u64, one: &Reported) -> Option<&'static str> {
        let memory = &self.still.memory;
        let is_static = info.kind == ObjectKind::Type
            && memory.word(at + type_object::FLAGS as u64).is_some_and(|f| f & type_object::HEAP_TYPE == 0);
        if !info.is_gc || is_static {
            return Some("of an object without traverse");
        }
        if one.label == Label::KEY_OBJECT && self.decoder.is_string(one.to) {
            return Some("str key");
        }
        if one.label == Label::TYPE && one.to == info.address {
            return Some("the object's type");
        }
        let name = one.label.text().and_then(|name| self.sink.names.get(&name)).map(String::as_str);
        if info.kind == ObjectKind::Type
            && matches!(name, Some("__name__" | "__qualname__" | "__slots__" | "__subclasses__"))
        {
            return Some("names and subclasses of a class");
        }
        let target = self.info(one.to)?;
        (one.label.kind() == LabelKind::Unlabelled && !target.is_gc)
            .then_some("in a C object, to an object that the collector does not know")
    }
}

/// `Py_TPFLAGS_READY` (`Include/object.h`).
const READY: u64 = 1 << 12;

fn name_of(info: &TypeInfo) -> String {
    format!("{}.{}", info.module, info.qualname)
}

pub(crate) fn tally(still: &Still) -> Tally {
    let memory = &still.memory;
    let layout = Layout::of(still.minor).expect("the version is known");
    let slot = |offset: usize| memory.word(still.class + offset as u64).expect("a class can be read");
    let class = (slot(type_object::TRAVERSE), slot(type_object::DEALLOC));
    let decoder = Decoder::new(memory, layout, still.types, &still.c_types, class, false)
        .expect("the tuple type can be read");
    let builder = HeapBuilder::new(CaptureInfo::default());
    let sink = Collected { memory, builder, names: FxHashMap::default(), reported: Vec::new(), from: 0 };
    let mut zoo = Zoo { still, decoder, sink, infos: FxHashMap::default() };
    let mut tally = Tally::default();
    for (from, object) in still.objects.iter().enumerate() {
        let info = zoo.info(object.address).expect("each type can be read");
        zoo.sink.from = from;
        zoo.decoder.references(object.address, &info, None, &mut zoo.sink);
        if let Some(truth) = object.size {
            let size = zoo.decoder.size(object.address, &info);
            tally.sized += 1;
            tally.right_size += u64::from(size == truth);
            if size != truth {
                let known = tally.size_by.entry(name_of(&info)).or_default();
                known.0 += 1;
                known.1 = format!("{size} for {truth}");
            }
        }
    }
    resolve_probable(&mut zoo.sink.reported, memory, still.minor);
    zoo.with_traverse(&mut tally);
    let mut counted: FxHashMap<u64, u64> = FxHashMap::default();
    let reported = std::mem::take(&mut zoo.sink.reported);
    for one in &reported {
        *counted.entry(one.to).or_default() += 1;
    }
    for object in &still.objects {
        if let Some(count) = count_of(memory, still.minor, object.address) {
            tally.mortal += 1;
            let reported = counted.get(&object.address).copied().unwrap_or(0);
            tally.balanced += u64::from(reported == count);
            if reported < count
                && let Some(info) = zoo.info(object.address)
            {
                *tally.under_by.entry(name_of(&info)).or_default() += 1;
            }
        }
    }
    for one in &reported {
        // Some of the interpreter's own types are never made ready.
        let ready = |of: u64| memory.word(of + type_object::FLAGS as u64).is_some_and(|f| f & READY != 0);
        if !zoo.decoder.is_object(one.to) && memory.word(one.to + object::TYPE as u64).is_some_and(ready) {
            let info = zoo.info(still.objects[one.from].address).expect("each type can be read");
            *tally.broken_by.entry(name_of(&info)).or_default() += 1;
        }
    }
    for (to, reported) in counted {
        if count_of(memory, still.minor, to).is_some_and(|count| reported > count) {
            tally.over += 1;
            if let Some(info) = zoo.info(to) {
                *tally.over_by.entry(name_of(&info)).or_default() += 1;
            }
        }
    }
    let mut reported = reported.into_iter().peekable();
    for (from, object) in still.objects.iter().enumerate() {
        let mut left: FxHashMap<u64, u64> = FxHashMap::default();
        for &to in &object.referents {
            *left.entry(to).or_default() += 1;
        }
        tally.true_references += object.referents.len() as u64;
        let info = zoo.info(object.address).expect("each type can be read");
        let mut of_this = Vec::new();
        while let Some(one) = reported.next_if(|one| one.from == from) {
            of_this.push(one);
        }
        // Keys last: a value may be the same str, and that one was visited.
        of_this.sort_by_key(|one| one.label == Label::KEY_OBJECT);
        for one in of_this {
            match left.get_mut(&one.to) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    tally.found += 1;
                }
                _ => match zoo.explanation(&info, object.address, &one) {
                    Some(why) => *tally.explained.entry(why).or_default() += 1,
                    None => {
                        tally.wrong += 1;
                        let to = zoo.info(one.to).map(|info| name_of(&info)).unwrap_or_default();
                        let what = format!("{} to {to} as {:?}", name_of(&info), one.label.kind());
                        *tally.wrong_by.entry(what).or_default() += 1;
                    }
                },
            }
        }
        for (to, left) in left.into_iter().filter(|&(_, left)| left > 0) {
            let to = zoo.info(to).map(|info| name_of(&info)).unwrap_or_default();
            *tally.missed_by.entry(format!("{} to {to}", name_of(&info))).or_default() += left;
        }
    }
    tally
}
