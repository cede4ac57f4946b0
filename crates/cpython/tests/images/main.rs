//! The interpreter's own structures, found in the memory of live processes and in synthetic images.
//!
//! `MEMTOP_PYTHONS` names the interpreters; `-- --nocapture` shows the figures.
#![expect(clippy::print_stdout, reason = "figures for who runs the test by hand")]

mod headers;
mod live;
mod synthetic;

use std::collections::{BTreeSet, HashMap};

use live::{Foreign, Still, interpreters as pythons};
use memtop_cpython::layout::type_object;
use memtop_cpython::{
    CTypes, Decoder, Interpreter, KnownTypes, Layout, Memory, RuntimeError, Sink, collector_state,
    interpreters, known_types, list_objects, static_namespaces,
};
use memtop_heap::{CaptureInfo, HeapBuilder, Label, StringId};

struct Names {
    builder: HeapBuilder,
    names: HashMap<StringId, String>,
}

impl Sink for Names {
    fn reference(&mut self, _: u64, _: Label) {}
    fn maybe_reference(&mut self, _: u64, _: Label) {}
    fn probable_reference(&mut self, _: u64, _: Label) {}
    fn deref(&mut self, _: u64) -> Option<u64> {
        None
    }
    fn name(&mut self, text: &str) -> StringId {
        let id = self.builder.string(text);
        self.names.insert(id, text.to_owned());
        id
    }
    fn is_namespace(&mut self, _: u64) -> bool {
        true
    }
    fn variable(&mut self, _: u64, _: Label) {}
}

/// A stopped program, and the structures that were found in its memory.
struct Found {
    still: Still,
    layout: Layout,
    all: Vec<Interpreter>,
    types: KnownTypes,
    c_types: CTypes,
    class: (u64, u64),
    version: String,
}

impl Found {
    fn look(python: &std::path::Path, scenario: &str) -> Self {
        let still = Still::start(python, scenario);
        let version = still.numbers("version");
        let layout = Layout::of(version[0] as u8).expect("the version is known");
        let all = interpreters(&still.memory, still.runtime, version[0] as u8, version[1] as u8)
            .unwrap_or_else(|error| panic!("3.{} {scenario}: {error}", version[0]));
        let (types, class) = known_types(&still.memory, &layout, &all[0])
            .unwrap_or_else(|error| panic!("3.{} {scenario}: {error}", version[0]));
        let version = format!("3.{}.{} {scenario}", version[0], version[1]);
        let c_types = still.c_types(types.tuple);
        Self { still, layout, all, types, c_types, class, version }
    }

    fn main(&self) -> &Interpreter {
        &self.all[0]
    }

    /// The lists hold what `gc.get_objects()` returns, except for the list that it returns.
    fn lists(&self) {
        let mut lists = self.main().lists.clone();
        let permanent = lists.heads.split_off(3);
        let mut found = BTreeSet::new();
        let walk = list_objects(&self.still.memory, &lists, |object| {
            assert!(found.insert(object), "{}: {object:#x} is visited twice", self.version);
        });
        assert!(walk.complete && walk.broken == 0, "{}: {walk:?}", self.version);
        let told: BTreeSet<u64> =
            self.still.all("object").map(|words| words[0].parse().expect("a number")).collect();
        let own = self.still.numbers("own");
        let missed: Vec<_> = told.difference(&found).collect();
        let more: Vec<_> = found.difference(&told).filter(|object| !own.contains(object)).collect();
        assert!(missed.is_empty(), "{}: {} missed", self.version, missed.len());
        assert!(more.is_empty(), "{}: {} too many: {:?}", self.version, more.len(), self.names(&more));
        lists.heads = permanent;
        let frozen = list_objects(&self.still.memory, &lists, |_| {});
        assert!(frozen.complete, "{}: {frozen:?}", self.version);
        assert_eq!(frozen.objects, self.still.numbers("frozen")[0], "{}: frozen", self.version);
        println!(
            "{}: {} objects in lists = gc.get_objects(), {} frozen, {} interpreters, {} threads, {} static types",
            self.version,
            found.len(),
            frozen.objects,
            self.all.len(),
            self.main().threads.len(),
            static_namespaces(&self.still.memory, self.layout.minor, self.main()).len(),
        );
    }

