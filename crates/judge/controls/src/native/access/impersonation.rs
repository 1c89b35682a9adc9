//! `access/impersonation`: who may send requests as somebody else. By `impersonate` it is
//! what `access/grants` says of the same parameters. By constrained impersonation it is
//! who may take others by a mode, and may send anything so: what grants nothing to send is
//! nothing. Its severity is the control's where that shows Secrets or makes its holder
//! somebody else, and medium else.

use ironhull_access::impersonation::{AUTHENTICATION, SINCE, sent};
use ironhull_access::{Access, Binding, Grant, Identity, Question, Rule, escalation, grants};
use ironhull_model::Severity;

use super::{Meant, granted, violations};
use crate::native::{Answer, Element, Subject};

/// Modes, whom they take, and the name that is asked for, if one.
const MODES: &[(&str, &str, &str)] = &[
    ("impersonate:user-info", "users", ""),
    ("impersonate:user-info", "groups", ""),
    ("impersonate:serviceaccount", "serviceaccounts", ""),
    ("impersonate:arbitrary-node", "nodes", ""),
    ("impersonate:associated-node", "nodes", "*"),
];

pub(super) fn impersonation(subject: &Subject<'_>) -> Answer {
    let Answer::Elements(mut elements) = granted(subject) else { return Answer::NotApplicable };
    if subject.world.base.minor >= SINCE {
        let access = (subject.access)();
        let meant = Meant::new(subject);
        for binding in access.written_bindings().filter(|it| meant.has_place(it.namespace)) {
            let all = constrained(access, binding).into_iter();
            elements.extend(all.filter(|element| meant.has(&element.name)));
        }
    }
    Answer::Elements(elements)
}

/// Those of a binding's subjects who take others by a mode and may send something so.
fn constrained(access: &Access<'_>, binding: &Binding<'_>) -> Vec<Element> {
    let mut elements: Vec<Element> = Vec::new();
    if grants::role(binding.object) == "ClusterRole cluster-admin" {
        return elements;
    }
    for &(verb, resource, name) in MODES {
        let is_namespaced = resource == "serviceaccounts";
        let question = Question {
            name,
            namespace: is_namespaced.then_some(Question::ANY),
            ..Question::new(verb, AUTHENTICATION, resource)
        };
        let Some(Grant::Granted { rule, .. }) = access.grant(binding, std::iter::once(question))
        else {
            continue;
        };
        if rule.is_everything() {
            continue;
        }
        for element in violations(binding.object, &question, rule) {
            let is_told = elements.iter().any(|known| known.name == element.name);
            let who = ironhull_access::Subject::parse(&element.name);
            let Some(who) = who.filter(|_| !is_told).map(|who| Identity::of(&who)) else {
                continue;
            };
            // Who acts as a member of a group acts as some user.
            if resource == "groups" && !takes_a_user(access, &who) {
                continue;
            }
            if let Some(sent) = sends(access, &who, verb) {
                elements.push(with_sent(element, &sent));
            }
        }
    }
    elements
}

/// Whether somebody may take any user, if only one.
fn takes_a_user(access: &Access<'_>, who: &Identity) -> bool {
    let verb = "impersonate:user-info";
    access.bindings_of(who, None).flat_map(|binding| access.rules(binding)).any(|rule| {
        let has = |field: &str, one: &str| rule.strings(field).any(|own| own == one || own == "*");
        has("verbs", verb) && has("apiGroups", AUTHENTICATION) && has("resources", "users")
    })
}

/// What somebody may send by a mode.
struct Sent<'i, 'a> {
    what: String,
    is_grave: bool,
    rule: &'i Rule<'a>,
}

/// The gravest of what somebody may send by the mode of a verb.
fn sends<'i, 'a>(access: &'i Access<'a>, who: &Identity, verb: &str) -> Option<Sent<'i, 'a>> {
    let mode = ironhull_access::impersonation::mode(verb)?;
    let bindings = access.bindings_of(who, Some(Question::ANY));
    let rules = bindings.flat_map(|binding| access.rules(binding));
    let mut found: Option<Sent<'i, 'a>> = None;
    for rule in rules {
        for verb in rule.strings("verbs").filter_map(|verb| sent(verb, mode)) {
            let is_grave = |resource: &&str| {
                rule.strings("apiGroups")
                    .any(|group| escalation::is_part_of_grave(verb, group, resource))
            };
            let grave = rule.strings("resources").find(is_grave);
            let first = grave.or_else(|| rule.strings("resources").next());
            let Some(first) = first.or_else(|| rule.strings("nonResourceURLs").next()) else {
                continue;
            };
            if grave.is_some() || found.is_none() {
                let what = format!("{verb} {first}");
                let sent = Sent { what, is_grave: grave.is_some(), rule };
                if sent.is_grave {
                    return Some(sent);
                }
                found = Some(sent);
            }
        }
    }
    found
}

fn with_sent(mut element: Element, sent: &Sent<'_, '_>) -> Element {
    element.message = format!("{}, and so send {}", element.message, sent.what);
    if !sent.is_grave {
        element.severity = Some(Severity::Medium);
    }
    let rule = (sent.rule.role.thing.clone(), sent.rule.node.pointer());
    if !element.related.contains(&rule) {
        element.related.push(rule);
    }
    element
}
