//! Reading Kubernetes audit logs (`audit.k8s.io/v1`, one JSON event a line) as a
//! stream: one line is held at a time, so that a log of any size is read in little
//! memory. A line that is broken, or too long, is told with its number and skipped.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};

use flate2::bufread::MultiGzDecoder;
use ironhull_model::{Code, Diagnostic};

mod body;
mod event;
mod impersonation;
mod lines;
mod review;

pub use event::{Event, ObjectRef, User};
pub use ironhull_access::usage::Used;
pub use review::Review;

use lines::Line;

/// The longest line that is read: events with both bodies of the largest object
/// that etcd takes are shorter.
const LONGEST_LINE: usize = 8 << 20;
/// What a log begins with that --audit-log-compress or logrotate made.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// Bytes of it that are unpacked at a time.
const UNPACKED: usize = 1 << 16;
/// How many broken lines of a log are told one by one.
const MOST_TOLD: usize = 10;
/// Over how many events the same audit id is known again. An aggregated API server
/// logs a request once more, at about the same time.
const REMEMBERED: usize = 1 << 16;

/// How much of a log was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Lines, empty ones not counted.
    pub lines: u64,
    /// Events.
    pub events: u64,
    /// Lines that could not be read.
    pub broken: u64,
}

/// Reads a log; `each` gets the number of the line and every event on it.
/// Errors of reading end it and are told like broken lines.
pub fn read(
    name: &str,
    mut log: impl BufRead,
    mut each: impl FnMut(u64, &Event<'_>),
) -> (Tally, Vec<Diagnostic>) {
    let mut tally = Tally::default();
    let mut diagnostics = Vec::new();
    let mut buffer = Vec::new();
    let mut number = 0;
    // What cannot be looked at is told by the first line.
    let is_gzip = log.fill_buf().is_ok_and(|start| start.starts_with(GZIP));
    let mut log: Box<dyn BufRead> = match is_gzip {
        true => Box::new(BufReader::with_capacity(UNPACKED, MultiGzDecoder::new(log))),
        false => Box::new(log),
    };
    loop {
        number += 1;
        let wrong = match lines::next(&mut log, &mut buffer, LONGEST_LINE) {
            Ok(None) => break,
            Ok(Some(Line::Whole)) if buffer.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(Some(Line::Whole)) => match event::parse(text(&buffer, number)) {
                Ok(events) => {
                    tally.events += events.len() as u64;
                    events.iter().for_each(|event| each(number, event));
                    None
                }
                Err(why) => Some(why),
            },
            Ok(Some(Line::TooLong)) => Some(format!("it is longer than {LONGEST_LINE} bytes")),
            Err(error) => {
                let message = format!("failed to read {name} after line {}: {error}", number - 1);
                diagnostics.push(Diagnostic::error(Code::FileUnreadable, message));
                break;
            }
        };
        tally.lines += 1;
        let Some(why) = wrong else { continue };
        tally.broken += 1;
        if tally.broken as usize <= MOST_TOLD {
            diagnostics.push(broken(format!("{name}:{number} is no audit event: {why}")));
        }
    }
    let untold = tally.broken.saturating_sub(MOST_TOLD as u64);
    if untold > 0 {
        diagnostics.push(broken(format!("{untold} more lines of {name} are no audit events")));
    }
    (tally, diagnostics)
}

/// A line without the byte order mark that some editors put before the first.
fn text(line: &[u8], number: u64) -> &[u8] {
    match number {
        1 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
        _ => line,
    }
}

fn broken(message: String) -> Diagnostic {
    Diagnostic::error(Code::AuditLine, message).help(
        "an audit log has one event of audit.k8s.io/v1 a line, as --audit-log-format=json writes it",
    )
}

/// Knows audit ids again that were seen a short while ago.
#[derive(Debug, Default)]
pub struct Recent {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Recent {
    /// Whether an id is new. Two that hash alike count as one.
    pub fn is_new(&mut self, audit_id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        audit_id.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.known.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
