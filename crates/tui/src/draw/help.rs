//! What every key does, and what the columns mean.

use ratatui::layout::Rect;

use super::pen::{Pen, span};
use super::theme::Role;

/// A heading, or a key and what it does, or a name and what it means.
const HELP: &[(&str, &str)] = &[
    ("", "Moving about"),
    ("↑ ↓, k j", "a row up or down; the mouse wheel too"),
    ("PgUp PgDn, ^B ^F, Space", "a page; ^U ^D half of one"),
    ("Home End, g G", "to the first row, to the last"),
    ("Enter, →, click", "who keeps it alive, what it keeps, examples; › can be followed"),
    ("Esc, ←, right click", "back"),
    ("Tab", "types, or holders: the places that grow, ranked as suspects"),
    ("q, ^C, F10", "quit"),
    ("", "What is shown"),
    ("/, F4", "filter by what names contain; Enter keeps it, Esc clears it"),
    ("< >, 1 to 9", "sort by the next column, or by the first to ninth; or click its name"),
    ("I", "the other way round"),
    ("M, N", "sort by retained memory, by name"),
    ("b, B", "baseline: tell growth since now, or by the minute again"),
    ("m", "take the mouse, or leave it to the terminal to select text"),
    ("^L", "draw anew"),
    ("", "What is done"),
    ("f, Z", "freeze: capture no more, the process runs undisturbed; again to go on"),
    ("c", "capture as soon as the budget allows"),
    ("+ -", "capture twice as often, half as often"),
    ("s", "save a snapshot of what is shown"),
    ("r", "write a report"),
    ("", "What it means"),
    ("SHALLOW", "the objects' own sizes, without what they refer to"),
    ("RETAINED", "what would be freed if they went"),
    ("OBJ/MIN", "growth in a minute: the median of the slopes between captures"),
    ("TREND", "the number of objects over the last captures, from its lowest to its highest"),
    ("SURE", "how sure it is that a place leaks; a doubt is told when you look into it"),
    ("SHARE", "its share of all growth"),
    ("free", "memory that Python's or C's allocator holds and does not use"),
    ("native", "memory known outside of Python's objects: mapped memory, stacks of threads"),
    ("unexplained", "resident memory that is none of these: native libraries, mostly"),
    ("stopped", "the process stands still while its memory is read; the budget bounds that"),
];

/// The keys' column.
const KEYS: u16 = 29;

/// The last line that may be the first in view.
pub(crate) fn last_line(size: (u16, u16)) -> u16 {
    let lines = HELP.len() + HELP.iter().filter(|line| line.0.is_empty()).count();
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(size.1.saturating_sub(2))
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, first: u16) {
    let mut lines: Vec<Option<(&str, &str)>> = Vec::new();
    for line in HELP {
        if line.0.is_empty() {
            lines.push(None);
        }
        lines.push(Some(*line));
    }
    let keys = KEYS.min(area.width / 2);
    let foot = area.height.saturating_sub(1);
    for (at, line) in lines.iter().skip(usize::from(first)).take(usize::from(foot)).enumerate() {
        let (Some((key, what)), Ok(at)) = (line, u16::try_from(at)) else { continue };
        if key.is_empty() {
            pen.line(area, at, &[span(format!(" {what}"), Role::Name)]);
        } else {
            pen.line(Rect { width: keys, ..area }, at, &[span(format!("   {key}"), Role::Key)]);
            let right = Rect { x: area.x + keys, width: area.width - keys, ..area };
            pen.line(right, at, &[span(*what, Role::Plain)]);
        }
    }
    let more = if first < last_line((area.width, area.height)) { "↓ more · " } else { "" };
    pen.line(area, foot, &[span(format!(" {more}any other key closes this"), Role::Faint)]);
}
