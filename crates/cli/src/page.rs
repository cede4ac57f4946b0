//! `--html FILE`: the answer as one page beside what is printed.
//!
//! The answer is printed first, so that it is not lost if the page cannot be written.

use std::path::PathBuf;

use clap::Args;
use memtop_report::{bytes, escape};

use crate::failure::Failure;
use crate::{output, output_file};

/// Whether a page is wanted, and where.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The answer")]
pub(crate) struct PageArguments {
    /// Write the answer as a page for a browser too: one file, which asks nothing of the network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl PageArguments {
    /// Whether a page is wanted.
    pub(crate) fn wanted(&self) -> bool {
        self.html.is_some()
    }

    /// To be asked before the work.
    ///
    /// # Errors
    /// If the file can surely not be written.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.html.as_deref().map_or(Ok(()), |path| output_file::check(path).map(|_| ()))
    }

    /// Writes the page, if one is wanted, and says so on standard error.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub(crate) fn write(&self, page: impl FnOnce() -> Result<String, Failure>) -> Result<(), Failure> {
        let Some(path) = &self.html else { return Ok(()) };
        let page = page()?;
        let size = output_file::write(path, |file| file.write_all(page.as_bytes()))?;
        let name = path.display().to_string();
        output::print_error(&format!("{}: {}; open it in a browser\n", escape(&name), bytes(size)));
        Ok(())
    }
}
