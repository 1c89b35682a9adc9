//! Support for tests only: a real Kubernetes, oracles, estates of roles, live-shaped
//! objects, seeded choice, measures.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test's support fails by panicking, prints its counts, and starts oracles"
)]

pub mod access;
pub mod cluster;
pub mod live;
pub mod oracle;
pub mod rng;
pub mod wait;
pub mod work;
