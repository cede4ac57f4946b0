//! What grows over a series of snapshots, as text: the verdict and its reason, each suspect as a little tree, what is
//! in doubt, and the process's memory and the cost over time.

use std::fmt::Write;

use memtop_analyze::{LeakedType, Leaks, SnapshotRow, Suspect, Verdict};

use super::parts::capture;
use crate::numbers::{bytes, count, duration, grouped, percent, signed, signed_bytes, signed_rate};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::time::readable;
use crate::tree::tree;

/// So many types of a suspect are shown.
const TYPES: usize = 4;
/// A rate by the minute says something if the series took so many minutes.
const LONG_ENOUGH: f64 = 0.25;
/// So many snapshots are shown in a row; of more, the first and the last.
const SNAPSHOTS: usize = 10;

/// The whole answer.
#[must_use]
pub fn leaks(answer: &Leaks, style: &Style) -> String {
    let mut out = answer.info.as_ref().map_or_else(String::new, |info| style.sentence(&capture(info)) + "\n");
    out.push_str(&verdict(answer.verdict, &answer.reason, &answer.notes, style));
    let minutes = minutes(&answer.snapshots);
    for one in &answer.suspects {
        let title = place("suspect", one, answer.suspects.len());
        out.push('\n');
        out.push_str(&told(one, &title, minutes, style));
    }
    for one in &answer.candidates {
        let title = place("candidate", one, answer.candidates.len());
        out.push('\n');
        out.push_str(&told(one, &title, minutes, style));
    }
    if answer.omitted > 0 {
        let _ = writeln!(out, "\nand {} more, left out by the limit", grouped(answer.omitted as u64));
    }
    out.push_str(&over_time(answer, style));
    out
}

/// The verdict, why, and what else to know.
pub(super) fn verdict(verdict: Verdict, reason: &str, notes: &[String], style: &Style) -> String {
    let role = match verdict {
        Verdict::Leak | Verdict::NativeGrowth => Role::Bad,
        Verdict::NoGrowth => Role::Good,
        Verdict::Inconclusive => Role::Doubt,
    };
    let verdict = format!("verdict: {}", style.paint(role, verdict.word()));
    let mut out = format!("{verdict}\n{}", style.wrapped(&style.sentence(reason), "", 0));
    for note in notes {
        out.push_str(&style.wrapped(&style.sentence(note), "note: ", 6));
    }
    out
}

fn place(what: &str, one: &Suspect, of: usize) -> String {
    if of == 1 { what.to_owned() } else { format!("{what} {} of {of}", one.rank) }
}

/// One suspect or candidate alone, as a log line of a watcher shows it. `minutes` is the time that its growth took;
/// without it, or if it is short, growth is told in all.
#[must_use]
pub fn suspect(one: &Suspect, minutes: Option<f64>, style: &Style) -> String {
    let title = if one.doubt.is_some() { "candidate" } else { "suspect" };
    told(one, title, minutes, style)
}

pub(super) fn told(one: &Suspect, title: &str, minutes: Option<f64>, style: &Style) -> String {
    let minutes = minutes.filter(|&minutes| minutes >= LONG_ENOUGH);
    let mut heading = style.paint(Role::Heading, title);
    let sure = (one.confidence > 0.0).then(|| format!("confidence {}", percent(one.confidence)));
    for fact in sure.into_iter().chain([format!("cause: {}", one.cause.word())]) {
        heading.push_str(&style.letters(" · "));
        heading.push_str(&fact);
    }
    let mut out = heading + "\n" + &style.wrapped(&style.sentence(&one.summary), "", 0);
    if let Some(doubt) = &one.doubt {
        out.push_str(&style.wrapped(&style.sentence(doubt), "in doubt: ", 10));
    }
    out.push('\n');
    out.push_str(&tree(style, &one.path, &facts(one, minutes)));
    out.push_str(&detail(&keeps(one, minutes), style));
    out.push_str(&items(&one.leaked, style));
    if let Some(own) = own_part(one) {
        out.push_str(&detail(&format!("in your code: {}", style.name(own)), style));
    }
    for other in &one.co_holders {
        out.push_str(&detail(&format!("also held by {}", style.name(other)), style));
    }
    // Co-holders stand above already.
    let holds_too = |sentence: &&String| {
        !one.co_holders.iter().any(|other| **sentence == format!("{other} holds the same items"))
    };
    for sentence in one.evidence.iter().filter(holds_too) {
        out.push_str(&style.wrapped(&style.sentence(sentence), "     - ", 7));
    }
    let _ = writeln!(out, "{}", style.paint(Role::Faint, &format!("     fingerprint {}", one.fingerprint)));
    out
}

