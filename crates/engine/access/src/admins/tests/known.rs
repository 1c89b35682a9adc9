//! Who is found.

use super::*;

/// Escalations that the documentation of RBAC and of Kubernetes' security warns of; in
/// namespace `shop` runs a pod as `boss`, who is cluster-admin, in `bank` nobody is.
#[test]
fn each_warned_of_escalation_is_known_and_nothing_that_looks_like_it() {
    let core = |resources: &[&str], verbs: &[&str]| vec![rule("", resources, verbs)];
    let rbac = |resources: &[&str], verbs: &[&str]| vec![rule(RBAC, resources, verbs)];
    let certificates = "certificates.k8s.io";
    let signs = |signer: &str, approves: &str| {
        vec![
            rule(certificates, &["certificatesigningrequests"], &["create"]),
            rule(certificates, &["certificatesigningrequests/approval"], &[approves]),
            named(rule(certificates, &["signers"], &["approve"]), signer),
        ]
    };
    let with = |mut rules: Vec<Json>, more: Vec<Json>| {
        rules.extend(more);
        rules
    };
    let webhooks = "admissionregistration.k8s.io";
    let cases: Vec<(&str, &str, Vec<Json>, Option<&str>)> = vec![
        (
            "",
            "bind",
            rbac(&["clusterroles", "clusterrolebindings"], &["bind", "create"]),
            Some("bind"),
        ),
        ("", "bindings without bind", rbac(&["clusterrolebindings"], &["create", "update"]), None),
        ("", "bind without bindings", rbac(&["clusterroles"], &["bind"]), None),
        ("", "escalate", rbac(&["clusterroles"], &["escalate", "patch"]), Some("escalate")),
        (
            "",
            "roles without escalate",
            rbac(&["clusterroles"], &["create", "update", "patch"]),
            None,
        ),
        (
            "",
            "impersonate users",
            core(&["users"], &["impersonate"]),
            Some("impersonate-user everything"),
        ),
        (
            "",
            "impersonate groups",
            core(&["users", "groups"], &["impersonate"]),
            Some("impersonate-group"),
        ),
        ("", "impersonate groups, and nobody", core(&["groups"], &["impersonate"]), None),
        (
            "shop",
            "impersonate accounts",
            core(&["serviceaccounts"], &["impersonate"]),
            Some("impersonate-account everything"),
        ),
        (
            "bank",
            "impersonate accounts that are nothing",
            core(&["serviceaccounts"], &["impersonate"]),
            None,
        ),
        (
            "",
            "nodes/proxy by get",
            core(&["nodes/proxy"], &["get"]),
            Some("nodes-proxy take-tokens everything"),
        ),
        ("", "nodes/metrics", core(&["nodes/metrics", "nodes/stats", "nodes/log"], &["get"]), None),
        (
            "",
            "approve client certificates",
            signs("kubernetes.io/kube-apiserver-client", "update"),
            Some("approve-certificate everything"),
        ),
        (
            "",
            "approve by domain",
            signs("kubernetes.io/*", "patch"),
            Some("approve-certificate everything"),
        ),
        (
            "",
            "approve serving certificates",
            signs("kubernetes.io/kubelet-serving", "update"),
            None,
        ),
        ("", "approve without update", signs("kubernetes.io/kube-apiserver-client", "get"), None),
        (
            "shop",
            "token requests",
            core(&["serviceaccounts/token"], &["create"]),
            Some("create-token everything"),
        ),
        ("shop", "token requests by get", core(&["serviceaccounts/token"], &["get"]), None),
        (
            "shop",
            "token Secrets",
            core(&["secrets"], &["create", "get"]),
            Some("create-token-secret everything"),
        ),
        ("shop", "Secrets by create only", core(&["secrets"], &["create"]), None),
        (
            "legacy",
            "Secrets by list",
            core(&["secrets"], &["list"]),
            Some("read-secrets read-token everything"),
        ),
        ("shop", "Secrets by list where no token stands", core(&["secrets"], &["list"]), None),
        (
            "legacy",
            "one Secret by name",
            vec![named(rule("", &["secrets"], &["get"]), "other")],
            None,
        ),
        ("shop", "pods", core(&["pods"], &["create"]), Some("run-pods everything")),
        ("bank", "pods where nobody may more", core(&["pods"], &["create"]), None),
        (
            "host",
            "pods with hostPath",
            core(&["pods"], &["create"]),
            Some("run-pods take-tokens everything"),
        ),
        (
            "shop",
            "Deployments",
            vec![rule("apps", &["deployments"], &["patch"])],
            Some("change-workloads everything"),
        ),
        (
            "shop",
            "Deployments' scale",
            vec![rule("apps", &["deployments/scale"], &["patch"])],
            None,
        ),
        ("shop", "exec", core(&["pods/exec"], &["create"]), Some("exec everything")),
        ("shop", "exec by get, which 1.35 closed", core(&["pods/exec"], &["get"]), None),
        (
            "shop",
            "ephemeral containers",
            core(&["pods/ephemeralcontainers"], &["patch"]),
            Some("debug-pods everything"),
        ),
        ("shop", "logs", core(&["pods/log"], &["get"]), None),
        (
            "",
            "mutating webhooks",
            vec![rule(webhooks, &["mutatingwebhookconfigurations"], &["create"])],
            Some("mutate escalate"),
        ),
        (
            "",
            "validating webhooks",
            vec![rule(webhooks, &["validatingwebhookconfigurations"], &["create"])],
            Some("see-writes read-token everything"),
        ),
        (
            "",
            "webhooks by delete",
            vec![rule(webhooks, &["mutatingwebhookconfigurations"], &["delete"])],
            None,
        ),
        (
            "",
            "PersistentVolumes",
            with(
                core(&["persistentvolumes", "persistentvolumeclaims"], &["create"]),
                core(&["pods"], &["create"]),
            ),
            Some("run-pods escalate"),
        ),
        ("", "PersistentVolumes alone", core(&["persistentvolumes"], &["create"]), None),
        ("", "view", core(&["pods", "services", "nodes"], &["get", "list", "watch"]), None),
    ];
    let by_name = |what: &str, rules: Vec<Json>| -> Vec<Json> {
        rules.into_iter().map(|rule| named(rule, what)).collect()
    };
    let binds =
        |name: &str, more: Json| vec![named(rule(RBAC, &["clusterroles"], &["bind"]), name), more];
    let creates = || rule(RBAC, &["clusterrolebindings"], &["create"]);
    let updates = |name: &str| named(rule(RBAC, &["clusterrolebindings"], &["update"]), name);
    let makes = || rule(RBAC, &["rolebindings"], &["create"]);
    let cases_by_name: Vec<(&str, &str, Vec<Json>, Option<&str>)> = vec![
        (
            "",
            "escalate r",
            by_name("r", rbac(&["clusterroles"], &["escalate", "patch"])),
            Some("escalate"),
        ),
        (
            "",
            "escalate another",
            by_name("view", rbac(&["clusterroles"], &["escalate", "patch"])),
            None,
        ),
        ("", "patch r", by_name("r", rbac(&["clusterroles"], &["patch"])), None),
        (
            "shop",
            "escalate its Role",
            by_name("r", rbac(&["roles"], &["escalate", "patch"])),
            Some("escalate-in-namespace administer everything"),
        ),
        (
            "shop",
            "escalate another Role",
            by_name("x", rbac(&["roles"], &["escalate", "patch"])),
            None,
        ),
        ("", "bind super", binds("super", creates()), Some("bind")),
        ("", "bind tokens", binds("tokens", creates()), Some("bind create-token escalate")),
        ("", "bind view", binds("view", creates()), None),
        ("", "bind super by its binding", binds("super", updates("supers")), Some("bind")),
        ("", "bind super by another binding", binds("super", updates("bosses")), None),
        (
            "shop",
            "bind tokens in shop",
            binds("tokens", makes()),
            Some("bind-in-namespace create-token everything"),
        ),
        ("bank", "bind tokens in bank", binds("tokens", makes()), None),
        (
            "legacy",
            "the Secret of a token",
            by_name("t", core(&["secrets"], &["get"])),
            Some("read-secrets everything"),
        ),
        ("shop", "its name elsewhere", by_name("t", core(&["secrets"], &["get"])), None),
        (
            "shop",
            "a Deployment",
            by_name("web", vec![rule("apps", &["deployments"], &["patch"])]),
            Some("change-workloads everything"),
        ),
        (
            "shop",
            "another Deployment",
            by_name("x", vec![rule("apps", &["deployments"], &["patch"])]),
            None,
        ),
        (
            "",
            "a Deployment anywhere",
            by_name("web", vec![rule("apps", &["deployments"], &["patch"])]),
            Some("change-workloads everything"),
        ),
        (
            "shop",
            "exec into p",
            by_name("p", core(&["pods/exec"], &["create"])),
            Some("exec everything"),
        ),
        ("shop", "exec into q", by_name("q", core(&["pods/exec"], &["create"])), None),
        ("shop", "forward to p", by_name("p", core(&["pods/portforward"], &["create"])), None),
        (
            "",
            "a mutating webhook",
            by_name("hook", vec![rule(webhooks, &["mutatingwebhookconfigurations"], &["patch"])]),
            Some("mutate escalate"),
        ),
        (
            "",
            "another mutating webhook",
            by_name("x", vec![rule(webhooks, &["mutatingwebhookconfigurations"], &["patch"])]),
            None,
        ),
        (
            "",
            "a validating webhook",
            by_name(
                "hook",
                vec![rule(webhooks, &["validatingwebhookconfigurations"], &["update"])],
            ),
            Some("see-writes read-token everything"),
        ),
        (
            "",
            "act as the node of p",
            vec![
                named(
                    rule("authentication.k8s.io", &["nodes"], &["impersonate:arbitrary-node"]),
                    "n",
                ),
                rule("", &["serviceaccounts/token"], &["impersonate-on:arbitrary-node:create"]),
            ],
            Some("constrained-node everything"),
        ),
    ];
    let cases: Vec<_> = cases.into_iter().chain(cases_by_name).collect();
    assert!(cases.len() >= 20);
    let labelled = |name: &str, level: &str| {
        json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": level}}})
    };
    let old = json!({"kind": "ServiceAccount", "namespace": "legacy", "name": "old"});
    let hook = |kind: &str| json!({"apiVersion": format!("{webhooks}/v1"), "kind": kind, "metadata": {"name": "hook"}});
    let others = [
        bound("bosses", "", ("ClusterRole", "cluster-admin"), &[boss(), old, user("root")]),
        role("ClusterRole", "super", "", &[rule("*", &["*"], &["*"])]),
        bound("supers", "", ("ClusterRole", "super"), &[]),
        role("ClusterRole", "tokens", "", &core(&["serviceaccounts/token"], &["create"])),
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"}}),
        hook("MutatingWebhookConfiguration"),
        hook("ValidatingWebhookConfiguration"),
        labelled("shop", "restricted"),
        labelled("bank", "restricted"),
        labelled("legacy", "restricted"),
        labelled("host", "privileged"),
        pod_of_boss(),
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": "bank"}}),
        json!({"apiVersion": "v1", "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "t", "namespace": "legacy",
                "annotations": {"kubernetes.io/service-account.name": "old"}}}),
    ];
    let kubelet = |name: &str| {
        found(&others, &Subject::user(&format!("system:node:{name}"))).map(|(ways, _)| ways)
    };
    assert_eq!(kubelet("n").as_deref(), Some("node-tokens everything"));
    assert_eq!(kubelet("m"), None);
    for (namespace, what, rules, expected) in cases {
        let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
        let mut objects = others.to_vec();
        objects.push(role(kind, "r", namespace, &rules));
        objects.push(bound("jane", namespace, (kind, "r"), &[user("jane")]));
        let found = found(&objects, &Subject::user("jane"));
        assert_eq!(found.map(|(ways, _)| ways).as_deref(), expected, "{what} in {namespace:?}");
    }
}
