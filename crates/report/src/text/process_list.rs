//! The Python processes of this machine, and a snapshot that was saved, as text.

use std::fmt::Write;

use crate::numbers::{bytes, count};
use crate::process_list::{ProcessRow, SavedSnapshot};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::wording::{capture, cost};

/// The Python processes: first those that can be captured, then the others with the reason. `omitted` of them are not
/// among the rows.
#[must_use]
pub fn processes(rows: &[ProcessRow], omitted: usize, host: Option<&str>, style: &Style) -> String {
    let mut out = listed(rows, host, style);
    if omitted > 0 {
        let _ = writeln!(out, "and {}", count(omitted as u64, "more process", "more processes"));
    }
    out
}

fn listed(rows: &[ProcessRow], host: Option<&str>, style: &Style) -> String {
    let on = host.map_or_else(String::new, |host| style.sentence(&format!(" on {host}")));
    if rows.is_empty() {
        return format!("no Python process is running{on}\n");
    }
    let cells = |row: &ProcessRow| {
        let version = row.python.clone().unwrap_or_else(|| "?".to_owned());
        let pid = match row.namespace_pid.filter(|own| *own != row.pid) {
            Some(own) => format!("{} ({own} in its namespace)", row.pid),
            None => row.pid.to_string(),
        };
        vec![pid, version, bytes(row.rss), row.user.clone()]
    };
    let columns = [
        (Column::Number, "PID"),
        (Column::Name, "Python"),
        (Column::Number, "resident"),
        (Column::Name, "user"),
        (Column::Name, "command"),
    ];
    let mut open = Table::new(style, &columns);
    let (fine, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.problem.is_none());
    for row in &fine {
        open.row([cells(row), vec![row.command.clone()]].concat());
    }
    let mut out = if fine.is_empty() { String::new() } else { open.text(0) };
    if !on.is_empty() {
        out.insert_str(0, &format!("Python processes{on}\n\n"));
    }
    if others.is_empty() {
        return out;
    }
    let mut closed = Table::new(style, &columns);
    for row in &others {
        closed.row([cells(row), vec![row.command.clone()]].concat());
    }
    let gap = if fine.is_empty() { "" } else { "\n" };
    out.push_str(&format!("{gap}{}\n", style.paint(Role::Heading, "cannot be captured")));
    out.push_str(&closed.text(0));
    for reason in others.iter().filter_map(|row| row.problem.as_deref()) {
        out.push_str(&style.wrapped(&style.sentence(reason), "- ", 2));
    }
    out
}

/// The snapshot that was saved, and its cost.
#[must_use]
pub fn saved_snapshot(answer: &SavedSnapshot, style: &Style) -> String {
    let mut out = style.sentence(&capture(&answer.info)) + "\n";
    let what = count(answer.objects, "object", "objects");
    let replaced = if answer.replaced { ", replacing the file that was there" } else { "" };
    let sentence = format!("{what} saved to {} ({}){replaced}", answer.file, bytes(answer.bytes));
    out.push_str(&style.wrapped(&style.sentence(&sentence), "", 0));
    for sentence in cost(&answer.info) {
        out.push_str(&style.wrapped(&style.sentence(&sentence), "", 0));
    }
    out
}
