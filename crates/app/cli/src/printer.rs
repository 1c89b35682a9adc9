//! The only place that writes to the terminal. A closed pipe ends quietly and
//! keeps the verdict's exit code.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the only place that prints")]

use std::io::{ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use ironhull_report::text::plain_lines;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

use crate::exit::Exit;

mod progress;

pub(crate) use progress::Progress;

/// Whether something that was asked for could not be printed.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether nobody reads standard output any more.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether standard output turned out to be a closed pipe.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Ends when nobody reads standard output any more, which a pipe tells without being
/// written to. Of a file, which cannot be waited for, it never ends.
pub(crate) async fn closed() {
    let copy = std::io::stdout().as_fd().try_clone_to_owned();
    let watched = copy.and_then(Sender::from_owned_fd_unchecked);
    match &watched {
        Ok(stdout) if stdout.ready(Interest::ERROR).await.is_ok() => {
            CLOSED.store(true, Ordering::Relaxed);
        }
        _ => std::future::pending().await,
    }
}

/// Data, to standard output, byte for byte.
pub(crate) fn data(text: &str) {
    progress::clear();
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => {}
        Err(problem) if problem.kind() == ErrorKind::BrokenPipe => {
            CLOSED.store(true, Ordering::Relaxed);
        }
        Err(problem) => {
            LOST.store(true, Ordering::Relaxed);
            error(&format!("error: failed to write to standard output: {problem}"));
        }
    }
}

/// Lines for people, to standard output: nothing in them steers the terminal.
pub(crate) fn text(text: &str) {
    data(&plain_lines(text));
}

/// A patch: byte for byte, except to a terminal, which it must not steer.
pub(crate) fn patch(diff: &str) {
    if std::io::stdout().is_terminal() { text(diff) } else { data(diff) }
}

/// The exit code, unless what it is about was lost on the way to the user.
pub(crate) fn delivered(exit: Exit) -> Exit {
    if LOST.load(Ordering::Relaxed) { exit.or(Exit::Usage) } else { exit }
}

/// Anything else, to standard error.
pub(crate) fn error(text: &str) {
    progress::clear();
    let text = plain_lines(text);
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
