//! The sizes of the objects that a builder has, which may change until the heap is finished.
//!
//! Invariant: an object whose size has more than 32 bits is in the list of large objects, which ascends.

use super::HeapBuilder;
use crate::handles::{ObjectId, TypeId};
use crate::objects::Objects;

impl HeapBuilder {
    /// Replaces the size of each object by a function of its type and its size. Linear in the objects.
    pub fn map_sizes(&mut self, of: impl Fn(TypeId, u64) -> u64) {
        const LARGE: u64 = u32::MAX as u64;
        let Objects { types, sizes, large, .. } = &mut self.objects;
        let mut was_large = std::mem::take(large).into_iter();
        for (index, (&ty, size)) in types.iter().zip(sizes).enumerate() {
            let known = match *size {
                u32::MAX => was_large.next().map_or(LARGE, |(_, size)| size),
                size => u64::from(size),
            };
            let now = of(ty, known);
            if now >= LARGE {
                large.push((ObjectId::from_index(index), now));
            }
            *size = u32::try_from(now).unwrap_or(u32::MAX);
        }
    }

    /// The size in bytes of an object that was added.
    ///
    /// # Panics
    /// If the object is not one of this builder's.
    #[must_use]
    pub fn size(&self, id: ObjectId) -> u64 {
        self.objects.size(id)
    }

    /// Replaces the size in bytes of an object that was added.
    ///
    /// # Panics
    /// If the object is not one of this builder's.
    pub fn set_size(&mut self, id: ObjectId, size: u64) {
        self.objects.sizes[id.index()] = u32::try_from(size).unwrap_or(u32::MAX);
        let large = &mut self.objects.large;
        match (large.binary_search_by_key(&id, |row| row.0), size >= u64::from(u32::MAX)) {
            (Ok(place), true) => large[place].1 = size,
            (Ok(place), false) => {
                large.remove(place);
            }
            (Err(place), true) => large.insert(place, (id, size)),
            (Err(_), false) => {}
        }
    }
}
