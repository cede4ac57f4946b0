//! Where things stand on the screen: one answer for who draws and for who finds out what was clicked.
//!
//! Invariant: every area lies within the screen, whatever its size; what does not fit has no height.

use ratatui::layout::Rect;

use crate::state::table::Column;

/// The parts of the screen, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// Which process, and what goes on.
    pub title: Rect,
    /// Resident memory, its growth, and its limit.
    pub memory: Rect,
    /// What it is made of.
    pub bar: Rect,
    /// What the parts of the bar are.
    pub legend: Rect,
    /// What captures cost.
    pub cost: Rect,
    /// What grows, in a sentence.
    pub verdict: Rect,
    /// Types or holders.
    pub tabs: Rect,
    /// The names of the columns.
    pub header: Rect,
    /// The rows.
    pub body: Rect,
    /// What can be done.
    pub footer: Rect,
}

impl Areas {
    /// The parts of a screen of this size.
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let legend = if width < 200 { 2 } else { 1 };
        // The sentence that matters most has a second line where there is room for it.
        let verdict = if width < 150 && height >= 22 { 2 } else { 1 };
        // What each part takes, and from which height of the screen on it is there.
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

    /// How many rows of a table are in view.
    #[must_use]
    pub fn rows(&self) -> usize {
        usize::from(self.body.height)
    }
}

/// How wide a column is; the name takes what is left.
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

/// Which columns go first where there is no room for all: the last of these.
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

/// A sparkline is not wider than this.
const WIDEST_TREND: u16 = 24;

/// The columns of a table that fit into `across` columns of the screen: where each begins, and how wide it is.
#[must_use]
pub(crate) fn columns(all: &[Column], across: u16) -> Vec<(Column, u16, u16)> {
    // The name has its share of the width, a path a larger one; but it need not have more than most names take.
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
    fn every_part_lies_on_the_screen_and_none_on_another() {
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
    fn columns_fit_and_the_name_is_always_there() {
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
