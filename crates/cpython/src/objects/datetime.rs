//! `datetime.date`, `timedelta`, `datetime` and `time` (`Include/datetime.h`).

use memtop_heap::{Label, Shape};

use super::definition::{Coverage, Definition};
use crate::decoder::Decoder;
use crate::kind::ObjectKind;
use crate::memory::Memory;
use crate::sink::Sink;

pub(super) const DATE: Definition = Definition {
    kind: ObjectKind::Atom,
    shape: Shape::Atom,
    coverage: Coverage::All,
    ..Definition::standard("_datetime", &["datetime.date", "datetime.timedelta"])
};

pub(super) const DATETIME: Definition = Definition {
    kind: ObjectKind::DateTime,
    shape: Shape::Atom,
    coverage: Coverage::Struct,
    ..Definition::standard("_datetime", &["datetime.datetime"])
};

pub(super) const TIME: Definition = Definition {
    kind: ObjectKind::TimeOfDay,
    shape: Shape::Atom,
    coverage: Coverage::Struct,
    ..Definition::standard("_datetime", &["datetime.time"])
};

/// `hastzinfo`, a byte.
const HAS_ZONE: u64 = 24;
const DATETIME_ZONE: u64 = 40;
const TIME_ZONE: u64 = 32;

impl<M: Memory> Decoder<'_, M> {
    /// The time zone of a `datetime` or `time`. An object without one is allocated without the member: the
    /// memory there belongs to another object.
    pub(super) fn time_zone(&self, at: u64, kind: ObjectKind, sink: &mut impl Sink) {
        if self.memory.byte(at + HAS_ZONE).is_none_or(|has| has == 0) {
            return;
        }
        let offset = if kind == ObjectKind::DateTime { DATETIME_ZONE } else { TIME_ZONE };
        let to = self.word(at + offset);
        if to != 0 {
            let name = sink.name("tzinfo");
            sink.reference(to, Label::attribute(name));
        }
    }
}
