//! Checks that a copy, and the heap that is built from it, fit into memory, and allocates the
//! memory of the copy.

use memtop_procinfo::FreeMemory;

use crate::error::RemoteError;
use crate::options::MemoryPlan;
use crate::raw::Buffer;

/// Returns an error if a copy does not fit into memory: `planned` bytes, and `table` bytes for the
/// table that locates its pages. `large` computes how many bytes need not be copied.
pub(crate) fn check(
    pid: u32,
    planned: u64,
    table: u64,
    free: &FreeMemory,
    plan: &MemoryPlan,
    large: impl FnOnce() -> u64,
) -> Result<(), RemoteError> {
    let tenths = plan.purpose.tenths_beside_the_copy();
    let with_heap = |bytes: u64| bytes.saturating_add(bytes / 10 * tenths);
    let allowed = FreeMemory { bytes: plan.most_bytes, limit: "the limit of --max-memory".to_owned() };
    let free = if allowed.bytes < free.bytes { &allowed } else { free };
    let needed = with_heap(planned).saturating_add(table).saturating_add(1 << 26);
    if needed <= free.bytes {
        return Ok(());
    }
    Err(RemoteError::NotEnoughMemory {
        pid,
        needed,
        free: free.bytes,
        limit: free.limit.clone(),
        large: with_heap(large()),
    })
}

/// Allocates memory for a copy, and for more in case the process grows meanwhile. The planned part
/// is populated, so that copying does not wait for page faults.
pub(crate) fn allocate(pid: u32, planned: u64) -> Result<Buffer, RemoteError> {
    let planned = usize::try_from(planned).unwrap_or(usize::MAX);
    let most = planned.saturating_mul(2).saturating_add(1 << 28);
    // A system that does not overcommit may refuse as much; then with less to spare.
    let buffer = Buffer::reserve(most)
        .or_else(|_| Buffer::reserve(planned.saturating_add(planned / 16).saturating_add(1 << 24)));
    let mut buffer = buffer.map_err(|source| RemoteError::Unreadable {
        pid,
        what: "its memory (there is not enough for a copy)".to_owned(),
        source,
    })?;
    buffer.fill(planned.saturating_add(planned / 64).saturating_add(1 << 20));
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Purpose;

    #[test]
    fn a_copy_that_does_not_fit_is_refused_with_the_figures() {
        let free = FreeMemory { bytes: 1 << 30, limit: "the limit of the control group /x".to_owned() };
        let plan = MemoryPlan::default();
        assert!(check(7, 400 << 20, 0, &free, &plan, || 0).is_ok());
        let error = check(7, 1 << 30, 0, &free, &plan, || 600 << 20).expect_err("too much");
        let text = "process 7: about 2111 MiB are needed to read it, and 1024 MiB are free (the limit of the control group /x)";
        assert_eq!(error.to_string(), text);
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("1088 MiB more") && hint.contains("without --large-mappings"), "{hint}");
    }

    #[test]
    fn the_memory_needed_depends_on_the_purpose_of_the_heap() {
        let free = FreeMemory { bytes: 1 << 40, limit: "the machine's free memory".to_owned() };
        let needed = |purpose| {
            let plan = MemoryPlan { most_bytes: 1 << 20, purpose };
            match check(7, 1 << 30, 0, &free, &plan, || 0) {
                Err(RemoteError::NotEnoughMemory { needed, limit, .. }) => (needed >> 20, limit),
                other => panic!("{other:?}"),
            }
        };
        let limit = "the limit of --max-memory";
        for (purpose, mib) in [(Purpose::Heap, 1907), (Purpose::Answers, 2111), (Purpose::Series, 2931)] {
            assert_eq!(needed(purpose), (mib, limit.to_owned()), "{purpose:?}");
        }
        let plan = MemoryPlan { most_bytes: 3 << 30, ..MemoryPlan::default() };
        assert!(check(7, 1 << 30, 0, &free, &plan, || 0).is_ok());
    }
}
