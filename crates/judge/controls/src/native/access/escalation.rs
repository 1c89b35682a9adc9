//! `access/escalation`: subjects of written bindings that come to cluster-admin
//! through somebody or something else: in two steps or more, since what one rule
//! gives at once is said by a control of its own. No parameters.

use std::collections::BTreeSet;

use ironhull_access::paths::Step;
use ironhull_access::{Escalation, Power, grants};
use ironhull_model::{RepairStep, Severity};

use super::role_ref;
use crate::native::{Answer, Element, Subject};

pub(super) fn escalation(subject: &Subject<'_>) -> Answer {
    let access = (subject.access)();
    if access.written_bindings().next().is_none() {
        return Answer::NotApplicable;
    }
    let escalation = Escalation::new(access);
    let everybody = escalation.everybody_to(&Power::ClusterAdmin);
    let mut told = BTreeSet::new();
    let mut elements = Vec::new();
    for binding in access.written_bindings() {
        for who in grants::written(binding.object) {
            let Some(path) = everybody.path(&who).filter(|path| path.len() > 1) else { continue };
            let first = path[0]
                .grants
                .iter()
                .find(|grant| std::ptr::eq(grant.binding, binding) && !told.contains(&who));
            let Some(first) = first else { continue };
            told.insert(who.clone());
            elements.push(Element {
                subject: Some(binding.object.thing.clone()),
                at: role_ref(),
                message: format!("{who} comes to cluster-admin: {}", shown(&path)),
                name: who.to_string(),
                severity: path[0].is_by_one_workload().then_some(Severity::Medium),
                related: related(&path, first.binding.object.thing.as_ref()),
                repair: vec![RepairStep::Ask {
                    question: format!(
                        "which step can go? ironhull access paths {who} --to cluster-admin shows \
                         each with its binding and rule"
                    ),
                }],
                ..Element::default()
            });
        }
    }
    Answer::Elements(elements)
}

/// Each step with where it leads.
fn shown(path: &[&Step<'_, '_>]) -> String {
    let steps = path.iter().map(|step| match (&step.to, &step.namespace) {
        (Power::Is(who) | Power::As(_, who), Some(namespace)) => {
            format!("{} in {namespace} as {who}", step.way.id)
        }
        (Power::Is(who) | Power::As(_, who), None) => format!("{} as {who}", step.way.id),
        (to, _) => format!("{} to {to}", step.way.id),
    });
    steps.collect::<Vec<_>>().join(", then ")
}

/// The rules and bindings that the path goes through.
fn related(
    path: &[&Step<'_, '_>],
    own: &ironhull_model::ThingRef,
) -> Vec<(std::sync::Arc<ironhull_model::ThingRef>, ironhull_model::Pointer)> {
    let mut found = Vec::new();
    for grant in path.iter().flat_map(|step| &step.grants) {
        let binding = &grant.binding.object.thing;
        // What a role would give to whoever is bound to it stands in no binding yet.
        if **binding != *own && binding.kind.ends_with("Binding") {
            found.push((binding.clone(), role_ref()));
        }
        found.push((grant.rule.role.thing.clone(), grant.rule.node.pointer()));
    }
    found.dedup();
    found
}
