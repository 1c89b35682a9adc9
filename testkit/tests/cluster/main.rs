//! The harness itself: that a real Kubernetes starts, misbehaves on request, and ends.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests fail by panicking, and kill what they start"
)]

mod children;
mod estate;
mod faults;
mod lifetime;
mod processes;
mod replicas;
mod server;
mod shared;
