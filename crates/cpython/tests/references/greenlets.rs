//! The frames of a greenlet that is switched out, which has two.

use memtop_cpython::ObjectKind;

use super::{AT, READY, TUPLE, TYPE, TYPE_OF_TYPES, Words, ZONE, alone};

const IMPLEMENTATION: u64 = 0x7f00_0001_0000;
const FRAMES: [u64; 2] = [0x7f00_0000_c000, 0x7f00_0000_c100];
const DATA: [u64; 2] = [0x7f00_0000_d000, 0x7f00_0000_d100];
const LOCALS: [u64; 2] = [0x7f00_0000_e000, 0x7f00_0000_e100];
const CODE: u64 = 0x7f00_0000_f000;

/// A static type of the interpreter with this name.
fn type_called(memory: &mut Words, at: u64, name: &[u8; 8]) {
    memory.words.extend((0..408 / 8).map(|index| (at + 8 * index, 0)));
    memory.words.extend([(at + 8, TYPE_OF_TYPES), (at + 24, at + 512), (at + 168, READY)]);
    memory.words.extend([(at + 512, u64::from_le_bytes(*name)), (at + 520, 0)]);
}

/// A greenlet of `PyGreenlet`'s form from 2.0 on, in CPython 3.12. From 3.2 on, it has a pointer to itself before its
/// other members.
fn greenlet_of(is_after_3_2: bool) -> Words {
    const CODE_TYPE: u64 = TUPLE + 0x800;
    const FRAME_TYPE: u64 = TUPLE + 0x400;
    let mut memory = Words::default();
    type_called(&mut memory, FRAME_TYPE, b"frame\0\0\0");
    type_called(&mut memory, CODE_TYPE, b"code\0\0\0\0");
    memory.words.extend([(AT + 8, TYPE), (TYPE + 208, 16), (AT + 32, IMPLEMENTATION)]);
    memory.words.extend((1..26).map(|index| (IMPLEMENTATION + 8 * index, 0)));
    let (itself, frame) = if is_after_3_2 { (8, 104) } else { (160, 96) };
    memory.words.extend([(IMPLEMENTATION + itself, AT), (IMPLEMENTATION + frame, FRAMES[0])]);
    for index in 0..2 {
        let (object, data) = (FRAMES[index], DATA[index]);
        memory.words.extend([(object, 1), (object + 8, FRAME_TYPE), (object + 24, data)]);
        memory.words.extend((0..12).map(|word| (data + 8 * word, 0)));
        let next = if index == 0 { DATA[1] } else { 0 };
        // One slot in use; the frame belongs to a thread.
        let words = [(0, CODE), (8, next), (48, object), (64, 1), (72, LOCALS[index])];
        memory.words.extend(words.map(|(offset, word)| (data + offset, word)));
    }
    memory.words.extend((0..20).map(|word| (CODE + 8 * word, 0)));
    memory.words.extend([(CODE, 1), (CODE + 8, CODE_TYPE), (CODE + 72, 1)]);
    memory
}

#[test]
fn the_frames_of_a_greenlet_that_is_switched_out_are_its_own() {
    for is_after_3_2 in [true, false] {
        let memory = greenlet_of(is_after_3_2);
        let found = alone(12, "greenlet.greenlet", ObjectKind::Greenlet, memory, 40);
        assert_eq!(found.hidden, [LOCALS[0], CODE, FRAMES[0], LOCALS[1], CODE, FRAMES[1]], "{is_after_3_2}");
    }
}

#[test]
fn no_frame_of_a_greenlet_is_read_that_does_not_lead_back() {
    // The greenlet in the C++ object, the frame in its data, the type of the frame, that of its code.
    for broken in [IMPLEMENTATION + 8, DATA[0] + 48, FRAMES[0] + 8, CODE + 8] {
        let mut memory = greenlet_of(true);
        memory.words.insert(broken, ZONE);
        let found = alone(12, "greenlet.greenlet", ObjectKind::Greenlet, memory, 40);
        assert!(found.references.is_empty(), "{broken:x}: {:x?}", found.references);
    }
}

#[test]
fn a_ring_of_frames_of_a_greenlet_ends() {
    let mut memory = greenlet_of(true);
    memory.words.insert(DATA[1] + 8, DATA[0]);
    let found = alone(12, "greenlet.greenlet", ObjectKind::Greenlet, memory, 40);
    assert!((6..=24).contains(&found.hidden.len()), "{}", found.hidden.len());
}
