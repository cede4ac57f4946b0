//! Every answer as text, JSON and HTML, on heaps in the text language and on answers made by hand.

mod documented;
mod hostile;
mod leaks;
mod one_heap;
mod page;
mod samples;
mod wording;
