//! The change of a row's number since the last call: its `{growth}`.
//!
//! Two things are kept between calls: the number of objects of each type, and the shown rows of the other two sections.
//! Both are kept by address (tens of bytes a type, no reference to any object). A weak reference distinguishes a type
//! that died from a new one at its address; nearly every class already has one, in its base's list of subclasses.

use std::collections::TryReserveError;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyType, PyWeakrefMethods, PyWeakrefReference};
use rustc_hash::FxHashMap;

use crate::raw::{self, Address};

/// A section of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    References,
    Bytes,
    Types,
}

#[derive(Default)]
struct Last {
    /// By the object's address: its type's address, and the number.
    references: FxHashMap<Address, (Address, u64)>,
    bytes: FxHashMap<Address, (Address, u64)>,
    types: FxHashMap<Address, (Option<Py<PyWeakrefReference>>, u64)>,
}

impl Last {
    fn of(
        py: Python<'_>,
        references: &Held<PyAny>,
        bytes: &Held<PyAny>,
        types: &Held<PyType>,
    ) -> Result<Self, TryReserveError> {
        let rows = |held: &Held<PyAny>| {
            gather(
                held.len(),
                held.iter().map(|(number, _, object)| {
                    let of = object.bind(py).get_type();
                    (object.as_ptr() as Address, (of.as_ptr() as Address, *number))
                }),
            )
        };
        Ok(Self {
            references: rows(references)?,
            bytes: rows(bytes)?,
            types: gather(
                types.len(),
                types.iter().map(|(number, _, of)| {
                    let of = of.bind(py);
                    let weak = raw::is_heap_type(of)
                        .then(|| PyWeakrefReference::new(of).ok().map(Bound::unbind))
                        .flatten();
                    (of.as_ptr() as Address, (weak, *number))
                }),
            )?,
        })
    }
}

static LAST: Mutex<Option<Last>> = Mutex::new(None);

/// Collects at most `most` entries; an error if there is no memory for them.
fn gather<V>(
    most: usize,
    entries: impl Iterator<Item = (Address, V)>,
) -> Result<FxHashMap<Address, V>, TryReserveError> {
    let mut map = FxHashMap::default();
    map.try_reserve(most)?;
    map.extend(entries);
    Ok(map)
}

/// Forgets the types that have died since the last call. The weak references to them are mem_top's own objects in the
/// heap that is about to be counted.
pub(crate) fn forget_dead(py: Python<'_>) {
    let mut slot = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(last) = slot.as_mut() {
        last.types.retain(|_, (weak, _)| weak.as_ref().is_none_or(|weak| weak.bind(py).upgrade().is_some()));
    }
}

/// The changes of the rows of one call.
pub(crate) struct Growth {
    references: FxHashMap<Address, i64>,
    bytes: FxHashMap<Address, i64>,
    types: FxHashMap<Address, i64>,
}

type Held<T> = [(u64, u64, Py<T>)];

fn change(now: u64, before: u64) -> i64 {
    i64::try_from(i128::from(now) - i128::from(before)).unwrap_or(i64::MAX)
}

impl Growth {
    /// Compares these numbers with the last call's, and keeps them for the next. `types` are all types, the others the
    /// shown rows.
    ///
    /// # Errors
    /// Out of memory; the numbers of the last call may then be lost.
    pub(crate) fn since_last_call(
        py: Python<'_>,
        references: &Held<PyAny>,
        bytes: &Held<PyAny>,
        types: &Held<PyType>,
    ) -> Result<Self, TryReserveError> {
        let now = Last::of(py, references, bytes, types)?;
        // The lock is held only for the exchange, during which no Python code runs.
        let mut slot = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(before) = slot.take() else {
            *slot = Some(now);
            return Ok(Self {
                references: FxHashMap::default(),
                bytes: FxHashMap::default(),
                types: FxHashMap::default(),
            });
        };
        let growth = Self::between(&before, &now)?;
        *slot = Some(now);
        drop(slot);
        drop(before);
        Ok(growth)
    }

    /// The changes from one call to the next.
    fn between(before: &Last, now: &Last) -> Result<Self, TryReserveError> {
        let same = |now: &FxHashMap<Address, (Address, u64)>, before: &FxHashMap<Address, (Address, u64)>| {
            let changes = now.iter().filter_map(|(&address, &(of, number))| match before.get(&address) {
                Some(&(was, then)) if was == of => Some((address, change(number, then))),
                _ => None,
            });
            gather(now.len(), changes)
        };
        let types = now.types.iter().map(|(&address, (weak, number))| {
            let then = before.types.get(&address).map_or(0, |(was, then)| match (was, weak) {
                // Another weak reference means another type, at the address of one that died.
                (Some(was), Some(weak)) if !was.is(weak) => 0,
                _ => *then,
            });
            (address, change(*number, then))
        });
        Ok(Self {
            references: same(&now.references, &before.references)?,
            bytes: same(&now.bytes, &before.bytes)?,
            types: gather(now.types.len(), types)?,
        })
    }

    /// The change of the row of this object or type.
    pub(crate) fn of(&self, section: Section, address: Address) -> Option<i64> {
        match section {
            Section::References => &self.references,
            Section::Bytes => &self.bytes,
            Section::Types => &self.types,
        }
        .get(&address)
        .copied()
    }
}
