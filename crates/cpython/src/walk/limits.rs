//! The limits that objects keep in an attribute: an int called `maxsize`, `capacity` or alike.
//!
//! Ints are the only values that are taken from an object, only under such names, and only of an object that
//! holds something: see [`crate::limit_names`]. They are read from objects that the walk has read before.

use memtop_heap::{Label, LabelKind, ObjectId, push};

use super::access::HeapAccess;
use super::address_index::AddressId;
use super::state::Walk;
use crate::kind::ObjectKind;
use crate::layout::object;
use crate::limit_names::{Rank, rank};
use crate::memory::Memory;

/// The limits that an attribute may state. Larger numbers count bytes, or mean that there is no limit.
const PLAUSIBLE: std::ops::RangeInclusive<i64> = 2..=1_000_000;

impl<S: HeapAccess> Walk<'_, S> {
    /// Finds the limits in the attributes of all objects. Linear in the labels.
    pub(super) fn find_limits(&mut self) {
        let names = self.names_of_limits();
        if names.iter().all(Option::is_none) {
            return;
        }
        let rank_of = |label: Label| match label.kind() {
            LabelKind::Attribute | LabelKind::Key => label.text().and_then(|name| names[name.index()]),
            _ => None,
        };
        let mut found: Vec<(ObjectId, u64)> = Vec::new();
        // Dicts with a limit among their values: it counts if an instance keeps its attributes in them.
        let mut dicts: Vec<(AddressId, ObjectId, u64)> = Vec::new();
        let mut failed = Ok(());
        for (from, targets, labels) in self.sink.builder.runs() {
            if labels.iter().all(|&label| rank_of(label).is_none()) {
                continue;
            }
            let Some(known) = self.known.get(self.sink.builder.type_of(from).index()) else { continue };
            let (kind, is_class) = (known.info.kind, known.info.is_class);
            let is_dict = kind == ObjectKind::Dict && !is_class;
            let is_container = is_class && kind != ObjectKind::Plain && kind != ObjectKind::Opaque;
            let has_attributes = is_class || kind == ObjectKind::Opaque;
            if !is_dict && !has_attributes || !is_container && !self.holds_something(targets, labels) {
                continue;
            }
            let limits = targets.iter().zip(labels).filter_map(|(&to, &label)| {
                Some((rank_of(label)?, std::cmp::Reverse(self.plausible_limit(to)?)))
            });
            let Some((_, std::cmp::Reverse(limit))) = limits.min() else { continue };
            failed = failed.and(match is_dict {
                true => push(&mut dicts, (self.sink.order[from.index()], from, limit)),
                false => push(&mut found, (from, limit)),
            });
        }
        self.sink.builder.check(failed);
        dicts.sort_unstable_by_key(|dict| dict.0.0);
        for (from, targets, labels) in self.sink.builder.runs().filter(|_| !dicts.is_empty()) {
            for (to, _) in targets.iter().zip(labels).filter(|(_, label)| label.kind() == LabelKind::Dict) {
                let Ok(place) = dicts.binary_search_by_key(&to.raw(), |dict| dict.0.0) else { continue };
                let of = self.known.get(self.sink.builder.type_of(from).index());
                if of.is_some_and(|of| !matches!(of.info.kind, ObjectKind::Type | ObjectKind::Module)) {
                    found.push((dicts[place].1, dicts[place].2));
                }
            }
        }
        self.limits.append(&mut found);
    }

    /// By string: its rank as the name of a limit.
    fn names_of_limits(&self) -> Vec<Option<Rank>> {
        self.sink.builder.strings().iter().map(|(_, name)| rank(name)).collect()
    }

    /// Whether one of an object's attributes is more than a plain value.
    fn holds_something(&self, targets: &[ObjectId], labels: &[Label]) -> bool {
        let attributes = targets.iter().zip(labels).filter(|(_, label)| label.kind().has_text());
        attributes.map(|(&to, _)| self.type_at(to)).any(|of| {
            let known = of.and_then(|of| self.sink.types.get(&of)).map(|&index| &self.known[index]);
            known.is_some_and(|known| !known.is_leaf)
        })
    }

    /// The address of an object's type; `None` if the object may not be one.
    fn type_at(&self, of: ObjectId) -> Option<u64> {
        let address = self.sink.addresses.address(AddressId(of.raw()));
        let is_certain = self.sink.unverified.is_empty() || !self.sink.unverified.contains(&address);
        is_certain.then(|| self.memory.word(address + object::TYPE as u64)).flatten()
    }

    fn plausible_limit(&self, of: ObjectId) -> Option<u64> {
        if self.type_at(of) != Some(self.decoder.types.integer) {
            return None;
        }
        let value = self.decoder.small_int(self.sink.addresses.address(AddressId(of.raw())))?;
        PLAUSIBLE.contains(&value).then_some(value.cast_unsigned())
    }
}
