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

    /// What those assignments say of an object that are asked, and what is wrong with
    /// our own rules.
    pub fn said(&self, object: &'a Object, asked: &[bool]) -> (Vec<Said>, Vec<Diagnostic>) {
        let Some(subject) = self.subject(object) else { return Default::default() };
        let owner = owners::outermost(self.world, object);
        let mut shared = cel_rule::Shared::new(self.n_lists, &subject);
        let mut part = Judgement::default();
        let mut said = Vec::new();
        for assignment in self.rules_for(&subject).filter(|&index| asked[index]) {
            let verdict = self.judge(assignment, &subject, &mut shared, &mut part);
            let Some(verdict) = verdict else { continue };
            let mut findings = std::mem::take(&mut part.findings);
            if let Some(owner) = owner {
                owners::hand_over(&mut findings, object, owner);
            }
            findings.sort_by(by_subject);
            said.push(Said { assignment, verdict, findings });
        }
        self.unreadable(object, &mut part);
        (said, part.errors)
    }

    /// What one of [`Judge::of_estate`] says of it, unless another takes its place.
    pub fn said_of_estate(&self, assignment: usize) -> (Option<Said>, Vec<Diagnostic>) {
        let mut part = Judgement::default();
        let verdict = self.estate_by(assignment, &mut part);
        let Judgement { findings, errors, .. } = part;
        (verdict.map(|verdict| Said { assignment, verdict, findings }), errors)
    }
}
