//! Exit statuses of the command.

/// The command succeeded.
pub(crate) const SUCCESS: u8 = 0;
/// `leaks` found a leak or native growth.
pub(crate) const GROWTH: u8 = 1;
/// The arguments are invalid, or the command failed.
pub(crate) const FAILURE: u8 = 2;
/// `leaks` cannot decide yet.
pub(crate) const INCONCLUSIVE: u8 = 3;
/// ^C came before there were enough snapshots for an answer.
pub(crate) const INTERRUPTED: u8 = 130;
