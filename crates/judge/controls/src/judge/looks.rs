//! Judging again after something changed: what each rule said of each subject, and
//! which rules look at other objects than their subject, so that only those are asked
//! again whose answer may be another.

use std::collections::BTreeSet;

use ironhull_model::{Diagnostic, Finding, Object, Verdict};

use super::{Judge, Judgement, Prepared, by_subject, cel_rule, owners};
use crate::native::Looks;

/// What one assignment said of one subject.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its index, as given to [`Judge::new`].
    pub assignment: usize,
    /// Its verdict.
    pub verdict: Verdict,
    /// Violations and unknowns.
    pub findings: Vec<Finding>,
    /// Why the rule itself could not judge.
    pub faults: Vec<Fault>,
}

/// Why a rule could not judge a subject, which is unknown then.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The rule is wrong.
    Failed(Diagnostic),
    /// The subject is not written as the API server decodes it.
    NotDecoded,
}

impl<'a> Judge<'a> {
    /// For each assignment whether objects of these kinds (group, kind) may change what
    /// it says of a subject that is none of them, nor in a Namespace that is, nor owned
    /// by one.
    pub fn looking_at(&self, kinds: &BTreeSet<(&str, &str)>) -> Vec<bool> {
        let looks = |index: usize| match self.prepared[index] {
            Prepared::Native(Some((_, Looks::At(looked)))) => {
                looked.iter().any(|kind| kinds.contains(kind))
            }
            Prepared::Native(Some((_, Looks::Everywhere))) => true,
            Prepared::Native(_) => false,
            Prepared::Cel(..) => { self.control(index).related.iter() }.any(|related| {
                { related.kinds.iter() }.any(|(group, kind)| kinds.contains(&(&**group, &**kind)))
            }),
        };
        (0..self.assignments.len()).map(looks).collect()
    }

    /// What those assignments say of an object that are asked.
    pub fn said(&self, object: &'a Object, asked: &[bool]) -> Vec<Said> {
        let Some(subject) = self.subject(object) else { return Vec::new() };
        let owner = owners::outermost(self.world, object);
        let mut shared = cel_rule::Shared::new(self.n_lists, &subject);
        let mut part = Judgement::default();
        let mut all = Vec::new();
        for assignment in self.rules_for(&subject).filter(|&index| asked[index]) {
            let verdict = self.judge(assignment, &subject, &mut shared, &mut part);
            let Some(verdict) = verdict else { continue };
            let mut said = said(assignment, verdict, &mut part);
            if let Some(owner) = owner {
                owners::hand_over(&mut said.findings, object, owner);
            }
            said.findings.sort_by(by_subject);
            all.push(said);
        }
        all
    }

    /// What one of [`Judge::of_estate`] says of it, unless another takes its place.
    pub fn said_of_estate(&self, assignment: usize) -> Option<Said> {
        let mut part = Judgement::default();
        let verdict = self.estate_by(assignment, &mut part)?;
        Some(said(assignment, verdict, &mut part))
    }
}

/// Takes what one assignment said out of a judgement that has nothing else.
fn said(assignment: usize, verdict: Verdict, part: &mut Judgement) -> Said {
    let findings = std::mem::take(&mut part.findings);
    let failed = part.errors.drain(..).map(Fault::Failed);
    let not_decoded = part.unreadable.drain(..).map(|_| Fault::NotDecoded);
    Said { assignment, verdict, findings, faults: failed.chain(not_decoded).collect() }
}
