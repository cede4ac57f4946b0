//! The details of a subject: facts, sentences, and sections of rows, one of which is under the cursor.

use memtop_report::{bytes, grouped};
use ratatui::layout::Rect;

use super::pen::{Pen, Span, span};
use super::theme::Role;
use crate::areas::Areas;
use crate::inspect::{DetailRow, Section, Subject};
use crate::observe::split_key;
use crate::state::details::{Answer, DetailsView};
use crate::text::{columns, right, shown, wrapped};

/// A line, with the row that it belongs to.
pub(crate) struct Line {
    pub(crate) row: Option<usize>,
    pub(crate) spans: Vec<Span>,
}

/// The most lines of a text.
const LINES: usize = 4;
/// The widths of the numbers.
const OBJECTS: usize = 10;
const BYTES: usize = 9;

/// Returns the name of the subject.
pub(super) fn title(view: &DetailsView) -> String {
    match (&view.answer, &view.subject) {
        (Answer::Found(details), Subject::Object(address)) => {
            format!("{} at {address:#x}", shown(&details.title))
        }
        (Answer::Found(details), _) => shown(&details.title),
        (_, Subject::Type(key)) => shown(split_key(key).0),
        (_, Subject::Object(address)) => format!("object at {address:#x}"),
        (_, Subject::Holder(_)) => "holder".to_owned(),
    }
}

/// Returns all lines, for a screen of `width` columns.
pub(crate) fn lines(view: &DetailsView, width: u16) -> Vec<Line> {
    let width = usize::from(width);
    let notice = |text: &str| vec![plain(vec![span(format!("   {text}"), Role::Faint)])];
    let details = match &view.answer {
        Answer::Awaited => return notice("analysing …"),
        Answer::Nothing => return notice("it no longer exists; press Esc to go back"),
        Answer::Found(details) => details,
    };
    let mut lines = Vec::new();
    let facts: Vec<String> =
        details.facts.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
    let facts = format!("{} · capture {}", facts.join(" · "), details.capture);
    for line in wrapped(&facts, width.saturating_sub(2), LINES) {
        lines.push(plain(vec![span(format!(" {line}"), Role::Plain)]));
    }
    for (place, sentence) in details.sentences.iter().enumerate() {
        let role = if place == 0 { Role::Strong } else { Role::Doubt };
        for line in wrapped(&shown(sentence), width.saturating_sub(2), LINES) {
            lines.push(plain(vec![span(format!(" {line}"), role)]));
        }
    }
    let mut row = 0;
    for section in &details.sections {
        lines.push(plain(Vec::new()));
        let mut heading = vec![span(format!(" {}", section.heading), Role::Name)];
        if !section.unit.is_empty() {
            heading.push(span(format!("  bytes: {}", section.unit), Role::Faint));
        }
        lines.push(plain(heading));
        for one in &section.rows {
            row_lines(&mut lines, one, section, row, width);
            row += 1;
        }
        if let Some(note) = &section.note {
            for line in wrapped(note, width.saturating_sub(4), LINES) {
                lines.push(plain(vec![span(format!("   {line}"), Role::Faint)]));
            }
        }
    }
    lines
}

fn plain(spans: Vec<Span>) -> Line {
    Line { row: None, spans }
}

fn row_lines(lines: &mut Vec<Line>, one: &DetailRow, section: &Section, row: usize, width: usize) {
    let mut numbers = String::from(" ");
    if section.rows.iter().any(|row| row.objects.is_some()) {
        numbers += &right(&one.objects.map_or_else(String::new, grouped), OBJECTS);
        numbers += " ";
    }
    if section.rows.iter().any(|row| row.bytes.is_some()) {
        numbers += &right(&one.bytes.map_or_else(String::new, bytes), BYTES);
        numbers += " ";
    }
    let link = if one.link.is_some() { "› " } else { "  " };
    // On a narrow screen the numbers get their own line.
    let indent = columns(&numbers) + 2;
    let (indent, numbers) = match indent + 12 > width {
        true if numbers.trim().is_empty() => (3, String::from(" ")),
        true => {
            lines.push(Line { row: Some(row), spans: vec![span(numbers.trim_end(), Role::Strong)] });
            (3, String::from(" "))
        }
        false => (indent, numbers),
    };
    let text = shown(&one.text);
    // Leading blanks indent the steps of a path.
    let depth = text.len() - text.trim_start().len();
    let room = width.saturating_sub(indent + depth + 1);
    for (place, line) in wrapped(text.trim_start(), room, LINES).into_iter().enumerate() {
        let spans = match place {
            0 => vec![
                span(numbers.clone(), Role::Strong),
                span(link, Role::Key),
                span(format!("{:depth$}{line}", ""), Role::Plain),
            ],
            _ => vec![span(format!("{:indent$}{:depth$}{line}", "", ""), Role::Plain)],
        };
        lines.push(Line { row: Some(row), spans });
    }
}

pub(super) fn draw(pen: &mut Pen<'_>, areas: &Areas, view: &DetailsView) {
    let top = if areas.header.height > 0 { areas.header.y } else { areas.body.y };
    let area = Rect { y: top, height: areas.body.bottom() - top, ..areas.body };
    let lines = lines(view, area.width);
    for (at, line) in lines.iter().skip(view.offset).take(usize::from(area.height)).enumerate() {
        let Ok(at) = u16::try_from(at) else { break };
        let chosen = line.row == Some(view.row);
        if chosen {
            pen.paint(area, at, Role::Cursor);
        }
        let look = |role| if chosen { Role::Cursor } else { role };
        let spans: Vec<Span> = line.spans.iter().map(|(text, role)| (text.clone(), look(*role))).collect();
        pen.line(area, at, &spans);
    }
    let below = lines.len().saturating_sub(view.offset + usize::from(area.height));
    if below > 0 && area.height > 4 {
        let more = [span(format!(" ↓ {below} more "), Role::Chosen)];
        pen.line_right(area, area.height - 1, 0, &more);
    }
}
