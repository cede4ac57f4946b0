//! `mappingproxy` (`mappingproxyobject` in `Objects/descrobject.c`): a read-only view of a dict.

use super::definition::{Definition, Remaining};
use crate::kind::ObjectKind;

pub(super) const MAPPINGPROXY: Definition = Definition {
    kind: ObjectKind::Wrapper,
    remaining: |_| Remaining::Container,
    ..Definition::interpreter(&["mappingproxy"])
};
