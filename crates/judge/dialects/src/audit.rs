//! Background audit, which the API server never does: what is there already, judged
//! by the policies in force as if somebody created it now. Workloads are judged as
//! the pods that they make, too.
//!
//! Who asks is not known, nor is what was there before: a policy that reads it is
//! unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ironhull_controls::control::{Applies, Control, Rule, SeverityLine, Surface};
use ironhull_controls::judge::{Judgement, Tally, evidence, owners};
use ironhull_model::{
    Evidence, Finding, Node, Object, Pointer, Repair, Severity, Standing, Value, Verdict, World,
};
use ironhull_schema::template_path;

use crate::decision::{Decision, Ran, Said};
use crate::evaluate::Outcome;
use crate::input::Source;
use crate::policies::{Policies, Refused};
use crate::policy::{Action, Flavour, GROUP, text};
use crate::request::Request;

mod pods;

/// The label or annotation of a policy or binding that says how bad its violations are.
pub const SEVERITY: &str = "ironhull.dev/severity";

/// More than this is no proof that a person reads.
const MOST: usize = 8;

/// The policies of a world as controls: `vap/NAME` and `map/NAME`.
pub fn controls(world: World<'_>) -> Vec<Control> {
    let mut named: BTreeMap<String, (Severity, Option<&Arc<Object>>)> = BTreeMap::new();
    for flavour in Flavour::ALL {
        for object in world.of_kind(GROUP, flavour.binding_kind()) {
            let Some(spec) = object.root().get("spec") else { continue };
            let severity = said_severity(object).unwrap_or_else(|| severity_of_actions(spec));
            let id = id(flavour, text(spec, "policyName"));
            let known = named.entry(id).or_insert((Severity::Low, None));
            known.0 = known.0.max(severity);
        }
        for object in world.of_kind(GROUP, flavour.kind()) {
            let known = named.entry(id(flavour, &object.thing.name));
            let known = known.or_insert((Severity::Medium, None));
            known.1 = Some(object);
            known.0 = said_severity(object).unwrap_or(known.0);
        }
    }
    named.into_iter().map(|(id, (severity, object))| control(&id, severity, object)).collect()
}

fn id(flavour: Flavour, name: &str) -> String {
    match flavour {
        Flavour::Validating => format!("vap/{name}"),
        Flavour::Mutating => format!("map/{name}"),
    }
}

fn said_severity(object: &Object) -> Option<Severity> {
    object.annotation(SEVERITY).or_else(|| object.label(SEVERITY))?.parse().ok()
}

fn severity_of_actions(spec: Node<'_>) -> Severity {
    let has = |action: &str| {
        let actions = spec.get("validationActions").into_iter().flat_map(Node::items);
        { actions }.any(|item| item.as_str() == Some(action))
    };
    match () {
        () if has("Deny") => Severity::High,
        () if has("Warn") => Severity::Medium,
        () => Severity::Low,
    }
}

fn severity_of(actions: &[Action]) -> Severity {
    match () {
        () if actions.contains(&Action::Deny) => Severity::High,
        () if actions.contains(&Action::Warn) => Severity::Medium,
        () => Severity::Low,
    }
}

