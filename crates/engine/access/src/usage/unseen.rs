//! Rights that no request shows: the API server asks for them inside of requests, or
//! another server does.

use std::collections::BTreeSet;

use super::{Usage, Used};
use crate::{Access, GROUP, Identity, Question, Rule, Subject, grants};

/// The verbs of requests; of others only impersonation's are in a log.
const OF_REQUESTS: &[&str] =
    &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"];

const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// The most resources of a rule that are looked at.
const MOST: usize = 100_000;

/// A right that is asked for inside of a request.
struct Inside {
    verb: &'static str,
    on: On,
    by: By,
    /// Whether who holds every verb is granted it for having sent such a request. Of what
    /// RBAC asks who writes roles it may as well be that he holds what he grants.
    surely: bool,
}

/// What is asked about.
enum On {
    /// A resource of a group.
    One(&'static str, &'static str),
    /// All objects of the kind of an admission policy's parameters, whichever it is: a log
    /// without the contents of requests does not say it.
    Kind,
    /// The parameters that a policy's binding names or selects, whichever they are.
    Parameters,
    /// The finalizers of an owner, whichever it is; no API server serves them.
    Finalizers,
}

/// Requests of these verbs on resources of a group; `*` for all of them.
struct By(&'static [&'static str], &'static str, &'static [&'static str]);

const CHANGE: &[&str] = &["update", "patch"];
const WRITE: &[&str] = &["create", "update", "patch"];
const POLICIES: &[&str] = &["validatingadmissionpolicies", "mutatingadmissionpolicies"];
const BINDINGS: &[&str] = &["validatingadmissionpolicybindings", "mutatingadmissionpolicybindings"];
const CLAIMS: &[&str] = &["resourceclaims/status"];
const BIND_CLAIM: On = On::One("resource.k8s.io", "resourceclaims/binding");

const fn inside(verb: &'static str, on: On, by: By) -> Inside {
    Inside { verb, on, by, surely: true }
}

const fn of_rbac(
    verb: &'static str,
    resource: &'static str,
    written: &'static [&'static str],
) -> Inside {
    let by = By(WRITE, GROUP, written);
    Inside { verb, on: On::One(GROUP, resource), by, surely: false }
}

/// As Kubernetes 1.37 asks in `plugin/pkg/admission/{certificates,gc}` and `pkg/registry`
/// (`rbac`, `admissionregistration/*/authz.go`, `resource/utils.go`). Not here: what it asks
/// with verbs that no request has (`arbitrary-node:update`, `attest` of a ServiceAccount,
/// the kubelets' `request-…`), which is kept as it is; `create` on parts of pods, which a
/// log shows as `get`; and `delete`, for which `OwnerReferencesPermissionEnforcement`, off
/// by default, asks who changes owners.
const INSIDE: &[Inside] = &[
    inside(
        "approve",
        On::One(CERTIFICATES, "signers"),
        By(CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"]),
    ),
    inside(
        "sign",
        On::One(CERTIFICATES, "signers"),
        By(CHANGE, CERTIFICATES, &["certificatesigningrequests/status"]),
    ),
    inside(
        "attest",
        On::One(CERTIFICATES, "signers"),
        By(WRITE, CERTIFICATES, &["clustertrustbundles"]),
    ),
    of_rbac("bind", "clusterroles", &["rolebindings", "clusterrolebindings"]),
    of_rbac("bind", "roles", &["rolebindings"]),
    of_rbac("escalate", "clusterroles", &["clusterroles"]),
    of_rbac("escalate", "roles", &["roles"]),
    // Who names a kind of parameters may read them all, and who binds them reads those that
    // he binds.
    inside("get", On::Kind, By(WRITE, ADMISSION, POLICIES)),
    inside("get", On::Parameters, By(WRITE, ADMISSION, BINDINGS)),
    inside("list", On::Parameters, By(WRITE, ADMISSION, BINDINGS)),
    // Since 1.36; of all claims, by the verb of the request.
    inside("update", BIND_CLAIM, By(&["update"], "resource.k8s.io", CLAIMS)),
    inside("patch", BIND_CLAIM, By(&["patch"], "resource.k8s.io", CLAIMS)),
    Inside { surely: false, ..inside("update", On::Finalizers, By(WRITE, "*", &["*"])) },
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
                // Of more names than are kept apart all are meant.
                let names = rule.strings("resourceNames").take(self.most_names + 1);
                let names: Vec<&str> = names.collect();
                let names = if names.is_empty() { vec![""] } else { names };
                let is_for_all =
                    binding.namespace.is_none() && (names == [""] || names.contains(&"*"));
                for (verb, group, resource) in unseen(rule, is_for_all, &asked) {
                    let (own, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                    for &name in &names {
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
        let By(verbs, group, resources) = inside.by;
        self.resources.keys().any(|key| {
            verbs.contains(&&*key.verb)
                && (group == "*" || group == key.group)
                && (resources == ["*"] || resources.contains(&&*key.resource))
        })
    }
}

impl Inside {
    /// Whether it is asked about a resource of a rule, by its group.
    fn is_about(&self, group: &str, resource: &str) -> bool {
        let subresource = resource.split_once('/').map(|(_, subresource)| subresource);
        match self.on {
            On::One(own_group, own) => {
                let part = own.split_once('/').map(|(_, part)| part);
                let is_part = resource.starts_with("*/") && part.is_some() && part == subresource;
                [own_group, "*"].contains(&group) && ([own, "*"].contains(&resource) || is_part)
            }
            On::Kind | On::Parameters => subresource.is_none(),
            On::Finalizers => subresource == Some("finalizers"),
        }
    }

    /// What is kept of a resource of a rule.
    fn kept<'a>(&self, group: &'a str, resource: &'a str) -> (&'a str, &'a str) {
        match self.on {
            On::One(group, resource) => (group, resource),
            On::Kind | On::Parameters | On::Finalizers => (group, resource),
        }
    }
}

/// Verb, group and resource of what a rule grants and no request shows. `asked` says of
/// each of [`INSIDE`] whether a request was sent that asks for it, `is_for_all` whether the
/// rule counts for every object.
fn unseen<'a>(
    rule: &Rule<'a>,
    is_for_all: bool,
    asked: &[bool],
) -> Vec<(&'a str, &'a str, &'a str)> {
    let has = |wanted: &str| rule.strings("verbs").any(|granted| granted == wanted);
    let sent = INSIDE.iter().zip(asked).filter_map(|(inside, asked)| asked.then_some(inside));
    let held = sent.filter(|inside| {
        (has(inside.verb) || inside.surely && has("*"))
            && (is_for_all || !matches!(inside.on, On::Kind))
    });
    let held: Vec<&Inside> = held.collect();
    let others: Vec<&str> =
        rule.strings("verbs").filter(|verb| !OF_REQUESTS.contains(verb)).collect();
    let targets = rule
        .strings("apiGroups")
        .flat_map(|group| rule.strings("resources").map(move |resource| (group, resource)));
    let mut found = BTreeSet::new();
    for (group, resource) in targets.take(MOST) {
        for inside in held.iter().filter(|inside| inside.is_about(group, resource)) {
            let (group, resource) = inside.kept(group, resource);
            found.insert((inside.verb, group, resource));
        }
        // What else is asked with the verb of such a question is another one.
        let is_other = |verb: &&&str| {
            !verb.starts_with("impersonate")
                && !INSIDE.iter().any(|own| own.verb == **verb && own.is_about(group, resource))
        };
        found.extend(others.iter().filter(is_other).map(|verb| (*verb, group, resource)));
    }
    found.into_iter().collect()
}
