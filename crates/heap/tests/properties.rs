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

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_what_collections_free(
        (count, references, roots, native) in graphs(),
        tracked in proptest::collection::vec(any::<bool>(), 40),
        unvisited in proptest::collection::vec(any::<bool>(), 120),
    ) {
        let mut builder = build(count, &references, &roots, &native);
        for index in (0..count).filter(|&index| tracked[index]) {
            builder.add_flags(ObjectId::from_index(index), Flags::TRACKED);
        }
        // A pair of objects with several references is visited for all of them or for none.
        let first = |pair: &(usize, usize)| references.iter().position(|reference| reference == pair);
        let hidden = |place: usize| unvisited[first(&references[place]).unwrap_or(place)];
        let pairs = (0..references.len())
            .filter(|&place| hidden(place))
            .map(|place| (ObjectId::from_index(references[place].0), ObjectId::from_index(references[place].1)));
        let (heap, accounts) = builder.finish_as_collected(pairs.collect()).unwrap();

        let visited: Vec<(usize, usize)> = (0..references.len())
            .filter(|&place| tracked[references[place].0] && !hidden(place))
            .map(|place| references[place])
            .collect();
        let held = |index: usize| native.iter().any(|hold| hold.0 == index && hold.1 > 0);
        let alive = closure(count, &references, roots.iter().copied().chain((0..count).filter(|&index| held(index))));
        let remaining = collections(count, &references, &visited, &tracked, alive.clone());
        for (index, &remains) in remaining.iter().enumerate() {
            let id = ObjectId::from_index(index);
            let is_garbage = heap.objects().flags(id).contains(Flags::GARBAGE);
            prop_assert_eq!(is_garbage, !remains, "object {}", index);
        }
        let cycles = accounts.uncollectable.iter().map(|cycle| cycle.object.index());
        let kept = closure(count, &references, cycles.chain((0..count).filter(|&index| alive[index])));
        prop_assert_eq!(kept, remaining);
    }
}

/// The objects that remain after as many collections as free something. An object dies when its count is 0, or in a
/// collection, by the collector's own steps: subtract the references that are visited, and keep what is reached from
/// objects with a reference left.
fn collections(
    count: usize,
    references: &[(usize, usize)],
    visited: &[(usize, usize)],
    tracked: &[bool],
    alive: Vec<bool>,
) -> Vec<bool> {
    let mut exists = vec![true; count];
    loop {
        let before = exists.clone();
        loop {
            let died: Vec<usize> = (0..count)
                .filter(|&index| exists[index] && !alive[index])
                .filter(|&index| !references.iter().any(|&(from, to)| to == index && exists[from]))
                .collect();
            if died.is_empty() {
                break;
            }
            died.into_iter().for_each(|index| exists[index] = false);
        }
        let young = |index: usize| exists[index] && tracked[index];
        let counted = |index: usize| {
            let all = references.iter().filter(|&&(from, to)| to == index && exists[from]).count();
            let inside = visited.iter().filter(|&&(from, to)| to == index && young(from)).count();
            all > inside || alive[index]
        };
        let inside: Vec<(usize, usize)> =
            visited.iter().copied().filter(|&(from, to)| young(from) && young(to)).collect();
        let kept = closure(count, &inside, (0..count).filter(|&index| young(index) && counted(index)));
        let freed: Vec<usize> = (0..count).filter(|&index| young(index) && !kept[index]).collect();
        freed.into_iter().for_each(|index| exists[index] = false);
        if exists == before {
            return exists;
        }
    }
}
