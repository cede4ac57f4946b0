//! A series that hands out copies of its heaps and counts them: what the finder holds at once, and that the answer is
//! the one that it gives on heaps in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use memtop_analyze::*;
use memtop_heap::{CaptureInfo, Heap};

/// Heaps that are copied whenever they are asked for.
pub(crate) struct Copies<'a> {
    heaps: &'a [&'a Heap],
    given: Mutex<Vec<Weak<Heap>>>,
    /// The most copies that were alive at once, and how many were made.
    most: AtomicUsize,
    made: AtomicUsize,
}

impl<'a> Copies<'a> {
    pub(crate) fn of(heaps: &'a [&'a Heap]) -> Self {
        let (most, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { heaps, given: Mutex::new(Vec::new()), most, made }
    }
}

impl HeapSeries for Copies<'_> {
    type Error = String;

    fn captures(&self) -> Vec<&CaptureInfo> {
        self.heaps.captures()
    }

    fn heap(&self, index: usize) -> Result<HeapHandle<'_>, String> {
        let copy = Arc::new(self.heaps[index].clone());
        let mut given = self.given.lock().expect("no panic");
        given.push(Arc::downgrade(&copy));
        given.retain(|heap| heap.strong_count() > 0);
        self.most.fetch_max(given.len(), Ordering::Relaxed);
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(HeapHandle::Owned(copy))
    }

    fn is_in_memory(&self) -> bool {
        false
    }
}

/// The answer over heaps that are handed out one at a time.
///
/// # Panics
/// If more than two of them were held at once, or one was asked for more often than a few times.
pub(crate) fn one_at_a_time(heaps: &[&Heap], options: &LeaksOptions) -> Leaks {
    let copies = Copies::of(heaps);
    let answer = leaks_of(&copies, options).expect("one process");
    let (most, made) = (copies.most.into_inner(), copies.made.into_inner());
    assert!(most <= 2, "{most} of {} heaps were held at once", heaps.len());
    assert!(made <= 3 * heaps.len() + 1, "{made} heaps were made of {}", heaps.len());
    answer
}

#[test]
fn a_heap_that_cannot_be_had_ends_the_search() {
    struct Broken(CaptureInfo);
    impl HeapSeries for Broken {
        type Error = String;
        fn captures(&self) -> Vec<&CaptureInfo> {
            vec![&self.0; 3]
        }
        fn heap(&self, index: usize) -> Result<HeapHandle<'_>, String> {
            Err(format!("heap {index} is gone"))
        }
        fn is_in_memory(&self) -> bool {
            false
        }
    }
    let answer = leaks_of(&Broken(CaptureInfo::default()), &LeaksOptions::default());
    assert_eq!(answer, Err(LeaksError::Heap("heap 0 is gone".to_owned())));
}
