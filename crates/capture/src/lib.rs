//! The heap from inside.
