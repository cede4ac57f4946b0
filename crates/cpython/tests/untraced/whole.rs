//! The walk over a stopped program, from outside: each object that Python knows is in the heap, with the memory that
//! it occupies, as far as Python reports it, and with the references that Python reports.

use std::time::Instant;

use memtop_cpython::layout::type_object;
use memtop_cpython::{
    CType, Checked, Decoder, HeapAccess, InterpreterFacts, Layout, MappedMemory, Memory, Preallocated,
    Resident, Sink, TypeInfo, Walk,
};
use memtop_heap::{Budget, CaptureInfo, HeapBuilder, HeapError, Label, StringId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::live::{self, Foreign, Still};

/// Takes names, and nothing else.
struct Names(HeapBuilder);

impl Sink for Names {
    fn reference(&mut self, _: u64, _: Label) {}

    fn maybe_reference(&mut self, _: u64, _: Label) {}

    fn probable_reference(&mut self, _: u64, _: Label) {}

    fn deref(&mut self, _: u64) -> Option<u64> {
        None
    }

    fn name(&mut self, text: &str) -> StringId {
        self.0.string(text)
    }

    fn is_namespace(&mut self, _: u64) -> bool {
        false
    }

    fn variable(&mut self, _: u64, _: Label) {}
}

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
    let new_decoder = || {
        Decoder::new(&still.memory, layout, still.types, &still.c_types, class, false)
            .expect("the tuple type can be read")
    };
    let decoder = new_decoder();
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
        mapped: MappedMemory::unknown(),
    };
    let mut source = Outside { still: &still };
    let room =
        Preallocated::for_objects(still.objects.len(), Budget::default(), |_, _| true).expect("memory");
    let checked = Checked::new(&still.memory);
    let mut walked = Walk::new(&mut source, &still.memory, &checked, decoder, room, &surroundings).run();
    walked.count_buffers(|start, end| Resident { bytes: end - start, in_files: 0 });
    let heap = walked.into_heap(CaptureInfo::default(), Instant::now()).expect("it is not too large");
    let objects = heap.objects();
    let sizes: FxHashMap<u64, u64> =
        objects.ids().map(|id| (objects.address(id), objects.size(id))).collect();
    let missing = still.objects.iter().filter(|object| !sizes.contains_key(&object.address)).count();
    assert_eq!(missing, 0);
    // What Python says, and what that leaves out.
    let (mut decoder, mut names) = (new_decoder(), Names(HeapBuilder::new(CaptureInfo::default())));
    let mut infos: FxHashMap<u64, TypeInfo> = FxHashMap::default();
    let (mut wrong, mut maps) = (0, Vec::new());
    for (object, said) in still.objects.iter().filter_map(|object| Some((object, object.size?))) {
        let of = still.memory.word(object.address + 8).expect("an object can be read");
        let info = infos.entry(of).or_insert_with(|| decoder.type_info(of, &mut names).expect("a type"));
        let (size, occupied) = (sizes[&object.address], decoder.occupied(object.address, info, said));
        match info.c_type.map(CType::name) {
            Some("mmap.mmap") => maps.push(size - occupied),
            _ => wrong += usize::from(size != occupied),
        }
    }
    // No allocator pads what is mapped.
    assert_eq!(maps, [8192]);
    assert!(wrong * 500 < still.objects.len(), "{wrong} sizes are wrong");
    assert_eq!(heap.info().damaged, 0);
    let references: usize = still.objects.iter().map(|object| object.referents.len()).sum();
    assert!(heap.references().len() > references * 999 / 1000);
}
