//! `threading.local` (`localobject` in `Modules/_threadmodule.c`): a dict of namespaces, one a thread.

use super::definition::{Definition, Remaining};
use crate::kind::ObjectKind;

pub(super) const THREAD_LOCAL: Definition = Definition {
    kind: ObjectKind::ThreadLocal,
    remaining: |_| Remaining::ThreadDict,
    ..Definition::standard("_thread", &["_thread._local"])
};
