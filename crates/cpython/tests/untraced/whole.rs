//! The walk over a stopped program, from outside: each object that Python knows is in the heap, with the size
//! and the references that Python reports.

use std::time::Instant;

use memtop_cpython::layout::type_object;
use memtop_cpython::{
    Checked, Decoder, HeapAccess, InterpreterFacts, Layout, Memory, Preallocated, TypeInfo, Walk,
};
use memtop_heap::{Budget, CaptureInfo, HeapError};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::live::{self, Foreign, Still};

struct Outside<'s> {
    still: &'s Still,
}

impl HeapAccess for Outside<'_> {
    type Memory = Foreign;
    type TypePlan = ();

    const HAS_TRAVERSE: bool = false;

    fn plan(&mut self, _: u64, _: &TypeInfo, _: bool) {}

    fn size(&self, (): &(), info: &TypeInfo, at: u64, decoder: &mut Decoder<'_, Foreign>) -> u64 {
        decoder.size(at, info)
    }

    fn traverse(&self, (): &(), _: u64, _: &mut Vec<u64>) -> Result<(), HeapError> {
        panic!("nobody can be asked");
    }

    fn prefetch(&self, _: Option<u64>, _: Option<u64>, _: (u64, u64)) {}

    fn walk_gc_lists(&mut self, _: &[u64], mut visit: impl FnMut(u64)) -> Result<(), String> {
        self.still.objects.iter().for_each(|object| visit(object.address));
        Ok(())
    }
}

#[test]
fn a_walk_from_outside_finds_what_python_knows() {
    let Some(python) = live::interpreters().pop() else { return };
    let still = Still::start(&python, &[]);
    let Some(layout) = Layout::of(still.minor) else { return };
    let slot = |offset: usize| still.memory.word(still.class + offset as u64).expect("a class can be read");
    let class = (slot(type_object::TRAVERSE), slot(type_object::DEALLOC));
    let decoder = Decoder::new(&still.memory, layout, still.types, &still.c_types, class, false)
        .expect("the tuple type can be read");
    let surroundings = InterpreterFacts {
        types: still.types,
        c_types: still.c_types.clone(),
        interpreters: Vec::new(),
        package: None,
        standard: Vec::new(),
        standard_modules: FxHashSet::default(),
        static_namespaces: FxHashMap::default(),
        lru_limit: None,
        deque_limit: None,
        mapped: u64::MAX,
    };
    let mut source = Outside { still: &still };
    let room =
        Preallocated::for_objects(still.objects.len(), Budget::default(), |_, _| true).expect("memory");
    let checked = Checked::new(&still.memory);
    let walked = Walk::new(&mut source, &still.memory, &checked, decoder, room, &surroundings).run();
    let heap = walked.into_heap(CaptureInfo::default(), Instant::now()).expect("it is not too large");
    let objects = heap.objects();
    let sizes: FxHashMap<u64, u64> =
        objects.ids().map(|id| (objects.address(id), objects.size(id))).collect();
    let missing = still.objects.iter().filter(|object| !sizes.contains_key(&object.address)).count();
    assert_eq!(missing, 0);
    let wrong =
        still.objects.iter().filter(|object| object.size.is_some_and(|size| sizes[&object.address] != size));
    let wrong = wrong.count();
    assert!(wrong * 500 < still.objects.len(), "{wrong} sizes are wrong");
    assert_eq!(heap.info().damaged, 0);
    let references: usize = still.objects.iter().map(|object| object.referents.len()).sum();
    assert!(heap.references().len() > references * 999 / 1000);
}
