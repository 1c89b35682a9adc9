//! `access/grants`: bindings whose effective rules grant what the control's
//! parameters name: `verbs` on `resources` (`name` or `name/subresource`) of
//! `group`; with `scope: cluster` only where that is in every namespace.

use ironhull_access::{GROUP, Grant, Question, Rule, grants};
use ironhull_model::{Node, Object, Pointer};
use ironhull_schema::{Schema, Scope};

use super::{Answer, Element, Looks, Rules, Subject};

mod environments;
mod escalation;

const RBAC: &[(&str, &str)] = &[
    (GROUP, "ClusterRole"),
    (GROUP, "ClusterRoleBinding"),
    (GROUP, "Role"),
    (GROUP, "RoleBinding"),
    ("", "Namespace"),
];

pub(super) const RULES: Rules = &[
    ("access/environments", environments::environments, Looks::At(RBAC)),
    ("access/escalation", escalation::escalation, Looks::Everywhere),
    ("access/grants", granted, Looks::At(RBAC)),
];

fn granted(subject: &Subject<'_>) -> Answer {
    let access = (subject.access)();
    let everywhere = subject.params.get("scope").and_then(Node::as_str) == Some("cluster");
    let mut bindings = access.written_bindings().peekable();
    if bindings.peek().is_none() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for binding in bindings {
        // Being bound to cluster-admin is reported once, by the control cluster-admin-binding.
        let object = binding.object;
        let is_cluster_admin = grants::role(object) == "ClusterRole cluster-admin";
        if everywhere && binding.namespace.is_some() || is_cluster_admin {
            continue;
        }
        match access.grant(binding, questions(subject)) {
            // A rule that grants everything is reported once, by wildcard-role.
            Some(Grant::Granted { rule, .. }) if rule.is_everything() && rule.role.is_given() => {}
            Some(Grant::Granted { question, rule }) => {
                elements.extend(violations(object, &question, rule));
            }
            Some(Grant::Unread) => elements.push(Element {
                subject: Some(object.thing.clone()),
                at: role_ref(),
                message: format!("not all that {} grants was read", grants::role(object)),
                missing: vec![grants::role(object)],
                ..Element::default()
            }),
            None => {}
        }
    }
    Answer::Elements(elements)
}

fn questions<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Question<'a>> {
    let (params, schema) = (subject.params, subject.schema);
    let list =
        move |name| params.get(name).into_iter().flat_map(Node::items).filter_map(Node::as_str);
    let group = params.get("group").and_then(Node::as_str).unwrap_or_default();
    list("verbs").flat_map(move |verb| {
        list("resources").map(move |resource| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            Question {
                subresource,
                namespace: is_namespaced(schema, group, resource).then_some(Question::ANY),
                ..Question::new(verb, group, resource)
            }
        })
    })
}

/// Whether a resource stands in namespaces; rules about others are void in what a
/// RoleBinding grants.
fn is_namespaced(schema: Schema, group: &str, resource: &str) -> bool {
    let only_impersonated = ["users", "groups"].contains(&resource);
    !only_impersonated
        && schema.resource(group, resource).is_none_or(|info| info.scope == Scope::Namespaced)
}

/// One element for each subject of the binding.
fn violations(binding: &Object, question: &Question<'_>, rule: &Rule<'_>) -> Vec<Element> {
    let place = match &*binding.thing.kind {
        "ClusterRoleBinding" => "everywhere".to_owned(),
        _ => format!("in namespace {}", binding.thing.namespace),
    };
    grants::subjects(binding)
        .map(|who| Element {
            subject: Some(binding.thing.clone()),
            at: role_ref(),
            message: format!(
                "{who} may {} {} {place}, by {}",
                question.verb,
                question.full_resource(),
                grants::role(binding),
            ),
            name: who,
            related: vec![(rule.role.thing.clone(), rule.node.pointer())],
            ..Element::default()
        })
        .collect()
}

fn role_ref() -> Pointer {
    Pointer::root().join("roleRef")
}
