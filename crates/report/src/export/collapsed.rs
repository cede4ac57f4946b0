//! Collapsed stacks: one line for each stack, `outermost;…;innermost bytes`, as `flamegraph.pl`, inferno and others
//! read them.
//!
//! Only bytes are written, since the format has one number per line. Stacks without bytes have no line.

use std::io::{self, Write};

use super::stacks::{Frame, Stacks};

/// Writes the bytes of `stacks`.
///
/// # Errors
/// Those of `out`.
pub fn collapsed(stacks: &Stacks, out: &mut dyn Write) -> io::Result<()> {
    // A name must not contain the separator of frames.
    let names: Vec<String> = stacks.names().iter().map(|name| name.replace(';', "\\x3b")).collect();
    let mut lines: Vec<(Vec<usize>, u64)> = stacks
        .held()
        .filter(|frame| frame.bytes > 0)
        .map(|frame| (outermost_first(stacks, frame), frame.bytes))
        .collect();
    // One line for each stack: frames of one name on the same stack are one.
    lines.sort_unstable();
    for same in lines.chunk_by(|a, b| a.0 == b.0) {
        let stack: Vec<&str> = same[0].0.iter().map(|&name| names[name].as_str()).collect();
        let bytes = same.iter().fold(0_u64, |sum, line| sum.saturating_add(line.1));
        writeln!(out, "{} {bytes}", stack.join(";"))?;
    }
    Ok(())
}

/// The names of a stack, by index, the outermost frame first.
pub(super) fn outermost_first(stacks: &Stacks, frame: &Frame) -> Vec<usize> {
    let mut names: Vec<usize> = stacks.names_of(frame).collect();
    names.reverse();
    names
}
