//! The help screen: the keys, and the terms.

use ratatui::layout::Rect;

use super::pen::{Pen, span};
use super::theme::Role;

/// The lines: a key and its effect, or a term and its meaning; a heading has no key.
const HELP: &[(&str, &str)] = &[
    ("", "Moving around"),
    ("↑ ↓, k j", "move the cursor by a row; the mouse wheel does too"),
    ("PgUp PgDn, ^B ^F, Space", "move by a page; ^U ^D by half a page"),
    ("Home End, g G", "go to the first row, to the last row"),
    ("Enter, →, click", "show what keeps it alive and what it retains; follow a link ›"),
    ("Esc, ←, right click", "go back"),
    ("Tab", "switch between types and holders, the places that grow"),
    ("q, ^C, F10", "quit"),
    ("", "Changing the view"),
    ("/, F4", "filter by name; Enter applies the filter, Esc clears it"),
    ("< >, 1 to 9", "sort by the previous or next column, by number, or click its name"),
    ("I", "reverse the order"),
    ("M, N", "sort by retained memory, by name"),
    ("b, B", "count growth from now on, the baseline; per minute again"),
    ("m", "capture the mouse, or release it so that the terminal can select text"),
    ("^L", "redraw the screen"),
    ("", "Captures and files"),
    ("f, Z", "freeze: stop capturing, the process runs undisturbed; again to resume"),
    ("c", "capture as soon as the budget allows"),
    ("+ -", "capture twice as often, half as often"),
    ("s", "save a snapshot of the capture that is shown"),
    ("r", "write a report on the captures so far"),
    ("", "Terms"),
    ("SHALLOW", "size of the objects themselves, without what they refer to"),
    ("RETAINED", "memory that would be freed with them"),
    ("OBJ/MIN", "growth per minute: the median slope between captures"),
    ("TREND", "number of objects over the last captures, scaled from lowest to highest"),
    ("CONF", "confidence that a place leaks; open it to see any doubt"),
    ("SHARE", "share of all growth"),
    ("free", "memory that the allocators of Python and C hold unused"),
    ("native", "memory known outside of Python objects: stacks of frames and threads"),
    ("unexplained", "the rest of resident memory: mostly native libraries"),
    ("paused", "the process is paused while its memory is copied, within the budget"),
];

/// The width of the keys.
const KEYS: u16 = 29;

/// Returns the last line that may be the first one in view.
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
    pen.line(area, foot, &[span(format!(" {more}press any other key to close it"), Role::Faint)]);
}
