//! `access/grants`: bindings that grant what few should have, over effective
//! rules. The control's parameters say what: `verbs`, `group`, `resources` (such as
//! `pods/exec`), and `scope: cluster` to ask only for rights in every namespace.

use ironhull_access::{Access, Binding, Question};
use ironhull_model::{Node, Pointer, RepairStep, Standing};

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] = &[("access/grants", grants)];

fn grants(subject: &Subject<'_>) -> Answer {
    let access = Access::new(subject.world);
    if access.bindings.iter().all(|binding| binding.object.standing == Standing::Assumed) {
        return Answer::NotApplicable;
    }
    let list = |name: &str| -> Vec<&str> {
        subject
            .params
            .get(name)
            .into_iter()
            .flat_map(Node::items)
            .filter_map(Node::as_str)
            .collect()
    };
    let (verbs, resources) = (list("verbs"), list("resources"));
    let group = subject.params.get("group").and_then(Node::as_str).unwrap_or_default();
    let cluster_only = subject.params.get("scope").and_then(Node::as_str) == Some("cluster");
    let mut elements: Vec<Element> = Vec::new();
    for resource in &resources {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        for verb in &verbs {
            let question = Question { subresource, ..Question::new(verb, group, resource) };
            for (binding, rule) in access.granted(&question) {
                let assumed = binding.object.standing == Standing::Assumed;
                let known = elements
                    .iter()
                    .any(|element| element.subject.as_ref() == Some(binding.thing()));
                let local = cluster_only && binding.namespace.is_some();
                if !(assumed || known || local || binding.subjects.is_empty()) {
                    elements.push(element(binding, rule.role, rule.node, &question));
                }
            }
        }
    }
    Answer::Elements(elements)
}

fn element(
    binding: &Binding<'_>,
    role: &ironhull_model::Object,
    rule: Node<'_>,
    question: &Question<'_>,
) -> Element {
    let who: Vec<String> =
        binding.subjects.iter().map(|(subject, _)| subject.to_string()).collect();
    let who = who.join(", ");
    let what = match question.subresource {
        "" => question.resource.to_owned(),
        sub => format!("{}/{sub}", question.resource),
    };
    let place = binding
        .namespace
        .map_or_else(|| "everywhere".to_owned(), |namespace| format!("in namespace {namespace}"));
    let thing = &role.thing;
    Element {
        subject: Some(binding.thing().clone()),
        at: Pointer::root().join("roleRef"),
        message: format!(
            "{who} may {} {what} {place}, by {} {}",
            question.verb, thing.kind, thing.name
        ),
        related: vec![(thing.clone(), rule.pointer())],
        repair: vec![RepairStep::Ask {
            question: format!(
                "does {who} need this? Bind a role that grants less, or in one namespace only"
            ),
        }],
        ..Element::default()
    }
}
