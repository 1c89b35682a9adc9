//! Which bindings grant something, to whom, by which rule.

use std::sync::Arc;

use ironhull_model::{Node, Object, Standing};

use crate::{Access, Question, Rule, reaches};

/// Resources without a namespace: void in what a RoleBinding grants.
const CLUSTER_SCOPED: &[&str] = &[
    "apiservices",
    "certificatesigningrequests",
    "clusterroles",
    "groups",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "users",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

/// Whether a resource stands in no namespace.
pub fn is_cluster_scoped(resource: &str) -> bool {
    CLUSTER_SCOPED.contains(&resource)
}

/// What one binding says to some questions.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a, 'q> {
    /// It grants one of them.
    Granted {
        /// The binding.
        binding: &'a Arc<Object>,
        /// The first question that it grants.
        question: Question<'q>,
        /// By which rule.
        rule: Rule<'a>,
    },
    /// Nothing that was read grants any, but its role was not read completely.
    Unread {
        /// The binding.
        binding: &'a Arc<Object>,
    },
}

impl<'a> Access<'a> {
    /// The bindings that somebody wrote: neither assumed nor started with every cluster.
    pub fn written_bindings(self) -> impl Iterator<Item = &'a Arc<Object>> {
        self.bindings()
            .filter(|binding| binding.standing == Standing::Given && !is_default(binding))
    }

    /// What a binding says to questions, asked in order.
    pub fn grant<'q>(
        self,
        binding: &'a Arc<Object>,
        questions: impl Iterator<Item = Question<'q>>,
    ) -> Option<Grant<'a, 'q>> {
        let granted = self.granted(binding);
        let found = questions.filter(|question| reaches(binding, question)).find_map(|question| {
            let rule = granted.rules.iter().find(|rule| rule.covers(&question))?;
            Some(Grant::Granted { binding, question, rule: *rule })
        });
        found.or_else(|| (!granted.complete).then_some(Grant::Unread { binding }))
    }
}

/// What every cluster is started with.
fn is_default(binding: &Object) -> bool {
    binding.label("kubernetes.io/bootstrapping") == Some("rbac-defaults")
        && (binding.thing.name.starts_with("system:") || &*binding.thing.name == "cluster-admin")
}

/// `ClusterRole NAME` or `Role NAME`: what a binding refers to.
pub fn role(binding: &Object) -> String {
    let field = |name| binding.root().path(&["roleRef", name]).and_then(Node::as_str);
    format!("{} {}", field("kind").unwrap_or("role"), field("name").unwrap_or_default())
}

/// The subjects of a binding, as a person names them.
pub fn subjects(binding: &Object) -> impl Iterator<Item = String> {
    let subjects = binding.root().get("subjects").into_iter().flat_map(Node::items);
    subjects.filter_map(|subject| {
        let field = |name| subject.get(name).and_then(Node::as_str);
        Some(match (field("kind")?, field("name")?, field("namespace")) {
            ("ServiceAccount", name, Some(namespace)) => {
                format!("ServiceAccount {namespace}/{name}")
            }
            ("ServiceAccount", name, None) => format!("ServiceAccount {name}"),
            (kind, name, _) => format!("{} {name}", kind.to_lowercase()),
        })
    })
}
