//! The items of an array of objects.

use memtop_cpython::{CTypes, CodeFiles, Decoder, KnownTypes, Layout};

use super::{AT, Found, READY, TUPLE, TYPE, TYPE_OF_TYPES, Words, ZONE};

/// `PyArrayObject_fields`: the collector does not know arrays, so that no traverse visits their items.
#[test]
fn the_items_of_an_array_of_objects_are_found_within_the_process_too() {
    const DTYPE: u64 = 0x7f00_0000_c000;
    const ITEMS: u64 = 0x7f00_0000_d000;
    const LENGTHS: u64 = 0x7f00_0000_e000;
    const NAME: u64 = 0x7f00_0000_b000;
    const OWNS_DATA: u64 = 4;
    let mut memory = Words::default();
    memory.words.extend([(TUPLE + 8, TYPE_OF_TYPES), (TUPLE + 32, 24)]);
    memory.words.extend((0..408 / 8).map(|index| (TYPE + 8 * index, 0)));
    memory.words.extend([(TYPE + 8, TYPE_OF_TYPES), (TYPE + 24, NAME), (TYPE + 32, 80), (TYPE + 168, READY)]);
    memory.words.insert(NAME, u64::from_le_bytes(*b"numpy.nd"));
    memory.words.insert(NAME + 8, u64::from_le_bytes(*b"array\0\0\0"));
    memory.words.extend([
        (AT + 8, TYPE),
        (AT + 16, ITEMS),
        (AT + 24, 1),
        (AT + 32, LENGTHS),
        (AT + 40, LENGTHS),
    ]);
    memory.words.extend([(AT + 48, 0), (AT + 56, DTYPE), (AT + 64, OWNS_DATA), (AT + 72, 0), (LENGTHS, 3)]);
    memory.words.extend([(DTYPE + 24, u64::from(b'O')), (ITEMS, ZONE), (ITEMS + 8, 0), (ITEMS + 16, ZONE)]);
    let types = KnownTypes {
        string: 1,
        integer: 2,
        dict: 3,
        list: 4,
        set: 5,
        tuple: TUPLE,
        cell: 6,
        context_variable: 7,
    };
    let mappings = [(TUPLE, TUPLE + 0x1000, "/python"), (TYPE, TYPE + 0x1000, "/numpy/core.so")];
    let c_types = &CTypes::new(CodeFiles::new(mappings, TUPLE, &[]), []);
    let layout = Layout::of(12).expect("the version is known");
    let mut decoder =
        Decoder::new(&memory, layout, types, c_types, (0, 0), false).expect("the image has a tuple type");
    let mut sink = Found::new();
    let info = decoder.type_info(TYPE, &mut sink).expect("the image has a type of arrays");
    decoder.references(AT, &info, Some(&mut Vec::new()), &mut sink);
    assert_eq!(sink.hidden, [DTYPE, ZONE, ZONE]);
    assert!(sink.uncertain.is_empty(), "{:x?}", sink.uncertain);
}
