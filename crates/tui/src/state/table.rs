//! A table, sorted by a column and filtered, with a cursor that stays on its row while the rows move.
//!
//! It does not hold the rows. They are given by their keys, in the order in which they are shown.

use std::sync::Arc;

/// The columns of all tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The number of objects or items.
    Objects,
    /// Shallow bytes.
    Shallow,
    /// Retained bytes.
    Retained,
    /// The growth in objects, per minute or since the baseline.
    Growth,
    /// The growth in bytes, per minute or since the baseline.
    BytesGrowth,
    /// The last captures as a sparkline; sorted like growth.
    Trend,
    /// The confidence that it leaks.
    Confidence,
    /// Its share of all growth.
    Share,
    /// The PID.
    Pid,
    /// Resident memory.
    Resident,
    /// Python objects.
    Python,
    /// The time until a limit is reached.
    Limit,
    /// The share of the time for which the process is paused.
    Pause,
    /// Its name: a type, a path, a program.
    Name,
}

impl Column {
    /// Whether the largest value comes first when the column is selected.
    #[must_use]
    pub fn starts_descending(self) -> bool {
        !matches!(self, Self::Name | Self::Pid | Self::Limit)
    }
}

/// The columns of types, from left to right.
pub(crate) const TYPES: &[Column] = &[
    Column::Objects,
    Column::Shallow,
    Column::Retained,
    Column::Growth,
    Column::BytesGrowth,
    Column::Trend,
    Column::Name,
];
/// The columns of holders.
pub(crate) const HOLDERS: &[Column] = &[
    Column::Confidence,
    Column::Objects,
    Column::Growth,
    Column::Retained,
    Column::BytesGrowth,
    Column::Share,
    Column::Trend,
    Column::Name,
];
/// The columns of several processes.
pub(crate) const PROCESSES: &[Column] = &[
    Column::Pid,
    Column::Resident,
    Column::Python,
    Column::BytesGrowth,
    Column::Limit,
    Column::Pause,
    Column::Trend,
    Column::Name,
];

/// The position of the cursor, and the rows in view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The row of the cursor, from 0.
    pub place: usize,
    /// The first row in view.
    pub offset: usize,
    /// The key of the row that the cursor follows; none while it is at the top.
    key: Option<Arc<str>>,
}

impl Cursor {
    /// Moves the cursor by a number of rows, not beyond the ends. `key` returns the key of a row.
    pub fn step(&mut self, by: isize, count: usize, key: impl Fn(usize) -> Option<Arc<str>>) {
        self.go(self.place.saturating_add_signed(by), count, key);
    }

    /// Moves the cursor to a row, or to the last one if there are fewer.
    pub fn go(&mut self, place: usize, count: usize, key: impl Fn(usize) -> Option<Arc<str>>) {
        self.place = place.min(count.saturating_sub(1));
        // At the top, the cursor stays at the top instead of following a row.
        self.key = if self.place == 0 { None } else { key(self.place) };
    }

    /// Finds the cursor's row after the rows moved. If it is gone, the cursor keeps its position.
    pub fn follow(&mut self, count: usize, find: impl FnOnce(&str) -> Option<usize>) {
        if let Some(place) = self.key.as_deref().and_then(find) {
            self.place = place;
        }
        self.place = self.place.min(count.saturating_sub(1));
    }

    /// Scrolls so that the cursor is in a view of `height` rows.
    pub fn scroll(&mut self, count: usize, height: usize) {
        let height = height.max(1);
        self.offset = self.offset.min(count.saturating_sub(height));
        if self.place < self.offset {
            self.offset = self.place;
        } else if self.place >= self.offset + height {
            self.offset = self.place + 1 - height;
        }
    }
}

/// A table as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its columns.
    pub columns: &'static [Column],
    /// The column that it is sorted by.
    pub sort: Column,
    /// Whether the largest value comes first.
    pub descending: bool,
    /// The text that names must contain.
    pub filter: String,
    /// The cursor.
    pub cursor: Cursor,
    /// The indexes of the rows that are shown, in their order.
    pub order: Vec<usize>,
}

impl Table {
    /// An unfiltered table, sorted by `sort`.
    #[must_use]
    pub fn new(columns: &'static [Column], sort: Column) -> Self {
        let descending = sort.starts_descending();
        Self {
            columns,
            sort,
            descending,
            filter: String::new(),
            cursor: Cursor::default(),
            order: Vec::new(),
        }
    }

    /// Sorts by a column, or reverses the order if the table is sorted by it already.
    pub fn sort_by(&mut self, column: Column) {
        if self.sort == column {
            self.descending = !self.descending;
        } else {
            self.sort = column;
            self.descending = column.starts_descending();
        }
        self.to_top();
    }

    /// Sorts by the column that is `by` columns further right among those that are `shown`.
    pub fn sort_beside(&mut self, by: isize, shown: &[Column]) {
        let Some(at) = shown.iter().position(|&column| column == self.sort) else {
            return shown.first().into_iter().for_each(|&column| self.sort_by(column));
        };
        let next = at.saturating_add_signed(by).min(shown.len() - 1);
        if next != at {
            self.sort_by(shown[next]);
        }
    }

    /// Moves the cursor to the first row.
    pub fn to_top(&mut self) {
        self.cursor = Cursor::default();
    }

