//! Who may do what: Kubernetes RBAC over a world, matched as the API server does.

use std::sync::Arc;

use ironhull_model::{Node, Object, Standing, ThingRef, World, selector};

pub mod grants;
mod rule;
#[cfg(test)]
mod tests;

pub use grants::Grant;
pub use rule::{Question, Rule};

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// Somebody who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A user by name.
    User(String),
    /// Any member of a group.
    Group(String),
    /// A ServiceAccount: its namespace and name.
    ServiceAccount(String, String),
}

impl Subject {
    /// Whether a binding's subject means this one.
    fn is(&self, subject: Node<'_>, binding: &Object) -> bool {
        let field = |name| subject.get(name).and_then(Node::as_str);
        let (kind, name) = (field("kind").unwrap_or_default(), field("name").unwrap_or_default());
        match self {
            Subject::User(user) => kind == "User" && name == user,
            Subject::Group(group) => kind == "Group" && name == group,
            Subject::ServiceAccount(namespace, own) => match kind {
                "ServiceAccount" => {
                    let of = field("namespace").unwrap_or(&binding.thing.namespace);
                    name == own && of == namespace
                }
                "User" => name == format!("system:serviceaccount:{namespace}:{own}"),
                "Group" => {
                    ["system:serviceaccounts", "system:authenticated"].contains(&name)
                        || name.strip_prefix("system:serviceaccounts:") == Some(namespace)
                }
                _ => false,
            },
        }
    }
}

/// The rules that a binding gives.
#[derive(Debug)]
pub struct Granted<'a> {
    /// The effective rules that are known; none when the role does not exist.
    pub rules: Vec<Rule<'a>>,
    /// Whether they are all: the role, or a part of it, may stand elsewhere.
    pub complete: bool,
}

/// RBAC of a world.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    world: World<'a>,
}

impl<'a> Access<'a> {
    /// Looks at a world.
    pub fn new(world: World<'a>) -> Access<'a> {
        Access { world }
    }

    /// All bindings, those of the cluster first.
    pub fn bindings(self) -> impl Iterator<Item = &'a Arc<Object>> {
        let kind = move |kind| self.world.of_kind(GROUP, kind);
        kind("ClusterRoleBinding").chain(kind("RoleBinding"))
    }

    /// The effective rules that a binding gives.
    pub fn granted(self, binding: &Object) -> Granted<'a> {
        let field = |field| binding.root().path(&["roleRef", field]).and_then(Node::as_str);
        let name = field("name").unwrap_or_default();
        let kind = if field("kind") == Some("Role") { "Role" } else { "ClusterRole" };
        let namespace = if kind == "Role" { &*binding.thing.namespace } else { "" };
        let named = self.world.named(&ThingRef::new(GROUP, kind, namespace, name));
        // What is given counts more than what is assumed.
        match named.into_iter().min_by_key(|role| role.standing == Standing::Assumed) {
            Some(role) => self.rules(role),
            None => Granted { rules: Vec::new(), complete: self.is_complete(kind) },
        }
    }

    /// The effective rules of a role: its own, or those aggregated into it,
    /// which replace its own.
    fn rules(self, role: &'a Object) -> Granted<'a> {
        let aggregation = role.root().get("aggregationRule").filter(|node| !node.is_null());
        let Some(aggregation) = aggregation else {
            return Granted { rules: rule::read(role), complete: true };
        };
        let mut rules = Vec::new();
        for other in self.world.of_kind(GROUP, "ClusterRole") {
            let labels = other.root().path(&["metadata", "labels"]);
            let selectors = aggregation.get("clusterRoleSelectors");
            let mut selectors = selectors.into_iter().flat_map(Node::items);
            if other.thing != role.thing
                && selectors.any(|selector| selector::selects(selector, labels))
            {
                rules.extend(rule::read(other));
            }
        }
        let complete = role.standing == Standing::Assumed || self.is_complete("ClusterRole");
        Granted { rules, complete }
    }

    /// Whether what was read lets a subject do it. A `false` over an incomplete
    /// estate only says that nothing read grants it.
    pub fn can(self, subject: &Subject, question: &Question<'_>) -> bool {
        if matches!(subject, Subject::Group(group) if group == "system:masters") {
            return true;
        }
        self.bindings().any(|binding| {
            let subjects = binding.root().get("subjects");
            reaches(binding, question)
                && subjects
                    .into_iter()
                    .flat_map(Node::items)
                    .any(|other| subject.is(other, binding))
                && self.granted(binding).rules.iter().any(|rule| rule.covers(question))
        })
    }

    fn is_complete(self, kind: &str) -> bool {
        self.world.base.coverage.is_complete(GROUP, kind)
    }
}

/// Whether a binding holds where the question is asked.
pub fn reaches(binding: &Object, question: &Question<'_>) -> bool {
    &*binding.thing.kind == "ClusterRoleBinding"
        || question.namespace.is_some_and(|namespace| {
            namespace == Question::ANY || *namespace == *binding.thing.namespace
        })
}
