//! The images of PIL (`ImagingObject` in Pillow's `_imaging.c`, `struct ImagingMemoryInstance` in
//! `libImaging/Imaging.h`).

use super::definition::{DefinedIn, Definition, ReadBuffers};
use super::view::{ObjectView, WORD};
use crate::address::is_plausible;
use crate::buffer::{BufferSink, Claim};

pub(super) const IMAGE: Definition = Definition {
    buffers: ReadBuffers::outside(buffers),
    ..Definition::of(DefinedIn::Package("PIL"), &["ImagingCore", "PIL._imaging.ImagingCore"])
};

/// The offset of `xsize`: up to Pillow 11 behind the name of the mode, later behind its number.
const WIDTHS: [u64; 2] = [20, 16];

/// The lines of pixels, in one block or in several, and the table of lines.
fn buffers(object: &ObjectView<'_>, sink: &mut BufferSink<'_>) {
    const IMAGE: u64 = 16;
    let image = object.pointer(IMAGE);
    if !is_plausible(image) {
        return;
    }
    for width in WIDTHS {
        if read(object, image, width, sink) {
            return;
        }
    }
}

/// Reports the blocks of an image whose width is at this offset; false if it does not look like an image:
/// the lines are listed once more by the size of their pixels, and a line is as long as its pixels.
fn read(object: &ObjectView<'_>, image: u64, width: u64, sink: &mut BufferSink<'_>) -> bool {
    const MOST_BLOCKS: u64 = 1 << 16;
    const BLOCK: u64 = 16;
    const BLOCK_SIZE: u64 = 8;
    let half = |offset: u64| u64::from(object.memory.half(image + offset).unwrap_or(0));
    let word = |offset: u64| object.word_at(image + offset);
    let (columns, rows) = (half(width), half(width + 4));
    // Behind the palette: the lines as bytes, as numbers of 32 bits, and whatever they are.
    let first = (width + 8).next_multiple_of(WORD) + WORD;
    let [bytes, numbers, lines, block, blocks] = [0, 1, 2, 3, 4].map(|index| word(first + index * WORD));
    let (pixel, line) = (half(first + 5 * WORD), half(first + 5 * WORD + 4));
    let is_image = is_plausible(lines)
        && (bytes == lines || numbers == lines)
        && (1..=4).contains(&pixel)
        && line >= columns.saturating_mul(pixel)
        && rows < 1 << 31;
    if !is_image {
        return false;
    }
    sink.add(Claim::Owned, lines, rows * WORD);
    sink.add(Claim::Owned, block, rows * line);
    if is_plausible(blocks) {
        for at in (0..MOST_BLOCKS).map(|index| blocks + index * BLOCK) {
            let start = object.word_at(at);
            if start == 0 || !sink.may_read() {
                break;
            }
            let size = object.memory.half(at + BLOCK_SIZE).unwrap_or(0);
            sink.add(Claim::Owned, start, u64::from(size));
        }
    }
    true
}
