//! `access/environments`: subjects that may change things in namespaces of
//! different environments. Parameters: `labels`, the namespace labels that name
//! the environment, in order of preference; `verbs`, what changes things.
//! Rights in every namespace are for other controls to tell.

use std::collections::BTreeMap;

use ironhull_access::{Access, Binding, Rule, grants};
use ironhull_model::{Node, RepairStep};

use super::role_ref;
use crate::native::{Answer, Element, Subject};

pub(super) fn environments(subject: &Subject<'_>) -> Answer {
    let strings = |name| {
        let list = subject.params.get(name).into_iter().flat_map(Node::items);
        list.filter_map(Node::as_str).collect::<Vec<_>>()
    };
    let (labels, verbs) = (strings("labels"), strings("verbs"));
    let mut environments: BTreeMap<&str, &str> = BTreeMap::new();
    for namespace in subject.world.of_kind("", "Namespace") {
        if let Some(value) = labels.iter().find_map(|label| namespace.label(label)) {
            environments.insert(&namespace.thing.name, value);
        }
    }
    if environments.values().collect::<std::collections::BTreeSet<_>>().len() < 2 {
        return Answer::NotApplicable;
    }
    let access = (subject.access)();
    let mut places: BTreeMap<_, Vec<(&str, &Binding<'_>, &Rule<'_>)>> = BTreeMap::new();
    for binding in access.written_bindings() {
        let environment = binding.namespace.and_then(|namespace| environments.get(namespace));
        let Some(environment) = environment else { continue };
        let Some(rule) = changing(access, binding, &verbs) else { continue };
        for who in grants::written(binding.object) {
            places.entry(who).or_default().push((environment, binding, rule));
        }
    }
    let mut elements = Vec::new();
    for (who, places) in places {
        let (first, ..) = places[0];
        // Named at the first binding in another environment than the first.
        let Some((other, binding, rule)) = places.iter().find(|(other, ..)| *other != first) else {
            continue;
        };
        let (_, before, _) = places[0];
        elements.push(Element {
            subject: Some(binding.object.thing.clone()),
            at: role_ref(),
            message: format!(
                "{who} may change things in {other} ({}) and in {first} ({})",
                binding.object.thing.namespace, before.object.thing.namespace
            ),
            name: who.to_string(),
            related: vec![
                (before.object.thing.clone(), role_ref()),
                (rule.role.thing.clone(), rule.node.pointer()),
            ],
            repair: vec![RepairStep::Ask {
                question: "which environment does the subject work in? Bind another group or \
                           ServiceAccount in the other"
                    .to_owned(),
            }],
            ..Element::default()
        });
    }
    Answer::Elements(elements)
}

/// The first rule of a binding that changes things.
fn changing<'i, 'a>(
    access: &'i Access<'a>,
    binding: &'i Binding<'a>,
    verbs: &[&str],
) -> Option<&'i Rule<'a>> {
    let changes = |verb: &str| verb == "*" || verbs.contains(&verb);
    access.rules(binding).find(|rule| {
        rule.strings("resources").next().is_some() && rule.strings("verbs").any(changes)
    })
}
