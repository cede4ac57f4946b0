//! The paths that keep an object, or the objects of a type, alive, as text.

use std::fmt::Write;

use memtop_analyze::{ObjectPaths, TypePaths};
use memtop_heap::Heap;

use super::parts::caveats;
use crate::numbers::{bytes, count, grouped};
use crate::object_facts::ObjectFacts;
use crate::style::{Role, Style};
use crate::table::{Column, Table};
use crate::wording::capture;

/// The paths to one object of `heap`.
#[must_use]
pub fn object_paths(heap: &Heap, answer: &ObjectPaths, facts: &ObjectFacts, style: &Style) -> String {
    let address = heap.objects().address(answer.object);
    let retains =
        facts.retained.map_or_else(String::new, |retained| format!(", retains {}", bytes(retained)));
    let mut out = format!(
        "{}\n{} at {address:#x}: {}{retains}\n",
        style.sentence(&capture(heap.info())),
        style.paint(Role::Name, &style.name(&answer.type_name)),
        bytes(answer.size)
    );
    if answer.paths.is_empty() {
        let reason = match answer.garbage {
            true => "nothing holds it: it is garbage that awaits the collector, not a leak",
            false => "no known root reaches it",
        };
        return out + reason + "\n" + &caveats(&[heap.info()], style);
    }
    out.push_str("it stays alive as long as one of these paths exists:\n");
    for path in &answer.paths {
        let _ = writeln!(out, "  {}", style.name(&path.to_string()));
    }
    if answer.omitted > 0 {
        let _ = writeln!(out, "  and {}", count(answer.omitted as u64, "more path", "more paths"));
    }
    match &facts.dominator {
        Some(path) => {
            let _ = writeln!(
                out,
                "it would be freed without this object, its immediate dominator:\n  {}",
                style.name(&path.to_string())
            );
        }
        None if facts.retained.is_some() => {
            out.push_str("no single object keeps it alive: several paths lead to it, or a root refers to it directly\n");
        }
        None => {}
    }
    out + &caveats(&[heap.info()], style)
}

/// The paths to the objects of the type that is called `name` in the question.
#[must_use]
pub fn type_paths(heap: &Heap, name: &str, answer: &TypePaths, style: &Style) -> String {
    let mut out = format!(
        "{}\n{}: {}\n",
        style.sentence(&capture(heap.info())),
        style.paint(Role::Name, &style.name(name)),
        count(answer.objects, "object", "objects")
    );
    if !answer.clusters.is_empty() {
        let columns = [
            (Column::Number, "objects"),
            (Column::Number, "bytes"),
            (Column::Name, "held by"),
            (Column::Number, "one of them"),
        ];
        let mut table = Table::new(style, &columns);
        for one in &answer.clusters {
            let example = format!("{:#x}", heap.objects().address(one.example));
            table.row(vec![grouped(one.objects), bytes(one.bytes), one.path.to_string(), example]);
        }
        out.push_str(&table.text(2));
    }
    if answer.omitted > 0 {
        let _ = writeln!(out, "  and {}", count(answer.omitted as u64, "more path", "more paths"));
    }
    if answer.unreached > 0 {
        let _ = writeln!(out, "  {} that no root reaches", count(answer.unreached, "object", "objects"));
    }
    if answer.garbage > 0 {
        let garbage = count(answer.garbage, "more awaits", "more await");
        let _ = writeln!(out, "  {garbage} the collector: garbage is not a leak");
    }
    out + &caveats(&[heap.info()], style)
}
