//! Parts that several answers have in common as text.

use memtop_heap::{CaptureInfo, CaptureMethod};

use crate::style::Style;
use crate::wording::{capture, cost};

/// An answer that does not name its process, after a line that does.
#[must_use]
pub fn of_process(info: &CaptureInfo, answer: &str, style: &Style) -> String {
    format!("{}\n{answer}", style.sentence(&capture(info)))
}

/// The caveats of the captures that an answer rests on, and the cost of those from outside: nothing, or lines after an
/// empty one.
pub(super) fn caveats(infos: &[&CaptureInfo], style: &Style) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (place, info) in infos.iter().enumerate() {
        let first = if info.method == CaptureMethod::Remote { 0 } else { 1 };
        for sentence in cost(info).into_iter().skip(first) {
            let which = match (infos.len(), place) {
                (1, _) => "",
                (_, 0) => "the older: ",
                _ => "the newer: ",
            };
            lines.push(style.wrapped(&style.sentence(&format!("{which}{sentence}")), "", 0));
        }
    }
    if lines.is_empty() { String::new() } else { format!("\n{}", lines.concat()) }
}
