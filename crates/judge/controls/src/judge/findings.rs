//! From a verdict to a finding: message, severity, place, evidence, repair.

use ironhull_cel::{Binding, Context, Val};
use ironhull_model::{Finding, Kind, Node, Object, Pointer, Repair, Severity, Verdict};
use sha2::{Digest, Sha256};

use super::cel_rule::{Outcome, Run, outcome};
use super::evidence::{self, Reads};
use super::owners;
use super::{Judge, Subject, shown};
use crate::control::{Part, Template};
use crate::environment::slot;
use crate::native::Element;

impl<'a> Judge<'a> {
    pub(super) fn params_of(&self, index: usize) -> &'a ironhull_model::Value {
        &self.assignments[index].params
    }

    /// The object of the world that a node is part of; none for parameters.
    pub(super) fn owner_of(&self, node: Node<'a>) -> Option<&'a Object> {
        self.by_value.get(&(std::ptr::from_ref(node.value()) as usize)).copied()
    }

    /// The finding that subjects of a control could not be seen.
    pub(super) fn unseen_finding(&self, index: usize) -> Finding {
        let control = self.control(index);
        let missing = self.unseen(control).into_iter().map(all_of).collect();
        Finding {
            control: self.names[index].control.clone(),
            assignment: self.names[index].policy.clone(),
            rung: self.assignments[index].rung(),
            owner: None,
            subject: self.world.base.cluster.thing.clone(),
            seen_in: None,
            element: "".into(),
            verdict: Verdict::Unknown,
            severity: self.severity(index),
            message: control.title.to_string(),
            at: Pointer::default(),
            place: None,
            evidence: Vec::new(),
            missing,
            repair: Repair::default(),
            accepted: None,
        }
    }

    /// An element that an engine found, as a finding.
    pub(super) fn native_finding(
        &self,
        index: usize,
        subject: Option<&Subject<'a>>,
        element: Element,
    ) -> Option<Finding> {
        let thing =
            element.subject.or_else(|| subject.map(|subject| subject.object.thing.clone()))?;
        let object: Option<&'a Object> = match subject {
            Some(subject) if subject.object.thing == thing => Some(subject.object),
            _ => self.world.get(&thing).map(|object| &**object),
        };
        let place = object
            .and_then(|object| evidence::place(object, evidence::nearest(object, &element.at).0));
        let unknown = !element.missing.is_empty();
        let severity = element.severity.unwrap_or_else(|| self.severity(index));
        let mut evidence = Vec::new();
        if severity >= self.proof_from {
            let own = if element.evidence.is_empty() {
                std::slice::from_ref(&element.at)
            } else {
                &element.evidence
            };
            if let Some(object) = object {
                evidence.extend(own.iter().map(|pointer| evidence::evidence_at(object, pointer)));
            }
            for (other, pointer) in &element.related {
                let other = self.world.get(other);
                evidence.extend(other.map(|object| evidence::evidence_at(object, pointer)));
            }
        }
        Some(Finding {
            control: self.names[index].control.clone(),
            assignment: self.names[index].policy.clone(),
            rung: self.assignments[index].rung(),
            owner: owners::person(match subject {
                Some(subject) if subject.object.thing == thing => subject.facts,
                _ => self.world.base.facts_for(&thing),
            }),
            subject: thing,
            seen_in: None,
            element: element.name.into(),
            verdict: if unknown { Verdict::Unknown } else { Verdict::Violated },
            severity,
            message: element.message,
            at: element.at,
            place,
            evidence,
            missing: element.missing,
            repair: Repair::new(element.repair, self.names[index].may.as_ref()),
            accepted: None,
        })
    }
}

/// What is missing where not all objects of a kind are known.
pub(super) fn all_of(kind: &str) -> String {
    format!("all {kind} objects")
}

