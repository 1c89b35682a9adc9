//! The only place that writes to the terminal. A closed pipe ends quietly and
//! keeps the verdict's exit code.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the only place that prints")]

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::exit::Exit;

/// Data, to standard output.
pub(crate) fn data(text: &str) {
    // An error here is a closed pipe: nobody reads any more.
    _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Anything else, to standard error.
pub(crate) fn error(text: &str) {
    let mut stderr = std::io::stderr().lock();
    _ = stderr.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        _ = stderr.write_all(b"\n");
    }
}

/// Help and version go to standard output and are no error; anything else is.
pub(crate) fn usage(problem: &clap::Error) -> ExitCode {
    _ = problem.print();
    if problem.use_stderr() { Exit::Usage.into() } else { Exit::Clean.into() }
}

/// Whether to colour what goes to standard output (<https://no-color.org>).
pub(crate) fn color() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of the terminal, or 100 where there is none.
pub(crate) fn width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| *columns >= 40)
        .unwrap_or(100)
}
