//! The live view without a terminal: the effect of keys and sources on the state, and how the state is drawn.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod drawing;
mod hostile;
mod looking;
mod scene;
mod transitions;
