//! The finder of leaks: what must be named, what must be acquitted, and that the same heaps give the same answer.

mod facts;
mod guilty;
mod innocent;
mod naming;
mod one_at_a_time;
mod random;
mod series;
