//! What a sender was allowed by acting as somebody else.

use ironhull_access::impersonation::{AUTHENTICATION, Other, mode, on};
use ironhull_access::subject::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED};
use ironhull_access::usage::Used;

use crate::event::{Event, User};

/// The API group of users, groups and ServiceAccounts where `impersonate` is asked for.
const CORE: &str = "";
/// What the API server asks for in place of a node's name where a pod's account acts as
/// the node on which it runs: its answer counts for all of them.
const EVERY_NODE: &str = "*";

impl<'a> Event<'a> {
    /// What the sender was allowed by acting as somebody else.
    pub fn impersonated(&self) -> Vec<Used<'_>> {
        let Some(other) = &self.impersonated_user else { return Vec::new() };
        match self.constraint() {
            None => by_name(other),
            Some((verb, mode)) => {
                let mut all = constrained(other, verb, mode);
                // Asked once, before anything else that the request may be asked about.
                all.push(self.asked(&self.sent_on));
                all
            }
        }
    }

    /// Writes down the verb that the request itself was asked about: [`Used`] borrows it.
    pub(crate) fn note_sent_on(&mut self) {
        let sent_on = self.constraint().map(|(_, mode)| on(mode, &self.verb));
        self.sent_on = sent_on.unwrap_or_default();
    }

    /// The verb that was asked for on the other's name, and its mode; none where it was
    /// `impersonate`.
    fn constraint(&self) -> Option<(&str, &str)> {
        let verb = &*self.authentication_metadata.as_ref()?.impersonation_constraint;
        Some((verb, mode(verb)?))
    }
}

/// By `impersonate`, which is asked for on everything that the sender says of the other.
fn by_name<'e>(other: &'e User<'_>) -> Vec<Used<'e>> {
    let verb = "impersonate";
    let user = match Other::of(&other.username) {
        Other::Account(namespace, name) => {
            used(verb, CORE, "serviceaccounts", Some(namespace), name)
        }
        Other::Node(_) | Other::User => used(verb, CORE, "users", None, &other.username),
    };
    [user].into_iter().chain(details(other, verb, CORE)).collect()
}

/// By `impersonate:MODE`: nodes and ServiceAccounts are taken with the groups that they
/// have, and with nothing else.
fn constrained<'e>(other: &'e User<'_>, verb: &'e str, mode: &str) -> Vec<Used<'e>> {
    let account_or_node = match Other::of(&other.username) {
        Other::Account(namespace, name) => {
            used(verb, AUTHENTICATION, "serviceaccounts", Some(namespace), name)
        }
        Other::Node(_) if mode == "associated-node" => {
            used(verb, AUTHENTICATION, "nodes", None, EVERY_NODE)
        }
        Other::Node(name) => used(verb, AUTHENTICATION, "nodes", None, name),
        Other::User => {
            let user = used(verb, AUTHENTICATION, "users", None, &other.username);
            return [user].into_iter().chain(details(other, verb, AUTHENTICATION)).collect();
        }
    };
    vec![account_or_node]
}

fn used<'e>(
    verb: &'e str,
    group: &'e str,
    resource: &'e str,
    namespace: Option<&'e str>,
    name: &'e str,
) -> Used<'e> {
    Used::Resource { verb, group, resource, subresource: "", namespace, name }
}

/// What was asked about the other besides the name.
fn details<'e>(
    other: &'e User<'_>,
    verb: &'e str,
    group: &'e str,
) -> impl Iterator<Item = Used<'e>> {
    let groups =
        asked_groups(other).iter().map(move |name| used(verb, group, "groups", None, name));
    let extras = other.extra.iter().flat_map(move |(key, values)| {
        values.iter().map(move |value| Used::Resource {
            verb,
            group: AUTHENTICATION,
            resource: "userextras",
            subresource: key,
            namespace: None,
            name: value,
        })
    });
    let uid = (!other.uid.is_empty()).then(|| used(verb, AUTHENTICATION, "uids", None, &other.uid));
    groups.chain(extras).chain(uid)
}

/// The groups that the sender named. The API server adds the last where it is missing, and
/// of a ServiceAccount without groups those that it has.
fn asked_groups<'e, 'a>(other: &'e User<'a>) -> &'e [std::borrow::Cow<'a, str>] {
    let last = if other.username == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    let named = match other.groups.split_last() {
        Some((own, named)) if own == last => named,
        _ => &other.groups[..],
    };
    if let (Other::Account(namespace, _), [all, of_namespace]) = (Other::of(&other.username), named)
        && all == "system:serviceaccounts"
        && of_namespace.strip_prefix("system:serviceaccounts:") == Some(namespace)
    {
        return &[];
    }
    named
}
