//! Background audit, which the API server never does: what is there already, judged
//! by the policies in force as if somebody created it now, after the mutating policies
//! changed it. Workloads are judged as the pods that they make, too.
//!
//! Who asks is not known, nor is what was there before: a policy that reads it is
//! unknown.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_controls::control::Control;
use ironhull_controls::judge::{Judgement, Tally, owners};
use ironhull_model::{Finding, Object, Severity, Standing, Value, Verdict, World};
use ironhull_schema::{Schema, defaults, template_path};

use crate::decision::{Decision, Doubt};
use crate::plugins::{self, Guess, Possible};
use crate::policies::{Policies, Refused};
use crate::policy::{Flavour, GROUP, text};
use crate::request::{Known, Request};

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
    /// For each volume of the pod its place in the template, if it stands there.
    volumes: Vec<Option<usize>>,
}

/// What mutating policies did to an object.
struct Changed<'m> {
    /// Those that changed it.
    by: Vec<&'m str>,
    before: Option<&'m Value>,
    after: Option<&'m Value>,
    /// The mutating webhooks that may change what policies left.
    may_be_by: Vec<&'m str>,
}

/// The policies of a world by which a check with these controls judges all of its objects.
pub fn policies<'a>(world: World<'a>, controls: &[&Control]) -> Policies<'a> {
    let asked: BTreeSet<&str> = controls.iter().map(|control| &*control.id).collect();
    Policies::new(world).asked(|name| asked.contains(&*id(Flavour::Validating, name)))
}

/// The forms that the pods of a workload have when policies are asked about them; none
/// where it makes none. In what the forms differ only a running cluster decides.
pub fn pods_of(policies: &Policies<'_>, object: &Object) -> Vec<Possible> {
    let path = template_path(&object.thing.group, &object.thing.kind);
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Vec::new() };
    let (sent, _) = made(policies.estate().kinds().schema(), object, path);
    let Some(first) = sent.first() else { return Vec::new() };
    plugins::forms(policies.estate(), &pods::request(object, first), &sent)
}

