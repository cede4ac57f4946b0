//! Damaged memory: whatever a copy says, a heap or an error comes of it, by about as many reads and in about the memory
//! that an undamaged one takes. What the fuzzer (`examples/fuzz_decoder.rs`) found is kept here.
#![cfg(target_os = "linux")]
#![allow(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::expect_used,
    reason = "a test fails by it"
)]

mod common;
#[path = "common/damage.rs"]
mod damage;

use std::path::Path;
use std::process::Command;

use common::Python;
use damage::{Counted, Damaged, Places, Reads, Traced};
use memtop_cpython::layout::{container, gc_head, object, type_object};
use memtop_cpython::{Interpreter, Layout, Memory, interpreters};
use memtop_heap::Heap;
use memtop_remote::{CaptureOptions, Copied, CopyOptions, Image, RemoteError, Target};

/// A program, and a copy of it.
struct Scene {
    _python: Python,
    target: Target,
    copied: Copied,
    heap: Heap,
    places: Places,
    reads: Reads,
}

impl Scene {
    fn of(mut python: Python) -> Self {
        python.line();
        let target = Target::find(python.pid).expect("a Python program");
        let copied = target.copy(&CopyOptions::default()).expect("a copy");
        let traced = Traced::new(&copied.image);
        let counted = Counted::new(&traced);
        let heap = target.heap_of(&copied, &counted, &CaptureOptions::default()).expect("a heap");
        let reads = counted.reads();
        let places = Places::new(&heap, traced);
        Self { _python: python, target, copied, heap, places, reads }
    }

    /// One with some of everything, whose addresses are the same each time.
    fn zoo(python: &str) -> Self {
        let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cpython/tests/untraced");
        let program =
            "import sys; sys.path.insert(0, sys.argv[1]); import zoo; print('ready', flush=True); input()";
        let mut command = Command::new("setarch");
        command.args(["-R", python, "-c", program]).arg(zoo);
        command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
        Self::of(Python::of(command))
    }

    /// A small one: `known` is a list of 1,000 bytes objects, `Slots` a class with a hundred instances.
    fn small(python: &str) -> Self {
        Self::of(Python::start(
            python,
            "
import sys
known = [b'%d' % i for i in range(1000)]
class Slots:
    __slots__ = ('one', 'two')
    def __init__(self):
        self.one, self.two = [1], [2]
many = [Slots() for _ in range(100)]
def inner(depth):
    if depth:
        return inner(depth - 1)
    print('ready', flush=True)
    sys.stdin.readline()
inner(200)
",
        ))
    }

    fn damaged(&self) -> Damaged<'_, Image> {
        Damaged::new(&self.copied.image)
    }

    /// What comes of damage. A capture may read ten times as much as it does of the undamaged copy, and find no more
    /// objects and references than there are words.
    fn heap(&self, damaged: &Damaged<'_, Image>) -> Result<Heap, RemoteError> {
        let counted = Counted::new(damaged);
        let heap = self.target.heap_of(&self.copied, &counted, &CaptureOptions::default());
        let reads = counted.reads();
        let most = Reads { number: 10 * self.reads.number, bytes: 10 * self.reads.bytes };
        assert!(
            reads.number < most.number && reads.bytes < most.bytes,
            "{reads:?} rather than {:?}",
            self.reads
        );
        if let Ok(heap) = &heap {
            let words = self.copied.bytes / 8;
            let told = heap.objects().len() + heap.references().len() + heap.roots().len();
            assert!((told as u64) < words, "{told} of {words} words");
        }
        heap
    }

    fn word(&self, at: u64) -> u64 {
        self.copied.image.word(at).expect("it can be read")
    }

    fn interpreter(&self) -> Interpreter {
        let version = &self.target.version;
        let mut found =
            interpreters(&self.copied.image, self.target.runtime, version.minor, version.micro).expect("one");
        found.remove(0)
    }

    fn layout(&self) -> Layout {
        Layout::of(self.target.version.minor).expect("it was captured")
    }

    /// The address of a type.
    fn type_called(&self, name: &str) -> u64 {
        let objects = self.heap.objects();
        let mut of = objects.ids().filter(|&id| self.heap.type_name(id) == name);
        self.word(objects.address(of.next().expect("there are some")) + object::TYPE as u64)
    }

    fn first(&self, name: &str) -> u64 {
        let objects = self.heap.objects();
        let found = objects.ids().find(|&id| self.heap.type_name(id) == name);
        objects.address(found.expect("there is one"))
    }
}

