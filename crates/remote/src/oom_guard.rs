//! Makes mem_top the first process that the kernel ends if memory runs out, and not the process
//! that it reads.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// While a guard lives, this process is the OOM killer's first choice (`oom_score_adj`,
/// `proc_pid_oom_score_adj(5)`).
#[derive(Debug)]
pub(crate) struct OomGuard(());

/// Counts the guards and keeps the score from before the first one: captures may overlap and end in
/// any order.
#[derive(Debug)]
struct Guards {
    count: usize,
    before: Option<String>,
}

static GUARDS: Mutex<Guards> = Mutex::new(Guards { count: 0, before: None });
const SCORE: &str = "/proc/self/oom_score_adj";

impl OomGuard {
    pub(crate) fn raise() -> Self {
        GUARDS.lock().unwrap_or_else(PoisonError::into_inner).raise(Path::new(SCORE));
        Self(())
    }
}

impl Drop for OomGuard {
    fn drop(&mut self) {
        GUARDS.lock().unwrap_or_else(PoisonError::into_inner).restore(Path::new(SCORE));
    }
}

impl Guards {
    fn raise(&mut self, score: &Path) {
        self.count += 1;
        if self.count == 1 {
            let before = fs::read_to_string(score).ok();
            // A capture works without it, too.
            let is_raised = fs::write(score, "1000").is_ok();
            self.before = before.filter(|_| is_raised);
        }
    }

    fn restore(&mut self, score: &Path) {
        self.count -= 1;
        if self.count == 0
            && let Some(before) = self.before.take()
        {
            let _ = fs::write(score, before.trim());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_restored_when_the_last_guard_is_dropped() {
        let path = std::env::temp_dir().join(format!("memtop-score-{}", std::process::id()));
        let score = || fs::read_to_string(&path).expect("its own");
        fs::write(&path, "-17\n").expect("a file");
        let mut guards = Guards { count: 0, before: None };
        for _ in 0..2 {
            guards.raise(&path);
            guards.raise(&path);
            assert_eq!(score(), "1000");
            guards.restore(&path);
            assert_eq!(score(), "1000");
            guards.raise(&path);
            guards.restore(&path);
            guards.restore(&path);
            assert_eq!(score(), "-17");
        }
        fs::remove_file(&path).expect("its own");
    }
}