    /// Sorts and filters the rows. `value` returns the value to sort by (unknown ones come last), `name` the name,
    /// which is filtered and decides among equal rows, and `key` the key that the cursor follows.
    pub fn arrange(
        &mut self,
        count: usize,
        height: usize,
        value: impl Fn(usize, Column) -> Option<f64>,
        name: impl Fn(usize) -> Arc<str>,
        key: impl Fn(usize) -> Arc<str>,
    ) {
        let matches = Matcher::new(&self.filter);
        // Among equal rows the largest comes first, since many types do not grow at all.
        let tie = if self.columns.contains(&Column::Retained) { Column::Retained } else { Column::Resident };
        let size = |row: &(Option<f64>, Arc<str>, usize)| value(row.2, tie).unwrap_or(0.0);
        let mut rows: Vec<(Option<f64>, Arc<str>, usize)> = (0..count)
            .map(|row| (value(row, self.sort), name(row), row))
            .filter(|row| matches.matches(&row.1))
            .collect();
        let (by_name, descending) = (self.sort == Column::Name, self.descending);
        rows.sort_by(|a, b| {
            let values = match (a.0, b.0) {
                _ if by_name && descending => b.1.cmp(&a.1),
                _ if by_name => a.1.cmp(&b.1),
                (Some(a), Some(b)) if descending => b.total_cmp(&a),
                (Some(a), Some(b)) => a.total_cmp(&b),
                // Unknown values come last.
                (a, b) => a.is_none().cmp(&b.is_none()),
            };
            values.then_with(|| size(b).total_cmp(&size(a))).then_with(|| a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
        });
        self.order = rows.into_iter().map(|row| row.2).collect();
        let order = &self.order;
        let find = |sought: &str| order.iter().position(|&row| *key(row) == *sought);
        self.cursor.follow(order.len(), find);
        self.cursor.scroll(order.len(), height);
    }

    /// Returns the index of the row under the cursor.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        self.order.get(self.cursor.place).copied()
    }
}

/// Matches names that contain every word of a filter. Case matters only if the filter has capital letters.
struct Matcher {
    words: Vec<String>,
    exact: bool,
}

impl Matcher {
    fn new(filter: &str) -> Self {
        let exact = filter.chars().any(char::is_uppercase);
        Self { words: filter.split_whitespace().map(str::to_owned).collect(), exact }
    }

    fn matches(&self, name: &str) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let lowered;
        let name = if self.exact {
            name
        } else {
            lowered = name.to_lowercase();
            &lowered
        };
        self.words.iter().all(|word| name.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["shop.Session", "dict", "Dict", "list"];
    const SIZES: [Option<f64>; 4] = [Some(5.0), Some(9.0), None, Some(5.0)];

    fn arranged(table: &mut Table) -> Vec<&'static str> {
        table.arrange(4, 2, |row, _| SIZES[row], |row| NAMES[row].into(), |row| NAMES[row].into());
        table.order.iter().map(|&row| NAMES[row]).collect()
    }

    #[test]
    fn unknown_values_come_last_in_either_order() {
        let mut table = Table::new(TYPES, Column::Objects);
        assert_eq!(arranged(&mut table), ["dict", "list", "shop.Session", "Dict"]);
        table.sort_by(Column::Objects);
        assert_eq!(arranged(&mut table), ["list", "shop.Session", "dict", "Dict"]);
        table.sort_by(Column::Name);
        assert_eq!(arranged(&mut table), ["Dict", "dict", "list", "shop.Session"]);
    }

    #[test]
    fn case_matters_only_if_the_filter_has_capitals() {
        let mut table = Table::new(TYPES, Column::Name);
        for (filter, expected) in [
            ("dict", vec!["Dict", "dict"]),
            ("Dict", vec!["Dict"]),
            ("ses sho", vec!["shop.Session"]),
            ("nothing", vec![]),
        ] {
            table.filter = filter.to_owned();
            assert_eq!(arranged(&mut table), expected, "{filter}");
            assert_eq!(table.selected().is_some(), !expected.is_empty());
        }
    }

    #[test]
    fn the_cursor_stays_on_its_row() {
        let mut table = Table::new(TYPES, Column::Name);
        let shown = arranged(&mut table);
        table.cursor.step(2, 4, |place| Some(shown[place].into()));
        assert_eq!(table.selected().map(|row| NAMES[row]), Some("list"));
        table.sort = Column::Objects;
        table.descending = true;
        arranged(&mut table);
        assert_eq!(table.selected().map(|row| NAMES[row]), Some("list"));
        assert_eq!((table.cursor.place, table.cursor.offset), (1, 0));
        table.cursor.go(99, 4, |_| None);
        arranged(&mut table);
        assert_eq!((table.cursor.place, table.cursor.offset), (3, 2));
    }

    #[test]
    fn sorting_moves_to_the_next_column_that_is_shown() {
        let mut table = Table::new(TYPES, Column::Retained);
        let shown = [Column::Objects, Column::Retained, Column::Name];
        table.sort_beside(1, &shown);
        assert_eq!((table.sort, table.descending), (Column::Name, false));
        table.sort_beside(1, &shown);
        assert_eq!(table.sort, Column::Name);
        table.sort_beside(-2, &shown);
        assert_eq!(table.sort, Column::Objects);
        table.sort = Column::Share;
        table.sort_beside(1, &shown);
        assert_eq!(table.sort, Column::Objects);
    }
}
