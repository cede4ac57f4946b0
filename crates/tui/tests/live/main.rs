//! The live view without a terminal: what keys and sources do to the state, and what is drawn of it.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod drawing;
mod hostile;
mod looking;
mod scene;
mod transitions;
