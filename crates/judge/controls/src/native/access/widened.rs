//! `access/widened`: what a default role has that Kubernetes does not give it. No
//! parameters.

use ironhull_access::escalation;
use ironhull_access::grants::widened::{self, Added, Right};
use ironhull_model::{RepairStep, Severity};

use crate::native::{Answer, Element, Subject};

/// How many rights a message names.
const MOST_NAMED: usize = 4;

pub(super) fn widened(subject: &Subject<'_>) -> Answer {
    let Some(role) = subject.object else { return Answer::NotApplicable };
    let Some(added) = widened::added(role) else { return Answer::NotApplicable };
    let of = format!("{} {}", role.thing.kind, role.thing.name);
    Answer::Elements(added.iter().map(|added| element(&of, added)).collect())
}

fn element(of: &str, added: &Added<'_>) -> Element {
    let at = added.node.pointer();
    let rights = shown(&added.rights);
    let is_grave = added.rights.is_empty() || added.rights.iter().any(is_grave);
    let (message, name) = match added.rights.is_empty() {
        true => (
            format!("{of} is aggregated by a selector that Kubernetes does not give it"),
            format!("selector {}", added.node.to_json()),
        ),
        false => (format!("{of} grants {rights}, which Kubernetes does not give it"), rights),
    };
    Element {
        at,
        message,
        name,
        severity: Some(if is_grave { Severity::High } else { Severity::Medium }),
        repair: vec![RepairStep::Ask {
            question: format!(
                "who needs it? Take it out of {of} and bind a role of its own to them; \
                 `ironhull access graph` names who has it now"
            ),
        }],
        ..Element::default()
    }
}

/// Whether it is Secrets, or a way to more.
fn is_grave(right: &Right<'_>) -> bool {
    !right.is_path && escalation::is_grave(right.verb, right.group, right.what)
}

/// `get, list secrets; get /logs`.
fn shown(rights: &[Right<'_>]) -> String {
    let mut by_what: Vec<(String, Vec<&str>)> = Vec::new();
    for right in rights {
        let (resource, subresource) =
            right.what.split_once('/').filter(|_| !right.is_path).unwrap_or((right.what, ""));
        let dot = if right.group.is_empty() { "" } else { "." };
        let slash = if subresource.is_empty() { "" } else { "/" };
        let mut what = format!("{resource}{dot}{}{slash}{subresource}", right.group);
        if !right.name.is_empty() {
            what = format!("{what} {}", right.name);
        }
        match by_what.iter_mut().find(|(known, _)| *known == what) {
            Some((_, verbs)) if !verbs.contains(&right.verb) => verbs.push(right.verb),
            Some(_) => {}
            None => by_what.push((what, vec![right.verb])),
        }
    }
    let n_more = by_what.len().saturating_sub(MOST_NAMED);
    let named = by_what.iter().take(MOST_NAMED);
    let mut text: Vec<String> =
        named.map(|(what, verbs)| format!("{} {what}", verbs.join(", "))).collect();
    if n_more > 0 {
        text.push(format!("{n_more} more"));
    }
    text.join("; ")
}
