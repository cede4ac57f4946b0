//! The line above the table: the tabs and the filter, or the path of the details that were opened.

use ratatui::layout::Rect;

use super::pen::{Pen, Span, span};
use super::theme::Role;
use crate::state::State;
use crate::state::process::{Process, Tab};
use crate::state::table::Table;
use crate::text::{columns, shown};

/// Returns the tabs, each with its label and its first column.
fn tabs(process: &Process) -> Vec<(Tab, String, u16)> {
    let types = format!(" Types {} ", memtop_report::grouped(process.rows().len() as u64));
    let holders = format!(" Holders {} ", memtop_report::grouped(process.suspects().count() as u64));
    let second = 1 + u16::try_from(columns(&types)).unwrap_or(u16::MAX) + 1;
    vec![(Tab::Types, types, 1), (Tab::Holders, holders, second)]
}

/// Returns the tab at column `x`.
pub(crate) fn tab_at(state: &State, x: u16) -> Option<Tab> {
    let process = state.process()?;
    let hit = |(_, text, begin): &(Tab, String, u16)| {
        (*begin..*begin + u16::try_from(columns(text)).unwrap_or(0)).contains(&x)
    };
    tabs(process).into_iter().find(hit).map(|tab| tab.0)
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, state: &State, process: &Process) {
    if !process.details.is_empty() {
        return breadcrumbs(pen, area, process);
    }
    let accused = process.latest.as_ref().is_some_and(|latest| !latest.leaks.suspects.is_empty());
    let mut used = 0;
    for (tab, text, begin) in tabs(process) {
        let role = match (tab == process.tab, tab == Tab::Holders && accused) {
            (true, _) => Role::Chosen,
            (_, true) => Role::Bad,
            _ => Role::Plain,
        };
        pen.text(begin, area.y, if area.height > 0 { area.width } else { 0 }, &text, role);
        used = begin + u16::try_from(columns(&text)).unwrap_or(0);
    }
    let mut right = filter(state, process.table());
    if let Some(baseline) = &process.baseline {
        right.insert(0, span(format!("  growth since capture {}", baseline.number), Role::Doubt));
    }
    right.push(span(" ", Role::Plain));
    if !pen.line_right(area, 0, used, &right) {
        let filter = filter(state, process.table());
        pen.line_right(area, 0, used, &filter);
    }
}

/// Returns the filter, and the number of rows that match it.
pub(super) fn filter(state: &State, table: &Table) -> Vec<Span> {
    if !state.typing && table.filter.is_empty() {
        return Vec::new();
    }
    let cursor = if state.typing { "▏" } else { "" };
    let rows = table.order.len();
    let rows =
        format!("  {} {}", memtop_report::grouped(rows as u64), if rows == 1 { "row" } else { "rows" });
    vec![
        span("  /", Role::Key),
        span(shown(&table.filter), Role::Strong),
        span(cursor, Role::Key),
        span(rows, Role::Faint),
    ]
}

/// Draws the path of details: `Types › shop.Session › dict`.
fn breadcrumbs(pen: &mut Pen<'_>, area: Rect, process: &Process) {
    let first = match process.tab {
        Tab::Types => "Types",
        Tab::Holders => "Holders",
    };
    let mut spans = vec![span(format!(" {first}"), Role::Faint)];
    // The last ones matter most.
    let all = process.details.len();
    if all > 3 {
        spans.push(span(" › …", Role::Faint));
    }
    for (place, view) in process.details.iter().enumerate().skip(all.saturating_sub(3)) {
        let role = if place + 1 == all { Role::Strong } else { Role::Faint };
        let name = super::details::title(view);
        let room = usize::from(area.width) / (all.min(3) + 1);
        let name = if place + 1 == all { name } else { memtop_report::cut(&name, room).into_owned() };
        spans.push(span(" › ", Role::Faint));
        spans.push(span(name, role));
    }
    pen.line(area, 0, &spans);
}
