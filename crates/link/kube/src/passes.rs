//! Which failures pass by themselves.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

/// Whether the same request may be answered a moment later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Passes {
    /// It would fail again.
    Never,
    /// Perhaps, and then soon.
    Perhaps,
    /// When the server, or what stands before it, is there again.
    WhenBack,
}

/// Of an answer with this status; `behind`: it is what somebody behind the API server said.
pub(crate) fn of_status(code: u16, behind: bool) -> Passes {
    match code {
        502..=504 if behind => Passes::Perhaps,
        429 | 502..=504 => Passes::WhenBack,
        500 => Passes::Perhaps,
        _ => Passes::Never,
    }
}

/// Of a request that did not come through.
pub(crate) fn of_error(error: &(dyn StdError + 'static)) -> Passes {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if let Some(known) = of_io(io) {
                return known;
            }
            // Its source is not what it wraps, but the source of that.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
                continue;
            }
        }
        if let Some(known) = of_text(&cause.to_string()) {
            return known;
        }
        next = cause.source();
    }
    Passes::Perhaps
}

fn of_io(error: &io::Error) -> Option<Passes> {
    match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        | ErrorKind::TimedOut
        | ErrorKind::HostUnreachable => Some(Passes::WhenBack),
        // What TLS says: a certificate that is not taken will not be.
        ErrorKind::InvalidData => Some(Passes::Never),
        _ => None,
    }
}

/// Errors that have no kind of their own: of getaddrinfo, and of HTTP proxies.
fn of_text(text: &str) -> Option<Passes> {
    if text.starts_with("failed to lookup address information") {
        let may_pass = ["Temporary failure", "Try again"];
        return Some(match may_pass.iter().any(|part| text.contains(part)) {
            true => Passes::WhenBack,
            false => Passes::Never,
        });
    }
    text.contains("proxy authorization required").then_some(Passes::Never)
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::{Passes, of_error, of_status};

    #[test]
    fn what_is_gone_for_a_moment_passes_and_what_is_wrong_does_not() {
        let lookup =
            |why: &str| Error::other(format!("failed to lookup address information: {why}"));
        for (error, passes) in [
            (Error::from(ErrorKind::ConnectionRefused), Passes::WhenBack),
            (Error::from(ErrorKind::UnexpectedEof), Passes::WhenBack),
            (Error::new(ErrorKind::InvalidData, "invalid peer certificate"), Passes::Never),
            (lookup("Name or service not known"), Passes::Never),
            (lookup("Temporary failure in name resolution"), Passes::WhenBack),
            (Error::other("something else"), Passes::Perhaps),
            // As others wrap them.
            (Error::other(Error::from(ErrorKind::ConnectionReset)), Passes::WhenBack),
        ] {
            assert_eq!(of_error(&error), passes, "{error}");
        }
        for (code, passes) in [
            (401, Passes::Never),
            (403, Passes::Never),
            (404, Passes::Never),
            (429, Passes::WhenBack),
            (500, Passes::Perhaps),
            (502, Passes::WhenBack),
            (503, Passes::WhenBack),
            (504, Passes::WhenBack),
        ] {
            assert_eq!(of_status(code, false), passes, "{code}");
        }
        assert_eq!(of_status(503, true), Passes::Perhaps);
    }
}
