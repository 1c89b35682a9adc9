//! Rights that no request shows: the API server asks for them inside of requests, or
//! another server does.

use std::collections::BTreeSet;

use super::{Key, Usage, Used};
use crate::{Access, GROUP, Identity, Question, Rule, Subject, grants};

/// The verbs of requests; of others only impersonation's are in a log.
const OF_REQUESTS: &[&str] =
    &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"];

const CERTIFICATES: &str = "certificates.k8s.io";

/// A verb that is asked for inside of a request.
struct Inside {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    /// The verbs and resources of its group in whose requests it is asked for.
    by: (&'static [&'static str], &'static [&'static str]),
    /// Whether who holds every verb is granted it for having sent such a request. Of what
    /// RBAC asks who writes roles it may as well be that he holds what he grants.
    surely: bool,
}

const CHANGE: &[&str] = &["update", "patch"];
const WRITE: &[&str] = &["create", "update", "patch"];

/// As `plugin/pkg/admission/certificates` and `pkg/registry/rbac` of Kubernetes ask.
const INSIDE: &[Inside] = &[
    Inside {
        verb: "approve",
        group: CERTIFICATES,
        resource: "signers",
        by: (CHANGE, &["certificatesigningrequests/approval"]),
        surely: true,
    },
    Inside {
        verb: "sign",
        group: CERTIFICATES,
        resource: "signers",
        by: (CHANGE, &["certificatesigningrequests/status"]),
        surely: true,
    },
    Inside {
        verb: "attest",
        group: CERTIFICATES,
        resource: "signers",
        by: (WRITE, &["clustertrustbundles"]),
        surely: true,
    },
    Inside {
        verb: "bind",
        group: GROUP,
        resource: "clusterroles",
        by: (WRITE, &["rolebindings", "clusterrolebindings"]),
        surely: false,
    },
    Inside {
        verb: "bind",
        group: GROUP,
        resource: "roles",
        by: (WRITE, &["rolebindings"]),
        surely: false,
    },
    Inside {
        verb: "escalate",
        group: GROUP,
        resource: "clusterroles",
        by: (WRITE, &["clusterroles"]),
        surely: false,
    },
    Inside {
        verb: "escalate",
        group: GROUP,
        resource: "roles",
        by: (WRITE, &["roles"]),
        surely: false,
    },
];

impl Usage {
    /// Counts as used what is granted to a subject and no log can show: what was asked for
    /// inside of its requests, and verbs that no request has. Gives them as
    /// `VERB RESOURCE.GROUP`.
    pub fn keep_unseen(&mut self, bound: &Access<'_>, subject: &Subject) -> BTreeSet<String> {
        let asked: Vec<bool> = INSIDE.iter().map(|inside| self.has_sent(inside)).collect();
        let mut kept = BTreeSet::new();
        for binding in bound.bindings_of(&Identity::of(subject), Some(Question::ANY)) {
            if !grants::named(binding.object).contains(subject) {
                continue;
            }
            for rule in bound.rules(binding) {
                for (verb, group, resource) in unseen(rule, &asked) {
                    let names: Vec<&str> = rule.strings("resourceNames").collect();
                    let names = if names.is_empty() { vec![""] } else { names };
                    let (own, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                    for name in names {
                        self.add(&Used::Resource {
                            verb,
                            group,
                            resource: own,
                            subresource,
                            namespace: binding.namespace,
                            name,
                        });
                    }
                    let dot = if group.is_empty() { "" } else { "." };
                    kept.insert(format!("{verb} {resource}{dot}{group}"));
                }
            }
        }
        kept
    }

    fn has_sent(&self, inside: &Inside) -> bool {
        let (verbs, resources) = inside.by;
        self.resources.keys().any(|Key { group, resource, verb, .. }| {
            group == inside.group && verbs.contains(&&**verb) && resources.contains(&&**resource)
        })
    }
}

/// Verb, group and resource of what a rule grants and no request shows. `asked` says of
/// each of [`INSIDE`] whether a request was sent that asks for it.
fn unseen<'a>(rule: &Rule<'a>, asked: &[bool]) -> Vec<(&'a str, &'a str, &'a str)> {
    let has = |field: &str, wanted: &str| rule.strings(field).any(|granted| granted == wanted);
    let covers = |field: &str, wanted: &str| has(field, wanted) || has(field, "*");
    let mut found: Vec<(&str, &str, &str)> = Vec::new();
    for (inside, _) in INSIDE.iter().zip(asked).filter(|(_, asked)| **asked) {
        if (has("verbs", inside.verb) || inside.surely && has("verbs", "*"))
            && covers("apiGroups", inside.group)
            && covers("resources", inside.resource)
        {
            found.push((inside.verb, inside.group, inside.resource));
        }
    }
    let is_other = |verb: &&str| {
        !OF_REQUESTS.contains(verb)
            && !verb.starts_with("impersonate")
            && !INSIDE.iter().any(|inside| inside.verb == *verb)
    };
    for verb in rule.strings("verbs").filter(is_other) {
        for group in rule.strings("apiGroups") {
            found.extend(rule.strings("resources").map(|resource| (verb, group, resource)));
        }
    }
    found
}
