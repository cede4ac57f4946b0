//! The output options that all commands share, and printing itself.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::{Args, ValueEnum};
use memtop_report::{Style, escape};

use crate::failure::Failure;
use crate::terminal::understands_escapes;

/// How the answer is printed.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output options")]
pub(crate) struct Output {
    /// Print the answer as JSON; the documentation describes its fields
    #[arg(long)]
    pub(crate) json: bool,
    /// Show at most N rows of each list; 0 shows all
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// When to use colour; auto means in a terminal, unless NO_COLOR is set
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

/// The width of a line where there is no terminal, in columns.
const WIDTH: usize = 120;

impl Output {
    /// The limit; none for all rows.
    pub(crate) fn limit(&self) -> Option<usize> {
        (self.limit > 0).then_some(self.limit)
    }

    fn color(&self, is_terminal: bool) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !set("NO_COLOR") && understands_escapes(),
        }
    }

    /// The style of text on standard output.
    pub(crate) fn style(&self) -> Style {
        self.style_of(io::stdout().is_terminal())
    }

    /// The style of text that goes to standard error, or else to a file.
    pub(crate) fn error_style(&self, is_standard_error: bool) -> Style {
        self.style_of(is_standard_error && io::stderr().is_terminal())
    }

    fn style_of(&self, is_terminal: bool) -> Style {
        let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = given.or_else(|| measured().filter(|_| is_terminal)).filter(|&width| width > 0);
        Style { color: self.color(is_terminal), width: width.unwrap_or(WIDTH), unicode: has_unicode() }
    }

    /// Prints an answer. A reader that closes the pipe early is not an error.
    ///
    /// # Errors
    /// If the answer cannot be written, for example to a full disk.
    pub(crate) fn print(answer: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
                format!("cannot write the answer: {error}"),
                "free some disk space, or write to another place",
            )),
            _ => Ok(()),
        }
    }
}

/// Whether the locale uses UTF-8. Without a locale, UTF-8 is assumed.
fn has_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| {
        let value = std::env::var_os(name)?;
        (!value.is_empty()).then(|| value.to_string_lossy().to_lowercase())
    });
    locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

/// Prints a failure on standard error. Returns the exit status.
pub(crate) fn print_failure(output: &Output, failure: &Failure) -> u8 {
    let mut stderr = io::stderr().lock();
    let (on, off) = if output.color(stderr.is_terminal()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    // Escaped, because a path or a name in it must not steer the terminal. Write errors have no other place to go.
    let _ = writeln!(stderr, "{on}error:{off} {}", escape(&failure.message));
    for hint in failure.hint.iter().flat_map(|hint| hint.lines()) {
        let _ = writeln!(stderr, "hint: {}", escape(hint));
    }
    failure.status
}

/// Prints on standard error, for commands whose standard output is not mem_top's own.
pub(crate) fn print_error(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
