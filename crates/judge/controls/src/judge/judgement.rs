//! What judging gave: verdicts, counted, and findings in order.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_model::{Diagnostic, Finding, Severity, Verdict};

/// How often a control gave which verdict, counted per subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Subjects on which it holds.
    pub holds: u32,
    /// Subjects with at least one violated element.
    pub violated: u32,
    /// Subjects that are unknown and not violated.
    pub unknown: u32,
    /// Subjects it says nothing about.
    pub not_applicable: u32,
}

impl Tally {
    /// Counts a subject.
    pub fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Holds => self.holds += 1,
            Verdict::Violated => self.violated += 1,
            Verdict::Unknown => self.unknown += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
        }
    }

    /// Takes back a [`Tally::count`].
    pub fn take_back(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Holds => self.holds -= 1,
            Verdict::Violated => self.violated -= 1,
            Verdict::Unknown => self.unknown -= 1,
            Verdict::NotApplicable => self.not_applicable -= 1,
        }
    }

    fn add(&mut self, other: Tally) {
        self.holds += other.holds;
        self.violated += other.violated;
        self.unknown += other.unknown;
        self.not_applicable += other.not_applicable;
    }

    /// The verdict over all subjects.
    pub fn verdict(self) -> Verdict {
        match self {
            Tally { violated: 1.., .. } => Verdict::Violated,
            Tally { unknown: 1.., .. } => Verdict::Unknown,
            Tally { holds: 1.., .. } => Verdict::Holds,
            _ => Verdict::NotApplicable,
        }
    }
}

/// What judging gave.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Violations and unknowns.
    pub findings: Vec<Finding>,
    /// One tally per control, in the order given to [`Judge::new`].
    pub tallies: Vec<Tally>,
    /// Errors in our own controls; each also made its subject unknown.
    pub errors: Vec<Diagnostic>,
    /// Assignments that could not read the object at hand as it is written.
    pub(crate) unreadable: Vec<usize>,
}

impl Judgement {
    pub(super) fn sized(n_controls: usize) -> Judgement {
        Judgement { tallies: vec![Tally::default(); n_controls], ..Judgement::default() }
    }

    /// Adds another part of the same judgement.
    pub fn merge(&mut self, other: Judgement) {
        self.findings.extend(other.findings);
        self.errors.extend(other.errors);
        self.tallies.resize(other.tallies.len().max(self.tallies.len()), Tally::default());
        for (tally, more) in self.tallies.iter_mut().zip(other.tallies) {
            tally.add(more);
        }
    }

    /// Accepted last, worst first, then by subject and control; folds findings that are the same.
    pub fn seal(&mut self) {
        // What objects gave is in this order already.
        self.findings.sort_by(by_subject);
        self.findings.dedup_by(|later, first| {
            later.control == first.control
                && later.assignment == first.assignment
                && later.subject == first.subject
                && later.element == first.element
                && later.place.map(|p| p.source) == first.place.map(|p| p.source)
        });
        order_by_weight(&mut self.findings);
    }
}

/// Worst first, and what weighs alike as it was. Weights are few and findings many and
/// large, so each is moved to its place at once.
fn order_by_weight(findings: &mut [Finding]) {
    let mut next: BTreeMap<_, usize> = BTreeMap::new();
    for finding in &*findings {
        *next.entry(Reverse(weight(finding))).or_default() += 1;
    }
    let mut start = 0;
    for n in next.values_mut() {
        start += std::mem::replace(n, start);
    }
    let places = findings.iter().map(|finding| {
        let place = next.get_mut(&Reverse(weight(finding)));
        place.map_or(0, |place| std::mem::replace(place, *place + 1))
    });
    let mut places: Vec<usize> = places.collect();
    for at in 0..places.len() {
        while places[at] != at {
            let place = places[at];
            findings.swap(at, place);
            places.swap(at, place);
        }
    }
}

/// What makes a finding worse than another: that nobody accepted it, verdict, severity.
fn weight(finding: &Finding) -> (bool, Verdict, Severity) {
    (finding.accepted.is_none(), finding.verdict, finding.severity)
}

/// By subject and control, then as in [`Judgement::seal`].
pub(crate) fn by_subject(a: &Finding, b: &Finding) -> Ordering {
    let same_subject = || match Arc::ptr_eq(&a.subject, &b.subject) {
        true => Ordering::Equal,
        false => a.subject.cmp(&b.subject),
    };
    same_subject()
        .then_with(|| a.control.cmp(&b.control))
        .then_with(|| a.element.cmp(&b.element))
        .then_with(|| a.seen_in.cmp(&b.seen_in))
        .then_with(|| weight(b).cmp(&weight(a)))
        .then_with(|| {
            a.place.map(|p| (p.source, p.start)).cmp(&b.place.map(|p| (p.source, p.start)))
        })
}
