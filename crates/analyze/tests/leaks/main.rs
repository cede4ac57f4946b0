//! The finder of leaks: what must be named, what must be acquitted, and that the same heaps give the same answer.

mod guilty;
mod innocent;
mod random;
mod series;
mod words;