fn control(id: &str, severity: Severity, object: Option<&Arc<Object>>) -> Control {
    let name = id.split_once('/').map_or(id, |(_, name)| name);
    let description = object.and_then(|object| object.annotation("description"));
    let title = match (description, id.starts_with("map/")) {
        (Some(text), _) => text.to_owned(),
        (None, false) => format!("The admission policy {name} admits what is there"),
        (None, true) => format!("The admission policy {name} is in force"),
    };
    Control {
        id: id.into(),
        catalogue: Vec::new(),
        surface: Surface::Cluster,
        title: title.into(),
        why: "An admission policy judges what changes, never what is there already; that is \
              refused as soon as somebody changes it."
            .into(),
        applies: Applies::Any,
        from: None,
        until: None,
        params: "{}".into(),
        related: Vec::new(),
        needs: Vec::new(),
        helps: Vec::new(),
        rule: Rule::Native("dialects/policy".into()),
        may: None,
        severity: vec![SeverityLine { severity, when: None }],
        standards: Vec::new(),
        packs: Vec::new(),
        portable: false,
        examples: "[]".into(),
    }
}

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

    fn violation(&self, subject: &Subject<'_>, ran: &Ran<'_>) -> Finding {
        let violated: Vec<&Said> = ran.said.iter().filter(|said| said.denies).collect();
        let first = violated[0];
        let element = match &ran.param {
            None => ran.binding.to_owned(),
            Some(param) => format!("{}/{param}", ran.binding),
        };
        let more = match violated.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        let own = |name: &str, kind: &str| self.severities.get(&format!("{kind}/{name}")).copied();
        let severity = own(ran.binding, Flavour::Validating.binding_kind())
            .or_else(|| own(ran.policy, Flavour::Validating.kind()))
            .unwrap_or_else(|| severity_of(&ran.actions));
        let finding = self.finding(subject, ran.policy, &element, severity);
        let how = if first.outcome == Outcome::Failed { "ends in an error: " } else { "" };
        let evidence = subject.evidence(first);
        let at = evidence.last().map(|last| last.pointer.clone());
        let at = at.unwrap_or_else(|| finding.at.clone());
        let node = evidence::nearest(subject.object, &at).0;
        Finding {
            message: format!(
                "{}{how}{}{more}, says {} by binding {}",
                subject.prefix(),
                first.message,
                ran.policy,
                ran.binding
            ),
            place: evidence::place(subject.object, node),
            at,
            evidence,
            ..finding
        }
    }

    fn finding(
        &self,
        subject: &Subject<'_>,
        policy: &str,
        element: &str,
        severity: Severity,
    ) -> Finding {
        let object = subject.object;
        let id = id(Flavour::Validating, policy);
        let prefix = if subject.template.is_some() { "pods/" } else { "" };
        let mut finding = bare(&id, object, severity);
        finding.element = format!("{prefix}{element}").into();
        finding.owner = owners::person(self.policies.estate().world(), &object.thing);
        finding
    }
}

fn bare(id: &str, object: &Object, severity: Severity) -> Finding {
    let root = object.root();
    let node = root.get("metadata").unwrap_or(root);
    Finding {
        control: id.into(),
        assignment: "".into(),
        rung: ironhull_model::finding::Rung::default(),
        subject: object.thing.clone(),
        seen_in: None,
        element: "".into(),
        verdict: Verdict::Violated,
        severity,
        message: String::new(),
        at: node.pointer(),
        place: evidence::place(object, node),
        evidence: Vec::new(),
        missing: Vec::new(),
        repair: Repair::default(),
        owner: None,
        accepted: None,
    }
}

fn refusal(id: &str, refused: &Refused<'_>) -> Finding {
    let all = &refused.problems;
    let (path, message) = all.first().map_or(("", ""), |it| (&*it.path, &*it.message));
    // The compiler shows the place below.
    let message = message.lines().next().unwrap_or_default();
    let more = match all.len().saturating_sub(1) {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    let pointer = pointer(path);
    let (node, _) = evidence::nearest(refused.object, &pointer);
    Finding {
        message: format!("the API server refuses it: {path}: {message}{more}"),
        at: node.pointer(),
        place: evidence::place(refused.object, node),
        evidence: vec![evidence::evidence_at(refused.object, &pointer)],
        ..bare(id, refused.object, Severity::Medium)
    }
}

/// `spec.validations[0].message` as a pointer.
fn pointer(path: &str) -> Pointer {
    let mut pointer = Pointer::root();
    for part in path.split(['.', '[']) {
        pointer.push(part.trim_end_matches(']'));
    }
    pointer
}

impl Subject<'_> {
    fn prefix(&self) -> &'static str {
        if self.template.is_some() { "the pods it makes: " } else { "" }
    }

    /// What a validation read of the object, without the way there.
    fn evidence(&self, said: &Said) -> Vec<Evidence> {
        let own = said.reads.iter().filter(|read| read.source == Source::Object);
        let mut read: Vec<Pointer> = own
            .map(|read| {
                let mut pointer = self.place_of(&read.pointer);
                if let Some(name) = &read.absent {
                    pointer.push(name);
                }
                pointer
            })
            .collect();
        let all = read.clone();
        read.retain(|pointer| {
            let inside = format!("{pointer}/");
            !all.iter().any(|other| other.as_str().starts_with(&inside))
        });
        read.dedup();
        let skipped = read.len().saturating_sub(MOST);
        read.iter().skip(skipped).map(|at| evidence::evidence_at(self.object, at)).collect()
    }

    /// Where something of the pod stands in the object.
    fn place_of(&self, pointer: &Pointer) -> Pointer {
        let Some(path) = self.template else { return pointer.clone() };
        let mut place = Pointer::root();
        let is_own = ["/metadata/namespace", "/metadata/generateName"].contains(&pointer.as_str());
        if !is_own {
            path.iter().for_each(|name| place.push(name));
        }
        pointer.segments().for_each(|segment| place.push(&segment));
        place
    }
}
