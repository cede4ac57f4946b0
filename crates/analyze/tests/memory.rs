//! The reconciled total adds up, whatever is known.

use memtop_analyze::*;
use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, Flags, Heap, HeapBuilder, MemoryNumbers, Object, Origin, Type};
use proptest::prelude::*;

fn total(memory: MemoryNumbers) -> MemoryTotal {
    let info = CaptureInfo { memory, ..CaptureInfo::default() };
    let text = "root -> a:dict[100] -> b:str[50]; a -> c:str[60]; x:shop.A[7] -> y:shop.B[9] -> x
        a -> d:shop.A[30]; own:dict!memtop[5]";
    memory_total(graph_with_accounts(text, info).heap())
}

fn kinds(total: &MemoryTotal) -> Vec<(&str, u64)> {
    total.kinds.iter().map(|part| (part.name.as_str(), part.bytes)).collect()
}

#[test]
fn python_objects_are_counted_by_kind_with_garbage_apart() {
    let total = total(MemoryNumbers::default());
    let expected =
        [("str", 110), ("dict", 100), ("other classes", 30), ("garbage", 16), ("mem_top itself", 5)];
    assert_eq!(kinds(&total), expected);
    assert_eq!((total.python, total.rss, total.unexplained), (261, None, None));
}

#[test]
fn classes_go_by_whose_code_defines_them() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let types = [
        ("builtins", "list", Origin::Standard),
        ("collections", "deque", Origin::Standard),
        ("shop", "Session", Origin::Own),
        ("shop", "Cart", Origin::Own),
        ("requests", "Response", Origin::Package),
    ];
    for (index, (module, name, origin)) in types.into_iter().enumerate() {
        let ty = builder.add_type(Type { origin, ..Type::new(module, name) });
        let id = builder.add_object(Object::new(index as u64, ty, 10 << index));
        builder.add_flags(id, Flags::TRACKED);
    }
    let heap: Heap = builder.finish().unwrap();
    let expected = [
        ("classes of packages", 160),
        ("classes of the program", 120),
        ("classes of the standard library", 20),
        ("list", 10),
    ];
    assert_eq!(kinds(&memory_total(&heap)), expected);
}

#[test]
fn a_type_of_a_library_with_large_buffers_is_a_kind_of_its_own() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let types = [
        ("numpy", "ndarray", Origin::Package, 1 << 16),
        ("mmap", "mmap", Origin::Standard, 1 << 20),
        ("requests", "Response", Origin::Package, 1 << 15),
        ("shop", "Session", Origin::Own, 1 << 17),
    ];
    for (index, (module, name, origin, size)) in types.into_iter().enumerate() {
        let ty = builder.add_type(Type { origin, ..Type::new(module, name) });
        builder.add_object(Object { flags: Flags::TRACKED, ..Object::new(index as u64, ty, size) });
    }
    let heap: Heap = builder.finish().unwrap();
    let total = memory_total(&heap);
    let names: Vec<&str> = total.kinds.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["mmap.mmap", "classes of the program", "numpy.ndarray", "classes of packages"]);
}

#[test]
fn what_is_not_resident_makes_the_rest_negative() {
    let memory = MemoryNumbers { rss: Some(200), malloc_free: Some(39), ..MemoryNumbers::default() };
    assert_eq!((total(memory).unexplained, total(memory).malloc_free), (Some(-61), Some(0)));
    let memory = MemoryNumbers { rss: Some(290), ..memory };
    assert_eq!((total(memory).unexplained, total(memory).malloc_free), (Some(0), Some(29)));
    let most = MemoryNumbers { rss: Some(0), file_backed: Some(u64::MAX), ..MemoryNumbers::default() };
    assert_eq!(total(most).unexplained, Some(i64::MIN));
}

fn number() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(0..1_u64 << 40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_adds_up(rss in number(), pymalloc in number(), malloc in number(), native in number(), files in number()) {
        let total = total(MemoryNumbers {
            rss, allocator_free: pymalloc, malloc_free: malloc, native_known: native, file_backed: files,
            ..MemoryNumbers::default()
        });
        prop_assert_eq!(total.kinds.iter().map(|part| part.bytes).sum::<u64>(), total.python);
        let parts = [total.pymalloc_free, total.malloc_free, total.native_known, total.file_backed];
        let parts: u64 = total.python + parts.into_iter().flatten().sum::<u64>();
        let sum = total.unexplained.map(|rest| parts.cast_signed() + rest);
        prop_assert_eq!(sum, rss.map(u64::cast_signed));
    }
}

#[test]
fn what_objects_hold_is_not_native_memory_of_malloc() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    builder.info_mut().memory = MemoryNumbers {
        malloc_in_use: Some(300_000),
        // 900,000 bytes in all, 200,000 of which are in blocks of malloc.
        held: Some(900_000),
        malloc_known: Some(200_000),
        ..MemoryNumbers::default()
    };
    let ty = builder.add_type(Type::new("mmap", "mmap"));
    builder.add_object(Object::new(8, ty, 960_000));
    let heap: Heap = builder.finish().unwrap();
    assert_eq!(memory_total(&heap).native.malloc, Some(300_000 - 60_000 - 200_000));
}
