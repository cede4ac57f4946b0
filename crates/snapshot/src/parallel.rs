//! Runs independent tasks on several threads, the calling one included.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The most threads. More do not help, because the largest column takes the longest.
const MOST: usize = 4;

/// The least number of rows for which starting another thread is worth its cost.
const WORTH_A_THREAD: usize = 10_000;

/// Returns the results of `task` for each of `0..count`, in order. Each task reads `rows` rows. If no thread can be
/// started, the calling one runs all tasks.
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