/// The part of the path in the user's own code, where that is not all of it. What native code holds is in nobody's.
pub(crate) fn own_part(one: &Suspect) -> Option<&str> {
    let (holder, own) = (one.holder.as_deref()?, one.own_holder.as_deref()?);
    (holder != own).then_some(own)
}

/// What stands behind the holder: `144,997 items  (+300 a minute, in each of 6 intervals)`.
pub(crate) fn facts(one: &Suspect, minutes: Option<f64>) -> String {
    if one.growth.is_empty() {
        // One snapshot: it knows no growth, and its count is of objects that hold, not of items.
        return String::new();
    }
    let by_items = one.count.is_some();
    let held = one.count.map(|held| count(held, "item", "items"));
    let changes = if by_items { &one.growth } else { &one.bytes_growth };
    let in_all: i64 = changes.iter().fold(0, |sum, &change| sum.saturating_add(change));
    let amount = |rate: f64| match by_items {
        true => signed_rate(rate),
        false => signed_bytes(rate.round() as i64),
    };
    let rate = &one.rate;
    let (per_unit, per_minute) = match by_items {
        true => (rate.items_per_unit, rate.items_per_minute),
        false => (rate.bytes_per_unit, rate.bytes_per_minute),
    };
    let usable = |rate: Option<f64>| rate.filter(|rate| rate.is_finite() && *rate != 0.0);
    let per_minute = minutes.and(usable(per_minute));
    let speed = match (usable(per_unit), per_minute) {
        (Some(unit), Some(minute)) => format!("{} a unit of work, {} a minute", amount(unit), amount(minute)),
        (Some(unit), None) => format!("{} a unit of work", amount(unit)),
        (None, Some(minute)) => format!("{} a minute", amount(minute)),
        (None, None) if by_items => format!("{} in all", signed(in_all)),
        (None, None) => format!("{} in all", signed_bytes(in_all)),
    };
    let growth = match (changes.len(), changes.iter().filter(|&&change| change > 0).count()) {
        (1, 1) => format!("({speed}, in one interval)"),
        (all, grew) if all == grew => format!("({speed}, in each of {all} intervals)"),
        (all, grew) => format!("({speed}, in {grew} of {all} intervals)"),
    };
    held.into_iter().chain([growth]).collect::<Vec<_>>().join("  ")
}

/// `retains 61.4 MB (+126.0 kB a minute) · 93 % of all growth`.
pub(crate) fn keeps(one: &Suspect, minutes: Option<f64>) -> String {
    let mut parts = Vec::new();
    if let Some(retained) = one.retained {
        let growth = one.retained_growth.map(|growth| match minutes {
            Some(minutes) => {
                format!(" ({} a minute)", signed_bytes((growth as f64 / minutes).round() as i64))
            }
            None => format!(" ({})", signed_bytes(growth)),
        });
        parts.push(format!("retains {}{}", bytes(retained), growth.unwrap_or_default()));
    }
    if !one.bytes_growth.is_empty() {
        parts.push(format!("{} of all growth", percent(one.share_of_growth)));
    }
    parts.join(" · ")
}

fn detail(text: &str, style: &Style) -> String {
    if text.is_empty() { String::new() } else { style.wrapped(&style.letters(text), "     ", 5) }
}

