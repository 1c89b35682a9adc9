//! How far something is that takes long: on a terminal, and after a second.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// What takes less is not told, in milliseconds.
const AFTER: u64 = 1_000;

/// Time between two tellings, in milliseconds.
const EVERY: u64 = 100;

/// Whether the terminal's last line is one of ours.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Takes the line away before something else is written.
pub(super) fn clear() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        _ = write!(std::io::stderr().lock(), "\r\x1b[K");
    }
}

/// How many of something are done. Threads may share it; its line ends with it.
pub(crate) struct Progress {
    what: &'static str,
    n_all: AtomicUsize,
    n_done: AtomicUsize,
    started: Instant,
    /// When it was told last, in milliseconds after the start.
    told: AtomicU64,
    is_terminal: bool,
}

impl Progress {
    /// `what` is done, as in `objects judged`.
    pub(crate) fn new(n_all: usize, what: &'static str) -> Progress {
        Progress {
            what,
            n_all: n_all.into(),
            n_done: 0.into(),
            started: Instant::now(),
            told: 0.into(),
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// There are more to do than was known.
    pub(crate) fn more(&self, n: usize) {
        self.n_all.fetch_add(n, Ordering::Relaxed);
    }

    /// So many more are done.
    pub(crate) fn done(&self, n: usize) {
        let n_done = self.n_done.fetch_add(n, Ordering::Relaxed) + n;
        if !self.is_terminal {
            return;
        }
        let now = self.started.elapsed().as_millis() as u64;
        let told = self.told.load(Ordering::Relaxed);
        // Of threads that are due at once, one tells.
        let is_ours =
            || self.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_due(now, told) && is_ours() {
            let n_all = self.n_all.load(Ordering::Relaxed);
            SHOWN.store(true, Ordering::Relaxed);
            _ = write!(std::io::stderr().lock(), "\r{n_done} of {n_all} {}\x1b[K", self.what);
        }
    }
}

/// Whether to tell it, so many milliseconds after the start and after it was told last.
fn is_due(now: u64, told: u64) -> bool {
    now > AFTER && now >= told + EVERY
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear();
    }
}

#[cfg(test)]
mod tests {
    use super::is_due;

    #[test]
    fn it_is_told_after_a_second_ten_times_a_second() {
        assert!(!is_due(999, 0) && !is_due(1_000, 0) && is_due(1_001, 0));
        assert!(!is_due(1_100, 1_001) && is_due(1_101, 1_001));
    }
}
