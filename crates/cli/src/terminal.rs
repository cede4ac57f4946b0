//! The abilities of the terminal.

/// Whether escape sequences may be sent to a terminal: not where `TERM` says that it is a dumb one, such as a shell in an
/// editor or the log of a continuous integration.
pub(crate) fn understands_escapes() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
