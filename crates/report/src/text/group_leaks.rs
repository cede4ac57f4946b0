//! What grows in the processes of a server, as text: the verdict over all, each suspect once, and a row a process.

use memtop_analyze::{GroupLeaks, SharedSuspect, Verdict};

use super::leaks::{minutes, told, verdict};
use super::parts::capture;
use crate::numbers::{bytes, count, duration, grouped, signed, signed_bytes};
use crate::style::{Role, Style};
use crate::table::{Column, Table};

/// So many numbers of processes are written out.
const PIDS: usize = 8;

/// The whole answer.
#[must_use]
pub fn workers(answer: &GroupLeaks, style: &Style) -> String {
    let mut out = of_processes(answer, style);
    out.push_str(&verdict(answer.verdict, &answer.reason, &answer.notes, style));
    for (what, places) in [("suspect", &answer.suspects), ("candidate", &answer.candidates)] {
        for place in places {
            let title = match places.len() {
                1 => what.to_owned(),
                of => format!("{what} {} of {of}", place.suspect.rank),
            };
            out.push_str(&format!("\n{}", shared(place, &title, answer, style)));
        }
    }
    if answer.omitted > 0 {
        out.push_str(&format!("\nand {} more, left out by the limit\n", grouped(answer.omitted as u64)));
    }
    out.push_str(&rows(answer, style));
    out
}

/// The first process, and how many more there are.
fn of_processes(answer: &GroupLeaks, style: &Style) -> String {
    let Some(info) = answer.workers.iter().find_map(|worker| worker.answer.info.as_ref()) else {
        return String::new();
    };
    let more = match answer.workers.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", count(more as u64, "more process", "more processes")),
    };
    style.sentence(&format!("{}{more}", capture(info))) + "\n"
}

fn shared(place: &SharedSuspect, title: &str, answer: &GroupLeaks, style: &Style) -> String {
    let named: Vec<String> = place.pids.iter().take(PIDS).map(u32::to_string).collect();
    let more = if place.pids.len() > PIDS { ", …" } else { "" };
    let mut facts = Vec::new();
    if place.suspect.count.is_some() {
        facts.push(format!("{} items", signed(place.items_growth)));
    }
    facts.push(signed_bytes(place.bytes_growth));
    let retained =
        place.retained.map_or_else(String::new, |all| format!("; they retain {} together", bytes(all)));
    let sentence = format!(
        "in {} of {} ({}{more}): {} in all{retained}",
        place.pids.len(),
        count(answer.workers.len() as u64, "process", "processes"),
        named.join(", "),
        facts.join(", "),
    );
    // It is told as it is in one of them.
    let minutes = answer
        .workers
        .iter()
        .find(|worker| place.pids.contains(&worker.pid))
        .and_then(|worker| minutes(&worker.answer.snapshots));
    told(&place.suspect, title, minutes, style) + &style.wrapped(&style.letters(&sentence), "     ", 5)
}

/// A row a process.
fn rows(answer: &GroupLeaks, style: &Style) -> String {
    let mut table = Table::new(
        style,
        &[
            (Column::Number, "PID"),
            (Column::Number, "snapshots"),
            (Column::Number, "objects"),
            (Column::Number, "growth"),
            (Column::Number, "Python"),
            (Column::Number, "resident"),
            (Column::Number, "growth"),
            (Column::Number, "longest pause"),
            (Column::Name, "verdict"),
        ],
    );
    let unknown = || "?".to_owned();
    for worker in &answer.workers {
        let (snapshots, memory) = (&worker.answer.snapshots, &worker.answer.memory);
        let (Some(first), Some(last)) = (snapshots.first(), snapshots.last()) else { continue };
        let resident = last.rss.zip(first.rss).map(|(last, first)| last.wrapping_sub(first).cast_signed());
        table.row(vec![
            match &worker.answer.info {
                Some(info) => info.process.to_string().trim_start_matches("PID ").to_owned(),
                None => worker.pid.to_string(),
            },
            snapshots.len().to_string(),
            grouped(last.objects),
            signed(last.objects.wrapping_sub(first.objects).cast_signed()),
            memory.last().map_or_else(unknown, |memory| bytes(memory.python)),
            last.rss.map_or_else(unknown, bytes),
            resident.map_or_else(unknown, signed_bytes),
            snapshots.iter().filter_map(|row| row.pause).max().map_or_else(unknown, duration),
            match worker.answer.verdict {
                Verdict::Inconclusive if snapshots.len() < 3 => "seen too seldom".to_owned(),
                verdict => verdict.word().to_owned(),
            },
        ]);
    }
    format!("\n{}\n{}", style.paint(Role::Heading, "processes"), table.text(2))
}