impl<'a> Run<'_, 'a> {
    /// The finding for the present bindings.
    pub(super) fn finding(&self, verdict: Verdict) -> Finding {
        let object = self.subject.object;
        let control = self.judge.control(self.index);
        let at = self.at();
        let violated = verdict == Verdict::Violated;
        let severity = self.severity();
        let proven = violated && severity >= self.judge.proof_from;
        Finding {
            control: self.judge.names[self.index].control.clone(),
            assignment: self.judge.names[self.index].policy.clone(),
            rung: self.judge.assignments[self.index].rung(),
            subject: object.thing.clone(),
            seen_in: None,
            element: self.element_name().into(),
            verdict,
            severity,
            message: match (violated, proven) {
                (true, true) => self.render(&self.rule.message),
                (true, false) => String::new(),
                (false, _) => control.title.to_string(),
            },
            at: at.pointer(),
            place: evidence::place(object, at),
            evidence: if proven { self.evidence() } else { Vec::new() },
            missing: self.missing.clone(),
            repair: if proven { self.repair() } else { Repair::default() },
            owner: owners::person(self.subject.facts),
            accepted: None,
        }
    }

    /// Evaluates `must` once more, writing down what it reads.
    fn evidence(&self) -> Vec<ironhull_model::Evidence> {
        let mut reads = Reads::default();
        // What a `let` read was read for the rule; the verdict is known, only the
        // reads matter.
        let programs = self.rule.lets.iter().map(|bound| &bound.program).chain([&self.rule.must]);
        for expression in programs {
            let mut context = Context::new();
            context.host = Some(&self.functions);
            context.trace = Some(&mut reads);
            _ = expression.program.eval(self.bindings, &mut context);
        }
        let control = self.judge.control(self.index);
        let names = control.needs.iter().chain(&control.helps);
        let facts: Vec<_> = names.filter_map(|name| self.subject.facts.get(name)).collect();
        let evidence = reads.evidence(self.judge, self.subject.object, &facts);
        if evidence.is_empty() {
            // The rule looked at nothing inside: the element itself is the proof.
            return vec![evidence::evidence(self.subject.object, self.at(), None)];
        }
        evidence
    }

    fn severity(&self) -> Severity {
        let control: &'a crate::control::Control = self.judge.control(self.index);
        for line in &control.severity {
            // An error here must not make a finding look harmless.
            let applies = line.when.as_ref().is_none_or(|when| {
                !matches!(self.evaluate(when), Outcome::Value(Val::Bool(false)))
            });
            if applies {
                return line.severity;
            }
        }
        Severity::Medium
    }

    /// The node the finding points at.
    fn at(&self) -> Node<'a> {
        let explicit = self.rule.at.as_ref().and_then(|at| match self.evaluate(at) {
            Outcome::Value(Val::Optional(Some(value))) => value.node(),
            Outcome::Value(value) => value.node(),
            _ => None,
        });
        explicit.filter(|node| self.is_of_subject(*node)).unwrap_or_else(|| self.default_at())
    }

    fn default_at(&self) -> Node<'a> {
        let bound = self.each_bindings().iter().rev().find_map(|binding| match binding {
            Binding::Val(value) => value.node().filter(|node| self.is_of_subject(*node)),
            _ => None,
        });
        bound.or(self.subject.pod).unwrap_or_else(|| self.subject.object.root())
    }

    fn is_of_subject(&self, node: Node<'_>) -> bool {
        std::ptr::eq(node.value(), &raw const self.subject.object.value)
    }

    fn each_bindings(&self) -> &[Binding<'a>] {
        let control = self.judge.control(self.index);
        &self.bindings[slot::COUNT + control.related.len() + self.rule.lets.len()..]
    }

    /// The element's name: the names of the items it is bound to.
    fn element_name(&self) -> String {
        let mut names = Vec::new();
        for binding in self.each_bindings() {
            let Binding::Val(value) = binding else { continue };
            names.push(match value.node() {
                Some(node) => item_name(node),
                None => shown(value),
            });
        }
        names.join("/")
    }

    /// A template with the present bindings; what cannot be evaluated shows as `?`.
    pub(super) fn render(&self, template: &Template) -> String {
        let mut text = String::new();
        for part in &template.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Value(expression) => {
                    let mut context = Context::new();
                    context.host = Some(&self.functions);
                    match outcome(expression.program.eval(self.bindings, &mut context)) {
                        Outcome::Value(value) => text.push_str(&shown(&value)),
                        _ => text.push('?'),
                    }
                }
            }
        }
        text
    }
}

/// A list item's name that survives reordering: its list-map key, its text, or
/// a short hash of its content.
pub(crate) fn item_name(node: Node<'_>) -> String {
    const KEYS: [&str; 6] =
        ["name", "mountPath", "devicePath", "containerPort", "port", "topologyKey"];
    let is_scalar = !matches!(node.kind(), Kind::Map | Kind::List);
    if node.index().is_none() && !is_scalar {
        return node.key().unwrap_or_default().to_owned();
    }
    match node.kind() {
        Kind::Map => match KEYS.iter().find_map(|key| node.get(key)) {
            Some(key) => key.display(),
            None => short_hash(node),
        },
        Kind::List => short_hash(node),
        _ => node.display(),
    }
}

fn short_hash(node: Node<'_>) -> String {
    let digest = Sha256::digest(node.to_json());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The pointer of a binding's node with member names behind it.
pub(super) fn target(node: Node<'_>, path: &[Box<str>]) -> Pointer {
    path.iter().fold(node.pointer(), |pointer, name| pointer.join(name))
}
