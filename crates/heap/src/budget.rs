//! Memory that is taken only if it can be had: by the system's answer, and by what the caller allows.
//!
//! A capture within a process must not end it because memory is scarce, which is when one looks for a leak. So what
//! grows with the heap is reserved beforehand, and a refusal is an error. Rust ends the process for any other allocation
//! that fails; those are small, and [`headroom`] finds out whether there is room for them.

use crate::error::HeapError;

/// Room for all that does not grow with the heap, in bytes.
pub const HEADROOM: usize = 4 << 20;

/// How much memory may still be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    left: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: u64::MAX }
    }
}

impl Budget {
    /// At most so many bytes.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Self { left: bytes }
    }

    /// Takes so many bytes from the budget.
    ///
    /// # Errors
    /// If it has not so many; then nothing is taken.
    pub fn take(&mut self, bytes: u64) -> Result<(), HeapError> {
        match self.left.checked_sub(bytes) {
            Some(left) if self.left < u64::MAX => self.left = left,
            Some(_) => {}
            None => return Err(HeapError::OutOfMemory { bytes }),
        }
        Ok(())
    }

    /// Makes room for `more` rows, and for more than that where rows come one after the other: for a quarter of those
    /// that there are.
    ///
    /// # Errors
    /// If the memory cannot be had.
    pub fn grow<T>(&mut self, rows: &mut Vec<T>, more: usize) -> Result<(), HeapError> {
        let free = rows.capacity() - rows.len();
        if free >= more {
            return Ok(());
        }
        let wanted = more.max(rows.len() / 4).max(64);
        let bytes = ((wanted - free) as u64).saturating_mul(size_of::<T>() as u64);
        self.take(bytes)?;
        headroom(HEADROOM)?;
        rows.try_reserve_exact(wanted).map_err(|_| HeapError::OutOfMemory { bytes })
    }
}

/// Whether so many bytes could be had just now. They are given back at once, so that others can take them.
///
/// # Errors
/// If not.
pub fn headroom(bytes: usize) -> Result<(), HeapError> {
    let mut probe: Vec<u8> = Vec::new();
    probe.try_reserve_exact(bytes).map_err(|_| HeapError::OutOfMemory { bytes: bytes as u64 })?;
    // Not left out as an allocation that nobody uses.
    std::hint::black_box(&mut probe);
    Ok(())
}

/// So many copies of a row.
///
/// # Errors
/// If the memory cannot be had.
pub fn filled<T: Clone>(count: usize, row: T) -> Result<Vec<T>, HeapError> {
    let mut rows = Vec::new();
    let refused = |_| HeapError::OutOfMemory { bytes: (count as u64).saturating_mul(size_of::<T>() as u64) };
    rows.try_reserve_exact(count).map_err(refused)?;
    rows.resize(count, row);
    Ok(rows)
}

/// Adds a row, if there is room for it.
///
/// # Errors
/// If the memory cannot be had; then the row is dropped.
#[inline]
pub fn push<T>(rows: &mut Vec<T>, row: T) -> Result<(), HeapError> {
    if rows.len() == rows.capacity() {
        Budget::default().grow(rows, 1)?;
    }
    rows.push(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_not_exceeded() {
        let mut budget = Budget::of(1000);
        let mut rows: Vec<u64> = Vec::new();
        assert_eq!(budget.grow(&mut rows, 100), Ok(()));
        assert_eq!(budget.grow(&mut rows, 100), Ok(()));
        assert_eq!(budget, Budget::of(200));
        assert_eq!(budget.grow(&mut rows, 126), Err(HeapError::OutOfMemory { bytes: 208 }));
        assert_eq!(budget, Budget::of(200));
        assert_eq!(budget.grow(&mut rows, 125), Ok(()));
        assert_eq!(Budget::default().take(u64::MAX), Ok(()));
    }

    #[test]
    fn what_no_system_has_is_an_error() {
        let bytes = usize::MAX / 2;
        assert_eq!(headroom(bytes), Err(HeapError::OutOfMemory { bytes: bytes as u64 }));
        assert!(filled(bytes, 0_u8).is_err());
        assert_eq!(filled(3, 7_u32), Ok(vec![7, 7, 7]));
        let mut rows = Vec::new();
        assert_eq!((push(&mut rows, 1), push(&mut rows, 2)), (Ok(()), Ok(())));
        assert_eq!(rows, [1, 2]);
    }
}
