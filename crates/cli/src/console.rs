//! What is said on standard error while heaps are being captured, one after the other: lines that stay, and on a terminal
//! a last one that changes.

use std::io::{self, IsTerminal, Write};

use memtop_report::escape;

/// Who is told what goes on.
pub(crate) trait Console {
    /// Says something that stays.
    fn line(&self, text: &str);

    /// Says what goes on just now, until something else does.
    fn status(&self, text: &str);
}

/// Standard error.
#[derive(Debug)]
pub(crate) struct StandardError {
    is_terminal: bool,
}

impl StandardError {
    pub(crate) fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal() }
    }

    /// If nobody reads it any more, there is nobody to tell.
    fn write(&self, text: &str, end: &str) {
        let wipe = if self.is_terminal { "\r\x1b[K" } else { "" };
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{wipe}{}{end}", escape(text));
        let _ = stderr.flush();
    }
}

impl Console for StandardError {
    fn line(&self, text: &str) {
        self.write(text, "\n");
    }

    fn status(&self, text: &str) {
        if self.is_terminal {
            self.write(text, "");
        }
    }
}

impl Drop for StandardError {
    fn drop(&mut self) {
        self.status("");
    }
}
