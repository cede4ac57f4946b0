//! Growth over a series of snapshots, as text: the verdict and its reason, suspects and candidates as small trees, and
//! the process's memory and the cost over time.

use std::fmt::Write;

use memtop_analyze::{
    Advice, Evidence, GarbageGrowth, LEAST_MINUTES, LeakedType, Leaks, Note, Suspect, Verdict,
};

use crate::numbers::{
    bytes, count, duration, grouped, known_bytes, net_bytes, percent, signed, signed_bytes, unknown,
};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::time::{minutes, readable, span};
use crate::tree::tree;
use crate::wording;

/// How many types of a suspect are shown.
const TYPES: usize = 4;
/// How many snapshots are shown; of more, the first and the last.
const SNAPSHOTS: usize = 10;

/// The answer over a series of snapshots.
#[must_use]
pub fn leaks(answer: &Leaks, style: &Style) -> String {
    let mut out =
        answer.info.as_ref().map_or_else(String::new, |info| style.sentence(&wording::capture(info)) + "\n");
    let words = wording::verdicts(answer);
    out.push_str(&verdict(answer.verdict, &words, &wording::reasons(answer), &answer.notes, style));
    let minutes = minutes(&answer.snapshots);
    for one in &answer.suspects {
        let title = place("suspect", one, answer.suspects.len());
        out.push('\n');
        out.push_str(&suspect_titled(one, &title, minutes, style));
    }
    for one in &answer.candidates {
        let title = place("candidate", one, answer.candidates.len());
        out.push('\n');
        out.push_str(&suspect_titled(one, &title, minutes, style));
    }
    if answer.omitted > 0 {
        let _ = writeln!(out, "\nand {} more, left out by the limit", grouped(answer.omitted as u64));
    }
    if let Some(growth) = &answer.garbage {
        out.push('\n');
        out.push_str(&garbage(growth, style));
    }
    out.push_str(&account(answer, style));
    out.push_str(&over_time(answer, style));
    out
}

/// Garbage that the collector does not free, by type.
fn garbage(growth: &GarbageGrowth, style: &Style) -> String {
    let mut out = style.paint(Role::Heading, "garbage") + "\n";
    if let Some(state) = &growth.collector {
        out.push_str(&style.wrapped(&style.sentence(&wording::collector(state)), "", 0));
    }
    let columns = [
        (Column::Name, "garbage by type"),
        (Column::Number, "now"),
        (Column::Number, "growth"),
        (Column::Number, "bytes"),
    ];
    let mut table = Table::new(style, &columns);
    for of in growth.types.iter().take(TYPES) {
        table.row(vec![
            of.type_name.clone(),
            grouped(of.objects),
            signed(of.growth),
            signed_bytes(of.bytes_growth),
        ]);
    }
    out.push_str(&table.text(5));
    out
}

/// A part that changed by less than this share of the largest change is not shown.
const LEAST_PART: f64 = 0.01;

/// The growth of resident memory by part.
fn account(answer: &Leaks, style: &Style) -> String {
    let Some(resident) = answer.account.resident.filter(|_| answer.snapshots.len() > 1) else {
        return String::new();
    };
    let rows = &answer.account.rows;
    let largest = rows.iter().map(|row| row.growth.unsigned_abs()).max().unwrap_or(0);
    let title = style.paint(Role::Heading, "growth of resident memory");
    let mut out = format!("\n{title}: {}\n", signed_bytes(resident));
    let mut table =
        Table::new(style, &[(Column::Name, "part"), (Column::Number, "growth"), (Column::Number, "now")]);
    let is_shown = |growth: i64| growth != 0 && growth.unsigned_abs() as f64 >= LEAST_PART * largest as f64;
    for row in rows.iter().filter(|row| is_shown(row.growth)) {
        let name = wording::account_part(row.part, answer.account.malloc_library);
        table.row(vec![name, signed_bytes(row.growth), net_bytes(row.bytes)]);
    }
    if largest > 0 {
        out.push_str(&table.text(2));
    }
    if let Some(line) = wording::malloc_of(answer) {
        out.push_str(&style.wrapped(&style.letters(&line), "  ", 2));
    }
    out
}

/// The verdict, its reason and the notes.
pub(super) fn verdict(verdict: Verdict, words: &str, reason: &str, notes: &[Note], style: &Style) -> String {
    let role = match verdict {
        Verdict::Leak | Verdict::NativeGrowth | Verdict::GarbageGrowth | Verdict::UncollectableCycles => {
            Role::Bad
        }
        Verdict::NoGrowth => Role::Good,
        Verdict::Inconclusive => Role::Doubt,
    };
    let verdict = format!("verdict: {}", style.paint(role, words));
    let mut out = format!("{verdict}\n{}", style.wrapped(&style.sentence(reason), "", 0));
    for note in notes {
        out.push_str(&style.wrapped(&style.sentence(&wording::note(note)), "note: ", 6));
    }
    out
}

