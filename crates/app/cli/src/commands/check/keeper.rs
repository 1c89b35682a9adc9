//! A judgement that is kept while its estate changes. After a change only what it may
//! have changed is judged again: what is new or another, what is in its namespace or
//! made by it, and what rules say that look at its kind.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ironhull_controls::exceptions::{self, Exception};
use ironhull_controls::judge::owners;
use ironhull_controls::standing::Difference;
use ironhull_controls::{Assignment, Control, Judge, Judgement, Said, Standing, assign};
use ironhull_dialects::Terms;
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::{Diagnostic, Finding, Object, Snapshot, ThingRef, Verdict, World};
use ironhull_schema::Schema;
use jiff::civil::Date;
use rayon::prelude::*;

use super::plan::Plan;
use crate::estate::documents::Documents;
use crate::estate::following::Changes;

/// Objects that are judged before what was said of them is put away.
const AT_ONCE: usize = 1024;
/// Kinds whose objects are rules themselves.
const ADMISSION: &str = "admissionregistration.k8s.io";

/// A judgement that is kept.
pub(super) struct Keeper<'p> {
    plan: &'p Plan,
    documents: &'p Documents,
    accepting: Vec<Exception>,
    /// The controls of admission policies.
    admission: Vec<Arc<Control>>,
    pub(super) standing: Standing,
    /// Why rules could not judge, as it was told last.
    errors: Vec<Diagnostic>,
    today: Option<Date>,
    /// On which admission policies were asked.
    terms: Option<Terms>,
}

/// What is other than before.
pub(super) struct News {
    pub(super) differences: Vec<Difference>,
    /// Why rules cannot judge that could before.
    pub(super) errors: Vec<Diagnostic>,
}

/// What judges at one moment.
struct Moment<'a> {
    world: World<'a>,
    today: Date,
    judge: Judge<'a>,
    audit: Option<Audit<'a>>,
    accepting: &'a [Exception],
    /// Where the index of an admission policy's control is found, behind assignments.
    n_assignments: usize,
    controls: &'a [&'a Control],
}

impl<'p> Keeper<'p> {
    /// Nothing judged yet.
    pub(super) fn new(plan: &'p Plan, documents: &'p Documents) -> Keeper<'p> {
        Keeper {
            plan,
            documents,
            accepting: documents.exceptions.iter().cloned().chain(plan.packs()).collect(),
            admission: Vec::new(),
            standing: Standing::default(),
            errors: Vec::new(),
            today: None,
            terms: None,
        }
    }

    /// Judges what changed, and says what differs from before.
    pub(super) fn judge(
        &mut self,
        snapshot: &Snapshot,
        changes: &Changes,
        today: Date,
    ) -> anyhow::Result<News> {
        let kinds: BTreeSet<(&str, &str)> =
            changes.things.iter().map(|thing| (&*thing.group, &*thing.kind)).collect();
        let rules =
            kinds.iter().any(|(group, kind)| *group == ADMISSION && kind.contains("Policy"));
        let anew = changes.everything || rules || self.today != Some(today);
        self.today = Some(today);
        if anew {
            self.admission = self.plan.admission_controls(snapshot);
        }
        let controls = Plan::beside(&self.plan.controls, &self.admission);
        let assignments = assign(&self.plan.controls, &self.documents.policies);
        let world = World::new(snapshot);
        let policies = audit::policies(world, &controls);
        let terms = Some(policies.terms());
        let anew = std::mem::replace(&mut self.terms, terms.clone()) != terms || anew;
        let moment = Moment {
            world,
            today,
            judge: Judge::new(world, &self.plan.controls, &assignments)
                .prove_from(self.plan.proof_from),
            audit: (!self.admission.is_empty()).then(|| Audit::new(&policies, &controls)),
            accepting: &self.accepting,
            n_assignments: assignments.len(),
            controls: &controls,
        };
        let n_rules = assignments.len() + controls.len();
        if anew {
            let mut fresh = Standing::new(control_of(&assignments, controls.len()), controls.len());
            let all = vec![true; n_rules];
            let asked = world.objects().map(|object| (&**object, &*all)).collect();
            moment.put(asked, &all, &mut fresh);
            let differences = fresh.differences_from(&self.standing);
            self.standing = fresh;
            return Ok(self.news(snapshot, differences));
        }
        let all = vec![true; n_rules];
        let mut looking = moment.judge.looking_at(&kinds);
        looking.resize(n_rules, moment.audit.is_some() && policies.looking_at(&kinds));
        let touched = touched(world, &changes.things);
        let asked = world.objects().filter_map(|object| match touched.contains(&object.thing) {
            true => Some((&**object, &*all)),
            false => looking.contains(&true).then_some((&**object, &*looking)),
        });
        for object in &changes.before {
            let is_gone = world.named(&object.thing).iter().all(|known| known.origin.is_some());
            if is_gone {
                self.standing.remove(object);
            }
        }
        moment.put(asked.collect(), &looking, &mut self.standing);
        let differences = self.standing.differences();
        Ok(self.news(snapshot, differences))
    }

    fn news(&mut self, snapshot: &Snapshot, differences: Vec<Difference>) -> News {
        let errors = self.standing.errors(Schema::of(snapshot.minor), subjects(snapshot));
        let before = std::mem::replace(&mut self.errors, errors);
        let new = self.errors.iter().filter(|error| !before.contains(error)).cloned().collect();
        News { differences, errors: new }
    }

    /// All controls, in the order of the tallies.
    pub(super) fn controls(&self) -> Vec<&Control> {
        Plan::beside(&self.plan.controls, &self.admission)
    }

    /// The whole judgement.
    pub(super) fn judgement(&self, snapshot: &Snapshot) -> Judgement {
        self.standing.judgement(Schema::of(snapshot.minor), subjects(snapshot))
    }
}

