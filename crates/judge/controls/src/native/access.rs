//! `access/grants`: bindings whose effective rules grant what the control's
//! parameters name: `verbs` on `resources` (`name` or `name/subresource`) of
//! `group`; with `scope: cluster` only where that is in every namespace. With `who`
//! only subjects of these names are meant, with `environments` only namespaces where one
//! of `labels` has such a value.

use std::collections::BTreeSet;

use ironhull_access::{GROUP, Grant, Question, Rule, grants};
use ironhull_model::{Node, Object, Pointer};
use ironhull_schema::{Schema, Scope};

use super::{Answer, Element, Looks, Rules, Subject};

mod environments;
mod escalation;
mod impersonation;
mod widened;

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
    ("access/impersonation", impersonation::impersonation, Looks::At(RBAC)),
    ("access/widened", widened::widened, Looks::Own),
];

fn granted(subject: &Subject<'_>) -> Answer {
    let access = (subject.access)();
    let everywhere = subject.params.get("scope").and_then(Node::as_str) == Some("cluster");
    let meant = Meant::new(subject);
    let mut bindings = access.written_bindings().peekable();
    if bindings.peek().is_none() || meant.is_nobody() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for binding in bindings {
        if !meant.has_place(binding.namespace)
            || !grants::subjects(binding.object).any(|who| meant.has(&who))
        {
            continue;
        }
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
                let all = violations(object, &question, rule).into_iter();
                elements.extend(all.filter(|element| meant.has(&element.name)));
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

/// Whom and which namespaces a control means; none for all.
struct Meant<'s> {
    who: Option<Vec<&'s str>>,
    namespaces: Option<BTreeSet<&'s str>>,
}

impl<'s> Meant<'s> {
    fn new(subject: &Subject<'s>) -> Self {
        let params = subject.params;
        let strings = |name| {
            let list: Vec<&str> = params.get(name)?.items().filter_map(Node::as_str).collect();
            Some(list)
        };
        let labels = strings("labels").unwrap_or_default();
        let namespaces = strings("environments").map(|values| {
            let all = subject.world.of_kind("", "Namespace");
            let of_them = all.filter(|namespace| {
                let value = labels.iter().find_map(|label| namespace.label(label));
                value.is_some_and(|value| values.contains(&value))
            });
            of_them.map(|namespace| &*namespace.thing.name).collect()
        });
        Meant { who: strings("who"), namespaces }
    }

    fn is_nobody(&self) -> bool {
        self.who.as_ref().is_some_and(Vec::is_empty)
            || self.namespaces.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Whether a binding holds where it is meant; one to every namespace holds there too.
    fn has_place(&self, namespace: Option<&str>) -> bool {
        let meant = self.namespaces.as_ref();
        meant.is_none_or(|meant| namespace.is_none_or(|namespace| meant.contains(namespace)))
    }

    fn has(&self, who: &str) -> bool {
        self.who.as_ref().is_none_or(|meant| meant.contains(&who))
    }
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
