//! The effects of clicks and of the mouse wheel.

use ratatui::crossterm::event::{KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::State;
use crate::areas::columns;
use crate::draw::{details, footer, help, tabs};

/// The rows that a turn of the wheel scrolls.
const WHEEL: isize = 3;

impl State {
    pub(super) fn mouse_event(&mut self, mouse: MouseEvent) {
        let at = Position { x: mouse.column, y: mouse.row };
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(-WHEEL),
            MouseEventKind::ScrollDown => self.wheel(WHEEL),
            MouseEventKind::Down(MouseButton::Left) => self.click(at),
            MouseEventKind::Down(MouseButton::Right) if self.help.is_none() => self.back(),
            _ => {}
        }
    }

    fn wheel(&mut self, by: isize) {
        match self.help {
            Some(at) => {
                let to = usize::from(at).saturating_add_signed(by);
                self.help = Some(u16::try_from(to).unwrap_or(u16::MAX).min(help::last_line(self.size)));
            }
            None => self.step(by),
        }
    }

    fn click(&mut self, at: Position) {
        if self.help.take().is_some() {
            return;
        }
        self.typing = false;
        let areas = self.areas();
        if areas.footer.contains(at) {
            if let Some(key) = footer::key_at(self, at.x) {
                self.key(KeyEvent::new(key, KeyModifiers::NONE));
            }
        } else if self.details().is_some() {
            self.click_details(at, areas.header, areas.body);
        } else if areas.tabs.contains(at) {
            if let Some(tab) = tabs::tab_at(self, at.x)
                && let Some(process) = self.process_mut()
            {
                process.tab = tab;
            }
        } else if areas.header.contains(at) {
            let clicked = columns(self.table().columns, self.size.0)
                .into_iter()
                .find(|&(_, begin, wide)| (begin..begin + wide).contains(&at.x));
            if let Some((column, ..)) = clicked {
                self.table_mut().sort_by(column);
            }
        } else if areas.body.contains(at) {
            let cursor = &self.table().cursor;
            let place = cursor.offset + usize::from(at.y - areas.body.y);
            if place >= self.table().order.len() {
                return;
            }
            // A click on the row under the cursor opens it.
            if place == cursor.place {
                return self.enter();
            }
            let by = place.cast_signed() - cursor.place.cast_signed();
            self.step(by);
        }
    }

    fn click_details(&mut self, at: Position, header: Rect, body: Rect) {
        let Some(view) = self.details() else { return };
        let top = if header.height > 0 { header.y } else { body.y };
        if at.y < top {
            return;
        }
        let lines = details::lines(view, self.size.0);
        let clicked = lines.get(view.offset + usize::from(at.y - top)).and_then(|line| line.row);
        match clicked {
            Some(row) if row == view.row => self.enter(),
            Some(row) => {
                if let Some(view) = self.process_mut().and_then(|process| process.details.last_mut()) {
                    view.go(row);
                }
            }
            None => {}
        }
    }
}
