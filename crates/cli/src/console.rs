//! Progress messages on standard error: lines that stay and, in a terminal, a last line that is overwritten.

use std::io::{self, IsTerminal, Write};

use memtop_report::escape;

use crate::terminal::understands_escapes;

/// Where progress messages go.
pub(crate) trait Console {
    /// Prints a line that stays.
    fn print_line(&self, text: &str);

    /// Replaces the status line; an empty text removes it.
    fn set_status(&self, text: &str);
}

/// Standard error.
#[derive(Debug)]
pub(crate) struct StandardError {
    is_terminal: bool,
}

impl StandardError {
    pub(crate) fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal() && understands_escapes() }
    }

    /// Write errors are ignored: there is no other place to report them.
    fn write(&self, text: &str, end: &str) {
        let wipe = if self.is_terminal { "\r\x1b[K" } else { "" };
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{wipe}{}{end}", escape(text));
        let _ = stderr.flush();
    }
}

impl Console for StandardError {
    fn print_line(&self, text: &str) {
        self.write(text, "\n");
    }

    fn set_status(&self, text: &str) {
        if self.is_terminal {
            self.write(text, "");
        }
    }
}

impl Drop for StandardError {
    fn drop(&mut self) {
        self.set_status("");
    }
}
