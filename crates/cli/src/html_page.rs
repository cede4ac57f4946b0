//! `--html FILE`: the answer as an HTML page, in addition to what is printed; with `--html -` in its place.
//!
//! The answer is printed first, so that it is not lost if the page cannot be written.

use std::path::PathBuf;

use clap::Args;
use memtop_report::{bytes, escape};

use crate::failure::Failure;
use crate::output::Output;
use crate::output_file::is_standard;
use crate::{output, output_file};

/// Whether a page is written, and where.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output options")]
pub(crate) struct HtmlPage {
    /// Also write the answer as an HTML page: one file that loads nothing from the network; - prints it instead
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl HtmlPage {
    /// Whether a page is wanted.
    pub(crate) fn is_wanted(&self) -> bool {
        self.html.is_some()
    }

    /// Checks before the work begins whether the file can be written.
    ///
    /// # Errors
    /// See [`output_file::check`].
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.html.as_deref() {
            Some(path) if !is_standard(path) => output_file::check(path).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Prints the answer, unless the page is printed in its place.
    ///
    /// # Errors
    /// See [`Output::print`].
    pub(crate) fn print_answer(&self, answer: &str) -> Result<(), Failure> {
        match self.html.as_deref() {
            Some(path) if is_standard(path) => Ok(()),
            _ => Output::print(answer),
        }
    }

    /// Makes and writes the page if one is wanted, and reports it on standard error.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub(crate) fn write(&self, page: impl FnOnce() -> Result<String, Failure>) -> Result<(), Failure> {
        let Some(path) = &self.html else { return Ok(()) };
        let page = page()?;
        if is_standard(path) {
            return Output::print(&page);
        }
        let size = output_file::write(path, |file| file.write_all(page.as_bytes()))?;
        let name = path.display().to_string();
        output::print_error(&format!("{}: {}; open it in a browser\n", escape(&name), bytes(size)));
        Ok(())
    }
}
