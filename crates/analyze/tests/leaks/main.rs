//! The finder of leaks: what must be named, what must be acquitted, and that the same heaps give the same answer.

mod facts;
mod guilty;
mod holders;
mod innocent;
mod one_at_a_time;
mod random;
mod series;