    /// The collector's state is what `gc` says, except for a collection in between.
    fn collector(&self) {
        let heads = &self.main().lists.heads;
        let minor = self.layout.minor;
        let state = collector_state(&self.still.memory, heads[0], heads[3] - heads[0], minor)
            .unwrap_or_else(|| panic!("{}: the collector's state is not found", self.version));
        let told = self.still.numbers("collector");
        let thresholds = state.thresholds.map(|threshold| threshold as u64);
        assert_eq!([u64::from(state.enabled), thresholds[0], thresholds[1], thresholds[2]], told[..]);
        // 3.12 freezes some itself when it starts.
        let own = if minor == 12 { 1000 } else { 0 };
        assert_eq!(state.frozen, self.still.numbers("frozen")[0] > own, "{}: frozen", self.version);
        let told = self.still.numbers("statistics");
        for (found, told) in state.collections.iter().zip(&told) {
            assert!((*told..=told + 2).contains(found), "{}: {state:?}, not {told:?}", self.version);
        }
        for (found, told) in state.collected.iter().zip(&told[3..]) {
            assert!((*told..=told + 1000).contains(found), "{}: {state:?}, not {told:?}", self.version);
        }
        assert!(state.collections[0] > 0, "{}: {state:?}", self.version);
    }

    fn names(&self, objects: &[&u64]) -> Vec<String> {
        let name = |object: u64| -> Option<String> {
            let of = self.still.memory.word(object + 8)?;
            let at = self.still.memory.word(of + 24)?;
            let bytes =
                (0..60).map_while(|offset| self.still.memory.byte(at + offset).filter(|&byte| byte != 0));
            Some(String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned())
        };
        objects.iter().map(|&&object| name(object).unwrap_or_default()).collect()
    }

    fn namespaces(&self) {
        let main = self.main();
        let found = vec![main.modules, main.sysdict, main.builtins];
        assert_eq!(found, self.still.numbers("namespaces"), "{}", self.version);
        assert_eq!((main.id, main.finalizing), (0, false), "{}", self.version);
        let decoder = &mut self.decoder();
        let mut names: Vec<String> = Vec::new();
        for (key, _) in decoder.entries(main.modules).collect::<Vec<_>>() {
            names.extend(decoder.string_at(key));
        }
        names.sort();
        assert_eq!(names, self.still.all("modules").next().expect("it said so"), "{}", self.version);
    }

    fn types(&self) {
        let of = self.types;
        let found =
            vec![of.string, of.integer, of.dict, of.list, of.set, of.tuple, of.cell, of.context_variable];
        assert_eq!(found, self.still.numbers("types"), "{}", self.version);
        let class = self.still.numbers("class")[0];
        let slot = |offset: usize| self.still.memory.word(class + offset as u64).expect("it is there");
        assert_eq!(self.class, (slot(type_object::TRAVERSE), slot(type_object::DEALLOC)), "{}", self.version);
        let statics = static_namespaces(&self.still.memory, self.layout.minor, self.main());
        if self.layout.minor < 12 {
            assert!(statics.is_empty());
            return;
        }
        // The types that the interpreter itself initializes are there, and those of modules with static
        // types.
        let said: Vec<(u64, u64)> = self
            .still
            .all("static")
            .map(|words| (words[0].parse().expect("a number"), words[1].parse().expect("a number")))
            .collect();
        for &(of, dict) in &statics {
            if let Some(&(_, expected)) = said.iter().find(|&&(said, _)| said == of) {
                assert_eq!(dict, expected, "{}: {:?}", self.version, self.names(&[&of]));
            }
        }
        let missing = said.iter().filter(|(of, dict)| {
            let own = self.still.memory.word(of + 264).expect("it is there");
            own != *dict && !statics.contains(&(*of, *dict))
        });
        assert_eq!(missing.count(), 0, "{}: a type's namespace is nowhere", self.version);
    }

