//! Growth in the processes of a group, as text: the verdict over all, each suspect once, and one row for each process.

use memtop_analyze::{GroupLeaks, SharedSuspect, Verdict};

use super::leaks::{suspect_titled, verdict};
use crate::numbers::{bytes, count, duration, grouped, known_bytes, signed, signed_bytes, unknown};
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::time::minutes;
use crate::wording::{capture, group_reason, group_verdicts, held_in_processes};

/// How many PIDs are listed.
const PIDS: usize = 8;

/// The answer over a process group.
#[must_use]
pub fn group_leaks(answer: &GroupLeaks, style: &Style) -> String {
    let mut out = of_processes(answer, style);
    let words = group_verdicts(answer);
    out.push_str(&verdict(answer.verdict, &words, &group_reason(&answer.reason), &answer.notes, style));
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
    let Some(info) = answer.members.iter().find_map(|member| member.answer.info.as_ref()) else {
        return String::new();
    };
    let more = match answer.members.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", count(more as u64, "more process", "more processes")),
    };
    style.sentence(&format!("{}{more}", capture(info))) + "\n"
}

fn shared(place: &SharedSuspect, title: &str, answer: &GroupLeaks, style: &Style) -> String {
    let sentence = held_in_processes(place, answer.members.len(), PIDS);
    // It is described as in one of them.
    let minutes = answer
        .members
        .iter()
        .find(|member| place.pids.contains(&member.pid))
        .and_then(|member| minutes(&member.answer.snapshots));
    suspect_titled(&place.suspect, title, minutes, style)
        + &style.wrapped(&style.letters(&sentence), "     ", 5)
}

/// One row for each process.
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
    for member in &answer.members {
        let (snapshots, memory) = (&member.answer.snapshots, &member.answer.memory);
        let (Some(first), Some(last)) = (snapshots.first(), snapshots.last()) else { continue };
        let resident = last.rss.zip(first.rss).map(|(last, first)| last.wrapping_sub(first).cast_signed());
        table.row(vec![
            match &member.answer.info {
                Some(info) => info.process.to_string().trim_start_matches("PID ").to_owned(),
                None => member.pid.to_string(),
            },
            grouped(snapshots.len() as u64),
            grouped(last.objects),
            signed(last.objects.wrapping_sub(first.objects).cast_signed()),
            memory.last().map_or_else(unknown, |memory| bytes(memory.python)),
            known_bytes(last.rss),
            resident.map_or_else(unknown, signed_bytes),
            snapshots.iter().filter_map(|row| row.pause).max().map_or_else(unknown, duration),
            match member.answer.verdict {
                Verdict::Inconclusive if snapshots.len() < 3 => "too few snapshots".to_owned(),
                verdict => verdict.word().to_owned(),
            },
        ]);
    }
    format!("\n{}\n{}", style.paint(Role::Heading, "processes"), table.text(2))
}