fn place(what: &str, one: &Suspect, of: usize) -> String {
    if of == 1 { what.to_owned() } else { format!("{what} {} of {of}", one.rank) }
}

/// One suspect or candidate alone, for the log of a watcher. `minutes` is the time that its growth took; without it, or
/// if it is short, growth is shown in total.
#[must_use]
pub fn suspect(one: &Suspect, minutes: Option<f64>, style: &Style) -> String {
    let title = if one.doubt.is_some() { "candidate" } else { "suspect" };
    suspect_titled(one, title, minutes, style)
}

pub(super) fn suspect_titled(one: &Suspect, title: &str, minutes: Option<f64>, style: &Style) -> String {
    let minutes = minutes.filter(|&minutes| minutes >= LEAST_MINUTES);
    let mut heading = style.paint(Role::Heading, title);
    let sure = (one.confidence > 0.0).then(|| format!("confidence {}", percent(one.confidence)));
    for fact in sure.into_iter().chain([format!("cause: {}", one.cause.word())]) {
        heading.push_str(&style.letters(" · "));
        heading.push_str(&fact);
    }
    let mut out = heading + "\n" + &style.wrapped(&style.sentence(&wording::summary(one)), "", 0);
    if let Some(doubt) = &one.doubt {
        out.push_str(&style.wrapped(&style.sentence(&wording::doubt(doubt)), "in doubt: ", 10));
    }
    out.push('\n');
    out.push_str(&tree(style, &one.path, &wording::growth(one, minutes)));
    out.push_str(&detail(&wording::retained(one, minutes), style));
    out.push_str(&items(&one.leaked, style));
    if let Some(own) = wording::own_part(one) {
        out.push_str(&detail(&format!("in your code: {}", style.name(own)), style));
    }
    for other in &one.co_holders {
        out.push_str(&detail(&format!("also held by {}", style.name(other)), style));
    }
    if let Some(advice) = &one.advice {
        out.push_str(&what_to_do(advice, style));
    }
    // Co-holders are listed above.
    for fact in one.evidence.iter().filter(|fact| !matches!(fact, Evidence::CoHolder(_))) {
        out.push_str(&style.wrapped(&style.sentence(&wording::evidence(fact)), "     - ", 7));
    }
    let _ = writeln!(out, "{}", style.paint(Role::Faint, &format!("     fingerprint {}", one.fingerprint)));
    out
}

/// The advice, where a pattern fits.
fn what_to_do(advice: &Advice, style: &Style) -> String {
    let mut out = format!("     {}\n", style.paint(Role::Heading, "what to do"));
    let known = format!("{} ({}).", advice.title, advice.pattern);
    for line in [Some(&known), Some(&advice.text), advice.link.as_ref()].into_iter().flatten() {
        out.push_str(&style.wrapped(&style.sentence(line), "       ", 7));
    }
    out
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
        // One snapshot shows no growth: its bytes are all there are.
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

/// Memory and pauses, one row for each snapshot.
fn over_time(answer: &Leaks, style: &Style) -> String {
    let (Some(first), Some(last)) = (answer.snapshots.first(), answer.snapshots.last()) else {
        return String::new();
    };
    let snapshots = count(answer.snapshots.len() as u64, "snapshot", "snapshots");
    let mut title = format!("\n{}", style.paint(Role::Heading, "memory over time"));
    let from = readable(first.taken_at);
    let title_end = match span(first.taken_at, last.taken_at) {
        Some(span) if span > 0 => format!(": {snapshots} in {}, from {from}", duration(span)),
        _ => format!(": {snapshots}, {from}"),
    };
    title.push_str(&title_end);
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
    for (place, (row, memory)) in answer.snapshots.iter().zip(&answer.memory).enumerate() {
        if place == cut.start {
            let mut cells = vec!["…".to_owned()];
            cells.resize(9, String::new());
            table.row(cells);
        }
        if cut.contains(&place) {
            continue;
        }
        table.row(vec![
            span(first.taken_at, row.taken_at).map_or_else(unknown, |span| match span {
                0 => "0 s".to_owned(),
                span => duration(span),
            }),
            grouped(row.objects),
            known_bytes(memory.rss),
            bytes(memory.python),
            known_bytes(memory.allocator_free()),
            known_bytes(memory.native_known),
            known_bytes(memory.file_backed),
            memory.unexplained.map_or_else(unknown, net_bytes),
            row.pause.map_or_else(unknown, duration),
        ]);
    }
    let pauses: Vec<u64> = answer.snapshots.iter().filter_map(|row| row.pause).collect();
    let longest = pauses.iter().max().map(|&longest| {
        let all = pauses.iter().fold(0_u64, |sum, &pause| sum.saturating_add(pause));
        format!(
            "cost: the process was paused for {} in total, {} at most\n",
            duration(all),
            duration(longest)
        )
    });
    title + &table.text(2) + &style.letters(&longest.unwrap_or_default())
}
