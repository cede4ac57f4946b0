//! Writes texts into cells within an area, with the characters and colours that the terminal can show.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::theme::{Role, Theme};
use crate::text::{columns, start};

/// A piece of a line.
pub(crate) type Span = (String, Role);

pub(crate) fn span(text: impl Into<String>, role: Role) -> Span {
    (text.into(), role)
}

pub(crate) struct Pen<'a> {
    buffer: &'a mut Buffer,
    screen: Rect,
    pub(crate) theme: Theme,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(buffer: &'a mut Buffer, screen: Rect, theme: Theme) -> Self {
        Self { buffer, screen, theme }
    }

    /// Writes a text, up to `width` columns of it.
    pub(crate) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let width = width.min(self.screen.right().saturating_sub(x));
        if y < self.screen.bottom() && width > 0 {
            let style = self.theme.style(role);
            self.buffer.set_stringn(x, y, text, usize::from(width), style);
        }
    }

    /// Writes spans one after the other on a line of `area`. A span that does not fit is cut and ends with `…`. Returns
    /// the number of columns that were used.
    pub(crate) fn line(&mut self, area: Rect, line: u16, spans: &[Span]) -> u16 {
        if line >= area.height {
            return 0;
        }
        let mut used = 0_u16;
        for (text, role) in spans {
            let room = area.width.saturating_sub(used);
            if room == 0 {
                break;
            }
            let shown = start(text, usize::from(room));
            self.text(area.x + used, area.y + line, room, &shown, *role);
            used += u16::try_from(columns(&shown)).unwrap_or(room);
            if shown.len() < text.len() {
                break;
            }
        }
        used
    }

    /// Writes spans at the right end of a line of `area`, if they fit beside `used` columns. Returns whether they do.
    pub(crate) fn line_right(&mut self, area: Rect, line: u16, used: u16, spans: &[Span]) -> bool {
        let wide: usize = spans.iter().map(|span| columns(&span.0)).sum();
        let Ok(wide) = u16::try_from(wide) else { return false };
        if used.saturating_add(wide) > area.width {
            return false;
        }
        let x = area.width - wide;
        self.line(Rect { x: area.x + x, width: wide, ..area }, line, spans);
        true
    }

    /// Applies the style of `role` to a whole line of `area`.
    pub(crate) fn paint(&mut self, area: Rect, line: u16, role: Role) {
        if line < area.height {
            let row = Rect { y: area.y + line, height: 1, ..area }.intersection(self.screen);
            self.buffer.set_style(row, self.theme.style(role));
        }
    }

    /// Replaces colours and characters that the terminal cannot show.
    pub(crate) fn finish(&mut self) {
        let Theme { color, unicode } = self.theme;
        for cell in &mut self.buffer.content {
            if !color {
                let style = Style { fg: Some(Color::Reset), bg: Some(Color::Reset), ..Style::new() };
                cell.set_style(style);
            }
            if !unicode && !cell.symbol().is_ascii() {
                let c = cell.symbol().chars().next().map_or(' ', ascii);
                cell.set_char(c);
            }
        }
    }
}

/// Returns the nearest ASCII character.
fn ascii(c: char) -> char {
    match c {
        '▁' | '▂' => '_',
        '▃' | '▄' => '-',
        '▅' | '▆' => '=',
        '▇' | '█' => '#',
        '…' => '~',
        '→' | '›' | '▶' => '>',
        '▼' => 'v',
        '▲' => '^',
        '╰' => '`',
        '·' | '─' | '–' => '-',
        '●' | '■' => '*',
        '○' => 'o',
        '×' => 'x',
        'µ' => 'u',
        '↑' => '^',
        '↓' => 'v',
        '←' => '<',
        '▏' => '_',
        '≤' => '<',
        _ => '?',
    }
}
