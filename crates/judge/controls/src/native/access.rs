//! `access/grants`: bindings whose effective rules grant what the control's
//! parameters name: `verbs` on `resources` (`name` or `name/subresource`) of
//! `group`; with `scope: cluster` only where that is in every namespace.

use ironhull_access::{Access, Grant, Question, Rule, grants};
use ironhull_model::{Node, Object, Pointer, Standing};

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] = &[("access/grants", granted)];

fn granted(subject: &Subject<'_>) -> Answer {
    let access = Access::new(subject.world);
    let everywhere = subject.params.get("scope").and_then(Node::as_str) == Some("cluster");
    let mut bindings = access.written_bindings().peekable();
    if bindings.peek().is_none() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for binding in bindings {
        // Being bound to cluster-admin is reported once, by the control cluster-admin-binding.
        let is_cluster_admin = grants::role(binding) == "ClusterRole cluster-admin";
        if everywhere && &*binding.thing.kind != "ClusterRoleBinding" || is_cluster_admin {
            continue;
        }
        match access.grant(binding, questions(subject.params)) {
            // A rule that grants everything is reported once, by wildcard-role.
            Some(Grant::Granted { rule, .. })
                if rule.is_everything() && rule.role.standing == Standing::Given => {}
            Some(Grant::Granted { question, rule, .. }) => {
                elements.extend(violations(binding, &question, rule));
            }
            Some(Grant::Unread { .. }) => elements.push(Element {
                subject: Some(binding.thing.clone()),
                at: role_ref(),
                message: format!("not all that {} grants was read", grants::role(binding)),
                missing: vec![grants::role(binding)],
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
            let namespaced = !grants::is_cluster_scoped(resource);
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
    grants::subjects(binding)
        .map(|who| Element {
            subject: Some(binding.thing.clone()),
            at: role_ref(),
            message: format!(
                "{who} may {} {}{slash}{} {place}, by {}",
                question.verb,
                question.resource,
                question.subresource,
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
