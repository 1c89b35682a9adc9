//! What a check found, in every format. Pure: a [`Report`] in, text out; only
//! the command line prints it.

use std::collections::BTreeMap;

use ironhull_controls::gate::OfGate;
use ironhull_controls::{Control, Judgement, Tally};
use ironhull_model::{Diagnostic, Finding, Level, Place, Position, Severity, Snapshot, Verdict};

pub mod diagnostics;
pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod platform;
pub mod protections;
pub mod repair;
pub mod sarif;
pub mod standards;
pub mod table;
pub mod text;

/// Everything a format may show.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The targets as the user wrote them.
    pub targets: &'a [String],
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// The controls that judged, in the order of the tallies.
    pub controls: &'a [&'a Control],
    /// What they said, sealed.
    pub judgement: &'a Judgement,
    /// Findings that were not there before, by index; none when there is nothing to compare with.
    pub new: Option<&'a [bool]>,
    /// Findings that count against the gate.
    pub n_failing: usize,
    /// What each gate says; empty where none was asked.
    pub gates: &'a [OfGate],
    /// The least severity that the gate of the rest looks at.
    pub threshold: Option<Severity>,
    /// The exit code.
    pub exit: u8,
    /// When, RFC 3339.
    pub at: &'a str,
    /// How long it took, in milliseconds; left out where output must not vary.
    pub elapsed_ms: Option<u128>,
    /// Questions that this kind of target can never answer: (what they need, how many controls, what to do).
    pub not_asked: &'a [(String, usize, String)],
    /// What is the platform's own.
    pub platform: &'a platform::Platform<'a>,
    /// What canaries showed of this cluster the last time; none where that is not known.
    pub proven: Option<&'a protections::Proven>,
}

impl<'a> Report<'a> {
    /// Violations that are not accepted, with their numbers from 1.
    pub fn violations(&self) -> impl Iterator<Item = (usize, &'a Finding)> + Clone + use<'a> {
        self.judgement
            .findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| {
                finding.verdict == Verdict::Violated && finding.accepted.is_none()
            })
            .map(|(index, finding)| (index + 1, finding))
    }

    /// Findings that an exception covers.
    pub fn accepted(&self) -> impl Iterator<Item = (usize, &'a Finding)> + use<'a> {
        let all = self.judgement.findings.iter().enumerate();
        all.filter(|(_, finding)| finding.accepted.is_some())
            .map(|(index, finding)| (index + 1, finding))
    }

    /// Findings that could not be decided.
    pub fn unknowns(&self) -> impl Iterator<Item = (usize, &'a Finding)> + use<'a> {
        let all = self.judgement.findings.iter().enumerate();
        all.filter(|(_, finding)| finding.verdict == Verdict::Unknown)
            .map(|(index, finding)| (index + 1, finding))
    }

    /// What is missing and how many findings it leaves undecided, most first.
    pub fn unknown_by_cause(&self) -> Vec<(String, usize)> {
        let mut causes: BTreeMap<&[String], usize> = BTreeMap::new();
        for (_, finding) in self.unknowns() {
            *causes.entry(&finding.missing).or_default() += 1;
        }
        let mut causes: Vec<_> =
            causes.into_iter().map(|(missing, n)| (missing.join(", "), n)).collect();
        causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        causes
    }

    /// The control of a finding.
    pub fn control(&self, id: &str) -> Option<&'a Control> {
        self.controls.iter().copied().find(|control| &*control.id == id)
    }

    /// How many controls came out how: (violated, hold, unknown, not applicable).
    pub fn summary(&self) -> (usize, usize, usize, usize) {
        let count = |verdict| {
            self.judgement
                .tallies
                .iter()
                .filter(|tally: &&Tally| tally.verdict() == verdict)
                .count()
        };
        (
            count(Verdict::Violated),
            count(Verdict::Holds),
            count(Verdict::Unknown),
            count(Verdict::NotApplicable),
        )
    }

    /// Diagnostics at error level: what was not judged.
    pub fn unread(&self) -> impl Iterator<Item = &'a Diagnostic> {
        self.snapshot.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error)
    }

    /// File and place of something; the place is none where the line of a
    /// template is not known.
    pub fn position(&self, place: Place) -> Option<(&'a str, Option<Position>)> {
        let source = self.snapshot.source(place.source)?;
        Some((&source.path, source.shown_position(place.start)))
    }

    /// `path:line:column`, or what is known of it.
    pub fn shown(&self, place: Option<Place>) -> Option<String> {
        let (path, at) = self.position(place?)?;
        Some(match at {
            Some(at) => format!("{path}:{}:{}", at.line, at.column),
            None => path.to_owned(),
        })
    }
}
