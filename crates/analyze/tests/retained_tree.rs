//! Where retained size is, by path: the tree of the places adds up, and puts together what is held alike.

use memtop_analyze::{Costs, Retained, RetainedTree, RetainedTreeOptions, ShortestPaths, retained_tree};
use memtop_heap::testing::graph;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder};

fn tree(heap: &Heap, limit: usize) -> RetainedTree {
    let (retained, shortest) = (Retained::new(heap), ShortestPaths::new(heap, &Costs::default()));
    let tree = retained_tree(heap, &retained, &shortest, &RetainedTreeOptions { limit });
    assert_eq!(tree.total, retained.total());
    assert_eq!(tree.objects, retained.dominators().len() as u64);
    adds_up(&tree);
    tree
}

/// What a place retains is its own bytes and what stands below it; each place comes after the one above it.
fn adds_up(tree: &RetainedTree) {
    let mut below: Vec<u64> = tree.places.iter().map(|place| place.shallow + place.folded.retained).collect();
    let mut roots = tree.folded.retained;
    for (index, place) in tree.places.iter().enumerate() {
        match place.parent {
            Some(parent) => {
                assert!(parent < index);
                below[parent] += place.retained;
            }
            None => roots += place.retained,
        }
        assert!(place.path.ends_with(&place.label), "{place:?}");
    }
    assert_eq!(below, tree.places.iter().map(|place| place.retained).collect::<Vec<_>>());
    assert_eq!(roots, tree.total);
    let hidden: u64 = tree.places.iter().map(|place| place.folded.places).sum();
    assert_eq!(hidden + tree.folded.places + tree.places.len() as u64, tree.all_places);
}

/// A line a place, indented by its depth: label, type, objects, retained bytes.
fn drawn(tree: &RetainedTree) -> String {
    fn below(tree: &RetainedTree, parent: Option<usize>, depth: usize, out: &mut String) {
        for (index, place) in tree.places.iter().enumerate().filter(|(_, place)| place.parent == parent) {
            let shared = if place.shared { " shared" } else { "" };
            *out += &format!(
                "{}{} ({}) {} {}{shared}\n",
                "  ".repeat(depth),
                place.label,
                place.type_name,
                place.objects,
                place.retained
            );
            below(tree, Some(index), depth + 1, out);
        }
    }
    let mut out = String::new();
    below(tree, None, 0, &mut out);
    out
}

const SHOP: &str = "
    module:shop -> globals:dict[100] -> sessions:dict('sessions')[1000]
    sessions -> a:Session('a')[50] -> a_cart:list(.cart)[10]
    sessions -> b:Session('b')[50] -> b_cart:list(.cart)[20]
    module:index -> others:dict[30] -> table:dict('table')[40]
    a -> both:str(.name)[5]; table -> both('x')
";

#[test]
fn what_is_held_alike_is_one_place() {
    let tree = tree(graph(SHOP).heap(), 100);
    assert_eq!(
        drawn(&tree),
        "shop (module) 1 1230\n  \
           .sessions (dict) 1 1130\n    \
             [*] (Session) 2 130\n      \
               .cart (list) 2 30\n\
         index (module) 1 75\n  \
           .table (dict) 1 40\n  \
           .table['x'] (str) 1 5 shared\n"
    );
}

#[test]
fn what_is_left_out_is_counted() {
    let all = tree(graph(SHOP).heap(), 100);
    for limit in 0..all.places.len() {
        let some = tree(graph(SHOP).heap(), limit);
        assert_eq!(some.places.len(), limit);
        assert_eq!(some.all_places, all.all_places);
        assert_eq!(all.limited(limit), some);
        let smallest = some.places.last().map_or(u64::MAX, |place| place.retained);
        assert!(all.places[limit..].iter().all(|place| place.retained <= smallest));
    }
}

#[test]
fn a_linked_list_is_one_place_however_long_it_is() {
    let mut text = "module:m -> globals:dict[10] -> n0:Node('head')[48]\n".to_owned();
    for number in 0..50_000 {
        text += &format!("n{number} -> n{}:Node(.next)[48]\n", number + 1);
    }
    let tree = tree(graph(&text).heap(), 100);
    assert!(tree.places.len() <= 4, "{}", drawn(&tree));
    assert!(tree.places.iter().any(|place| place.objects >= 49_990), "{}", drawn(&tree));
}

#[test]
fn an_empty_heap_has_no_place() {
    let heap = HeapBuilder::new(CaptureInfo::default()).finish().expect("it is empty");
    let tree = tree(&heap, 10);
    assert_eq!((tree.places.len(), tree.total, tree.all_places), (0, 0, 0));
}
