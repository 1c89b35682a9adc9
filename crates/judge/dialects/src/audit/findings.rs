//! What is found, with its proof.

use ironhull_controls::judge::{evidence, owners};
use ironhull_model::{Evidence, Finding, Object, Pointer, Repair, Severity, Value, Verdict};

use super::controls::{id, severity_of};
use super::{Audit, Changed, MOST, Subject};
use crate::decision::{Ran, Said};
use crate::evaluate::Outcome;
use crate::input::Source;
use crate::mutate::Failure;
use crate::policies::Refused;
use crate::policy::Flavour;

/// So many webhooks are named.
const MOST_WEBHOOKS: usize = 3;

impl Audit<'_> {
    pub(super) fn violation(
        &self,
        subject: &Subject<'_>,
        ran: &Ran<'_>,
        changed: &Changed<'_>,
    ) -> Finding {
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
        let after = match changed.is_read(first) {
            false => String::new(),
            true => format!(", after {} changed it", changed.by.join(" and ")),
        };
        let how = if first.outcome == Outcome::Failed { "ends in an error: " } else { "" };
        let evidence = subject.evidence(first);
        let at = evidence.last().map(|last| last.pointer.clone());
        let at = at.unwrap_or_else(|| finding.at.clone());
        let node = evidence::nearest(subject.object, &at).0;
        Finding {
            message: format!(
                "{}{how}{}{more}, says {} by binding {}{after}{}",
                subject.prefix(),
                first.message,
                ran.policy,
                ran.binding,
                changed.unless(first),
            ),
            place: evidence::place(subject.object, node),
            at,
            evidence,
            ..finding
        }
    }

    /// A mutation that fails, so that the object would be refused.
    pub(super) fn unchanged(&self, subject: &Subject<'_>, failure: &Failure<'_>) -> Finding {
        let own = format!("{}/{}", Flavour::Mutating.kind(), failure.policy);
        let severity = self.severities.get(&own).copied().unwrap_or(Severity::High);
        let element = failure.binding.unwrap_or_default();
        Finding {
            control: id(Flavour::Mutating, failure.policy).into(),
            message: format!("{}{}", subject.prefix(), failure.text()),
            ..self.finding(subject, failure.policy, element, severity)
        }
    }

    pub(super) fn finding(
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
        finding.owner =
            owners::person(self.policies.estate().world().base.facts_for(&object.thing));
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

pub(super) fn refusal(id: &str, refused: &Refused<'_>) -> Finding {
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

impl Changed<'_> {
    /// Which webhooks may mend what a validation read of the object.
    fn unless(&self, said: &Said) -> String {
        if self.may_be_by.is_empty() || !said.sees_object {
            return String::new();
        }
        let shown = self.may_be_by[..self.may_be_by.len().min(MOST_WEBHOOKS)].join(", ");
        match self.may_be_by.len() {
            1 => format!(", unless the webhook {shown} changes it first"),
            n if n > MOST_WEBHOOKS => {
                let more = n - MOST_WEBHOOKS;
                format!(", unless one of the webhooks {shown} and {more} more changes it first")
            }
            _ => format!(", unless one of the webhooks {shown} changes it first"),
        }
    }

    /// Whether a validation read something that was changed.
    fn is_read(&self, said: &Said) -> bool {
        let (Some(before), Some(after)) = (self.before, self.after) else { return false };
        let own = said.reads.iter().filter(|read| read.source == Source::Object);
        { own }.any(|read| {
            let of = |value: &Value| -> Option<Value> {
                let all =
                    read.pointer.segments().map(|it| it.into_owned()).chain(read.absent.clone());
                let mut node = value.root();
                for segment in all {
                    node = node.child(&segment)?;
                }
                Some(node.to_value())
            };
            of(before) != of(after)
        })
    }
}

impl Subject<'_> {
    pub(super) fn prefix(&self) -> &'static str {
        if self.template.is_some() { "the pods it makes: " } else { "" }
    }

    /// What a validation read of the object, without the way there.
    fn evidence(&self, said: &Said) -> Vec<Evidence> {
        let own = said.reads.iter().filter(|read| read.source == Source::Object);
        let mut read: Vec<Pointer> = own
            .filter_map(|read| {
                let mut pointer = self.place_of(&read.pointer)?;
                match &read.absent {
                    Some(name) => pointer.push(name),
                    // What others added stands nowhere.
                    None if evidence::nearest(self.object, &pointer).1.is_some() => return None,
                    None => {}
                }
                Some(pointer)
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

    /// Where something of the pod stands in the object; none where it does not.
    fn place_of(&self, pointer: &Pointer) -> Option<Pointer> {
        let Some(path) = self.template else { return Some(pointer.clone()) };
        let mut place = Pointer::root();
        let is_own = ["/metadata/namespace", "/metadata/generateName", "/metadata/name"]
            .contains(&pointer.as_str());
        if !is_own {
            path.iter().for_each(|name| place.push(name));
        }
        let is_of_volume = pointer.as_str().starts_with("/spec/volumes/");
        for (depth, segment) in pointer.segments().enumerate() {
            match (depth, is_of_volume) {
                (2, true) => {
                    let at: usize = segment.parse().ok()?;
                    place.push(&(*self.volumes.get(at)?)?.to_string());
                }
                _ => place.push(&segment),
            }
        }
        Some(place)
    }
}
