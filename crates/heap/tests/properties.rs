//! References and accounts against plain lists and sets, on random graphs.

use memtop_heap::*;
use proptest::prelude::*;

type Plan = (usize, Vec<(usize, usize)>, Vec<usize>, Vec<(usize, u32)>);

/// A random graph: the number of objects, references in any order, roots, and references that native code holds.
fn graphs() -> impl Strategy<Value = Plan> {
    (1..40_usize).prop_flat_map(|count| {
        let references = proptest::collection::vec((0..count, 0..count), 0..120);
        let roots = proptest::collection::vec(0..count, 0..4);
        let native = proptest::collection::vec((0..count, 0..3_u32), 0..3);
        (Just(count), references, roots, native)
    })
}

fn build(
    count: usize,
    references: &[(usize, usize)],
    roots: &[usize],
    native: &[(usize, u32)],
) -> HeapBuilder {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let ty = builder.add_type(Type::new("m", "T"));
    let name = builder.string("r");
    for index in 0..count {
        let found = references.iter().filter(|reference| reference.1 == index).count() as u32;
        let held: u32 = native.iter().filter(|hold| hold.0 == index).map(|hold| hold.1).sum();
        builder.add_object(Object { refcount: found + held, ..Object::new(index as u64, ty, 1) });
    }
    for (place, &(from, to)) in references.iter().enumerate() {
        builder.add_reference(ObjectId::from_index(from), ObjectId::from_index(to), Label::at(place));
    }
    for &root in roots {
        builder.add_root(Root::new(RootKind::Unknown, name, ObjectId::from_index(root)));
    }
    builder
}

/// The objects reached from `start`, by repetition until nothing is added.
fn closure(count: usize, references: &[(usize, usize)], start: impl Iterator<Item = usize>) -> Vec<bool> {
    let mut reached = vec![false; count];
    start.for_each(|index| reached[index] = true);
    loop {
        let more: Vec<usize> = references
            .iter()
            .filter(|&&(from, to)| reached[from] && !reached[to])
            .map(|&(_, to)| to)
            .collect();
        if more.is_empty() {
            return reached;
        }
        more.into_iter().for_each(|index| reached[index] = true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn references_are_those_that_were_added((count, references, roots, native) in graphs()) {
        let heap = build(count, &references, &roots, &native).finish().unwrap();
        let back = Referrers::new(&heap);
        for id in heap.objects().ids() {
            let forward: Vec<_> = heap.references().of(id).map(|r| (r.to.index(), r.label.index().unwrap())).collect();
            let expected: Vec<_> = references.iter().enumerate().filter(|(_, r)| r.0 == id.index())
                .map(|(place, r)| (r.1, place)).collect();
            prop_assert_eq!(forward, expected);
            let backward: Vec<_> = back.of(id).map(|r| (r.from.index(), r.label.index().unwrap())).collect();
            let mut expected: Vec<_> = references.iter().enumerate().filter(|(_, r)| r.1 == id.index())
                .map(|(place, r)| (r.0, place)).collect();
            expected.sort_unstable();
            prop_assert_eq!(back.count_of(id), expected.len());
            prop_assert_eq!(backward, expected);
        }
    }

    #[test]
    fn accounts_are_the_collectors_own_reasoning((count, references, roots, native) in graphs()) {
        let (heap, accounts) = build(count, &references, &roots, &native).finish_with_accounts().unwrap();
        let from_roots = closure(count, &references, roots.iter().copied());
        let held = |index: usize| native.iter().any(|hold| hold.0 == index && hold.1 > 0);
        let all = closure(count, &references, roots.iter().copied().chain((0..count).filter(|&index| held(index))));
        for index in 0..count {
            let id = ObjectId::from_index(index);
            let native_root = heap.roots().iter().any(|(_, r)| r.kind == RootKind::Native && r.object == id);
            prop_assert_eq!(native_root, held(index) && !from_roots[index]);
            prop_assert_eq!(heap.objects().flags(id).contains(Flags::GARBAGE), !all[index]);
        }
        prop_assert_eq!(accounts.garbage.len(), all.iter().filter(|reached| !**reached).count());
    }
}
