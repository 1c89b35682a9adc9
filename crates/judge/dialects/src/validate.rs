//! What the API server refuses of policies and bindings
//! (`pkg/apis/admissionregistration/validation`). What it refuses it never holds, so
//! that it is not in force.

use std::collections::BTreeSet;

use ironhull_model::{Minor, Node, Object};
use ironhull_schema::Schema;

use crate::evaluate::Program;
use crate::policy::{Binding, Flavour, Policy, list, text};

mod names;
mod rules;

use names::{is_identifier, is_label, is_path_segment, is_qualified, is_subdomain};

/// So many match conditions are allowed.
const MOST_CONDITIONS: usize = 64;
/// So many audit annotations are allowed.
const MOST_ANNOTATIONS: usize = 20;
/// An audit annotation's expression may have so many bytes.
const LONGEST_VALUE: usize = 5 * 1024;

/// Something that the API server refuses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// Where, as the API server names it: `spec.validations[0].message`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into() });
    }

    fn unless(&mut self, is_fine: bool, path: &str, message: &str) {
        if !is_fine {
            self.add(path, message);
        }
    }

    /// A member that must be one of some texts, or left out.
    fn one_of(&mut self, given: &str, allowed: &[&str], path: &str) {
        let is_fine = given.is_empty() || allowed.contains(&given);
        self.unless(is_fine, path, &format!("{given:?} is none of {}", allowed.join(", ")));
    }
}

const REQUIRED: &str = "is required";

/// An API server does not take what its minor does not serve.
fn served(object: &Object, minor: Minor, problems: &mut Problems) {
    let (thing, version) = (&object.thing, &object.version);
    if Schema::of(minor).kind(&thing.group, version, &thing.kind).is_none() {
        problems.add("apiVersion", format!("Kubernetes {minor} does not serve it in {version}"));
    }
}

/// What is wrong with a policy. What the API server holds already it has accepted.
pub(crate) fn policy(policy: &Policy<'_>, minor: Minor) -> Vec<Problem> {
    let mut problems = Problems::default();
    served(policy.object, minor, &mut problems);
    let Some(spec) = policy.object.root().get("spec") else { return Vec::new() };
    named_object(policy.object, &mut problems);
    problems.one_of(text(spec, "failurePolicy"), &["Fail", "Ignore"], "spec.failurePolicy");
    if let Some(kind) = spec.get("paramKind").filter(|kind| !kind.is_null()) {
        param_kind(kind, &mut problems);
    }
    let is_mutating = policy.flavour == Flavour::Mutating;
    match spec.get("matchConstraints").filter(|node| !node.is_null()) {
        Some(node) => {
            rules::resources(node, "spec.matchConstraints", is_mutating, &mut problems);
            if list(node, "resourceRules").next().is_none() {
                problems.add("spec.matchConstraints.resourceRules", REQUIRED);
            }
        }
        None => problems.add("spec.matchConstraints", REQUIRED),
    }
    conditions(policy, minor, &mut problems);
    for (index, named) in policy.variables.iter().enumerate() {
        let at = format!("spec.variables[{index}]");
        problems.unless(
            is_identifier(named.name),
            &format!("{at}.name"),
            "is no identifier of CEL",
        );
        blank(named.expression, &format!("{at}.expression"), &mut problems);
    }
    match policy.flavour {
        Flavour::Validating => validating(policy, &mut problems),
        Flavour::Mutating => mutating(spec, &mut problems),
    }
    // What is new must compile on the version before too.
    let before = Minor { minor: minor.minor.saturating_sub(1), ..minor };
    for (path, error) in Program::compile(policy, before).broken() {
        let of_condition = path.starts_with("spec.matchConditions");
        if !of_condition && !problems.0.iter().any(|problem| problem.path == path) {
            problems.add(path, error);
        }
    }
    problems.0
}

fn named_object(object: &Object, problems: &mut Problems) {
    problems.unless(is_subdomain(&object.thing.name), "metadata.name", "is no DNS subdomain");
}

