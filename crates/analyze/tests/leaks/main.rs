//! The finder of leaks: what must be named, what must be acquitted, and that the same heaps give the same answer.

mod bounds;
mod facts;
mod garbage;
mod guilty;
mod holders;
mod innocent;
mod naming;
mod native;
mod odd_series;
mod one_at_a_time;
mod pace;
mod random;
mod series;
mod weak_tables;
