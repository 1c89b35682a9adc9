//! Every right that is known to lead to more, alone, and what it leads to at once.

use super::named::{object, reached};
use super::*;

const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// A right: verb, group, resource and name, if any.
type Right = (&'static str, &'static str, &'static str, &'static str);

/// Rights, and what is told of them.
const EDGES: &[(&[Right], &str)] = &[
    (&[("escalate", RBAC, "roles", ""), ("patch", RBAC, "roles", "")], "namespace:shop"),
    (&[("bind", RBAC, "clusterroles", ""), ("create", RBAC, "rolebindings", "")], "namespace:shop"),
    (&[("bind", RBAC, "roles", ""), ("create", RBAC, "rolebindings", "")], "role:shop/some"),
    (&[("impersonate", "", "users", "ann")], "user:ann"),
    (&[("impersonate", "", "groups", "ops"), ("impersonate", "", "users", "ann")], "group:ops"),
    (&[("impersonate", "", "serviceaccounts", "admin")], "sa:shop/admin"),
    (&[("create", "", "serviceaccounts/token", "admin")], "sa:shop/admin"),
    (&[("create", "", "secrets", ""), ("get", "", "secrets", "")], "sa:shop/admin"),
    (
        &[
            ("create", CERTIFICATES, "certificatesigningrequests", ""),
            ("update", CERTIFICATES, "certificatesigningrequests/approval", ""),
            ("approve", CERTIFICATES, "signers", "kubernetes.io/kube-apiserver-client"),
        ],
        "user:ann",
    ),
    (&[("get", "", "nodes/proxy", "")], "nodes"),
    (&[("create", "", "nodes/proxy", "")], "nodes"),
    (&[("create", "", "pods/exec", "")], "sa:shop/runner"),
    (&[("create", "", "pods/attach", "")], "sa:shop/runner"),
    (&[("get", "", "pods/exec", "")], "sa:shop/runner"),
    (&[("get", "", "pods/attach", "")], "sa:shop/runner"),
    (&[("create", "", "pods/portforward", "")], "pods:shop"),
    (&[("get", "", "pods/portforward", "")], "pods:shop"),
    (&[("get", "", "pods/proxy", "")], "pods:shop"),
    (&[("get", "", "services/proxy", "")], "pods:shop"),
    (&[("patch", "", "pods/ephemeralcontainers", "")], "sa:shop/runner"),
    (&[("create", "", "pods", "")], "secrets:shop"),
    (&[("create", "", "pods", "")], "nodes"),
    (&[("create", "", "replicationcontrollers", "")], "sa:shop/admin"),
    (&[("create", "apps", "deployments", "")], "sa:shop/admin"),
    (&[("create", "apps", "daemonsets", "")], "sa:shop/admin"),
    (&[("create", "apps", "statefulsets", "")], "sa:shop/admin"),
    (&[("create", "apps", "replicasets", "")], "sa:shop/admin"),
    (&[("create", "batch", "jobs", "")], "sa:shop/admin"),
    (&[("create", "batch", "cronjobs", "")], "sa:shop/admin"),
    (&[("patch", "apps", "deployments", "")], "sa:shop/admin"),
    (&[("patch", "", "pods", "")], "sa:shop/runner"),
    (&[("patch", "", "nodes", "")], "scheduling"),
    (&[("patch", "", "nodes/status", "")], "scheduling"),
    (&[("create", ADMISSION, "mutatingwebhookconfigurations", "")], "nodes"),
    (&[("create", ADMISSION, "validatingwebhookconfigurations", "")], "secrets"),
    (
        &[
            ("create", ADMISSION, "mutatingadmissionpolicies", ""),
            ("create", ADMISSION, "mutatingadmissionpolicybindings", ""),
        ],
        "sa:shop/admin",
    ),
    (&[("delete", ADMISSION, "validatingadmissionpolicies", "")], "admission"),
    (&[("delete", ADMISSION, "validatingadmissionpolicybindings", "")], "admission"),
    (&[("get", "", "secrets", "")], "secrets:shop"),
    (&[("list", "", "secrets", "")], "secrets:shop"),
    (&[("watch", "", "secrets", "")], "secrets:shop"),
    (
        &[
            ("create", "", "persistentvolumes", ""),
            ("create", "", "persistentvolumeclaims", ""),
            ("create", "", "pods", ""),
        ],
        "nodes",
    ),
    (&[("update", "", "endpoints", "")], "traffic:shop"),
    (&[("patch", "discovery.k8s.io", "endpointslices", "")], "traffic:shop"),
    (&[("patch", "", "services/status", "")], "traffic:shop"),
    (&[("delete", "", "pods", "")], "scheduling"),
    (&[("create", "", "pods/eviction", "")], "scheduling"),
    (&[("patch", "", "pods/status", "")], "traffic:shop"),
    (&[("patch", "", "configmaps", "aws-auth")], "cluster-admin"),
];

/// What says nothing of who one is.
const NONE: &[Right] = &[
    ("impersonate", "authentication.k8s.io", "uids", ""),
    ("impersonate", "authentication.k8s.io", "userextras/scopes", ""),
    ("bind", RBAC, "roles", ""),
    ("escalate", RBAC, "roles", ""),
    ("create", "", "secrets", ""),
    ("create", CERTIFICATES, "certificatesigningrequests", ""),
    ("sign", CERTIFICATES, "signers", ""),
    ("get", "", "pods/log", ""),
    ("get", "", "nodes", ""),
    ("patch", "", "configmaps", ""),
    ("create", "", "persistentvolumes", ""),
];

fn rules(rights: &[Right]) -> Vec<String> {
    let names = |name: &'static str| if name.is_empty() { vec![] } else { vec![name] };
    let rules = rights
        .iter()
        .map(|(verb, group, resource, name)| rule(group, resource, verb, &names(name)));
    rules.collect()
}

#[test]
fn every_right_that_leads_to_more_is_told() {
    let config = object("v1", "ConfigMap", "kube-system", "aws-auth", "");
    let some = &bound("Role", "some", &[], JANE)[0];
    for (rights, expected) in EDGES {
        // In the namespace where that does, else everywhere.
        let found = |kind: &str| {
            let more = [&**some, &*config];
            let found = reached(kind, &rules(rights), &more);
            found.into_iter().filter_map(|one| Some(one.split_once(' ')?.1.to_owned())).collect()
        };
        let (here, everywhere): (Vec<String>, Vec<String>) = (found("Role"), found("ClusterRole"));
        let is_told = |all: &[String]| all.iter().any(|one| one == expected);
        assert!(is_told(&here) || is_told(&everywhere), "{rights:?}: {here:?} {everywhere:?}");
        // Each of them is needed.
        for left_out in 0..rights.len() {
            let mut less = rights.to_vec();
            less.remove(left_out);
            let run_as_well = less.iter().any(|right| (right.0, right.2) == ("create", "pods"));
            if less.is_empty() || run_as_well {
                continue;
            }
            let less = reached("ClusterRole", &rules(&less), &[some]);
            let whole = less.iter().any(|one| one.ends_with(&format!(" {expected}")));
            assert!(!whole, "{rights:?} without {left_out}: {less:?}");
        }
    }
}

#[test]
fn what_leads_nowhere_alone_is_not_told() {
    for right in NONE {
        for kind in ["Role", "ClusterRole"] {
            let found = reached(kind, &rules(&[*right]), &[]);
            assert!(found.is_empty(), "{right:?} by {kind}: {found:?}");
        }
    }
}
