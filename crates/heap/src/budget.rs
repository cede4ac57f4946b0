//! Allocation within a budget, with an error instead of an abort when memory runs out.
//!
//! A capture within a process must not end it when memory is scarce, which is when one looks for a leak. So everything
//! that grows with the heap is reserved beforehand, and a refusal is an error. Rust aborts the process if any other
//! allocation fails; those are small, and [`headroom`] checks that there is enough memory for them.

use crate::error::HeapError;

/// Memory for everything that does not grow with the heap, in bytes.
pub const HEADROOM: usize = 4 << 20;

/// The amount of memory that may still be taken.
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
    /// A budget of so many bytes.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Self { left: bytes }
    }

    /// Takes bytes from the budget.
    ///
    /// # Errors
    /// If fewer are left; then nothing is taken.
    pub fn take(&mut self, bytes: u64) -> Result<(), HeapError> {
        match self.left.checked_sub(bytes) {
            Some(left) if self.left < u64::MAX => self.left = left,
            Some(_) => {}
            None => return Err(HeapError::OutOfMemory { bytes }),
        }
        Ok(())
    }

    /// Reserves memory for `more` rows, and for at least a quarter of the present ones, for rows that are added one by
    /// one.
    ///
    /// # Errors
    /// If there is not enough memory.
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

/// Checks that so many bytes can be allocated at this moment. They are freed at once.
///
/// # Errors
/// If they cannot.
pub fn headroom(bytes: usize) -> Result<(), HeapError> {
    let mut probe: Vec<u8> = Vec::new();
    probe.try_reserve_exact(bytes).map_err(|_| HeapError::OutOfMemory { bytes: bytes as u64 })?;
    // Keeps the compiler from removing an unused allocation.
    std::hint::black_box(&mut probe);
    Ok(())
}

/// `count` copies of a row.
///
/// # Errors
/// If there is not enough memory.
pub fn filled<T: Clone>(count: usize, row: T) -> Result<Vec<T>, HeapError> {
    let mut rows = Vec::new();
    let refused = |_| HeapError::OutOfMemory { bytes: (count as u64).saturating_mul(size_of::<T>() as u64) };
    rows.try_reserve_exact(count).map_err(refused)?;
    rows.resize(count, row);
    Ok(rows)
}

/// Adds a row.
///
/// # Errors
/// If there is not enough memory; then the row is dropped.
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
    fn more_memory_than_any_system_has_is_an_error() {
        let bytes = usize::MAX / 2;
        assert_eq!(headroom(bytes), Err(HeapError::OutOfMemory { bytes: bytes as u64 }));
        assert!(filled(bytes, 0_u8).is_err());
        assert_eq!(filled(3, 7_u32), Ok(vec![7, 7, 7]));
        let mut rows = Vec::new();
        assert_eq!((push(&mut rows, 1), push(&mut rows, 2)), (Ok(()), Ok(())));
        assert_eq!(rows, [1, 2]);
    }
}
