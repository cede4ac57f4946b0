//! The look of a text: colour, width, letters. The caller chooses it; nothing here asks the system.

use std::fmt::Write;

use anstyle::{AnsiColor, Effects, Style as Ansi};

use crate::escape::{columns, cut, escape, push_code};

/// The look of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Colour, as ANSI escapes.
    pub color: bool,
    /// The largest number of columns of a line; at least 40 are used.
    pub width: usize,
    /// Letters beyond ASCII: lines of trees, `→`, `…`. Without it, names are escaped to ASCII too.
    pub unicode: bool,
}

impl Default for Style {
    /// For a file or a log: no colour, 100 columns, Unicode.
    fn default() -> Self {
        Self { color: false, width: 100, unicode: true }
    }
}

/// The role of a piece of text, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A heading.
    Heading,
    /// An accusation.
    Bad,
    /// A doubt.
    Doubt,
    /// An acquittal.
    Good,
    /// The holder, which a reader looks for.
    Name,
    /// Details of less importance.
    Faint,
    /// The rest.
    Plain,
}

/// The longest name, in columns, wherever it is shown.
const LONGEST_NAME: usize = 240;

impl Style {
    pub(crate) fn width(&self) -> usize {
        self.width.max(40)
    }

    /// A text of ours in its colour.
    pub(crate) fn paint(&self, role: Role, text: &str) -> String {
        if !self.color || text.is_empty() || role == Role::Plain {
            return text.to_owned();
        }
        let style = match role {
            Role::Heading => Ansi::new().effects(Effects::BOLD),
            Role::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
            Role::Doubt => AnsiColor::Yellow.on_default().effects(Effects::BOLD),
            Role::Good => AnsiColor::Green.on_default().effects(Effects::BOLD),
            Role::Name => AnsiColor::Cyan.on_default().effects(Effects::BOLD),
            Role::Faint => Ansi::new().effects(Effects::DIMMED),
            Role::Plain => Ansi::new(),
        };
        format!("{style}{text}{style:#}")
    }

    /// A text out of a heap: escaped, and cut if it is very long.
    pub(crate) fn name(&self, text: &str) -> String {
        self.letters(&cut(&escape(text), LONGEST_NAME))
    }

    /// A sentence of an answer: it may quote names, so it is escaped; it is not cut.
    pub(crate) fn sentence(&self, text: &str) -> String {
        self.letters(&escape(text))
    }

    /// The text in the letters that the terminal can show.
    pub(crate) fn letters(&self, text: &str) -> String {
        if self.unicode || text.is_ascii() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if c.is_ascii() => out.push(c),
                '→' => out.push_str("->"),
                '…' => out.push_str("..."),
                '·' | '–' => out.push('-'),
                '×' => out.push('x'),
                'µ' => out.push('u'),
                '┬' | '╰' => out.push('+'),
                '│' | '├' => out.push('|'),
                '─' => out.push('-'),
                c => push_code(&mut out, c),
            }
        }
        out
    }

    /// Sentences broken into lines between words, each after `indent` columns. Only for text that is not painted.
    pub(crate) fn wrapped(&self, text: &str, first: &str, indent: usize) -> String {
        let mut out = String::new();
        let mut used = columns(first);
        out.push_str(first);
        let mut fresh = true;
        for word in text.split(' ') {
            let wide = columns(word);
            if !fresh && used + 1 + wide > self.width() {
                let _ = write!(out, "\n{:indent$}", "");
                used = indent;
                fresh = true;
            }
            if !fresh {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += wide;
            fresh = false;
        }
        out.push('\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_if_chosen() {
        let plain = Style::default();
        assert_eq!(plain.paint(Role::Bad, "leak"), "leak");
        let painted = Style { color: true, ..plain }.paint(Role::Bad, "leak");
        assert_eq!(painted, "\x1b[1m\x1b[31mleak\x1b[0m");
    }

    #[test]
    fn without_unicode_all_is_ascii() {
        let style = Style { unicode: false, ..Style::default() };
        assert_eq!(style.letters("╰→ ['ключ'] … · 3 µs"), "+-> ['\\u043a\\u043b\\u044e\\u0447'] ... - 3 us");
    }

    #[test]
    fn sentences_break_between_words() {
        let style = Style { width: 40, ..Style::default() };
        let text = "one two three four five six seven eight nine ten";
        assert_eq!(style.wrapped(text, "- ", 2), "- one two three four five six seven\n  eight nine ten\n");
    }
}
