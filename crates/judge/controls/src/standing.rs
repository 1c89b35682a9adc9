//! A judgement that stands while its world changes: what was said of each subject by
//! each rule is kept, replaced where it is said again, and the differences are told.

use std::collections::HashMap;
use std::sync::Arc;

use ironhull_model::object::Origin;
use ironhull_model::{Diagnostic, Finding, Object, SourceId, ThingRef};
use ironhull_schema::Schema;

use crate::judge::{Fault, Judgement, Said, Tally, by_subject, not_decoded};

/// A subject: a thing may be written in several places.
type Key = (Arc<ThingRef>, Option<Origin>);

/// What makes findings the same, as in [`Judgement::seal`].
type Same = (Arc<ThingRef>, Arc<str>, Arc<str>, Box<str>, Option<SourceId>);

/// What the rules said of one subject.
#[derive(Debug, Default)]
struct Part {
    verdicts: Vec<(u32, ironhull_model::Verdict)>,
    findings: Vec<(u32, Arc<Finding>)>,
}

/// One difference between two moments.
#[derive(Clone, PartialEq, Debug)]
pub enum Difference {
    /// It was not there before.
    Added(Arc<Finding>),
    /// It is another in something; as it is now.
    Modified {
        /// As it was.
        before: Arc<Finding>,
        /// As it is.
        after: Arc<Finding>,
    },
    /// It is not there any more; as it was.
    Deleted(Arc<Finding>),
}

impl Difference {
    /// The finding as it is now, or was last.
    pub fn finding(&self) -> &Finding {
        match self {
            Difference::Added(finding) | Difference::Deleted(finding) => finding,
            Difference::Modified { after, .. } => after,
        }
    }
}

/// What stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// For each rule the index of its control's tally.
    control_of: Vec<usize>,
    tallies: Vec<Tally>,
    parts: HashMap<Key, Part>,
    /// Why which rule could not judge a subject; nearly always empty.
    faults: HashMap<Key, Vec<(u32, Fault)>>,
    /// Everyone's findings; those that are the same are told as one.
    findings: HashMap<Same, Vec<Arc<Finding>>>,
    /// As what changed was told last.
    told: HashMap<Same, Option<Arc<Finding>>>,
}

impl Standing {
    /// Nothing said yet. A rule is an index into `control_of`, which gives the index of
    /// its control, of which there are `n_controls`.
    pub fn new(control_of: Vec<usize>, n_controls: usize) -> Standing {
        let tallies = vec![Tally::default(); n_controls];
        Standing { control_of, tallies, ..Standing::default() }
    }

    /// Replaces what the rules that are `asked` said of a subject.
    pub fn put(&mut self, object: &Object, asked: &[bool], said: Vec<Said>) {
        let key = (object.thing.clone(), object.origin);
        let mut part = self.parts.remove(&key).unwrap_or_default();
        self.take_back(&mut part, |rule| asked[rule as usize]);
        let mut faults = self.faults.remove(&key).unwrap_or_default();
        faults.retain(|(rule, _)| !asked[*rule as usize]);
        for said in said {
            let rule = said.assignment as u32;
            part.verdicts.push((rule, said.verdict));
            self.tallies[self.control_of[said.assignment]].count(said.verdict);
            for finding in said.findings {
                let finding = Arc::new(finding);
                self.touch(&finding).push(finding.clone());
                part.findings.push((rule, finding));
            }
            faults.extend(said.faults.into_iter().map(|fault| (rule, fault)));
        }
        if !faults.is_empty() {
            self.faults.insert(key.clone(), faults);
        }
        if !part.verdicts.is_empty() {
            self.parts.insert(key, part);
        }
    }

    /// Takes back whatever was said of a subject that is gone.
    pub fn remove(&mut self, object: &Object) {
        let key = (object.thing.clone(), object.origin);
        self.faults.remove(&key);
        if let Some(mut part) = self.parts.remove(&key) {
            self.take_back(&mut part, |_| true);
        }
    }

    fn take_back(&mut self, part: &mut Part, of: impl Fn(u32) -> bool) {
        for (rule, verdict) in part.verdicts.extract_if(.., |(rule, _)| of(*rule)) {
            self.tallies[self.control_of[rule as usize]].take_back(verdict);
        }
        for (_, finding) in part.findings.extract_if(.., |(rule, _)| of(*rule)) {
            self.touch(&finding).retain(|known| !Arc::ptr_eq(known, &finding));
        }
    }

