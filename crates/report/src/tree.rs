//! The path to a holder as a small tree: its root, each step with the type that it leads to, and the holder last.

use memtop_analyze::LeakStep;

use crate::escape::columns;
use crate::style::{Role, Style};

/// The steps of a long path that are shown: from its start, and to its end.
const SHOWN: (usize, usize) = (8, 4);

/// The space between the holder and its facts.
const FACTS: &str = "    ";

/// The lines of the path, with `facts` after the holder, or below it where the line is full.
pub(crate) fn tree(style: &Style, path: &[LeakStep], facts: &str) -> String {
    let Some((root, steps)) = path.split_first() else { return String::new() };
    let mut lines = vec![style.letters("┬───"), style.letters("│ ") + &root_text(style, root)];
    let (first, last) = SHOWN;
    let cut = if steps.len() > first + last { first..steps.len() - last } else { steps.len()..steps.len() };
    // The width of the last line, without its colours.
    let mut width = 0;
    for (place, step) in steps.iter().enumerate() {
        if place == cut.start {
            lines.push(style.letters("│  ") + &style.letters(&format!("… {} more steps …", cut.len())));
        }
        if cut.contains(&place) {
            continue;
        }
        let is_holder = place + 1 == steps.len();
        let label = style.name(step_label(root, place, step));
        let type_name = style.name(&step.type_name);
        let role = if is_holder { Role::Name } else { Role::Plain };
        let branch = style.letters(if is_holder { "╰→ " } else { "├─ " });
        let arrow = if label.is_empty() { String::new() } else { style.letters(" → ") };
        width = [&branch, &label, &arrow, &type_name].map(|part| columns(part)).iter().sum();
        lines.push(match label.is_empty() {
            true => branch + &style.paint(role, &type_name),
            false => branch + &style.paint(role, &label) + &arrow + &type_name,
        });
    }
    if !facts.is_empty() {
        let facts = style.sentence(facts);
        if width + FACTS.len() + columns(&facts) <= style.width() {
            lines.last_mut().into_iter().for_each(|holder| *holder += &format!("{FACTS}{facts}"));
        } else {
            lines.push(format!("     {facts}"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// `module shop.sessions`; the label of a frame or a thread's local contains its kind already.
fn root_text(style: &Style, root: &LeakStep) -> String {
    match root.label.starts_with(&root.type_name) {
        true => style.name(&root.label),
        false => format!("{} {}", style.name(&root.type_name), style.name(&root.label)),
    }
}

/// The label of a step; a module's global has no dot, since it is a name of its own.
fn step_label<'a>(root: &LeakStep, place: usize, step: &'a LeakStep) -> &'a str {
    let is_global = place == 0 && matches!(root.type_name.as_str(), "module" | "builtins");
    let without = if is_global { step.label.strip_prefix('.') } else { None };
    // A reference without a label reads as an arrow already.
    let label = without.unwrap_or(&step.label);
    label.strip_prefix('→').map_or(label, |_| "")
}
