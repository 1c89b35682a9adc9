//! What is found, with its proof.

use ironhull_controls::judge::{evidence, owners};
use ironhull_model::{Evidence, Finding, Object, Pointer, Repair, Severity, Verdict};

use super::controls::{id, severity_of};
use super::{Audit, MOST, Subject};
use crate::decision::{Ran, Said};
use crate::evaluate::Outcome;
use crate::input::Source;
use crate::policies::Refused;
use crate::policy::Flavour;

impl Audit<'_> {
    pub(super) fn violation(&self, subject: &Subject<'_>, ran: &Ran<'_>) -> Finding {
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

impl Subject<'_> {
    pub(super) fn prefix(&self) -> &'static str {
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
