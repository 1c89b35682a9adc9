//! Admission policies and their bindings, read from objects. What the API server
//! fills in is filled in here too, so that a file reads like the stored object.

use std::sync::Arc;

use ironhull_model::{Node, Object};

use crate::matching::Match;

pub use ironhull_schema::admission::GROUP;

/// What a policy does with a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Flavour {
    /// ValidatingAdmissionPolicy: admits or denies.
    Validating,
    /// MutatingAdmissionPolicy: changes the object.
    Mutating,
}

impl Flavour {
    /// Both.
    pub const ALL: [Flavour; 2] = [Flavour::Validating, Flavour::Mutating];

    /// The policy's kind.
    pub fn kind(self) -> &'static str {
        match self {
            Flavour::Validating => "ValidatingAdmissionPolicy",
            Flavour::Mutating => "MutatingAdmissionPolicy",
        }
    }

    /// The binding's kind.
    pub fn binding_kind(self) -> &'static str {
        match self {
            Flavour::Validating => "ValidatingAdmissionPolicyBinding",
            Flavour::Mutating => "MutatingAdmissionPolicyBinding",
        }
    }
}

/// What errors do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailurePolicy {
    /// They deny.
    Fail,
    /// They are passed over.
    Ignore,
}

/// A named expression.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its name; an audit annotation's key.
    pub name: &'a str,
    /// The expression.
    pub expression: &'a str,
}

/// One validation.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    /// What must be true.
    pub expression: &'a str,
    /// What is said when it is not; empty when not given.
    pub message: &'a str,
    /// What says what is said; empty when not given.
    pub message_expression: &'a str,
    /// The reason of the refusal; `Invalid` when not given.
    pub reason: &'a str,
}

/// What a mutation's expression gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatchType {
    /// An object that is merged into the request's.
    ApplyConfiguration,
    /// A list of JSON Patch operations.
    JsonPatch,
}

/// One mutation.
#[derive(Clone, Copy, Debug)]
pub struct Mutation<'a> {
    /// What the expression gives.
    pub patch: PatchType,
    /// The expression.
    pub expression: &'a str,
}

/// The kind of a policy's parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParamKind<'a> {
    /// As it is written.
    pub api_version: &'a str,
    /// API group.
    pub group: &'a str,
    /// Version.
    pub version: &'a str,
    /// Kind.
    pub kind: &'a str,
}

/// A policy.
#[derive(Debug)]
pub struct Policy<'a> {
    /// Where it stands.
    pub object: &'a Arc<Object>,
    /// Validating or mutating.
    pub flavour: Flavour,
    /// Its name.
    pub name: &'a str,
    /// What errors do.
    pub failure: FailurePolicy,
    /// Which requests it is for.
    pub constraints: Match<'a>,
    /// The kind of its parameters.
    pub param_kind: Option<ParamKind<'a>>,
    /// Conditions of all its work.
    pub conditions: Vec<Named<'a>>,
    /// Named values.
    pub variables: Vec<Named<'a>>,
    /// Of a validating policy.
    pub validations: Vec<Validation<'a>>,
    /// Of a validating policy.
    pub annotations: Vec<Named<'a>>,
    /// Of a mutating policy.
    pub mutations: Vec<Mutation<'a>>,
    /// Of a mutating policy: whether it runs again after later changes.
    pub reinvoked: bool,
}

/// What a validating binding does with a violation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// Whoever asks is warned.
    Warn,
    /// The audit log tells it.
    Audit,
}

impl Action {
    /// As in bindings.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Deny => "Deny",
            Action::Warn => "Warn",
            Action::Audit => "Audit",
        }
    }
}

/// Which parameters a binding gives to its policy.
#[derive(Clone, Copy, Debug)]
pub struct ParamRef<'a> {
    /// One by name; empty when by selector.
    pub name: &'a str,
    /// Their namespace; empty for the request's.
    pub namespace: &'a str,
    /// Some by labels.
    pub selector: Option<Node<'a>>,
    /// Whether having none is an error; else the binding is passed over.
    pub deny_when_missing: bool,
}

/// A binding.
#[derive(Debug)]
pub struct Binding<'a> {
    /// Where it stands.
    pub object: &'a Arc<Object>,
    /// Its name.
    pub name: &'a str,
    /// The policy that it puts in force.
    pub policy: &'a str,
    /// Which requests; all of the policy's when not given.
    pub resources: Option<Match<'a>>,
    /// The parameters.
    pub params: Option<ParamRef<'a>>,
    /// What happens, as written; empty for a mutating one.
    pub actions: Vec<Action>,
}

