//! Chores of the repository: `cargo xtask NAME`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's tool prints and runs programs"
)]

mod bench;
mod claims;
mod cluster;
mod coverage;
mod metrics;
mod mutants;
mod mutate;
mod schema;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bench"] => bench::run(),
        ["bench-audit"] => bench::audit::run(1),
        ["bench-audit", gigabytes] => {
            bench::audit::run(gigabytes.parse().context("bench-audit takes a number of GB")?)
        }
        ["bench-cluster"] => bench::live::run(),
        ["cluster", command @ ..] => cluster::run(command),
        ["docs"] => coverage::write(),
        ["metrics"] => metrics::run(),
        ["mutate"] => mutate::run(None),
        ["mutate", control] => mutate::run(Some(control)),
        ["schema"] => schema::run(),
        _ => bail!(
            "usage: cargo xtask bench|bench-audit [GB]|bench-cluster|cluster [COMMAND]|docs|metrics|mutate|schema"
        ),
    }
}

/// The repository's folder.
fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).context("repository root")
}
