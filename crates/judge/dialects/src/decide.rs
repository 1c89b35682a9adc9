//! The answer to a request, over all policies in force
//! (`k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go`).
//!
//! The API server asks policies and bindings in the order of Go's maps, which is
//! another one each time it loads them; here it is the order of their names. Which
//! refusal is told first therefore differs there from time to time when several
//! policies refuse: [`Decision::denials`] has all of them.

use std::collections::BTreeMap;

use crate::allowance::Allowance;
use crate::decision::{Decision, Denial, Doubt, Ran, Read, Said};
use crate::estate::{Namespace, Param, Params};
use crate::evaluate::{self, Evaluation, Outcome, Step};
use crate::input::{Documents, namespace_of, with_seen};
use crate::matching::{Matched, Matching};
use crate::policies::{Entry, Policies, is_never_asked};
use crate::policy::{Action, Binding, FailurePolicy, Policy};
use crate::request::Request;
use crate::text;

/// The audit annotation of violations that a binding only audits.
const FAILURE_KEY: &str = "validation.policy.admission.k8s.io/validation_failure";
/// So many of them are told.
const MOST_FAILURES: usize = 50;

/// A violation that is only audited.
struct Failure<'e> {
    message: String,
    policy: &'e str,
    binding: &'e str,
    index: usize,
    actions: &'e [Action],
}

/// What the validating policies say to a request.
pub(crate) fn review<'p>(policies: &'p Policies<'p>, request: &Request<'_>) -> Decision<'p> {
    let decision = Decision::allowed();
    let mut review = Review { policies, request, decision, failures: Vec::new() };
    if !is_never_asked(request) {
        for entry in &policies.validating {
            review.policy(entry);
        }
    }
    review.finish()
}

/// What is told is of the policies alone, so that the request may go before it.
struct Review<'r, 'q, 'e> {
    policies: &'e Policies<'e>,
    request: &'r Request<'q>,
    decision: Decision<'e>,
    failures: Vec<Failure<'e>>,
}

impl<'e> Review<'_, '_, 'e> {
    fn policy(&mut self, entry: &'e Entry<'e>) {
        let policy = &entry.policy;
        let estate = self.policies.estate();
        let matched = match policy.constraints.matches(self.request, estate) {
            Matching::No => return,
            Matching::Yes(matched) => matched,
            Matching::Error(error) => return self.config_error(policy, None, &error),
            Matching::Unknown(what) => return self.doubt(policy, None, what),
        };
        if let Some(error) = estate.configuration_error(policy) {
            return self.config_error(policy, None, &error);
        }
        let mut annotations: BTreeMap<&'e str, Vec<String>> = BTreeMap::new();
        let allowance = self.policies.allowance();
        for binding in &entry.bindings {
            self.binding(entry, binding, &matched, &allowance, &mut annotations);
        }
        for (key, values) in annotations {
            self.decision.audit.insert(format!("{}/{key}", policy.name), values.join(", "));
        }
    }

    fn binding(
        &mut self,
        entry: &'e Entry<'e>,
        binding: &'e Binding<'e>,
        matched: &Matched<'_>,
        allowance: &Allowance,
        annotations: &mut BTreeMap<&'e str, Vec<String>>,
    ) {
        let policy = &entry.policy;
        let estate = self.policies.estate();
        match binding.resources.as_ref().map(|it| it.matches(self.request, estate)) {
            None | Some(Matching::Yes(_)) => {}
            Some(Matching::No) => return,
            Some(Matching::Error(error)) => {
                return self.config_error(policy, Some(binding), &error);
            }
            Some(Matching::Unknown(what)) => return self.doubt(policy, Some(binding), what),
        }
        let params = match estate.params(policy, binding, self.request) {
            Params::Found(params) => params,
            Params::Error(error) => return self.config_error(policy, Some(binding), &error),
            Params::Unknown(what) => return self.doubt(policy, Some(binding), what),
        };
        if let Some(Namespace::Missing) = namespace_of(self.request, estate) {
            let name = self.request.namespace().unwrap_or_default();
            return self.config_error(
                policy,
                Some(binding),
                &format!("namespaces {name:?} not found"),
            );
        }
        for param in params {
            // Making what it sees takes time, too.
            if allowance.left() == 0 {
                return self.doubt(policy, Some(binding), allowance.spent());
            }
            self.evaluate(entry, binding, matched, (param, allowance), annotations);
        }
    }

