//! The layout of the screen, used both to draw and to find what was clicked.
//!
//! Invariant: every area lies within the screen, whatever its size. An area that does not fit has no height.

use ratatui::layout::Rect;

use crate::state::table::Column;

/// The parts of the screen, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// The process, and its status.
    pub title: Rect,
    /// Resident memory, its growth, and its limit.
    pub memory: Rect,
    /// The bar of its parts.
    pub bar: Rect,
    /// The names of the parts of the bar.
    pub legend: Rect,
    /// The cost of captures.
    pub cost: Rect,
    /// The verdict, in a sentence.
    pub verdict: Rect,
    /// The tabs: types or holders.
    pub tabs: Rect,
    /// The names of the columns.
    pub header: Rect,
    /// The rows.
    pub body: Rect,
    /// The keys.
    pub footer: Rect,
}

impl Areas {
    /// The layout of a screen of this size.
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let legend = if width < 200 { 2 } else { 1 };
        // The verdict matters most, so it has a second line where there is room.
        let verdict = if width < 150 && height >= 22 { 2 } else { 1 };
        // The height of each part, and the height of the screen from which on it is shown.
        let wanted = |lines: u16, from: u16| if height >= from { lines } else { 0 };
        let heights = [
            wanted(1, 3),
            wanted(1, 8),
            wanted(1, 12),
            wanted(legend, 18),
            wanted(1, 14),
            wanted(verdict, 10),
            wanted(1, 9),
            wanted(1, 4),
        ];
        let footer = wanted(1, 5);
        let used: u16 = heights.iter().sum::<u16>() + footer;
        let mut at = 0;
        let mut take = |lines: u16| {
            let area = Rect { x: 0, y: at, width, height: lines };
            at += lines;
            area
        };
        let [title, memory, bar, legend, cost, verdict, tabs, header] = heights.map(&mut take);
        let body = take(height.saturating_sub(used));
        let footer = take(footer);
        Self { title, memory, bar, legend, cost, verdict, tabs, header, body, footer }
    }

    /// Returns the number of table rows in view.
    #[must_use]
    pub fn rows(&self) -> usize {
        usize::from(self.body.height)
    }
}

/// Returns the width of a column; the name takes the rest.
fn width(column: Column) -> u16 {
    match column {
        Column::Objects | Column::Growth | Column::BytesGrowth => 10,
        Column::Shallow | Column::Retained | Column::Resident | Column::Python => 9,
        Column::Trend => 8,
        Column::Confidence | Column::Share | Column::Pause => 6,
        Column::Pid => 7,
        Column::Limit => 12,
        Column::Name => 0,
    }
}

/// The columns by importance: where there is no room for all, the last ones are left out.
const IMPORTANT: [Column; 14] = [
    Column::Name,
    Column::Resident,
    Column::Retained,
    Column::Objects,
    Column::Growth,
    Column::Confidence,
    Column::Pid,
    Column::Shallow,
    Column::Share,
    Column::Trend,
    Column::BytesGrowth,
    Column::Limit,
    Column::Python,
    Column::Pause,
];

/// The widest sparkline.
const WIDEST_TREND: u16 = 24;

/// Returns the table columns that fit into `across` columns of the screen, each with its first column and its width.
#[must_use]
pub(crate) fn columns(all: &[Column], across: u16) -> Vec<(Column, u16, u16)> {
    // The name gets a share of the width, and a path a larger one, but no more than most names need.
    let tenths = if all.contains(&Column::Confidence) { 4 } else { 3 };
    let name = u32::from(across) * tenths / 10;
    let mut room = across.saturating_sub(name.clamp(8, 48) as u16).saturating_sub(1);
    let mut chosen = vec![Column::Name];
    for column in IMPORTANT.iter().filter(|column| all.contains(column) && **column != Column::Name) {
        let Some(left) = room.checked_sub(width(*column) + 1) else { break };
        room = left;
        chosen.push(*column);
    }
    let wider = room.min(WIDEST_TREND - width(Column::Trend));
    let mut at = 1;
    all.iter()
        .filter(|column| chosen.contains(column))
        .map(|&column| {
            let begin = at;
            let wide = match column {
                Column::Name => across.saturating_sub(begin),
                Column::Trend => width(column) + wider,
                _ => width(column),
            };
            at += wide + 1;
            (column, begin.min(across), wide)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::table::{HOLDERS, PROCESSES, TYPES};

    #[test]
    fn parts_fill_the_screen_without_overlap() {
        for width in [0, 1, 20, 80, 200, u16::MAX] {
            for height in 0..60 {
                let areas = Areas::new(width, height);
                let parts = [
                    areas.title,
                    areas.memory,
                    areas.bar,
                    areas.legend,
                    areas.cost,
                    areas.verdict,
                    areas.tabs,
                    areas.header,
                    areas.body,
                    areas.footer,
                ];
                let mut at = 0;
                for part in parts {
                    assert_eq!((part.x, part.y, part.width), (0, at, width));
                    at += part.height;
                }
                assert_eq!(at, height);
                assert!(height == 0 || areas.body.height > 0, "no rows in {height} lines");
            }
        }
    }

    #[test]
    fn columns_fit_and_always_include_the_name() {
        for all in [TYPES, HOLDERS, PROCESSES] {
            for across in 0..300 {
                let shown = columns(all, across);
                let (last, begin, wide) = *shown.last().expect("the name");
                assert_eq!(last, Column::Name);
                assert!(begin + wide <= across.max(1), "{across}: {shown:?}");
                assert!(
                    shown.windows(2).all(|pair| pair[0].1 + pair[0].2 < pair[1].1),
                    "{across}: {shown:?}"
                );
                assert!(across < 20 || wide >= 8, "{across}: {shown:?}");
            }
        }
        let names = |across| columns(TYPES, across).iter().map(|column| column.0).collect::<Vec<_>>();
        assert_eq!(names(20), [Column::Retained, Column::Name]);
        assert_eq!(names(120), TYPES);
        assert!(names(80).contains(&Column::Trend));
    }
}
