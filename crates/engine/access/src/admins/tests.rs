use std::sync::Arc;

use ironhull_model::{Coverage, Minor, Object, Snapshot, Standing, World};
use serde_json::{Value as Json, json};

use super::Admins;
use crate::usage::Used;
use crate::{Access, Identity, Subject, grants};

const RBAC: &str = "rbac.authorization.k8s.io";

fn of_kind(kind: &str, name: &str, namespace: &str) -> Json {
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": {"name": name, "namespace": namespace}})
}

fn role(kind: &str, name: &str, namespace: &str, rules: &[Json]) -> Json {
    let mut role = of_kind(kind, name, namespace);
    role["rules"] = rules.into();
    role
}

fn bound(name: &str, namespace: &str, role: (&str, &str), subjects: &[Json]) -> Json {
    let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
    let mut binding = of_kind(kind, name, namespace);
    binding["roleRef"] = json!({"apiGroup": RBAC, "kind": role.0, "name": role.1});
    binding["subjects"] = subjects.into();
    binding
}

fn user(name: &str) -> Json {
    json!({"kind": "User", "name": name})
}

fn rule(groups: &str, resources: &[&str], verbs: &[&str]) -> Json {
    json!({"apiGroups": [groups], "resources": resources, "verbs": verbs})
}

fn named(rule: Json, name: &str) -> Json {
    let mut rule = rule;
    rule["resourceNames"] = json!([name]);
    rule
}

/// Who is cluster-admin in `shop`, and runs there.
fn boss() -> Json {
    json!({"kind": "ServiceAccount", "namespace": "shop", "name": "boss"})
}

fn pod_of_boss() -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"serviceAccountName": "boss", "nodeName": "n"}})
}

/// These in a whole cluster, with the roles and bindings that every cluster has.
fn estate(minor: Minor, objects: &[Json]) -> Snapshot {
    let mut snapshot = Snapshot::new(minor);
    snapshot.coverage = Coverage::Complete;
    let value = |json: &Json| serde_json::from_str(&json.to_string()).unwrap();
    let given = objects.iter().map(|json| Object::new(value(json), None).unwrap());
    let given: Vec<Object> = given.collect();
    for default in ironhull_schema::rbac::defaults(minor) {
        let mut object = Object::new(default, None).unwrap();
        if !given.iter().any(|given| given.thing == object.thing) {
            object.standing = Standing::Assumed;
            snapshot.objects.push(Arc::new(object));
        }
    }
    snapshot.objects.extend(given.into_iter().map(Arc::new));
    snapshot.seal();
    snapshot
}

/// `way` and whether he is built in, of somebody who is as good as cluster-admin.
fn found(objects: &[Json], who: &Subject) -> Option<(String, bool)> {
    let snapshot = estate(Minor::NEWEST, objects);
    let access = Access::new(World::new(&snapshot));
    let admins = Admins::new(&access);
    let admin = admins.all().get(who)?;
    let ways: Vec<&str> = admin.path.iter().map(|step| step.way.id).collect();
    Some((ways.join(" "), admin.built_in))
}

#[test]
fn who_is_added_to_a_default_binding_is_not_of_every_cluster() {
    let eve = Subject::user("eve");
    let masters = json!({"kind": "Group", "name": "system:masters"});
    let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    let with = |name: &str, role: &str, subjects: &[Json]| {
        let mut binding = bound(name, "", ("ClusterRole", role), subjects);
        binding["metadata"]["labels"] = labels.clone();
        binding
    };
    let both = with("cluster-admin", "cluster-admin", &[masters.clone(), user("eve")]);
    assert_eq!(found(std::slice::from_ref(&both), &eve), Some(("everything".to_owned(), false)));
    let aggregation = "clusterrole-aggregation-controller";
    let of_default = format!("system:controller:{aggregation}");
    let account =
        json!({"kind": "ServiceAccount", "namespace": "kube-system", "name": aggregation});
    let own = Subject::account("kube-system", aggregation);
    let escalates = Some(("escalate".to_owned(), true));
    assert_eq!(found(&[], &own), escalates, "as it is everywhere");
    let more = with(&of_default, &of_default, &[account.clone(), user("eve")]);
    assert_eq!(found(std::slice::from_ref(&more), &own), escalates, "he is bound as everywhere");
    let added = Some(("escalate".to_owned(), false));
    assert_eq!(found(std::slice::from_ref(&more), &eve), added);
    // The name and label of a default, and another role.
    let everybody = Subject::Group("system:authenticated".to_owned());
    let group = json!({"kind": "Group", "name": "system:authenticated"});
    let other = with("system:discovery", "cluster-admin", &[group]);
    assert_eq!(found(&[other], &everybody), Some(("everything".to_owned(), false)));
    // A default role to which somebody added everything.
    let all = rule("*", &["*"], &["*"]);
    let wide = role("ClusterRole", "system:basic-user", "", &[all]);
    assert_eq!(found(&[wide], &everybody), Some(("everything".to_owned(), false)));
    // What is of every cluster and bound once more by somebody.
    let again = bound("again", "", ("ClusterRole", "cluster-admin"), &[account]);
    assert_eq!(found(&[again], &own).map(|(_, built_in)| built_in), Some(false));

    let snapshot = estate(Minor::NEWEST, &[both, more]);
    let access = Access::new(World::new(&snapshot));
    let written: Vec<Subject> =
        access.written_bindings().flat_map(|binding| grants::written(binding.object)).collect();
    assert_eq!(written, [eve.clone(), eve]);
}

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

