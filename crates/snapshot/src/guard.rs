//! Turns panics of the Parquet library on malformed files into errors, without output on stderr.
//!
//! The hook that prints panics is global to the process. So it is wrapped once, by a hook that is silent on
//! threads within [`guarded`] and calls the previous hook on all others.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::error::{Fault, damaged};

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it is a fault of the file.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !SILENT.get() {
                before(panic);
            }
        }));
    });
    let before = SILENT.replace(true);
    // State that was partly changed is dropped with the closure.
    let result = catch_unwind(AssertUnwindSafe(work));
    SILENT.set(before);
    result.unwrap_or_else(|_| Err(damaged("it cannot be decoded")))
}
