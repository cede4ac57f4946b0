//! What all commands have in common: the arguments that say how to answer, and the printing itself.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::{Args, ValueEnum};
use memtop_report::{Style, escape};

use crate::Failure;

/// How to answer.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The answer")]
pub(crate) struct Output {
    /// Answer as JSON; the documentation has its schema
    #[arg(long)]
    pub(crate) json: bool,
    /// Rows of each list at most; 0 for all
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Colour: auto is for a terminal only, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Columns of a line where there is no terminal.
const WIDTH: usize = 120;

impl Output {
    /// The limit; none for all.
    pub(crate) fn limit(&self) -> Option<usize> {
        (self.limit > 0).then_some(self.limit)
    }

    fn color(&self, is_terminal: bool) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                is_terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }

    /// How text on standard output may look.
    pub(crate) fn style(&self) -> Style {
        self.style_of(io::stdout().is_terminal())
    }

    /// How text may look that goes to standard error, or, if it does not, to a file.
    pub(crate) fn error_style(&self, is_standard_error: bool) -> Style {
        self.style_of(is_standard_error && io::stderr().is_terminal())
    }

    fn style_of(&self, is_terminal: bool) -> Style {
        let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = told.or_else(|| measured().filter(|_| is_terminal)).filter(|&width| width > 0);
        Style { color: self.color(is_terminal), width: width.unwrap_or(WIDTH), unicode: has_unicode() }
    }

    /// Prints an answer. A reader that goes away has read enough: that is no failure.
    ///
    /// # Errors
    /// If it cannot be written (a full disk).
    pub(crate) fn print(answer: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
                format!("the answer cannot be written: {error}"),
                "free some space, or write elsewhere",
            )),
            _ => Ok(()),
        }
    }
}

/// Whether the locale has letters beyond ASCII. One that is not set is no statement: UTF-8 is what is left.
fn has_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| {
        let value = std::env::var_os(name)?;
        (!value.is_empty()).then(|| value.to_string_lossy().to_lowercase())
    });
    locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

/// Tells a failure on standard error; returns the exit status.
pub(crate) fn complain(output: &Output, failure: &Failure) -> u8 {
    let mut stderr = io::stderr().lock();
    let (on, off) = if output.color(stderr.is_terminal()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    // A path or a name in it must not steer the terminal. If even this cannot be written, there is nobody to tell.
    let _ = writeln!(stderr, "{on}error:{off} {}", escape(&failure.message));
    for hint in failure.hint.iter().flat_map(|hint| hint.lines()) {
        let _ = writeln!(stderr, "hint: {}", escape(hint));
    }
    failure.status
}

/// Prints an answer on standard error, where standard output is not mem_top's.
pub(crate) fn print_error(answer: &str) {
    // If it cannot be written, there is nobody to tell.
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(answer.as_bytes()).and_then(|()| stderr.flush());
}
