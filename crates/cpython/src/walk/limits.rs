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
use crate::type_info::{DictPlace, TypeInfo};

/// The limits that an attribute may state. Larger numbers count bytes, or mean that there is no limit.
const PLAUSIBLE: std::ops::RangeInclusive<i64> = 2..=1_000_000;

/// A dict with a limit among its values.
struct LimitInDict {
    at: AddressId,
    from: ObjectId,
    limit: u64,
    /// Whether a value is more than a plain one.
    holds: bool,
}

/// Whether it is a class that derives from a container.
fn has_items(info: &TypeInfo) -> bool {
    info.is_class && !matches!(info.kind, ObjectKind::Plain | ObjectKind::Opaque | ObjectKind::Atom)
}

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
        let mut dicts: Vec<LimitInDict> = Vec::new();
        let mut done = Ok(());
        for (from, targets, labels) in self.sink.builder.runs() {
            let Some(known) = self.known.get(self.sink.builder.type_of(from).index()) else { continue };
            let is_dict = known.info.kind == ObjectKind::Dict && !known.info.is_class;
            let has_attributes = known.info.is_class || known.info.kind == ObjectKind::Opaque;
            if !is_dict && !has_attributes || labels.iter().all(|&label| rank_of(label).is_none()) {
                continue;
            }
            let limits = targets.iter().zip(labels).filter_map(|(&to, &label)| {
                Some((rank_of(label)?, std::cmp::Reverse(self.plausible_limit(to)?)))
            });
            let Some((_, std::cmp::Reverse(limit))) = limits.min() else { continue };
            let holds = has_items(&known.info) || self.holds_something(targets, labels);
            done = done.and(match is_dict {
                true => {
                    push(&mut dicts, LimitInDict { at: self.sink.order[from.index()], from, limit, holds })
                }
                false if holds => push(&mut found, (from, limit)),
                false => Ok(()),
            });
        }
        dicts.sort_unstable_by_key(|dict| dict.at);
        for (from, targets, labels) in self.sink.builder.runs().filter(|_| !dicts.is_empty()) {
            let of = self.known.get(self.sink.builder.type_of(from).index());
            let Some(of) = of.filter(|of| of.info.dict != DictPlace::None) else { continue };
            for (to, _) in targets.iter().zip(labels).filter(|(_, label)| label.kind() == LabelKind::Dict) {
                let place = dicts.binary_search_by_key(&AddressId(to.raw()), |dict| dict.at);
                let Ok(place) = place else { continue };
                let is_instance = !matches!(of.info.kind, ObjectKind::Type | ObjectKind::Module);
                if is_instance && (dicts[place].holds || has_items(&of.info)) {
                    done = done.and(push(&mut found, (dicts[place].from, dicts[place].limit)));
                }
            }
        }
        // The limit of a C struct counts before that of an attribute.
        found.append(&mut self.limits);
        self.limits = found;
        self.sink.builder.check(done);
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
