//! Audit logs of the command line.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ironhull_audit::{Event, Tally};
use ironhull_model::{Diagnostic, Level};
use jiff::Timestamp;

use crate::args::access::Audit;
use crate::config;
use crate::exit::Exit;
use crate::printer;

/// Logs, and which time of them counts.
pub(super) struct Logs<'c> {
    files: &'c [PathBuf],
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// What was read of all logs.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) tally: Tally,
    diagnostics: Vec<Diagnostic>,
}

impl Logs<'_> {
    /// Reads the times.
    pub(super) fn new(audit: &Audit) -> anyhow::Result<Logs<'_>> {
        let time = |text: &Option<String>| text.as_deref().map(config::time).transpose();
        let (since, until) = (time(&audit.since)?, time(&audit.until)?);
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            bail!("--since {since} is not before --until {until}: nothing is in between");
        }
        Ok(Logs { files: &audit.files, since, until })
    }

    /// Whether the logs can be read a second time.
    pub(super) fn can_be_read_again(&self) -> bool {
        // A pipe, such as `<(zcat …)`, is empty the second time.
        let is_file =
            |path: &PathBuf| std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        self.files.iter().all(is_file)
    }

    /// Reads every event of the time asked for. A log that cannot be opened is an
    /// error of the call; what is broken in it is kept to be told.
    pub(super) fn read(&self, mut each: impl FnMut(&Event<'_>)) -> anyhow::Result<Taken> {
        let mut all = Taken::default();
        for path in self.files {
            let name = path.display().to_string();
            let log = BufReader::with_capacity(1 << 18, open(path)?);
            let (tally, diagnostics) = ironhull_audit::read(&name, log, |_, event| {
                if self.is_in_time(event) {
                    each(event);
                }
            });
            all.tally.lines += tally.lines;
            all.tally.events += tally.events;
            all.tally.broken += tally.broken;
            all.diagnostics.extend(diagnostics);
        }
        Ok(all)
    }

    fn is_in_time(&self, event: &Event<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        // What has no time was neither before nor after.
        let Ok(time) = event.request_received_timestamp.parse::<Timestamp>() else { return false };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(Box::new(file))
}

impl Taken {
    /// Tells what was broken; the exit code that follows.
    pub(super) fn tell(&self) -> Exit {
        for told in &self.diagnostics {
            let level = if told.level == Level::Error { "error" } else { "warning" };
            printer::error(&format!("{level}[{}]: {}", told.code, told.message));
        }
        if self.diagnostics.is_empty() { Exit::Clean } else { Exit::Unjudged }
    }
}
