//! Panics of the Parquet library on files that it did not foresee become errors, without a word on stderr.
//!
//! The hook that prints panics belongs to the whole process. So it is wrapped once, by one that keeps silent on
//! threads that are within [`guarded`] and hands on to the one before on all others.

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
    // What was half changed when it unwound is dropped with the closure.
    let result = catch_unwind(AssertUnwindSafe(work));
    SILENT.set(before);
    result.unwrap_or_else(|_| Err(damaged("it cannot be decoded")))
}