fn blank(expression: &str, path: &str, problems: &mut Problems) {
    problems.unless(!expression.trim().is_empty(), path, REQUIRED);
}

fn param_kind(kind: Node<'_>, problems: &mut Problems) {
    let (version, name) = (text(kind, "apiVersion"), text(kind, "kind"));
    let path = "spec.paramKind.apiVersion";
    match version.split('/').collect::<Vec<_>>().as_slice() {
        [""] => problems.add(path, REQUIRED),
        [version] => problems.unless(is_label(version), path, "is no version"),
        [group, version] => {
            problems.unless(is_subdomain(group), path, "has no group");
            problems.unless(is_label(version), path, "has no version");
        }
        _ => problems.add(path, "is no group and version"),
    }
    let path = "spec.paramKind.kind";
    match name {
        "" => problems.add(path, REQUIRED),
        name => problems.unless(is_label(&name.to_lowercase()), path, "is no kind"),
    }
}

/// Conditions may not use variables.
fn conditions(policy: &Policy<'_>, minor: Minor, problems: &mut Problems) {
    let all = &policy.conditions;
    if all.len() > MOST_CONDITIONS {
        problems.add("spec.matchConditions", format!("has more than {MOST_CONDITIONS} items"));
    }
    let before = Minor { minor: minor.minor.saturating_sub(1), ..minor };
    let broken = Program::broken_conditions(policy, before);
    let mut names = BTreeSet::new();
    for (index, named) in all.iter().enumerate() {
        let at = format!("spec.matchConditions[{index}]");
        blank(named.expression, &format!("{at}.expression"), problems);
        if let Some((_, error)) = broken.iter().find(|(place, _)| *place == index)
            && !named.expression.trim().is_empty()
        {
            problems.add(format!("{at}.expression"), error);
        }
        let path = format!("{at}.name");
        match named.name {
            "" => problems.add(path, REQUIRED),
            name => {
                problems.unless(is_qualified(name), &path, "is no qualified name");
                problems.unless(names.insert(name), &path, "is there twice");
            }
        }
    }
}

fn validating(policy: &Policy<'_>, problems: &mut Problems) {
    if policy.validations.is_empty() && policy.annotations.is_empty() {
        for path in ["spec.validations", "spec.auditAnnotations"] {
            problems.add(path, "or the other must have an item");
        }
    }
    for (index, validation) in policy.validations.iter().enumerate() {
        let at = format!("spec.validations[{index}]");
        blank(validation.expression, &format!("{at}.expression"), problems);
        let (message, computed) = (validation.message, validation.message_expression);
        let is_blank = |text: &str| !text.is_empty() && text.trim().is_empty();
        problems.unless(!is_blank(computed), &format!("{at}.messageExpression"), "is blank");
        problems.unless(!is_blank(message), &format!("{at}.message"), "is blank");
        let has_breaks = message.trim().contains(['\n', '\r']);
        problems.unless(!has_breaks, &format!("{at}.message"), "has line breaks");
        let reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
        problems.one_of(validation.reason, &reasons, &format!("{at}.reason"));
    }
    if policy.annotations.len() > MOST_ANNOTATIONS {
        problems.add("spec.auditAnnotations", format!("has more than {MOST_ANNOTATIONS} items"));
    }
    let mut keys = BTreeSet::new();
    for (index, named) in policy.annotations.iter().enumerate() {
        let at = format!("spec.auditAnnotations[{index}]");
        let key = format!("{}/{}", policy.name, named.name);
        problems.unless(is_qualified(&key), &format!("{at}.key"), "is no qualified name");
        problems.unless(keys.insert(named.name), &format!("{at}.key"), "is there twice");
        let path = format!("{at}.valueExpression");
        blank(named.expression, &path, problems);
        let is_short = named.expression.trim().len() <= LONGEST_VALUE;
        problems.unless(is_short, &path, "has more than 5120 bytes");
    }
}

