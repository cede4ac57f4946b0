//! The three counters of `mem_top()`: objects with the most references, the largest, and the most numerous types.
//!
//! One pass over the objects that the collector tracks. Each object costs a look at its type's
//! [slots](crate::raw::TypeSlots) and two comparisons, since a cheap upper bound keeps nearly all objects out of the
//! bounded tops. Only the shown rows are sorted or copied.
//!
//! Invariant: the rows are those that a stable sort of `gc.get_objects()` by number would give. The user's `__sizeof__`
//! methods are called after the walk, on objects that are held for it. Rows are returned as numbers and objects;
//! nothing is formatted here.

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use rustc_hash::FxHashMap;
use std::collections::TryReserveError;

use crate::growth::{self, Growth, Section};
use crate::raw::{self, Address, Frozen, Object, SizeBound, TypeSlots};
use crate::top::{Entry, Top};

/// No object is larger than a process's address space: a `__sizeof__` that answers more is wrong.
const LARGEST: u64 = 1 << 47;

/// The options of a count.
#[derive(Debug, Default)]
pub struct Request {
    /// Rows in each section; `None` for all.
    pub limit: Option<usize>,
    /// Types whose objects are all to be collected.
    pub collect: Vec<Py<PyType>>,
    /// Run no code of the user: a `__sizeof__` in Python is not called, the native size is used instead.
    pub safe: bool,
}

/// A line of the report.
#[derive(Debug)]
pub struct Row {
    /// The number of references, bytes, or objects.
    pub number: u64,
    /// The change since the last call, if the row can be compared.
    pub growth: Option<i64>,
    /// The object, or the type.
    pub object: Py<PyAny>,
}

/// The answer.
#[derive(Debug)]
pub struct Counters {
    /// Objects with the most references to others.
    pub references: Vec<Row>,
    /// The largest objects.
    pub bytes: Vec<Row>,
    /// The most numerous types.
    pub types: Vec<Row>,
    /// All objects of the requested types, in the order of the request.
    pub collected: Vec<Vec<Py<PyAny>>>,
}

struct Type {
    address: Address,
    slots: TypeSlots,
    count: u64,
    first: u64,
    /// The index of the requested type that it is, if any.
    collect: Option<usize>,
}

struct Types {
    table: Vec<Type>,
    index: FxHashMap<Address, usize>,
    /// A cache of recently seen types: their indexes in the table, by a few bits of their addresses.
    recent: [(Address, usize); RECENT],
}

const RECENT: usize = 256;

struct Tally {
    types: Types,
    references: Top<Object>,
    bytes: Top<Object>,
    asked: Vec<(u64, Py<PyAny>)>,
    /// With positions, since the walk is in another order.
    collected: Vec<Vec<(u64, Py<PyAny>)>>,
}

fn out_of_memory(_: TryReserveError) -> PyErr {
    PyMemoryError::new_err("mem_top: not enough memory for the rows")
}

impl Tally {
    #[inline]
    fn visit(
        &mut self,
        heap: &mut Frozen<'_>,
        request: &Request,
        position: u64,
        object: Object,
    ) -> PyResult<()> {
        let address = heap.type_of(object);
        let slot = address / 16 % RECENT;
        let index = match self.types.recent[slot] {
            (recent, index) if recent == address => index,
            _ => {
                let index = match self.types.index.get(&address) {
                    Some(&index) => index,
                    None => self.resolve(heap, request, address)?,
                };
                self.types.recent[slot] = (address, index);
                index
            }
        };
        let of = &mut self.types.table[index];
        of.count += 1;
        of.first = of.first.min(position);
        let bound = heap.references_bound(&of.slots, object);
        if self.references.admits(bound, position) {
            let number = heap.references(&of.slots, object);
            if self.references.admits(number, position) {
                self.references.offer(Entry { number, position, item: object }).map_err(out_of_memory)?;
            }
        }
        match heap.size_bound(&of.slots, object) {
            SizeBound::AtMost(bound) if self.bytes.admits(bound, position) => {
                let number = heap.size(&of.slots, object);
                if self.bytes.admits(number, position) {
                    self.bytes.offer(Entry { number, position, item: object }).map_err(out_of_memory)?;
                }
            }
            SizeBound::AtMost(_) => {}
            SizeBound::Ask => {
                self.asked.try_reserve(1).map_err(out_of_memory)?;
                self.asked.push((position, heap.hold(object)));
            }
        }
        if let Some(collect) = of.collect {
            let collected = &mut self.collected[collect];
            collected.try_reserve(1).map_err(out_of_memory)?;
            collected.push((position, heap.hold(object)));
        }
        Ok(())
    }

    #[cold]
    fn resolve(&mut self, heap: &mut Frozen<'_>, request: &Request, address: Address) -> PyResult<usize> {
        let slots = heap.slots_of(address, !request.safe);
        let collect = request.collect.iter().position(|of| of.as_ptr() as Address == address);
        let index = self.types.table.len();
        self.types.table.try_reserve(1).map_err(out_of_memory)?;
        self.types.table.push(Type { address, slots, count: 0, first: u64::MAX, collect });
        self.types.index.try_reserve(1).map_err(out_of_memory)?;
        self.types.index.insert(address, index);
        Ok(index)
    }
}

