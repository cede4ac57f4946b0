//! A user's own patterns of known leaks, read from a file.

use std::path::{Path, PathBuf};

use clap::Args;
use memtop_analyze::{Leaks, Patterns};

use crate::failure::Failure;

/// A larger file is refused: a list of patterns is never that long.
const LARGEST: u64 = 4 << 20;

/// Where the user's own patterns are.
#[derive(Debug, Default, Args)]
pub(crate) struct PatternsFile {
    /// Also give the advice of your own patterns of leaks in FILE, which come first
    #[arg(long = "patterns", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl PatternsFile {
    /// Reads the patterns, before anything that takes time.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a list of patterns.
    pub(crate) fn read(&self) -> Result<OwnPatterns, Failure> {
        self.path.as_deref().map(read).transpose().map(OwnPatterns)
    }
}

/// The user's own patterns, if there are any.
pub(crate) struct OwnPatterns(Option<Patterns>);

impl OwnPatterns {
    /// Gives the suspects that fit them their advice.
    pub(crate) fn advise(&self, answer: &mut Leaks) {
        if let Some(patterns) = &self.0 {
            answer.advise(patterns);
        }
    }
}

fn read(path: &Path) -> Result<Patterns, Failure> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("cannot read patterns from {}: {error}", path.display());
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length > LARGEST {
        return Err(Failure::new(
            cannot(&"the file is too large"),
            "give a TOML file with [[pattern]] tables",
        ));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(cannot(&error), "check the path that is given to --patterns"))?;
    Patterns::parse(&text).map_err(|error| {
        Failure::new(cannot(&error), "docs/patterns.md describes the file, and has an example")
    })
}