fn mutating(spec: Node<'_>, problems: &mut Problems) {
    let path = "spec.reinvocationPolicy";
    match text(spec, "reinvocationPolicy") {
        "" => problems.add(path, REQUIRED),
        given => problems.one_of(given, &["Never", "IfNeeded"], path),
    }
    if list(spec, "mutations").next().is_none() {
        problems.add("spec.mutations", REQUIRED);
    }
    for (index, mutation) in list(spec, "mutations").enumerate() {
        let at = format!("spec.mutations[{index}]");
        let has = |member| mutation.get(member).is_some_and(|node| !node.is_null());
        let (own, other) = match text(mutation, "patchType") {
            "JSONPatch" => ("jsonPatch", "applyConfiguration"),
            "ApplyConfiguration" => ("applyConfiguration", "jsonPatch"),
            "" => {
                problems.add(format!("{at}.patchType"), REQUIRED);
                continue;
            }
            given => {
                let known = ["ApplyConfiguration", "JSONPatch"];
                problems.one_of(given, &known, &format!("{at}.patchType"));
                continue;
            }
        };
        problems.unless(has(own), &format!("{at}.{own}"), REQUIRED);
        problems.unless(!has(other), &format!("{at}.{other}"), "is of the other patchType");
        if let Some(given) = mutation.get(own).filter(|node| !node.is_null()) {
            blank(text(given, "expression"), &format!("{at}.{own}.expression"), problems);
        }
    }
}

/// What is wrong with a binding.
pub(crate) fn binding(binding: &Binding<'_>, flavour: Flavour, minor: Minor) -> Vec<Problem> {
    let mut problems = Problems::default();
    served(binding.object, minor, &mut problems);
    let Some(spec) = binding.object.root().get("spec") else { return Vec::new() };
    named_object(binding.object, &mut problems);
    match binding.policy {
        "" => problems.add("spec.policyName", REQUIRED),
        name => problems.unless(is_subdomain(name), "spec.policyName", "is no DNS subdomain"),
    }
    if let Some(reference) = spec.get("paramRef").filter(|node| !node.is_null()) {
        param_ref(reference, &mut problems);
    }
    if let Some(node) = spec.get("matchResources").filter(|node| !node.is_null()) {
        let is_mutating = flavour == Flavour::Mutating;
        rules::resources(node, "spec.matchResources", is_mutating, &mut problems);
    }
    if flavour == Flavour::Validating {
        actions(spec, &mut problems);
    }
    problems.0
}

fn param_ref(reference: Node<'_>, problems: &mut Problems) {
    let name = text(reference, "name");
    let selector = reference.get("selector").filter(|node| !node.is_null());
    match (name, selector) {
        ("", None) => problems.add("spec.paramRef", "has neither name nor selector"),
        ("", Some(_)) => {}
        (name, selector) => {
            problems.unless(is_path_segment(name), "spec.paramRef.name", "is no name");
            if selector.is_some() {
                for path in ["spec.paramRef.name", "spec.paramRef.selector"] {
                    problems.add(path, "name and selector exclude each other");
                }
            }
        }
    }
    if let Some(selector) = selector {
        rules::selector(selector, "spec.paramRef.selector", problems);
    }
    let path = "spec.paramRef.parameterNotFoundAction";
    match text(reference, "parameterNotFoundAction") {
        "" => problems.add(path, REQUIRED),
        given => problems.one_of(given, &["Allow", "Deny"], path),
    }
}

fn actions(spec: Node<'_>, problems: &mut Problems) {
    const PATH: &str = "spec.validationActions";
    let mut seen = BTreeSet::new();
    for (index, action) in list(spec, "validationActions").filter_map(Node::as_str).enumerate() {
        let path = format!("{PATH}[{index}]");
        problems.unless(["Audit", "Deny", "Warn"].contains(&action), &path, "is no action");
        problems.unless(seen.insert(action), &path, "is there twice");
    }
    problems.unless(!seen.is_empty(), PATH, REQUIRED);
    let both = seen.contains("Deny") && seen.contains("Warn");
    problems.unless(!both, PATH, "has both Deny and Warn");
}

/// Whether a text may be a label's value.
fn is_label_value(value: &str) -> bool {
    value.is_empty() || names::is_name_part(value)
}