/// Counts references, bytes and types. O(objects); takes memory for the rows only (and 16 bytes for each
/// object with a `__sizeof__` of the user's). The GIL is held throughout the walk; afterwards, unless `safe`,
/// those methods are called.
///
/// # Errors
/// `MemoryError`, or a `KeyboardInterrupt` during a `__sizeof__`.
pub fn count(py: Python<'_>, request: &Request) -> PyResult<Counters> {
    growth::forget_dead(py);
    let Walked { references, mut bytes, asked, mut types, collected } = walk(py, request)?;
    if !asked.is_empty() {
        add_asked(py, &mut bytes, asked)?;
        bytes.truncate(request.limit.unwrap_or(usize::MAX));
    }
    let collected = in_order(py, request, collected);
    let growth = Growth::since_last_call(py, &references, &bytes, &types).map_err(out_of_memory)?;
    types.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    types.truncate(request.limit.unwrap_or(usize::MAX));
    let row = |section: Section| {
        let growth = &growth;
        move |(number, _, object): Held<PyAny>| Row {
            growth: growth.of(section, object.as_ptr() as Address),
            number,
            object,
        }
    };
    Ok(Counters {
        references: all(references.into_iter().map(row(Section::References)))?,
        bytes: all(bytes.into_iter().map(row(Section::Bytes)))?,
        types: all(types
            .into_iter()
            .map(|(number, position, object)| (number, position, object.into_any()))
            .map(row(Section::Types)))?,
        collected,
    })
}

/// A number, the position of its object or type, and a reference to that.
type Held<T> = (u64, u64, Py<T>);

/// The result of the walk, held so that it outlives the frozen heap.
struct Walked {
    references: Vec<Held<PyAny>>,
    bytes: Vec<Held<PyAny>>,
    /// Objects whose `__sizeof__` is the user's, with their positions.
    asked: Vec<(u64, Py<PyAny>)>,
    types: Vec<Held<PyType>>,
    /// The objects of the requested types, with their positions.
    collected: Vec<Vec<(u64, Py<PyAny>)>>,
}

fn walk(py: Python<'_>, request: &Request) -> PyResult<Walked> {
    raw::freeze(py, |heap| {
        let mut tally = Tally {
            types: Types { table: Vec::new(), index: FxHashMap::default(), recent: [(0, 0); RECENT] },
            references: Top::new(request.limit),
            bytes: Top::new(request.limit),
            asked: Vec::new(),
            collected: request.collect.iter().map(|_| Vec::new()).collect(),
        };
        heap.walk(|heap, position, object| tally.visit(heap, request, position, object))?;
        let hold = |top: Top<Object>| -> PyResult<Vec<Held<PyAny>>> {
            let held = |entry: Entry<Object>| (entry.number, entry.position, heap.hold(entry.item));
            all(top.into_sorted().into_iter().map(held))
        };
        let held_type = |of: &Type| (of.count, of.first, heap.hold_type(of.address));
        Ok(Walked {
            references: hold(tally.references)?,
            bytes: hold(tally.bytes)?,
            types: tally.types.table.iter().map(held_type).collect(),
            asked: tally.asked,
            collected: tally.collected,
        })
    })
}

/// Adds the objects whose `__sizeof__` is the user's, and sorts all by size.
fn add_asked(py: Python<'_>, bytes: &mut Vec<Held<PyAny>>, asked: Vec<(u64, Py<PyAny>)>) -> PyResult<()> {
    bytes.try_reserve_exact(asked.len()).map_err(out_of_memory)?;
    for (position, object) in asked {
        let number = asked_size(object.bind(py))?;
        bytes.push((number, position, object));
    }
    bytes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(())
}

/// The objects of the requested types, in the collector's order.
fn in_order(py: Python<'_>, request: &Request, collected: Vec<Vec<(u64, Py<PyAny>)>>) -> Vec<Vec<Py<PyAny>>> {
    let mut collected: Vec<Vec<Py<PyAny>>> = collected
        .into_iter()
        .map(|mut objects| {
            objects.sort_unstable_by_key(|&(position, _)| position);
            objects.into_iter().map(|(_, object)| object).collect()
        })
        .collect();
    // A type that was requested twice is returned twice.
    for (index, of) in request.collect.iter().enumerate() {
        if let Some(first) = request.collect[..index].iter().position(|other| other.is(of)) {
            collected[index] = collected[first].iter().map(|object| object.clone_ref(py)).collect();
        }
    }
    collected
}

/// Collects all items; a `MemoryError` if there is no memory for them.
fn all<T>(items: impl ExactSizeIterator<Item = T>) -> PyResult<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(items.len()).map_err(out_of_memory)?;
    all.extend(items);
    Ok(all)
}

/// The answer of the object's own `__sizeof__`, if it is plausible; else its native size.
fn asked_size(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = object.py();
    match raw::getsizeof(object).and_then(|size| size.extract::<u64>()) {
        Ok(size) if size <= LARGEST => Ok(size),
        Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => Err(error),
        _ => raw::native_size(object),
    }
}