fn items(leaked: &[LeakedType], style: &Style) -> String {
    if leaked.is_empty() {
        return String::new();
    }
    let columns = [
        (Column::Name, "items by type"),
        (Column::Number, "now"),
        (Column::Number, "growth"),
        (Column::Number, "bytes"),
    ];
    let mut table = Table::new(style, &columns);
    for one in leaked.iter().take(TYPES) {
        let grown = one.growth.iter().fold(0_i64, |sum, &change| sum.saturating_add(change));
        // One snapshot knows no growth: its bytes are what there is.
        let (growth, size) = match one.growth.is_empty() {
            true => ("?".to_owned(), bytes(one.bytes)),
            false => (signed(grown), format!("+{}", bytes(one.bytes))),
        };
        table.row(vec![one.type_name.clone(), grouped(one.count), growth, size]);
    }
    let mut out = table.text(5);
    if let Some(more) = leaked.len().checked_sub(TYPES).filter(|&more| more > 0) {
        let _ = writeln!(out, "     and {}", count(more as u64, "more type", "more types"));
    }
    out
}

/// Memory and pauses, a row a snapshot.
fn over_time(answer: &Leaks, style: &Style) -> String {
    let (Some(first), Some(last)) = (answer.snapshots.first(), answer.snapshots.last()) else {
        return String::new();
    };
    let snapshots = count(answer.snapshots.len() as u64, "snapshot", "snapshots");
    let mut title = format!("\n{}", style.paint(Role::Heading, "memory over time"));
    let from = readable(first.taken_at);
    let span = match elapsed(first, last) {
        Some(span) if span > 0 => format!(": {snapshots} in {}, from {from}", duration(span)),
        _ => format!(": {snapshots}, {from}"),
    };
    title.push_str(&span);
    title.push('\n');

    let mut table = Table::new(
        style,
        &[
            (Column::Number, "after"),
            (Column::Number, "objects"),
            (Column::Number, "resident"),
            (Column::Number, "Python"),
            (Column::Number, "free"),
            (Column::Number, "buffers"),
            (Column::Number, "files"),
            (Column::Number, "unexplained"),
            (Column::Number, "pause"),
        ],
    );
    let all = answer.snapshots.len();
    let cut = if all > SNAPSHOTS { SNAPSHOTS / 2..all - SNAPSHOTS / 2 } else { all..all };
    let unknown = || "?".to_owned();
    for (place, (row, memory)) in answer.snapshots.iter().zip(&answer.memory).enumerate() {
        if place == cut.start {
            let mut cells = vec!["…".to_owned()];
            cells.resize(9, String::new());
            table.row(cells);
        }
        if cut.contains(&place) {
            continue;
        }
        let known = |value: Option<u64>| value.map_or_else(unknown, bytes);
        table.row(vec![
            elapsed(first, row).map_or_else(unknown, |span| match span {
                0 => "0 s".to_owned(),
                span => duration(span),
            }),
            grouped(row.objects),
            known(memory.rss),
            bytes(memory.python),
            known(super::memory::allocator_free(memory)),
            known(memory.native_known),
            known(memory.file_backed),
            memory.unexplained.map_or_else(unknown, |rest| match rest {
                0.. => bytes(rest.unsigned_abs()),
                _ => signed_bytes(rest),
            }),
            row.pause.map_or_else(unknown, duration),
        ]);
    }
    let pauses: Vec<u64> = answer.snapshots.iter().filter_map(|row| row.pause).collect();
    let longest = pauses.iter().max().map(|&longest| {
        let all = pauses.iter().fold(0_u64, |sum, &pause| sum.saturating_add(pause));
        format!("cost: the process stood still for {} in all, {} at most\n", duration(all), duration(longest))
    });
    title + &table.text(2) + &style.letters(&longest.unwrap_or_default())
}

/// Nanoseconds between two snapshots; none if the clock went back.
fn elapsed(from: &SnapshotRow, to: &SnapshotRow) -> Option<u64> {
    let micros = i128::from(to.taken_at) - i128::from(from.taken_at);
    u64::try_from(micros * 1000).ok()
}

/// How many minutes a series took, if so many that a rate by the minute says something.
pub(crate) fn minutes(snapshots: &[SnapshotRow]) -> Option<f64> {
    let span = elapsed(snapshots.first()?, snapshots.last()?)?;
    Some(span as f64 / 60e9).filter(|&minutes| minutes >= LONG_ENOUGH)
}