/// The oldest, one of those in the middle, and the newest interpreter that is found.
fn some_pythons() -> Vec<(u8, &'static str)> {
    let all: Vec<_> =
        common::interpreters().iter().map(|(&minor, python)| (minor, python.as_str())).collect();
    let mut some: Vec<_> = [all.first(), all.iter().find(|(minor, _)| *minor == 11), all.last()]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    some.dedup();
    some
}

/// Which seeds of the fuzzer did harm once, by the interpreter's minor version.
const KEPT: [(u8, &[u64]); 3] = [(8, &[5, 95]), (9, &[6804]), (10, &[397])];

#[test]
fn what_the_fuzzer_found_does_no_harm_any_more() {
    for (minor, seeds) in KEPT {
        let Some(python) = common::interpreters().get(&minor) else { continue };
        let scene = Scene::zoo(python);
        for &seed in seeds {
            // Whether it is a heap or an error is not the question; that it is one of both, is.
            let _ = scene.heap(&scene.places.damage(&scene.copied.image, seed));
        }
    }
}

#[test]
fn damage_of_any_kind_does_no_harm() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let heaps =
            (0..12).filter(|&seed| scene.heap(&scene.places.damage(&scene.copied.image, seed)).is_ok());
        assert!(heaps.count() > 2, "some damage leaves a heap");
    }
}

#[test]
fn frames_and_pieces_of_their_stack_that_lead_back_are_met_once() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let (layout, thread) = (scene.layout(), scene.interpreter().threads[0]);
        if let Some(offset) = layout.thread.stack_chunk {
            let chunk = scene.word(thread + offset);
            let mut damaged = scene.damaged();
            damaged.put(chunk, chunk);
            assert!(scene.heap(&damaged).is_ok());
        }
        let mut frame = scene.word(thread + layout.thread.frame);
        if let Some(offset) = layout.thread.in_cframe {
            frame = scene.word(frame + offset);
        }
        let top = frame;
        for _ in 0..100 {
            frame = scene.word(frame + layout.frame.previous);
        }
        let mut damaged = scene.damaged();
        damaged.put(frame + layout.frame.previous, top);
        let heap = scene.heap(&damaged).expect("a heap");
        let frames = heap.roots().frames().len();
        assert!((90..110).contains(&frames), "{frames} frames of a ring of 101");
    }
}

#[test]
fn a_dict_that_says_it_is_huge_is_read_as_far_as_it_goes() {
    for (minor, python) in some_pythons() {
        let scene = Scene::small(python);
        let modules = scene.interpreter().modules;
        let keys = scene.word(modules + container::DICT_KEYS as u64);
        let mut damaged = scene.damaged();
        if minor >= 11 {
            damaged.write(keys + 8, &[60]);
            damaged.put(keys + 24, u64::MAX >> 1);
        } else {
            // The size tells how many bytes an index has: as large as that.
            damaged.put(keys + 32, u64::MAX >> 1);
        }
        let heap = scene.heap(&damaged).expect("a heap");
        assert!(heap.roots().len() > 20, "its modules are there");
    }
}

#[test]
fn items_end_where_no_item_can_be() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let mut damaged = scene.damaged();
        let objects = scene.heap.objects();
        for id in objects.ids().filter(|&id| ["list", "tuple"].contains(&scene.heap.type_name(id))) {
            let at = objects.address(id);
            damaged.put(at + object::SIZE as u64, 1 << 40);
            if scene.heap.type_name(id) == "list" {
                damaged.put(at + container::LIST_ALLOCATED as u64, 1 << 40);
            }
        }
        let heap = scene.heap(&damaged).expect("a heap");
        assert!(heap.references().len() < 3 * scene.heap.references().len());
    }
}

