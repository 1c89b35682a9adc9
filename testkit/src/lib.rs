//! Support for tests only: live-shaped objects, oracles, seeded choice.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test's support fails by panicking, prints its counts, and starts oracles"
)]

pub mod live;
pub mod oracle;
pub mod rng;
