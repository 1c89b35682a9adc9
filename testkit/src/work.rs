//! How much work something is.

use std::time::Duration;

/// The processor time that this thread needs for it, which others on the machine do not
/// change.
pub fn processor_time<T>(work: impl FnOnce() -> T) -> Duration {
    let before = so_far();
    std::hint::black_box(work());
    so_far().saturating_sub(before)
}

/// Of `schedstat` (the kernel's `sched-stats.rst`) the first number: nanoseconds on a
/// processor.
fn so_far() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
