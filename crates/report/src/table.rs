//! Tables of text for a terminal.
//!
//! Numbers are aligned right, names left; a name that is too long for the line is cut in its middle. Cells are escaped
//! when they are added.

use crate::escape::{columns, cut};
use crate::style::{Role, Style};

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// Left, and cut if the line is full.
    Name,
    /// Right, never cut.
    Number,
}

/// A table that grows row by row.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    style: &'a Style,
    columns: Vec<Column>,
    /// The first is the heading.
    rows: Vec<Vec<String>>,
}

/// The space between columns.
const GAP: usize = 2;
/// The shortest width to which a name is cut.
const LEAST_NAME: usize = 16;

impl<'a> Table<'a> {
    pub(crate) fn new(style: &'a Style, columns: &[(Column, &str)]) -> Self {
        let heading = columns.iter().map(|(_, text)| style.letters(text)).collect();
        Self { style, columns: columns.iter().map(|&(column, _)| column).collect(), rows: vec![heading] }
    }

    /// Adds a row of as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells.iter().map(|cell| self.style.sentence(cell)).collect());
    }

    /// The cell in at most `width` columns.
    fn fitting(&self, cell: &str, width: usize) -> String {
        if columns(cell) <= width {
            return cell.to_owned();
        }
        // The ellipsis is three columns wide without Unicode.
        let wider = if self.style.unicode { 0 } else { 2 };
        self.style.letters(&cut(cell, width.saturating_sub(wider)))
    }

    /// The table, each line after `indent` spaces.
    pub(crate) fn text(&self, indent: usize) -> String {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|place| self.rows.iter().map(|row| columns(&row[place])).max().unwrap_or(0))
            .collect();
        let all: usize = widths.iter().sum::<usize>() + GAP * (widths.len() - 1) + indent;
        let mut over = all.saturating_sub(self.style.width());
        // The widest name is cut first.
        while over > 0 {
            let names = (0..widths.len()).filter(|&place| self.columns[place] == Column::Name);
            let Some(widest) = names.max_by_key(|&place| widths[place]).filter(|&p| widths[p] > LEAST_NAME)
            else {
                break;
            };
            widths[widest] -= 1;
            over -= 1;
        }
        let mut out = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = " ".repeat(indent);
            for (place, cell) in row.iter().enumerate() {
                let cell = self.fitting(cell, widths[place]);
                let room = " ".repeat(widths[place].saturating_sub(columns(&cell)));
                match self.columns[place] {
                    Column::Name => line.extend([cell.as_str(), &room]),
                    Column::Number => line.extend([room.as_str(), &cell]),
                }
                line.push_str(if place + 1 < row.len() { "  " } else { "" });
            }
            let line = line.trim_end();
            out.push_str(&if index == 0 { self.style.paint(Role::Faint, line) } else { line.to_owned() });
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn numbers_are_aligned_right_and_long_names_are_cut() {
        let style = Style { width: 40, ..Style::default() };
        let mut table = Table::new(&style, &[(Column::Name, "type"), (Column::Number, "bytes")]);
        table.row(vec!["a.very.long.name.of.a.package.that.has.Many.Parts".into(), "1,000 B".into()]);
        table.row(vec!["日本\x1b".into(), "1 B".into()]);
        expect![[r#"
            type                               bytes
            a.very.long.nam….has.Many.Parts  1,000 B
            日本\x1b                             1 B
        "#]]
        .assert_eq(&table.text(0));
    }
}
