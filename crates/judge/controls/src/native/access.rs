//! `access/grants`: bindings whose effective rules grant what the control's
//! parameters name: `verbs` on `resources` (`name` or `name/subresource`) of
//! `group`; with `scope: cluster` only where that is in every namespace.

use ironhull_access::{Access, Question, Rule, reaches};
use ironhull_model::{Node, Object, Pointer, Standing};

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] = &[("access/grants", granted)];

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

fn granted(subject: &Subject<'_>) -> Answer {
    let access = Access::new(subject.world);
    let everywhere = subject.params.get("scope").and_then(Node::as_str) == Some("cluster");
    let mut bindings = access
        .bindings()
        .filter(|binding| binding.standing == Standing::Given && !is_default(binding))
        .peekable();
    if bindings.peek().is_none() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for binding in bindings {
        if everywhere && &*binding.thing.kind != "ClusterRoleBinding" || is_cluster_admin(binding) {
            continue;
        }
        let granted = access.granted(binding);
        let found = questions(subject.params)
            .filter(|question| reaches(binding, question))
            .find_map(|question| {
                let rule = granted.rules.iter().find(|rule| rule.covers(&question))?;
                Some((question, *rule))
            });
        match found {
            // A rule that grants everything is reported once, by wildcard-role.
            Some((_, rule)) if rule.is_everything() && rule.role.standing == Standing::Given => {}
            Some((question, rule)) => elements.extend(violations(binding, &question, rule)),
            None if !granted.complete => elements.push(Element {
                subject: Some(binding.thing.clone()),
                at: role_ref(),
                message: format!("not all that {} grants was read", role(binding)),
                missing: vec![role(binding)],
                ..Element::default()
            }),
            None => {}
        }
    }
    Answer::Elements(elements)
}

fn questions<'a>(params: Node<'a>) -> impl Iterator<Item = Question<'a>> {
    let list =
        move |name| params.get(name).into_iter().flat_map(Node::items).filter_map(Node::as_str);
    let group = params.get("group").and_then(Node::as_str).unwrap_or_default();
    list("verbs").flat_map(move |verb| {
        list("resources").map(move |resource| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let namespaced = !CLUSTER_SCOPED.contains(&resource);
            Question {
                subresource,
                namespace: namespaced.then_some(Question::ANY),
                ..Question::new(verb, group, resource)
            }
        })
    })
}

/// One element for each subject of the binding.
fn violations(binding: &Object, question: &Question<'_>, rule: Rule<'_>) -> Vec<Element> {
    let place = match &*binding.thing.kind {
        "ClusterRoleBinding" => "everywhere".to_owned(),
        _ => format!("in namespace {}", binding.thing.namespace),
    };
    let slash = if question.subresource.is_empty() { "" } else { "/" };
    let subjects = binding.root().get("subjects").into_iter().flat_map(Node::items);
    subjects
        .filter_map(|subject| {
            let field = |name| subject.get(name).and_then(Node::as_str);
            let who = match (field("kind")?, field("name")?, field("namespace")) {
                ("ServiceAccount", name, Some(namespace)) => {
                    format!("ServiceAccount {namespace}/{name}")
                }
                ("ServiceAccount", name, None) => format!("ServiceAccount {name}"),
                (kind, name, _) => format!("{} {name}", kind.to_lowercase()),
            };
            Some(Element {
                subject: Some(binding.thing.clone()),
                at: role_ref(),
                message: format!(
                    "{who} may {} {}{slash}{} {place}, by {}",
                    question.verb,
                    question.resource,
                    question.subresource,
                    role(binding),
                ),
                name: who,
                related: vec![(rule.role.thing.clone(), rule.node.pointer())],
                ..Element::default()
            })
        })
        .collect()
}

/// Reported once, by the control cluster-admin-binding.
fn is_cluster_admin(binding: &Object) -> bool {
    role(binding) == "ClusterRole cluster-admin"
}

/// What every cluster is started with.
fn is_default(binding: &Object) -> bool {
    binding.label("kubernetes.io/bootstrapping") == Some("rbac-defaults")
        && (binding.thing.name.starts_with("system:") || &*binding.thing.name == "cluster-admin")
}

fn role_ref() -> Pointer {
    Pointer::root().join("roleRef")
}

fn role(binding: &Object) -> String {
    let field = |name| binding.root().path(&["roleRef", name]).and_then(Node::as_str);
    format!("{} {}", field("kind").unwrap_or("role"), field("name").unwrap_or_default())
}
