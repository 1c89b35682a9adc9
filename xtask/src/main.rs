//! Chores of the repository: `cargo xtask NAME`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's tool prints and runs programs"
)]

mod schema;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["schema"] => schema::run(),
        _ => bail!("usage: cargo xtask schema"),
    }
}