    /// All that are the same as a finding, which is about to change.
    fn touch(&mut self, finding: &Finding) -> &mut Vec<Arc<Finding>> {
        let same = same(finding);
        let all = self.findings.entry(same.clone()).or_default();
        self.told.entry(same).or_insert_with(|| shown(all).cloned());
        all
    }

    /// What differs from what was told last, by subject.
    pub fn differences(&mut self) -> Vec<Difference> {
        let mut differences: Vec<Difference> = { std::mem::take(&mut self.told) }
            .into_iter()
            .filter_map(|(same, before)| {
                let after = self.findings.get(&same).and_then(|all| shown(all).cloned());
                if after.is_none() {
                    self.findings.remove(&same);
                }
                difference(before, after)
            })
            .collect();
        sort(&mut differences);
        differences
    }

    /// What differs from another one, which was told as it is.
    pub fn differences_from(&mut self, before: &Standing) -> Vec<Difference> {
        self.told.clear();
        let now = self.findings.iter().map(|(same, all)| {
            let before = before.findings.get(same).and_then(|all| shown(all).cloned());
            difference(before, shown(all).cloned())
        });
        let gone = before.findings.iter().filter(|(same, _)| !self.findings.contains_key(*same));
        let gone = gone.map(|(_, all)| difference(shown(all).cloned(), None));
        let mut differences: Vec<Difference> = now.chain(gone).flatten().collect();
        sort(&mut differences);
        differences
    }

    /// All of it, as if it had been judged now. `objects` are those of the world, in
    /// its order, and what stands for the estate last.
    pub fn judgement<'o>(
        &self,
        schema: Schema,
        objects: impl Iterator<Item = &'o Object>,
    ) -> Judgement {
        let mut judgement = Judgement { tallies: self.tallies.clone(), ..Judgement::default() };
        for object in objects {
            judgement.errors.extend(self.errors_of(schema, object));
            let Some(part) = self.parts.get(&(object.thing.clone(), object.origin)) else {
                continue;
            };
            let mut findings: Vec<&(u32, Arc<Finding>)> = part.findings.iter().collect();
            findings.sort_by_key(|(rule, _)| *rule);
            let first = judgement.findings.len();
            judgement.findings.extend(findings.iter().map(|(_, finding)| Finding::clone(finding)));
            judgement.findings[first..].sort_by(by_subject);
        }
        judgement.seal();
        judgement
    }

    /// Why rules could not judge, as in [`Judgement::errors`].
    pub fn errors<'o>(
        &self,
        schema: Schema,
        objects: impl Iterator<Item = &'o Object>,
    ) -> Vec<Diagnostic> {
        if self.faults.is_empty() {
            return Vec::new();
        }
        objects.flat_map(|object| self.errors_of(schema, object)).collect()
    }

    fn errors_of(&self, schema: Schema, object: &Object) -> Vec<Diagnostic> {
        let Some(faults) = self.faults.get(&(object.thing.clone(), object.origin)) else {
            return Vec::new();
        };
        let mut faults: Vec<&(u32, Fault)> = faults.iter().collect();
        faults.sort_by_key(|(rule, _)| *rule);
        let mut errors = Vec::new();
        let mut n_unread = 0;
        for (_, fault) in faults {
            match fault {
                Fault::Failed(error) => errors.push(error.clone()),
                Fault::NotDecoded => n_unread += 1,
            }
        }
        errors.extend(not_decoded(schema, object, n_unread));
        errors
    }
}

fn same(finding: &Finding) -> Same {
    let source = finding.place.map(|place| place.source);
    let (subject, control) = (finding.subject.clone(), finding.control.clone());
    (subject, control, finding.assignment.clone(), finding.element.clone(), source)
}

/// Of findings that are the same the one that is told.
fn shown(all: &[Arc<Finding>]) -> Option<&Arc<Finding>> {
    all.iter().min_by(|a, b| by_subject(a, b))
}

fn difference(before: Option<Arc<Finding>>, after: Option<Arc<Finding>>) -> Option<Difference> {
    match (before, after) {
        (None, Some(after)) => Some(Difference::Added(after)),
        (Some(before), None) => Some(Difference::Deleted(before)),
        (Some(before), Some(after)) if before != after => {
            Some(Difference::Modified { before, after })
        }
        _ => None,
    }
}

fn sort(differences: &mut [Difference]) {
    differences.sort_by(|a, b| by_subject(a.finding(), b.finding()));
}
