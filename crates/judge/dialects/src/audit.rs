//! Background audit, which the API server never does: what is there already, judged
//! by the policies in force as if somebody created it now. Workloads are judged as
//! the pods that they make, too.
//!
//! Who asks is not known, nor is what was there before: a policy that reads it is
//! unknown.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_controls::control::Control;
use ironhull_controls::judge::{Judgement, Tally, owners};
use ironhull_model::{Finding, Object, Severity, Standing, Value, Verdict};
use ironhull_schema::template_path;

use crate::decision::Decision;
use crate::policies::{Policies, Refused};
use crate::policy::{Flavour, GROUP, text};
use crate::request::Request;

mod controls;
mod findings;
mod pods;

use controls::{id, said_severity};
use findings::refusal;

pub use controls::controls;

/// The label or annotation of a policy or binding that says how bad its violations are.
pub const SEVERITY: &str = "ironhull.dev/severity";

/// More than this is no proof that a person reads.
const MOST: usize = 8;

/// Judges what is there.
pub struct Audit<'a> {
    policies: &'a Policies<'a>,
    /// The index of each policy's tally, by its control's id.
    places: BTreeMap<String, usize>,
    severities: BTreeMap<String, Severity>,
    n_controls: usize,
}

/// What is judged: an object itself, or the pod that it makes.
struct Subject<'a> {
    object: &'a Object,
    /// Where the pod's template stands; none for the object itself.
    template: Option<&'static [&'static str]>,
}

impl<'a> Audit<'a> {
    /// `controls` are those of the judgement, among them those of [`controls`].
    pub fn new(policies: &'a Policies<'a>, controls: &[&Control]) -> Audit<'a> {
        let places = controls.iter().enumerate().map(|(at, control)| (control.id.to_string(), at));
        let world = policies.estate().world();
        let bindings = world.of_kind(GROUP, Flavour::Validating.binding_kind());
        let own = world.of_kind(GROUP, Flavour::Validating.kind());
        let said = own
            .chain(bindings)
            .filter_map(|object| Some((object.thing.to_string(), said_severity(object)?)));
        Audit {
            policies,
            places: places.collect(),
            severities: said.collect(),
            n_controls: controls.len(),
        }
    }

    /// Judges one object.
    pub fn object(&self, object: &'a Object, judgement: &mut Judgement) {
        if !object.is_judged() || owners::is_over(object) {
            return;
        }
        let first = judgement.findings.len();
        let mut verdicts: BTreeMap<usize, Verdict> = BTreeMap::new();
        self.judge(object, &object.value, None, &mut verdicts, judgement);
        if let Some(path) = template_path(&object.thing.group, &object.thing.kind)
            && !path.is_empty()
            && let Some(pod) = pods::made(object, path)
        {
            self.judge(object, &pod.value, Some(path), &mut verdicts, judgement);
        }
        judgement.tallies.resize(self.n_controls, Tally::default());
        for (at, verdict) in verdicts {
            judgement.tallies[at].count(verdict);
        }
        let world = self.policies.estate().world();
        if let Some(owner) = owners::outermost(world, object) {
            owners::hand_over(&mut judgement.findings[first..], object, owner);
        }
    }

    /// Tells which policies and bindings the API server would refuse.
    pub fn refused(&self, judgement: &mut Judgement) {
        judgement.tallies.resize(self.n_controls, Tally::default());
        for refused in self.policies.refused() {
            let Some((id, at)) = self.of_refused(refused) else { continue };
            judgement.tallies[at].count(Verdict::Violated);
            judgement.findings.push(refusal(&id, refused));
        }
    }

    fn of_refused(&self, refused: &Refused<'_>) -> Option<(String, usize)> {
        let object = refused.object;
        let id = Flavour::ALL.into_iter().find_map(|flavour| {
            if object.is(GROUP, flavour.kind()) {
                return Some(id(flavour, &object.thing.name));
            }
            let spec =
                object.root().get("spec").filter(|_| object.is(GROUP, flavour.binding_kind()));
            Some(id(flavour, text(spec?, "policyName")))
        })?;
        let at = *self.places.get(&id)?;
        Some((id, at))
    }

    fn judge(
        &self,
        object: &'a Object,
        value: &Value,
        template: Option<&'static [&'static str]>,
        verdicts: &mut BTreeMap<usize, Verdict>,
        judgement: &mut Judgement,
    ) {
        let subject = Subject { object, template };
        let kinds = self.policies.estate().kinds();
        let request = match template {
            None => Request::create(&kinds, object, value),
            Some(_) => Some(pods::request(object, value)),
        };
        let Some(mut request) = request else { return };
        request.is_stored = object.standing == Standing::Live && template.is_none();
        let decision = self.policies.review(&request);
        let mut note = |policy: &str, verdict: Verdict| {
            if let Some(at) = self.places.get(&id(Flavour::Validating, policy)) {
                let known = verdicts.entry(*at).or_insert(verdict);
                *known = (*known).max(verdict);
                return true;
            }
            false
        };
        for ran in &decision.ran {
            let verdict = match ran.said.iter().any(|said| said.denies) {
                true => Verdict::Violated,
                false => Verdict::Holds,
            };
            if note(ran.policy, verdict) && verdict == Verdict::Violated {
                judgement.findings.push(self.violation(&subject, ran));
            }
        }
        self.errors(&subject, &decision, &mut note, judgement);
        for doubt in &decision.doubts {
            if note(doubt.policy, Verdict::Unknown) {
                let element = doubt.binding.unwrap_or_default();
                let finding = self.finding(&subject, doubt.policy, element, Severity::Medium);
                judgement.findings.push(Finding {
                    verdict: Verdict::Unknown,
                    message: format!("{}it cannot be told: {}", subject.prefix(), doubt.missing),
                    missing: vec![doubt.missing.clone()],
                    ..finding
                });
            }
        }
    }

    /// Refusals for other reasons than validations: configuration, annotations.
    fn errors(
        &self,
        subject: &Subject<'_>,
        decision: &Decision<'_>,
        note: &mut impl FnMut(&str, Verdict) -> bool,
        judgement: &mut Judgement,
    ) {
        let mut seen = BTreeSet::new();
        for denial in &decision.denials {
            let is_said = decision.ran.iter().any(|ran| {
                Some(ran.binding) == denial.binding
                    && ran.policy == denial.policy
                    && ran.said.iter().any(|said| said.denies && said.message == denial.message)
            });
            let element = denial.binding.unwrap_or_default();
            if is_said || !seen.insert((denial.policy, element)) {
                continue;
            }
            if note(denial.policy, Verdict::Violated) {
                let finding = self.finding(subject, denial.policy, element, Severity::High);
                let message = format!("{}{}", subject.prefix(), denial.text());
                judgement.findings.push(Finding { message, ..finding });
            }
        }
    }
}