    fn decoder(&self) -> Decoder<'_, Foreign> {
        Decoder::new(&self.still.memory, self.layout, self.types, &self.c_types, self.class, true)
            .expect("it has a tuple")
    }

    /// The functions that a thread runs, innermost first, with the names of their variables that hold
    /// something.
    fn frames(&self, thread: u64) -> Vec<(String, Vec<String>)> {
        let (memory, layout) = (&self.still.memory, self.layout.thread);
        let mut sink = Names { builder: HeapBuilder::new(CaptureInfo::default()), names: HashMap::new() };
        let mut decoder = self.decoder();
        let mut at = memory.word(thread + layout.frame).expect("it is there");
        if let Some(offset) = layout.in_cframe {
            at = memory.word(at + offset).expect("it is there");
        }
        let mut frames = Vec::new();
        while at != 0 && frames.len() < 100 {
            if let Some(frame) = decoder.frame(at) {
                let (name, ..) = decoder.code_names(frame.code, &mut sink);
                let locals = decoder.locals(&frame, &mut sink);
                let text = |id: Option<StringId>| id.and_then(|id| sink.names.get(&id).cloned());
                let names = locals.iter().filter_map(|local| text(local.label.text())).collect();
                frames.push((text(name).unwrap_or_default(), names));
            }
            at = decoder.previous_frame(at).unwrap_or(0);
        }
        frames
    }

    fn stack(&self) {
        let frames: Vec<_> = self.main().threads.iter().map(|&thread| self.frames(thread)).collect();
        let main = frames.iter().find(|frames| frames.first().is_some_and(|(name, _)| name == "report"));
        let main = main.unwrap_or_else(|| panic!("{}: {frames:?}", self.version));
        assert!(main[0].1.iter().any(|name| name == "objects"), "{}: {main:?}", self.version);
        assert_eq!(main[1].0, "outer", "{}", self.version);
        // From 3.14 an argument may be borrowed from the caller, whose frame then holds it.
        let own: &[&str] =
            if self.layout.minor < 14 { &["marker", "local_of_outer"] } else { &["local_of_outer"] };
        assert_eq!(main[1].1, own, "{}", self.version);
        assert_eq!(main.last().map(|(name, _)| name.as_str()), Some("<module>"), "{}", self.version);
        assert_eq!(self.main().threads.len() as u64, self.still.numbers("threads")[0], "{}", self.version);
        assert!(self.main().all_threads);
    }

    fn all_of_it(&self) {
        self.namespaces();
        self.types();
        self.lists();
        self.collector();
        self.stack();
    }
}

fn each(scenario: &str, check: impl Fn(&Found)) {
    let pythons = pythons();
    if pythons.is_empty() {
        println!("skipped: no CPython from 3.8 to 3.15 was found");
    }
    for python in pythons {
        let found = Found::look(&python, scenario);
        found.all_of_it();
        check(&found);
    }
}

#[test]
fn a_plain_program_is_found_whole() {
    each("plain", |found| assert!(!found.main().lists.collecting && found.all.len() == 1));
}

#[test]
fn every_thread_is_found_with_its_frames() {
    each("threads", |found| {
        let waiting = found.main().threads.iter().filter(|&&thread| {
            let frames = found.frames(thread);
            frames
                .iter()
                .any(|(name, locals)| name == "waiter" && locals.contains(&"held_by_waiter".to_owned()))
        });
        assert_eq!(waiting.count(), 3, "{}", found.version);
    });
}

#[test]
fn frozen_objects_are_in_the_last_list() {
    each("frozen", |found| assert!(found.still.numbers("frozen")[0] > 1000, "{}", found.version));
}

#[test]
fn a_second_interpreter_has_modules_and_lists_of_its_own() {
    each("subinterpreter", |found| {
        assert_eq!(found.all.len(), 2, "{}", found.version);
        let other = &found.all[1];
        assert!(other.id > 0 && other.modules != found.main().modules, "{}", found.version);
        let decoder = found.decoder();
        assert!(decoder.value_of(other.modules, "json").is_some(), "{}", found.version);
        let walk = list_objects(&found.still.memory, &other.lists, |_| {});
        assert!(walk.complete, "{}: {walk:?}", found.version);
        assert_eq!(walk.objects == 0, found.layout.minor == 8, "{}", found.version);
    });
}

#[test]
fn in_the_middle_of_a_collection_the_lists_are_still_found() {
    each("collecting", |found| assert!(found.main().lists.collecting, "{}", found.version));
}

#[test]
fn lists_are_found_while_the_collector_calls_a_finalizer() {
    each("finalizer", |found| assert!(found.main().lists.collecting, "{}", found.version));
}

#[test]
fn a_finalizing_interpreter_is_refused() {
    for python in pythons() {
        let still = Still::start(&python, "ending");
        let version = still.numbers("version");
        let found = interpreters(&still.memory, still.runtime, version[0] as u8, version[1] as u8);
        assert_eq!(found, Err(RuntimeError::Finalizing), "3.{}", version[0]);
    }
}
