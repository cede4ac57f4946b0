//! A container that is being written: where its items come from, and what is written between and after them.

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::raw;

/// A part of the text.
pub(super) enum Part<'py> {
    Text(&'static str),
    Owned(String),
    /// A string without quotes; it may contain lone surrogates.
    Name(Bound<'py, PyString>),
    Object(Bound<'py, PyAny>),
    /// A defaultdict's factory. CPython registers it as in progress, so that a factory whose repr breaks cycles shows
    /// itself as one.
    Factory(Bound<'py, PyAny>),
    /// A dict's entries in braces, without what the repr of its subclass writes around them.
    Braces(Bound<'py, PyAny>),
}

/// How the entries of a dict are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entries {
    Pairs,
    Keys,
    Values,
    Tuples,
    Keywords,
}

/// The source of a container's items.
pub(super) enum Items<'py> {
    List(Bound<'py, PyList>, usize),
    Tuple(Bound<'py, PyTuple>, usize),
    Dict(Bound<'py, PyAny>, isize, Entries),
    Iterator(Bound<'py, PyAny>),
    /// An iterator over pairs of a key and a value.
    PairIterator(Bound<'py, PyAny>, Entries),
    /// The method that returns an item, the array, and the next index.
    Array(Bound<'py, PyAny>, Bound<'py, PyAny>, usize),
    Empty,
}

/// A container that is being written.
pub(super) struct Frame<'py> {
    /// The parts to write before the next item is fetched.
    pub(super) queue: VecDeque<Part<'py>>,
    pub(super) source: Items<'py>,
    /// The number of items so far, to know whether a comma is due.
    pub(super) items: usize,
    pub(super) close: String,
    /// The container, if its repr breaks cycles; `None` for the text around a container, and for containers whose repr
    /// breaks no cycles, such as an exception's.
    pub(super) container: Option<Bound<'py, PyAny>>,
    /// Its registration with the interpreter as in progress.
    pub(super) guard: Option<raw::ReprGuard<'py>>,
}

impl<'py> Frame<'py> {
    /// A frame that writes one part and nothing else.
    pub(super) fn around(part: Part<'py>, container: Option<Bound<'py, PyAny>>) -> Self {
        Self {
            queue: VecDeque::from([part]),
            source: Items::Empty,
            items: 0,
            close: String::new(),
            container,
            guard: None,
        }
    }

    /// Queues the next item, with the comma before it; leaves the queue empty at the end. An iterator that fails,
    /// because the container has changed, is at its end.
    pub(super) fn refill(&mut self) {
        let mut entry = None;
        let item = match &mut self.source {
            Items::Empty => None,
            Items::List(list, index) => {
                *index += 1;
                list.get_item(*index - 1).ok()
            }
            Items::Tuple(tuple, index) => {
                *index += 1;
                tuple.get_item(*index - 1).ok()
            }
            Items::Array(item, array, index) => {
                *index += 1;
                item.call1((&*array, *index - 1)).ok()
            }
            Items::Iterator(iterator) => next(iterator),
            Items::PairIterator(iterator, written_as) => {
                entry = next(iterator)
                    .and_then(|pair| pair.extract().ok())
                    .map(|(key, value)| (key, value, *written_as));
                None
            }
            Items::Dict(dict, position, written_as) => {
                entry = raw::dict_next(dict, position).map(|(key, value)| (key, value, *written_as));
                None
            }
        };
        if self.items > 0 && (item.is_some() || entry.is_some()) {
            self.queue.push_back(Part::Text(", "));
        }
        self.items += 1;
        if let Some(item) = item {
            self.queue.push_back(Part::Object(item));
        }
        match entry {
            Some((key, value, Entries::Pairs)) => {
                self.queue.extend([Part::Object(key), Part::Text(": "), Part::Object(value)]);
            }
            Some((key, _, Entries::Keys)) => self.queue.push_back(Part::Object(key)),
            Some((_, value, Entries::Values)) => self.queue.push_back(Part::Object(value)),
            Some((key, value, Entries::Tuples)) => {
                self.queue.extend([
                    Part::Text("("),
                    Part::Object(key),
                    Part::Text(", "),
                    Part::Object(value),
                    Part::Text(")"),
                ]);
            }
            Some((key, value, Entries::Keywords)) => {
                let name = key.cast_into::<PyString>().map_or(Part::Text("?"), Part::Name);
                self.queue.extend([name, Part::Text("="), Part::Object(value)]);
            }
            None => {}
        }
    }
}

fn next<'py>(iterator: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    iterator.cast::<pyo3::types::PyIterator>().ok()?.clone().next()?.ok()
}