    fn evaluate(
        &mut self,
        entry: &'e Entry<'e>,
        binding: &'e Binding<'e>,
        matched: &Matched<'_>,
        (param, allowance): (Param<'_>, &Allowance),
        annotations: &mut BTreeMap<&'e str, Vec<String>>,
    ) {
        let (policies, request) = (self.policies, self.request);
        let bounds = (allowance, entry.program.variables.len());
        with_seen(policies, request, matched, param, bounds, |seen, documents| {
            let evaluation = evaluate::evaluate(&entry.policy, &entry.program, seen);
            if !evaluation.is_met {
                return;
            }
            self.apply(entry, binding, &evaluation, annotations);
            let said = evaluation.steps.iter().map(|step| said(step, entry, documents, request));
            self.decision.ran.push(Ran {
                policy: entry.policy.name,
                binding: binding.name,
                param: match param {
                    Param::None => None,
                    Param::Object(object) => Some(object.thing.to_string()),
                },
                actions: binding.actions.clone(),
                said: said.collect(),
                cost: evaluation.cost,
            });
        });
    }

    fn apply(
        &mut self,
        entry: &'e Entry<'e>,
        binding: &'e Binding<'e>,
        evaluation: &Evaluation<'_>,
        annotations: &mut BTreeMap<&'e str, Vec<String>>,
    ) {
        let policy = &entry.policy;
        for step in &evaluation.steps {
            if let Outcome::Unknown(what) = &step.outcome {
                self.doubt(policy, Some(binding), what.clone());
            }
            if !step.denies {
                continue;
            }
            for action in &binding.actions {
                self.act(*action, policy, binding, step);
            }
        }
        for annotation in &evaluation.annotations {
            match &annotation.value {
                Ok(None) => {}
                Ok(Some(value)) => {
                    let key = policy.annotations.iter().find(|named| named.name == annotation.key);
                    let Some(key) = key else { continue };
                    let values = annotations.entry(key.name).or_default();
                    if !values.contains(value) {
                        values.push(value.clone());
                    }
                }
                Err(Outcome::Unknown(what)) => self.doubt(policy, Some(binding), what.clone()),
                Err(_) => {
                    let message = annotation.error.clone();
                    self.deny(policy, Some(binding), message, String::new());
                }
            }
        }
    }

    fn act(
        &mut self,
        action: Action,
        policy: &'e Policy<'e>,
        binding: &'e Binding<'e>,
        step: &Step<'_>,
    ) {
        let message = step.message.clone();
        match action {
            Action::Deny => self.deny(policy, Some(binding), message, step.reason.to_owned()),
            Action::Warn => self.decision.warnings.push(format!(
                "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {message}",
                policy.name, binding.name
            )),
            Action::Audit => self.failures.push(Failure {
                message,
                policy: binding.policy,
                binding: binding.name,
                index: step.index,
                actions: &binding.actions,
            }),
        }
    }

    fn deny(
        &mut self,
        policy: &'e Policy<'e>,
        binding: Option<&'e Binding<'e>>,
        message: String,
        reason: String,
    ) {
        let binding = binding.map(|binding| binding.name);
        self.decision.denials.push(Denial { policy: policy.name, binding, message, reason });
    }

    fn config_error(
        &mut self,
        policy: &'e Policy<'e>,
        binding: Option<&'e Binding<'e>>,
        error: &str,
    ) {
        if policy.failure == FailurePolicy::Ignore {
            return;
        }
        let what = if binding.is_some() { "binding" } else { "policy" };
        self.deny(policy, binding, format!("failed to configure {what}: {error}"), String::new());
    }

    fn doubt(&mut self, policy: &'e Policy<'e>, binding: Option<&'e Binding<'e>>, missing: String) {
        let may_deny = binding.is_none_or(|binding| binding.actions.contains(&Action::Deny));
        let binding = binding.map(|binding| binding.name);
        let doubt = Doubt { policy: policy.name, binding, may_deny, missing };
        if !self.decision.doubts.contains(&doubt) {
            self.decision.doubts.push(doubt);
        }
    }

    fn finish(self) -> Decision<'e> {
        let Review { request, mut decision, mut failures, .. } = self;
        if !failures.is_empty() {
            failures.truncate(MOST_FAILURES);
            decision.audit.insert(FAILURE_KEY.to_owned(), failures_json(&failures));
        }
        decision.warnings = text::delivered(&decision.warnings);
        decision.settle(request);
        decision
    }
}

fn said(step: &Step<'_>, entry: &Entry<'_>, documents: &Documents, request: &Request<'_>) -> Said {
    let mut reads = Vec::new();
    if step.outcome != Outcome::Admitted {
        for node in &step.reads.present {
            let source = documents.source(*node, request);
            reads.push(Read { source, pointer: node.pointer(), absent: None });
        }
        for (parent, name) in &step.reads.absent {
            let source = documents.source(*parent, request);
            reads.push(Read { source, pointer: parent.pointer(), absent: Some(name.clone()) });
        }
    }
    Said {
        index: step.index,
        outcome: step.outcome.clone(),
        denies: step.denies,
        message: step.message.clone(),
        reads,
        sees_object: entry.program.sees_object(step.index),
    }
}

fn failures_json(failures: &[Failure<'_>]) -> String {
    let mut json = String::from("[");
    for (index, failure) in failures.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        for (member, text) in [
            ("{\"message\":", &*failure.message),
            (",\"policy\":", failure.policy),
            (",\"binding\":", failure.binding),
        ] {
            json.push_str(member);
            text::json_string(text, &mut json);
        }
        let actions: Vec<String> =
            failure.actions.iter().map(|action| format!("\"{}\"", action.as_str())).collect();
        json.push_str(&format!(
            ",\"expressionIndex\":{},\"validationActions\":[{}]}}",
            failure.index,
            actions.join(",")
        ));
    }
    json.push(']');
    json
}
