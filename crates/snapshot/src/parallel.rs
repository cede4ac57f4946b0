//! Runs independent tasks on as many threads as help, this one among them.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// More do not help: the largest column decides.
const MOST: usize = 4;

/// From so many rows on, another thread is worth what it costs to start.
const WORTH_A_THREAD: usize = 10_000;

/// The results of `task` for each of `0..count`, in order; each looks at so many `rows`. Where no thread can be had,
/// this one does it all.
///
/// The tasks must not panic.
pub(crate) fn run<T: Send>(count: usize, rows: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let result = task(index);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST).min(count);
    let threads = if rows < WORTH_A_THREAD { 1 } else { threads };
    thread::scope(|scope| {
        for _ in 1..threads {
            if thread::Builder::new().name("mem_top".to_owned()).spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, result)| result).collect()
}