pub(crate) fn text<'a>(node: Node<'a>, name: &str) -> &'a str {
    node.get(name).and_then(Node::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(node: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> + use<'a> {
    node.get(name).into_iter().flat_map(Node::items)
}

fn present<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.get(name).filter(|node| !node.is_null())
}

pub(crate) fn named<'a>(
    spec: Node<'a>,
    list_name: &str,
    name: &str,
    value: &str,
) -> Vec<Named<'a>> {
    list(spec, list_name)
        .map(|item| Named { name: text(item, name), expression: text(item, value) })
        .collect()
}

impl<'a> Policy<'a> {
    /// Reads a policy; none when the object is none.
    pub fn read(object: &'a Arc<Object>) -> Option<Policy<'a>> {
        let flavour = Flavour::ALL.into_iter().find(|it| object.is(GROUP, it.kind()))?;
        let spec = object.root().get("spec")?;
        let ignores = text(spec, "failurePolicy") == "Ignore";
        Some(Policy {
            object,
            flavour,
            name: &object.thing.name,
            failure: if ignores { FailurePolicy::Ignore } else { FailurePolicy::Fail },
            constraints: Match::read(present(spec, "matchConstraints")),
            param_kind: present(spec, "paramKind").map(ParamKind::read),
            conditions: named(spec, "matchConditions", "name", "expression"),
            variables: named(spec, "variables", "name", "expression"),
            validations: list(spec, "validations").map(Validation::read).collect(),
            annotations: named(spec, "auditAnnotations", "key", "valueExpression"),
            mutations: list(spec, "mutations").filter_map(Mutation::read).collect(),
            reinvoked: text(spec, "reinvocationPolicy") == "IfNeeded",
        })
    }
}

impl Policy<'_> {
    /// Whether one of its expressions may ask who may do what.
    pub(crate) fn asks_who_may(&self) -> bool {
        let named = self.conditions.iter().chain(&self.variables).chain(&self.annotations);
        let expressions = named
            .map(|named| named.expression)
            .chain(self.validations.iter().map(|validation| validation.expression))
            .chain(self.mutations.iter().map(|mutation| mutation.expression));
        { expressions }.any(|expression| expression.contains("authorizer"))
    }
}

impl<'a> ParamKind<'a> {
    fn read(node: Node<'a>) -> ParamKind<'a> {
        let api_version = text(node, "apiVersion");
        let (group, version) = ironhull_model::object::split_api_version(api_version);
        ParamKind { api_version, group, version, kind: text(node, "kind") }
    }
}

impl<'a> Validation<'a> {
    fn read(node: Node<'a>) -> Validation<'a> {
        Validation {
            expression: text(node, "expression"),
            message: text(node, "message"),
            message_expression: text(node, "messageExpression"),
            reason: text(node, "reason"),
        }
    }
}

impl<'a> Mutation<'a> {
    fn read(node: Node<'a>) -> Option<Mutation<'a>> {
        let (patch, member) = match text(node, "patchType") {
            "ApplyConfiguration" => (PatchType::ApplyConfiguration, "applyConfiguration"),
            "JSONPatch" => (PatchType::JsonPatch, "jsonPatch"),
            _ => return None,
        };
        Some(Mutation { patch, expression: text(present(node, member)?, "expression") })
    }
}

impl<'a> Binding<'a> {
    /// Reads a binding of a flavour; none when the object is none.
    pub fn read(object: &'a Arc<Object>, flavour: Flavour) -> Option<Binding<'a>> {
        if !object.is(GROUP, flavour.binding_kind()) {
            return None;
        }
        let spec = object.root().get("spec")?;
        let action = |node: Node<'a>| match node.as_str()? {
            "Deny" => Some(Action::Deny),
            "Warn" => Some(Action::Warn),
            "Audit" => Some(Action::Audit),
            _ => None,
        };
        Some(Binding {
            object,
            name: &object.thing.name,
            policy: text(spec, "policyName"),
            resources: present(spec, "matchResources").map(|node| Match::read(Some(node))),
            params: present(spec, "paramRef").map(|node| ParamRef {
                name: text(node, "name"),
                namespace: text(node, "namespace"),
                selector: present(node, "selector"),
                deny_when_missing: text(node, "parameterNotFoundAction") == "Deny",
            }),
            actions: list(spec, "validationActions").filter_map(action).collect(),
        })
    }
}
