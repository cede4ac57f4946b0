//! The last line: the keys, a message, or the filter that is typed.

use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::pen::{Pen, span};
use super::tabs::filter;
use super::theme::Role;
use crate::state::{Screen, State, Tone};
use crate::text::columns;

/// A key, its name, and its effect.
type Hint = (KeyCode, &'static str, &'static str);

/// Returns the keys that have an effect now, the most useful ones first.
fn hints(state: &State) -> Vec<Hint> {
    let freeze = if state.frozen { "resume" } else { "freeze" };
    let mut hints: Vec<Hint> = Vec::new();
    if state.details().is_some() {
        hints.extend([
            (KeyCode::Esc, "Esc", "back"),
            (KeyCode::Enter, "Enter", "follow ›"),
            (KeyCode::Char('?'), "?", "help"),
            (KeyCode::Char('q'), "q", "quit"),
        ]);
        return hints;
    }
    hints.push((KeyCode::Char('q'), "q", "quit"));
    hints.push((KeyCode::Char('?'), "?", "help"));
    hints.push((KeyCode::Enter, "Enter", "open"));
    if state.screen != Screen::ProcessGroup {
        hints.push((KeyCode::Tab, "Tab", "holders"));
        if state.process().is_some_and(|process| process.tab == crate::state::process::Tab::Holders) {
            hints.pop();
            hints.push((KeyCode::Tab, "Tab", "types"));
        }
    }
    hints.extend([
        (KeyCode::Char('/'), "/", "filter"),
        (KeyCode::Char('>'), "<>", "sort"),
        (KeyCode::Char('f'), "f", freeze),
        (KeyCode::Char('b'), "b", "baseline"),
        (KeyCode::Char('s'), "s", "save"),
        (KeyCode::Char('r'), "r", "report"),
    ]);
    if state.screen != Screen::ProcessGroup && state.processes.len() > 1 {
        hints.insert(2, (KeyCode::Esc, "Esc", "all"));
    }
    hints
}

/// Returns the hints that fit, each with its first column and its width.
fn placed(state: &State) -> Vec<(Hint, u16, u16)> {
    let mut at = 1_usize;
    let mut placed = Vec::new();
    for hint in hints(state) {
        let wide = columns(hint.1) + 1 + columns(hint.2);
        if at + wide + 1 > usize::from(state.size.0) {
            break;
        }
        placed.push((hint, at as u16, wide as u16));
        at += wide + 2;
    }
    placed
}

/// Returns the key whose hint is at column `x`.
pub(crate) fn key_at(state: &State, x: u16) -> Option<KeyCode> {
    if state.message.is_some() || state.typing {
        return None;
    }
    let hit = placed(state).into_iter().find(|(_, begin, wide)| (*begin..begin + wide).contains(&x));
    hit.map(|(hint, ..)| hint.0)
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    if state.typing {
        let mut spans = filter(state, state.table());
        spans.push(span("   Enter", Role::Key));
        spans.push(span(" applies  ", Role::Faint));
        spans.push(span("Esc", Role::Key));
        spans.push(span(" clears", Role::Faint));
        pen.line(area, 0, &spans);
        return;
    }
    if let Some((text, tone, _)) = &state.message {
        let role = if *tone == Tone::Bad { Role::Bad } else { Role::Good };
        pen.line(area, 0, &[span(format!(" {text}"), role)]);
        return;
    }
    for ((_, key, what), begin, wide) in placed(state) {
        let spans = [span(key, Role::Key), span(format!(" {what}"), Role::Faint)];
        pen.line(Rect { x: begin, width: wide, ..area }, 0, &spans);
    }
}
