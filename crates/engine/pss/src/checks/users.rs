//! Which user containers run as.

use ironhull_model::Node;

use super::Verdict;
use super::baseline::{forbid, names, setters, who};
use super::profiles::missing;
use crate::text::containers;
use crate::{Culprit, Pod, set};

fn non_root_field(node: Node<'_>) -> Option<Node<'_>> {
    set(set(node, "securityContext")?, "runAsNonRoot")
}

pub(super) fn non_root<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let explicit = setters(pod, |node| {
        let field = non_root_field(node).filter(|field| field.as_bool() == Some(false))?;
        Some((field, Vec::new()))
    });
    let refused = forbid(explicit, "runAsNonRoot != true", |culprits| {
        format!("{} must not set securityContext.runAsNonRoot=false", who(culprits))
    });
    if refused.is_some() || non_root_field(pod.spec).is_some() {
        return refused;
    }
    let implicit: Vec<Culprit<'a>> = pod
        .containers()
        .filter(|container| non_root_field(*container).is_none())
        .map(|container| missing(container, &["runAsNonRoot"]))
        .collect();
    forbid(implicit, "runAsNonRoot != true", |culprits| {
        format!(
            "pod or {} must set securityContext.runAsNonRoot=true",
            containers(&names(culprits))
        )
    })
}

pub(super) fn non_root_1_35<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    if pod.has_user_namespace() { None } else { non_root(pod) }
}

pub(super) fn user<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits = setters(pod, |node| {
        let field = set(set(node, "securityContext")?, "runAsUser")?;
        (field.as_i64() == Some(0)).then_some((field, Vec::new()))
    });
    forbid(culprits, "runAsUser=0", |culprits| {
        format!("{} must not set runAsUser=0", who(culprits))
    })
}

pub(super) fn user_1_35<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    if pod.has_user_namespace() { None } else { user(pod) }
}