#[test]
fn objects_that_say_they_are_large_do_not_have_the_same_memory_many_times() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let bytes = scene.type_called("bytes");
        let mut damaged = scene.damaged();
        // Called otherwise, it is a type that nobody knows, whose objects are looked through for addresses.
        damaged.put(bytes + type_object::NAME as u64, scene.word(scene.type_called("function") + 24) + 1);
        damaged.put(bytes + type_object::BASIC_SIZE as u64, 1 << 16);
        let heap = scene.heap(&damaged).expect("a heap");
        assert!(heap.references().len() < 2 * scene.heap.references().len());
    }
}

#[test]
fn a_class_that_derives_from_itself_has_its_members_once() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let instance = scene.first("__main__.Slots");
        let class = scene.word(instance + object::TYPE as u64);
        let mut damaged = scene.damaged();
        damaged.put(class + type_object::BASE as u64, class);
        let heap = scene.heap(&damaged).expect("a heap");
        let id = heap.objects().at_address(instance).expect("it is still there");
        assert!(heap.references().count_of(id) < 10, "two slots, and the class");
    }
}

#[test]
fn addresses_that_no_process_can_have_lead_nowhere() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let list = scene.first("list");
        let items = scene.word(list + container::LIST_ITEMS as u64);
        for wild in [u64::MAX, u64::MAX - 7, 8, 1 << 63, (1 << 48) - 8, 0x1234_5678_9000] {
            let mut damaged = scene.damaged();
            damaged.put(items, wild);
            let heap = scene.heap(&damaged).expect("a heap");
            assert!(heap.objects().at_address(wild).is_none());
            damaged.put(list + object::TYPE as u64, wild);
            damaged.put(scene.interpreter().threads[0] + scene.layout().thread.frame, wild);
            assert!(scene.heap(&damaged).is_ok());
        }
    }
}

/// A process may be stopped between two of the instructions that put an object into a list, or take one out.
#[test]
fn a_list_of_the_collector_may_be_about_to_change() {
    const PREVIOUS: u64 = gc_head::PREVIOUS as u64;
    for (minor, python) in some_pythons() {
        let scene = Scene::small(python);
        let link = |at: u64| scene.word(at) & gc_head::MASK as u64;
        let heads = scene.interpreter().lists.heads;
        let head = *heads.iter().find(|&&head| link(head) != link(head + PREVIOUS)).expect("a list of two");
        let (first, last) = (link(head), link(head + PREVIOUS));
        let (second, before) = (link(first), link(last + PREVIOUS));
        let all = scene.heap.objects().len();
        let changes: [&[(u64, u64)]; 4] = [
            // Taken out of the front.
            &[(head, second)],
            // Put in at the end: linked from before; with its own links; all but the head's.
            &[(head + PREVIOUS, before), (last, 0), (last + PREVIOUS, 0)],
            &[(head + PREVIOUS, before), (last, 0)],
            &[(head + PREVIOUS, before)],
        ];
        for change in changes {
            let mut damaged = scene.damaged();
            change.iter().for_each(|&(at, word)| damaged.put(at, word));
            let heap = scene.heap(&damaged).expect("a heap");
            assert!(heap.objects().len() + 10 > all, "3.{minor}: {} of {all} objects", heap.objects().len());
        }
        // A link that leads elsewhere belongs to no list.
        let mut damaged = scene.damaged();
        damaged.put(head, link(second));
        assert!(scene.heap(&damaged).is_err(), "3.{minor}");
    }
}

#[test]
fn a_layout_that_does_not_fit_is_refused_in_one_sentence() {
    for (_, python) in some_pythons() {
        let scene = Scene::small(python);
        let mut damaged = scene.damaged();
        let lists = scene.interpreter().lists;
        for head in lists.heads {
            damaged.write(head, &[0; 16]);
        }
        let error = scene.heap(&damaged).expect_err("it has no lists");
        let version = &scene.target.version;
        let said = format!(
            "process {} runs CPython {version}, but its memory does not have that version's layout: the collector's lists not found at or near the expected address",
            scene.target.pid
        );
        assert_eq!(error.to_string(), said);
    }
}
