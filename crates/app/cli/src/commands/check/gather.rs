//! How long is waited for more after a change, before it is judged.

use std::time::{Duration, Instant};

/// Changes mostly come several at a time, as of one `kubectl apply`: it is waited until so
/// long none more does, and for so long at most after the first. Between two judgings there
/// is as much time as the first took, so that a busy cluster leaves time for others; in a
/// quiet one that has long passed.
const QUIET: Duration = Duration::from_millis(60);
const LONGEST_GATHERING: Duration = Duration::from_millis(300);
/// Where more than objects changes, it is waited until so long nothing more does, and
/// ten times as long at most.
const SETTLES: Duration = Duration::from_secs(1);

/// Until when it is waited for more, where the first came when it began and the last now.
pub(super) fn until(is_moving: bool, began: Instant, now: Instant, earliest: Instant) -> Instant {
    match is_moving {
        true => (now + SETTLES).min(began + SETTLES * 10),
        false => earliest.max((now + QUIET).min(began + LONGEST_GATHERING)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LONGEST_GATHERING, QUIET, until};

    /// When it is judged that so many changes come so many milliseconds apart, and how many
    /// came until then.
    fn gathered(n: u32, apart: u64) -> (usize, Duration) {
        let began = Instant::now();
        let mut ends = began + QUIET;
        let comes = (0..n).map(|n| began + Duration::from_millis(apart) * n);
        let came = comes.take_while(|at| {
            let comes_in_time = *at < ends;
            if comes_in_time {
                ends = until(false, began, *at, began);
            }
            comes_in_time
        });
        (came.count(), ends - began)
    }

    #[test]
    fn what_comes_together_is_told_together_and_soon() {
        assert_eq!(gathered(1, 0), (1, QUIET));
        let (n, took) = gathered(6, 40);
        assert_eq!((n, took), (6, Duration::from_millis(200) + QUIET));
        // Where it never ends, it is told what came.
        assert_eq!(gathered(1000, 10), (30, LONGEST_GATHERING));
        // A cluster that is judged slowly is judged no more often.
        let (began, later) = (Instant::now(), Instant::now() + Duration::from_millis(500));
        assert_eq!(until(false, began, began, later), later);
    }
}
