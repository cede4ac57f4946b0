//! Every answer as text, JSON and HTML, on heaps in the text language and on answers made by hand.

mod diff;
mod documented;
mod group_leaks;
mod heap_report;
mod hostile;
mod leaks;
mod page;
mod processes;
mod samples;
mod suspects;
mod why;
mod wording;
