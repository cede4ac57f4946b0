//! Detects a linked list that leads back into itself, in constant memory (R. P. Brent, "An improved Monte
//! Carlo factorization algorithm", 1980).

/// See the module's header.
#[derive(Default)]
pub(crate) struct CycleDetector {
    saved: u64,
    steps: u64,
    next_save: u64,
}

impl CycleDetector {
    /// Whether the list came to `at` before. Positions are saved less and less often, so that a ring is gone
    /// round at most twice.
    pub(crate) fn repeats(&mut self, at: u64) -> bool {
        if at == self.saved {
            return true;
        }
        self.steps += 1;
        if self.steps > self.next_save {
            self.next_save = self.steps * 2;
            self.saved = at;
        }
        false
    }
}