/// A use is of the right that lets the request pass, not of one beside it.
#[test]
fn a_use_is_of_the_right_that_allows_it() {
    let jane = [user("jane")];
    let deploys = rule("apps", &["deployments"], &["create"]);
    let objects = [
        bound("boss", "", ("ClusterRole", "cluster-admin"), &[boss()]),
        role("Role", "pods", "shop", &[rule("", &["pods"], &["create"])]),
        bound("a-pods", "shop", ("Role", "pods"), &jane),
        role("Role", "deploys", "shop", &[deploys]),
        bound("b-deploys", "shop", ("Role", "deploys"), &jane),
        role("Role", "exec", "shop", &[rule("", &["pods/exec"], &["get", "create"])]),
        bound("c-exec", "shop", ("Role", "exec"), &jane),
        pod_of_boss(),
    ];
    let by = |minor: Minor, used: Used<'_>| {
        let snapshot = estate(minor, &objects);
        let access = Access::new(World::new(&snapshot));
        let admins = Admins::new(&access);
        let subject = Subject::user("jane");
        let needed = admins.needed(&subject, &Identity::of(&subject), &used)?;
        let binding = needed.by.map(|(binding, _)| binding.object.thing.name.to_string());
        Some((needed.way.id, binding.unwrap_or_default()))
    };
    let used = |verb, group, resource, subresource| Used::Resource {
        verb,
        group,
        resource,
        subresource,
        namespace: Some("shop"),
        name: "x",
    };
    let newest = |used| by(Minor::NEWEST, used);
    let of = |way, binding: &str| Some((way, binding.to_owned()));
    assert_eq!(newest(used("create", "", "pods", "")), of("run-pods", "a-pods"));
    assert_eq!(newest(used("create", "apps", "deployments", "")), of("run-pods", "b-deploys"));
    let get = used("get", "", "pods", "exec");
    assert_eq!(newest(used("create", "", "pods", "exec")), of("exec", "c-exec"));
    assert_eq!(newest(get), None);
    assert_eq!(by(Minor::v1(34), get), of("exec-by-get", "c-exec"));
    assert_eq!(newest(used("list", "", "pods", "")), None);
    assert_eq!(get.asked_besides(Minor::v1(34)), None);
    assert_eq!(get.asked_besides(Minor::v1(35)), Some(used("create", "", "pods", "exec")));
    assert_eq!(used("get", "", "pods", "log").asked_besides(Minor::v1(35)), None);
}

/// Acting as somebody by constrained impersonation is a use where it leads on.
#[test]
fn a_use_of_constrained_impersonation_is_known_by_its_verb() {
    let robot = json!({"kind": "ServiceAccount", "namespace": "shop", "name": "robot"});
    let of_name = "authentication.k8s.io";
    let acts = rule(of_name, &["serviceaccounts"], &["impersonate:serviceaccount"]);
    let creates =
        |resource: &str| rule(RBAC, &[resource], &["impersonate-on:serviceaccount:create"]);
    let needed = |name: &str, resource: &str| {
        let objects = [
            bound("boss", "", ("ClusterRole", "cluster-admin"), &[boss()]),
            bound("robot", "", ("ClusterRole", "view"), std::slice::from_ref(&robot)),
            role("ClusterRole", "acts", "", &[acts.clone(), creates(resource)]),
            bound("acts", "", ("ClusterRole", "acts"), &[user("jane")]),
        ];
        let snapshot = estate(Minor::NEWEST, &objects);
        let access = Access::new(World::new(&snapshot));
        let jane = Subject::user("jane");
        let used = Used::Resource {
            verb: "impersonate:serviceaccount",
            group: of_name,
            resource: "serviceaccounts",
            subresource: "",
            namespace: Some("shop"),
            name,
        };
        let admins = Admins::new(&access);
        admins.needed(&jane, &Identity::of(&jane), &used).map(|needed| needed.way.id)
    };
    assert_eq!(needed("boss", "clusterrolebindings"), Some("constrained-account"));
    assert_eq!(needed("robot", "clusterrolebindings"), None);
    assert_eq!(needed("boss", "roles"), None);
}