/// The pods of a template, by guesses, and where their volumes stand in it. Some fields
/// have defaults in a pod that they do not have in a template.
fn made(schema: Schema, object: &Object, path: &[&str]) -> (Vec<Value>, Vec<Option<usize>>) {
    match Guess::BOTH.map(|guess| pods::made(object, path, guess)) {
        [Some(first), Some(second)] => {
            let filled = [first.value, second.value].map(|pod| defaults::apply(schema, &pod));
            (filled.into(), first.volumes)
        }
        _ => (Vec::new(), Vec::new()),
    }
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
        if object.standing == Standing::Assumed || owners::is_over(object) {
            return;
        }
        let first = judgement.findings.len();
        let mut verdicts: BTreeMap<usize, Verdict> = BTreeMap::new();
        let subject = Subject { object, template: None, volumes: Vec::new() };
        self.judge(&subject, std::slice::from_ref(&object.value), &mut verdicts, judgement);
        if let Some(path) = template_path(&object.thing.group, &object.thing.kind)
            && !path.is_empty()
        {
            let schema = self.policies.estate().kinds().schema();
            let (sent, volumes) = made(schema, object, path);
            let subject = Subject { object, template: Some(path), volumes };
            self.judge(&subject, &sent, &mut verdicts, judgement);
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

    /// Judges an object, or the pod that it makes, in the forms that it may be sent in.
    fn judge(
        &self,
        subject: &Subject<'a>,
        sent: &[Value],
        verdicts: &mut BTreeMap<usize, Verdict>,
        judgement: &mut Judgement,
    ) {
        let (object, Some(value)) = (subject.object, sent.first()) else { return };
        let kinds = self.policies.estate().kinds();
        let request = match subject.template {
            None => Request::create(&kinds, object, value),
            Some(_) => Some(pods::request(object, value)),
        };
        let Some(mut request) = request else {
            return self.undefined(subject, verdicts, judgement);
        };
        let is_stored = matches!(object.standing, Standing::Live | Standing::Partial);
        request.is_stored = is_stored && subject.template.is_none();
        let forms = plugins::forms(self.policies.estate(), &request, sent);
        let answer = self.policies.answer(&request, &forms);
        let decision = &answer.decision;
        let mut note = |flavour: Flavour, policy: &str, verdict: Verdict| {
            self.note(flavour, policy, verdict, verdicts)
        };
        for failure in answer.mutated.refusals() {
            if note(Flavour::Mutating, failure.policy, Verdict::Violated) {
                judgement.findings.push(self.unchanged(subject, failure));
            }
        }
        let by = answer.mutated.changed_by();
        let sent = forms.first().map_or(value, |form| &form.value);
        let estate = self.policies.estate();
        let before = (!by.is_empty()).then(|| estate.written(request.kind, sent));
        let after = answer.mutated.object.as_ref();
        let may_be_by = self.may_change(&request, after, sent, decision);
        let changed = Changed { by, before: before.as_ref(), after, may_be_by };
        let mut note = |policy: &str, verdict: Verdict| note(Flavour::Validating, policy, verdict);
        for ran in &decision.ran {
            let verdict = match ran.said.iter().any(|said| said.denies) {
                true => Verdict::Violated,
                false => Verdict::Holds,
            };
            if note(ran.policy, verdict) && verdict == Verdict::Violated {
                judgement.findings.push(self.violation(subject, ran, &changed));
            }
        }
        self.errors(subject, decision, &mut note, judgement);
        for doubt in &decision.doubts {
            if note(doubt.policy, Verdict::Unknown) {
                judgement.findings.push(self.unknown(subject, doubt));
            }
        }
    }

    /// The mutating webhooks that may change an object that is refused. They were asked
    /// about what is stored.
    fn may_change(
        &self,
        request: &Request<'_>,
        after: Option<&Value>,
        sent: &Value,
        decision: &Decision<'_>,
    ) -> Vec<&str> {
        let mut said = decision.ran.iter().flat_map(|ran| &ran.said);
        if request.is_stored || !said.any(|said| said.denies) {
            return Vec::new();
        }
        let object = Known::Some(after.unwrap_or(sent));
        self.policies.may_change(&Request { object, is_mutated: after.is_some(), ..*request })
    }

    /// Takes a policy's verdict in; false where its control is not asked for.
    fn note(
        &self,
        flavour: Flavour,
        policy: &str,
        verdict: Verdict,
        verdicts: &mut BTreeMap<usize, Verdict>,
    ) -> bool {
        let Some(at) = self.places.get(&id(flavour, policy)) else { return false };
        let known = verdicts.entry(*at).or_insert(verdict);
        *known = (*known).max(verdict);
        true
    }

    fn unknown(&self, subject: &Subject<'_>, doubt: &Doubt<'_>) -> Finding {
        let element = doubt.binding.unwrap_or_default();
        Finding {
            verdict: Verdict::Unknown,
            message: format!("{}it cannot be told: {}", subject.prefix(), doubt.missing),
            missing: vec![doubt.missing.clone()],
            ..self.finding(subject, doubt.policy, element, Severity::Medium)
        }
    }

    /// Of an object whose kind nobody defines it is not known which policies are asked.
    fn undefined(
        &self,
        subject: &Subject<'_>,
        verdicts: &mut BTreeMap<usize, Verdict>,
        judgement: &mut Judgement,
    ) {
        let (object, kinds) = (subject.object, self.policies.estate().kinds());
        let missing =
            || format!("the definition of {} in {}", object.thing.kind, object.api_version());
        for (policy, _) in self.policies.validating() {
            if policy.constraints.may_cover(object, kinds)
                && self.note(Flavour::Validating, policy.name, Verdict::Unknown, verdicts)
            {
                let name = policy.name;
                let doubt =
                    Doubt { policy: name, binding: None, may_deny: true, missing: missing() };
                judgement.findings.push(self.unknown(subject, &doubt));
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