/// What is judged: the objects, and what stands for the estate.
fn subjects(snapshot: &Snapshot) -> impl Iterator<Item = &Object> {
    let objects = World::new(snapshot).objects().map(|object| &**object);
    objects.chain([&snapshot.cluster])
}

/// For each rule the index of its control: assignments, then admission policies.
fn control_of(assignments: &[Assignment<'_>], n_controls: usize) -> Vec<usize> {
    let own = assignments.iter().map(|assignment| assignment.control);
    own.chain(0..n_controls).collect()
}

/// The things that a change of some may change: they, what is in a namespace that is
/// one of them, and what they made.
struct Touched {
    things: HashSet<ThingRef>,
    namespaces: HashSet<String>,
}

impl Touched {
    fn contains(&self, thing: &ThingRef) -> bool {
        self.things.contains(thing) || self.namespaces.contains(&*thing.namespace)
    }
}

fn touched(world: World<'_>, things: &HashSet<ThingRef>) -> Touched {
    let namespaces =
        things.iter().filter(|thing| (&*thing.group, &*thing.kind) == ("", "Namespace"));
    let namespaces = namespaces.map(|namespace| namespace.name.to_string()).collect();
    let mut touched = Touched { things: owners::made_by(world, things), namespaces };
    touched.things.extend(things.iter().cloned());
    touched
}

impl<'a> Moment<'a> {
    /// Asks rules about objects, and about the estate, and puts away what they say.
    fn put(&self, asked: Vec<(&'a Object, &[bool])>, of_estate: &[bool], standing: &mut Standing) {
        let of_objects = || {
            for some in asked.chunks(AT_ONCE) {
                let said: Vec<_> =
                    some.par_iter().map(|(object, asked)| self.object(object, asked)).collect();
                for ((object, asked), said) in some.iter().zip(said) {
                    standing.put(object, asked, said);
                }
            }
        };
        let ((), said) = rayon::join(of_objects, || self.estate(of_estate));
        standing.put(&self.world.base.cluster, of_estate, said);
    }

    fn object(&self, object: &'a Object, asked: &[bool]) -> Vec<Said> {
        let mut said = self.judge.said(object, asked);
        if let Some(audit) = self.audit.as_ref().filter(|_| asked.last() == Some(&true)) {
            let mut part = Judgement::default();
            audit.object(object, &mut part);
            said.extend(self.said_by_admission(part));
        }
        self.accept(&mut said);
        said
    }

    fn estate(&self, asked: &[bool]) -> Vec<Said> {
        let rules = self.judge.of_estate().par_iter().filter(|index| asked[**index]);
        let mut said: Vec<Said> =
            rules.filter_map(|&index| self.judge.said_of_estate(index)).collect();
        if let Some(audit) = self.audit.as_ref().filter(|_| asked.last() == Some(&true)) {
            let mut part = Judgement::default();
            audit.refused(&mut part);
            said.extend(self.said_by_admission(part));
        }
        self.accept(&mut said);
        said
    }

    fn accept(&self, said: &mut [Said]) {
        for said in said.iter_mut().filter(|said| !said.findings.is_empty()) {
            exceptions::apply(&mut said.findings, self.accepting, self.world, self.today);
        }
    }

    /// What an audit found, by rule.
    fn said_by_admission(&self, part: Judgement) -> Vec<Said> {
        let mut by_control: HashMap<_, Vec<Finding>> = HashMap::new();
        for finding in part.findings {
            by_control.entry(finding.control.clone()).or_default().push(finding);
        }
        let mut all = Vec::new();
        for (index, tally) in part.tallies.iter().enumerate() {
            let mut findings = by_control.remove(&*self.controls[index].id).unwrap_or_default();
            let counts = [
                (Verdict::Violated, tally.violated),
                (Verdict::Unknown, tally.unknown),
                (Verdict::Holds, tally.holds),
                (Verdict::NotApplicable, tally.not_applicable),
            ];
            let verdicts = counts.iter().flat_map(|(verdict, n)| (0..*n).map(|_| *verdict));
            all.extend(verdicts.map(|verdict| Said {
                assignment: self.n_assignments + index,
                verdict,
                findings: std::mem::take(&mut findings),
                faults: Vec::new(),
            }));
        }
        all
    }
}

#[cfg(test)]
mod tests;
