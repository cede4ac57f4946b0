//! What was perhaps meant, where a name is not in a heap.

use std::collections::BTreeSet;

use memtop_heap::Heap;

/// The names of types that are like `name`, the likest first, at most `limit`: those that contain it whatever the
/// case, then those that are spelled nearly so. Looks at every type.
#[must_use]
pub fn types_like(heap: &Heap, name: &str, limit: usize) -> Vec<String> {
    let wanted = name.to_lowercase();
    let last_part = |text: &str| text.rsplit('.').next().unwrap_or(text).to_owned();
    let mut near: BTreeSet<(usize, String)> = BTreeSet::new();
    for (ty, _) in heap.types().iter() {
        let known = heap.types().name(ty);
        let lower = known.to_lowercase();
        let distance = if !wanted.is_empty() && lower.contains(&wanted) {
            0
        } else {
            let parts = strsim::damerau_levenshtein(&last_part(&lower), &last_part(&wanted));
            parts.min(strsim::damerau_levenshtein(&lower, &wanted))
        };
        // A third of the letters wrong is no slip any more.
        if distance * 3 <= wanted.chars().count() {
            near.insert((distance, known.to_owned()));
        }
    }
    near.into_iter().take(limit).map(|(_, name)| name).collect()
}
