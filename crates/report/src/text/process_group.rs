//! A process group at a glance, as text.

use crate::numbers::{bytes, count, duration, grouped, known_bytes, net_bytes, unknown};
use crate::process_group::ProcessGroup;
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::wording::{container, cost};

/// The overview of a process group.
#[must_use]
pub fn process_group(answer: &ProcessGroup, style: &Style) -> String {
    let objects = answer.members.iter().fold(0_u64, |sum, one| sum.saturating_add(one.total.objects));
    let python = answer.members.iter().fold(0_u64, |sum, one| sum.saturating_add(one.total.bytes));
    let host = answer.members.iter().find_map(|one| one.info.host.as_ref());
    let host = host.map_or_else(String::new, |host| style.sentence(&format!(" on {host}")));
    let mut out = format!(
        "{}{host}: {}, {}\n\n",
        style.paint(Role::Heading, &count(answer.members.len() as u64, "Python process", "Python processes")),
        count(objects, "object", "objects"),
        bytes(python),
    );
    let mut table = Table::new(
        style,
        &[
            (Column::Number, "PID"),
            (Column::Name, "Python"),
            (Column::Number, "objects"),
            (Column::Number, "Python"),
            (Column::Number, "resident"),
            (Column::Number, "unexplained"),
            (Column::Number, "pause"),
            (Column::Name, "program"),
        ],
    );
    for one in &answer.members {
        table.row(vec![
            one.info.process.to_string().trim_start_matches("PID ").to_owned(),
            one.info.python.to_string(),
            grouped(one.total.objects),
            bytes(one.memory.python),
            known_bytes(one.memory.rss),
            one.memory.unexplained.map_or_else(unknown, net_bytes),
            one.info.pause.map_or_else(unknown, duration),
            one.info.program.clone(),
        ]);
    }
    out.push_str(&table.text(2));
    for (pid, reason) in &answer.failures {
        let sentence = format!("not captured: PID {pid}: {reason}");
        out.push_str(&style.wrapped(&style.sentence(&sentence), "  ", 4));
    }
    out.push_str(&format!("\n{}\n", style.paint(Role::Heading, "types in all processes")));
    let columns = [
        (Column::Number, "objects"),
        (Column::Number, "bytes"),
        (Column::Number, "processes"),
        (Column::Name, "type"),
    ];
    let mut types = Table::new(style, &columns);
    for ty in &answer.types {
        types.row(vec![
            grouped(ty.total.objects),
            bytes(ty.total.bytes),
            grouped(ty.members),
            ty.name.clone(),
        ]);
    }
    out.push_str(&types.text(2));
    if answer.omitted > 0 {
        out.push_str(&format!("  and {}\n", count(answer.omitted as u64, "more type", "more types")));
    }
    out.push_str(&format!("\n{}\n", style.paint(Role::Heading, "the captures")));
    for one in &answer.members {
        let container = container(&one.info).map_or_else(String::new, |container| format!(", {container}"));
        let process = format!("{}{container}", one.info.process);
        let sentence = format!("{process}: {}", cost(&one.info).join("; "));
        out.push_str(&style.wrapped(&style.sentence(&sentence), "  ", 4));
    }
    out
}
