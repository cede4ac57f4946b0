//! The rows of types and of holders.

use memtop_analyze::Suspect;
use memtop_report::{bytes, percent};
use ratatui::layout::Rect;

use super::head::growth_role;
use super::pen::{Pen, span};
use super::theme::Role;
use crate::areas::{Areas, columns};
use crate::observe::TypeNumbers;
use crate::state::State;
use crate::state::process::{Process, Status, Tab};
use crate::state::table::{Column, Table};
use crate::text::{bytes_change, count, count_change, left, right, sparkline};
use crate::trends::Trend;

/// The content of a column in a row.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) role: Role,
}

pub(super) fn cell(text: impl Into<String>, role: Role) -> Cell {
    Cell { text: text.into(), role }
}

pub(super) fn draw(pen: &mut Pen<'_>, areas: &Areas, state: &State, process: &Process) {
    let table = process.table();
    let baseline = process.baseline.is_some();
    header(pen, areas.header, table, |column| head(column, process.tab, baseline));
    if table.order.is_empty() {
        return draw_empty(pen, areas.body, state, process);
    }
    rows(pen, areas.body, table, |row, column, wide| match process.tab {
        Tab::Types => process.rows().get(row).map(|row| type_cell(process, row, column, wide)),
        Tab::Holders => process.suspect(row).map(|one| holder_cell(process, row, one, column, wide)),
    });
}

/// Returns the name of a column.
fn head(column: Column, tab: Tab, baseline: bool) -> &'static str {
    match (column, tab, baseline) {
        (Column::Objects, Tab::Types, _) => "OBJECTS",
        (Column::Objects, Tab::Holders, _) => "ITEMS",
        (Column::Shallow, ..) => "SHALLOW",
        (Column::Retained, ..) => "RETAINED",
        (Column::Growth, Tab::Types, false) => "OBJ/MIN",
        (Column::Growth, Tab::Types, true) => "+OBJECTS",
        (Column::Growth, Tab::Holders, false) => "ITEMS/MIN",
        (Column::Growth, Tab::Holders, true) => "+ITEMS",
        (Column::BytesGrowth, _, false) => "BYTES/MIN",
        (Column::BytesGrowth, _, true) => "+BYTES",
        (Column::Trend, ..) => "TREND",
        (Column::Confidence, ..) => "CONF",
        (Column::Share, ..) => "SHARE",
        (Column::Name, Tab::Types, _) => "TYPE",
        (Column::Name, Tab::Holders, _) => "HELD BY",
        _ => "",
    }
}

/// Draws the names of the columns, with an arrow at the one that the table is sorted by.
pub(super) fn header(pen: &mut Pen<'_>, area: Rect, table: &Table, name: impl Fn(Column) -> &'static str) {
    if area.height == 0 {
        return;
    }
    pen.paint(area, 0, Role::Header);
    for (column, begin, wide) in columns(table.columns, area.width) {
        let (name, sorted) = (name(column), table.sort == column);
        let arrow = match (sorted, table.descending) {
            (false, _) => "",
            (_, true) => "▼",
            (_, false) => "▲",
        };
        let text = format!("{name}{arrow}");
        let wide_text = usize::from(wide);
        let text =
            if matches!(column, Column::Name) { left(&text, wide_text) } else { right(&text, wide_text) };
        pen.text(begin, area.y, wide, &text, if sorted { Role::Sorted } else { Role::Header });
    }
}

/// Draws the rows that are in view.
pub(super) fn rows(
    pen: &mut Pen<'_>,
    area: Rect,
    table: &Table,
    cell: impl Fn(usize, Column, usize) -> Option<Cell>,
) {
    let shown = columns(table.columns, area.width);
    for line in 0..area.height {
        let place = table.cursor.offset + usize::from(line);
        let Some(&row) = table.order.get(place) else { break };
        let chosen = place == table.cursor.place;
        if chosen {
            pen.paint(area, line, Role::Cursor);
        }
        for &(column, begin, wide) in &shown {
            let Some(cell) = cell(row, column, usize::from(wide)) else { continue };
            let text = match column {
                Column::Name => left(&cell.text, usize::from(wide)),
                _ => right(&cell.text, usize::from(wide)),
            };
            let role = if chosen { Role::Cursor } else { cell.role };
            pen.text(begin, area.y + line, wide, &text, role);
        }
    }
}

fn type_cell(process: &Process, row: &TypeNumbers, column: Column, wide: usize) -> Cell {
    let (objects, of_bytes) = process.type_growth(row);
    match column {
        Column::Objects => cell(count(row.objects), Role::Plain),
        Column::Shallow => cell(bytes(row.bytes), Role::Plain),
        Column::Retained => cell(bytes(row.retained), Role::Strong),
        Column::Growth => cell(count_change(objects), growth_role(objects)),
        Column::BytesGrowth => cell(bytes_change(of_bytes), growth_role(of_bytes)),
        Column::Trend => {
            let points: Vec<f64> = process.trends.of(&row.key).into_iter().flat_map(Trend::objects).collect();
            trend(&points, wide)
        }
        _ => cell(&*row.name, if row.own { Role::Name } else { Role::Plain }),
    }
}

fn trend(points: &[f64], wide: usize) -> Cell {
    // Most types never change, and a line for each of them would hide those that do.
    let flat = points.windows(2).all(|pair| pair[0] == pair[1]);
    cell(if flat { String::new() } else { sparkline(points, wide) }, Role::Curve)
}

fn holder_cell(process: &Process, row: usize, one: &Suspect, column: Column, wide: usize) -> Cell {
    let (items, of_bytes) = process.holder_growth(one);
    let accused = one.doubt.is_none();
    let role = if accused { Role::Bad } else { Role::Doubt };
    let unknown = || "·".to_owned();
    match column {
        Column::Confidence if accused => cell(percent(one.confidence), role),
        Column::Confidence => cell("doubt", role),
        Column::Objects => cell(one.count.map_or_else(unknown, count), Role::Plain),
        Column::Growth => cell(count_change(items), growth_role(items)),
        Column::Retained => cell(one.retained.map_or_else(unknown, bytes), Role::Strong),
        Column::BytesGrowth => cell(bytes_change(of_bytes), growth_role(of_bytes)),
        Column::Share if one.growth.is_empty() => cell(unknown(), Role::Faint),
        Column::Share => cell(percent(one.share_of_growth), Role::Plain),
        Column::Trend => {
            let mut at = 0.0;
            let sums = one.growth.iter().map(|&change| {
                at += change as f64;
                at
            });
            let points: Vec<f64> = std::iter::once(0.0).chain(sums).collect();
            trend(if one.growth.is_empty() { &[] } else { &points }, wide)
        }
        _ => cell(&*process.name(row), if accused { Role::Name } else { Role::Plain }),
    }
}

/// Draws why there are no rows.
fn draw_empty(pen: &mut Pen<'_>, area: Rect, state: &State, process: &Process) {
    let text = match (&process.latest, process.tab) {
        _ if !process.table().filter.is_empty() => "no name matches the filter; press Esc to clear it",
        (None, _) => match process.status {
            Status::Gone(..) => "the process ended before its first capture",
            _ if state.frozen => "frozen before the first capture; press f to resume",
            _ => "taking the first capture …",
        },
        (Some(_), Tab::Types) => "no objects",
        (Some(latest), Tab::Holders) if latest.leaks.snapshots.len() < 2 => {
            "growth needs two captures: wait for the next one"
        }
        (Some(_), Tab::Holders) => "nothing grows",
    };
    pen.line(area, area.height / 3, &[span(format!("   {text}"), Role::Faint)]);
}
