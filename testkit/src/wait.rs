//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// How long to wait until one asks again.
const PULSE: Duration = Duration::from_millis(25);

/// Asks until there is an answer; none when there is none in time.
pub fn until<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if started.elapsed() >= patience {
            return None;
        }
        std::thread::sleep(PULSE);
    }
}
