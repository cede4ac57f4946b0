//! The tensors and storages of torch (`c10/core/TensorImpl.h`, `c10/core/StorageImpl.h`,
//! `torch/csrc/autograd/python_variable.h`, `torch/csrc/Storage.h`).
//!
//! Tensors that view one storage each report all of it; it is counted once. A storage on another device, such
//! as a GPU, takes none of the memory of the process and is reported as device memory.

use super::cpp::Cpp;
use super::definition::{DefinedIn, Definition, ReadBuffers};
use super::view::{ObjectView, WORD};
use crate::address::ADDRESS_MASK;
use crate::buffer::{BufferSink, Claim};

const TORCH: DefinedIn = DefinedIn::Package("torch");

pub(super) const TENSOR: Definition = Definition {
    buffers: ReadBuffers::outside(tensor),
    ..Definition::of(TORCH, &["torch._C.TensorBase", "torch._C._TensorBase"])
};

pub(super) const STORAGE: Definition =
    Definition { buffers: ReadBuffers::outside(storage), ..Definition::of(TORCH, &["torch._C.StorageBase"]) };

/// The offset of the pointer to the C++ object. Before it, most versions say whether the pointer is borrowed.
const HELD: [u64; 2] = [16, 24];
/// The counts in an object whose references are counted. Its virtual functions come first.
const COUNTS: u64 = 8;
const COUNTED: u64 = 16;

fn tensor(object: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let mut cpp = Cpp { view: object, sink };
    for offset in HELD {
        let tensor = cpp.word(object.at + offset);
        if is_counted(&cpp, tensor) && read(&mut cpp, tensor + COUNTED) {
            return;
        }
    }
}

fn storage(object: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    let mut cpp = Cpp { view: object, sink };
    for offset in HELD {
        if read(&mut cpp, object.at + offset) {
            return;
        }
    }
}

/// Whether an object is one whose references are counted (`c10/util/intrusive_ptr.h`).
fn is_counted(cpp: &Cpp<'_, '_, '_, '_>, at: u64) -> bool {
    cpp.is_virtual(at) && cpp.are_counts(at + COUNTS)
}

/// Reports the storage that the pointer at an address leads to; false if it is not one. It has its data, what
/// frees them, their device, and their size in bytes, which is negative if it is a symbol.
fn read(cpp: &mut Cpp<'_, '_, '_, '_>, pointer: u64) -> bool {
    const DATA: u64 = COUNTED;
    const DEVICE: u64 = DATA + 3 * WORD;
    const SIZE: u64 = DEVICE + WORD;
    /// The highest number of a kind of device that is believed.
    const LAST_DEVICE: u8 = 64;
    const HOST: u8 = 0;
    let storage = cpp.word(pointer);
    if !is_counted(cpp, storage) {
        return false;
    }
    let (data, size) = (cpp.word(storage + DATA), cpp.word(storage + SIZE));
    let device = cpp.view.memory.byte(storage + DEVICE);
    match device.filter(|&device| device < LAST_DEVICE && size <= ADDRESS_MASK) {
        None => return false,
        Some(HOST) => cpp.sink.add(Claim::Owned, data, size),
        Some(_) if data != 0 => cpp.sink.set_device(data, size),
        Some(_) => {}
    }
    true
}
