//! Ways through what rules let one make under a name, and through Roles that one may bind:
//! a real API server lets him, and does not without the one right.

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::escalations::{binding, named, of_rbac, reads_secrets, way_to};
use super::impersonation::{RBAC, account, give, grant, meta, rule, settles, user, ways};
use super::kubelets::bearer;

const APPLY: &[&str] = &["create", "patch"];

/// A namespace with the ServiceAccount boss, who is cluster-admin.
fn boss(cluster: &Cluster, name: &str) -> String {
    let namespace = cluster.namespace(name);
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("boss", Some(&namespace))}),
        binding(&format!("{namespace}-boss"), None, "cluster-admin", &[account(&namespace, "boss")]),
    ]);
    namespace
}

/// Gives somebody exactly these rules in a namespace.
fn give_in(cluster: &Cluster, namespace: &str, name: &str, rules: &[Value]) {
    for object in grant(name, Some(namespace), rules, &user(name)) {
        if !cluster.create(&User::admin(), &object).is_success() {
            let path = cluster.path(&object);
            cluster.merge(&User::admin(), &path, &object).expect_success();
        }
    }
}

fn apply(cluster: &Cluster, who: &User, object: &Value, dry: bool) -> u16 {
    let dry = if dry { "&dryRun=All" } else { "" };
    let path = format!("{}?fieldManager=t{dry}", cluster.path(object));
    cluster.request(who, "PATCH", &path, Some(("application/apply-patch+yaml", object))).status
}

#[test]
fn who_applies_a_pod_under_a_name_is_its_account() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = boss(cluster, "applies");
    let name = format!("{namespace}-kim");
    let (kim, who) = (User::named(&name, &[]), format!("user:{name}"));
    let pod = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta(name, Some(&namespace)),
            "spec": {"containers": [{"name": "c", "image": "registry.example/c:1"}],
                "serviceAccountName": "boss"}})
    };
    let own = |verbs: &[&str]| [named(rule("", &["pods"], verbs), "x")];
    give_in(cluster, &namespace, &name, &own(APPLY));
    settles(cluster, 201, || apply(cluster, &kim, &pod("x"), true));
    assert_eq!(apply(cluster, &kim, &pod("y"), true), 403);
    assert_eq!(ways(cluster, &who), ["run-pods", "everything"]);
    for half in [&["create"], &["patch"], &["update"]] {
        give_in(cluster, &namespace, &name, &own(half));
        settles(cluster, 403, || apply(cluster, &kim, &pod("x"), true));
        assert_eq!(ways(cluster, &who), [""; 0]);
    }
    give_in(cluster, &namespace, &name, &own(APPLY));
    settles(cluster, 201, || apply(cluster, &kim, &pod("x"), false));
    // It is there now, and is changed: its account stays.
    assert_eq!(ways(cluster, &who), ["change-pods", "everything"]);
}

#[test]
fn who_applies_a_secret_under_a_name_and_reads_it_has_a_token() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = boss(cluster, "tokens");
    let name = format!("{namespace}-lou");
    let (lou, who) = (User::named(&name, &[]), format!("user:{name}"));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t",
            "namespace": &namespace,
            "annotations": {"kubernetes.io/service-account.name": "boss"}},
        "type": "kubernetes.io/service-account-token"});
    let own = |verbs: &[&str], name: &str| named(rule("", &["secrets"], verbs), name);
    give_in(cluster, &namespace, &name, &[own(APPLY, "t"), own(&["get"], "u")]);
    settles(cluster, 201, || apply(cluster, &lou, &secret, true));
    let path = cluster.path(&secret);
    assert_eq!(cluster.get(&lou, &path).status, 403);
    assert_eq!(ways(cluster, &who), [""; 0]);
    give_in(cluster, &namespace, &name, &[own(APPLY, "t"), own(&["get"], "t")]);
    settles(cluster, 404, || cluster.get(&lou, &path).status);
    assert_eq!(ways(cluster, &who), ["create-token-secret", "everything"]);
    settles(cluster, 201, || apply(cluster, &lou, &secret, false));
    let token = cluster.wait_for("the token", super::impersonation::FORGETS, || {
        let secret = cluster.get(&lou, &path).expect_success();
        Some(secret["data"]["token"].as_str()?.to_owned())
    });
    let token = super::escalations::decoded(&token);
    settles(cluster, 200, || reads_secrets(cluster, &bearer(&token), None));
}

#[test]
fn who_binds_a_role_of_a_namespace_has_what_it_grants() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = boss(cluster, "roles");
    let name = format!("{namespace}-max");
    let (max, who) = (User::named(&name, &[]), format!("user:{name}"));
    let role = |name: &str, verb: &str| {
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "Role",
            "metadata": meta(name, Some(&namespace)),
            "rules": [rule("", &["serviceaccounts/token"], &[verb])]})
    };
    cluster.create_all(&[role("tokens", "create"), role("other", "get")]);
    let own = |role: &str| {
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding",
            "metadata": meta("own", Some(&namespace)), "subjects": [user(&name)],
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role}})
    };
    let binds = |role: &str| named(of_rbac("roles", &["bind"]), role);
    // By PUT: bindings are made by update too.
    let put = |role: &str| {
        let path = format!("{}?dryRun=All", cluster.path(&own(role)));
        cluster.put(&max, &path, &own(role)).status
    };
    let makes = named(of_rbac("rolebindings", &["create", "update"]), "own");
    give_in(cluster, &namespace, &name, &[binds("tokens"), makes.clone()]);
    settles(cluster, 201, || put("tokens"));
    assert_eq!(put("other"), 403);
    assert_eq!(ways(cluster, &who), ["bind-role", "create-token", "everything"]);
    give_in(cluster, &namespace, &name, &[binds("other"), makes.clone()]);
    settles(cluster, 403, || put("tokens"));
    assert_eq!(ways(cluster, &who), [""; 0]);
    let half = named(of_rbac("rolebindings", &["update"]), "own");
    give_in(cluster, &namespace, &name, &[binds("tokens"), half]);
    settles(cluster, 403, || put("tokens"));
    assert_eq!(ways(cluster, &who), [""; 0]);
    // He makes it, and is what was told.
    give_in(cluster, &namespace, &name, &[binds("tokens"), makes]);
    settles(cluster, 201, || put("tokens"));
    cluster.put(&max, &cluster.path(&own("tokens")), &own("tokens")).expect_success();
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/boss/token");
    let request =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    settles(cluster, 201, || cluster.post(&max, &path, &request).status);
}

/// A binding that is there keeps its role.
#[test]
fn who_changes_bindings_only_has_what_they_refer_to() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = boss(cluster, "joins");
    let name = format!("{namespace}-ben");
    let (ben, who) = (User::named(&name, &[]), format!("user:{name}"));
    let of = |name: &str, role: &str| {
        binding(name, Some(&namespace), role, &[user(&format!("{namespace}-ben"))])
    };
    let put = |binding: &Value| {
        cluster.put(&ben, &format!("{}?dryRun=All", cluster.path(binding)), binding).status
    };
    let (bind, change) = (of_rbac("clusterroles", &["bind"]), of_rbac("rolebindings", &["update"]));
    let to = format!("sa:{namespace}/boss");
    cluster.create_all(&[binding("old", Some(&namespace), "view", &[])]);
    give_in(cluster, &namespace, &name, &[bind, change]);
    settles(cluster, 200, || put(&of("old", "view")));
    assert_eq!((put(&of("old", "cluster-admin")), put(&of("new", "cluster-admin"))), (422, 403));
    assert_eq!(way_to(cluster, &who, &to), Value::Null);
    cluster.create_all(&[binding("all", Some(&namespace), "cluster-admin", &[])]);
    assert_eq!(put(&of("all", "cluster-admin")), 200);
    assert_eq!(way_to(cluster, &who, &to), "bind-in-namespace");
}

#[test]
fn who_makes_the_role_that_he_is_bound_to_has_what_he_writes() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("anew");
    let name = format!("{namespace}-ann");
    let gone = format!("{namespace}-gone");
    let (ann, who) = (User::named(&name, &[]), format!("user:{name}"));
    cluster.create_all(&[binding(&gone, None, &gone, &[user(&name)])]);
    let role = json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
        "metadata": meta(&gone, None), "rules": [rule("*", &["*"], &["*"])]});
    let path = cluster.path(&role);
    let all = path.trim_end_matches(&gone).trim_end_matches('/');
    let make = |dry: &str| cluster.post(&ann, &format!("{all}{dry}"), &role).status;
    for half in ["create", "escalate"] {
        give(cluster, &name, &user(&name), &[of_rbac("clusterroles", &[half])]);
        settles(cluster, 403, || make("?dryRun=All"));
        assert_eq!(ways(cluster, &who), [""; 0], "{half}");
    }
    give(cluster, &name, &user(&name), &[of_rbac("clusterroles", &["create", "escalate"])]);
    settles(cluster, 201, || make("?dryRun=All"));
    assert_eq!(ways(cluster, &who), ["escalate-anew"]);
    assert_eq!(reads_secrets(cluster, &ann, None), 403);
    assert_eq!(make(""), 201);
    settles(cluster, 200, || reads_secrets(cluster, &ann, None));
    cluster.delete(&User::admin(), &path).expect_success();
}

#[test]
fn who_applies_a_webhook_under_a_name_takes_the_nodes() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("hooks");
    let name = format!("{namespace}-nat");
    let (nat, who) = (User::named(&name, &[]), format!("user:{name}"));
    let hook = |name: &str| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration", "metadata": meta(name, None), "webhooks": []})
    };
    let own = |verbs: &[&str]| {
        let resource = &["mutatingwebhookconfigurations"];
        [named(rule("admissionregistration.k8s.io", resource, verbs), &name)]
    };
    give(cluster, &name, &user(&name), &own(APPLY));
    settles(cluster, 201, || apply(cluster, &nat, &hook(&name), true));
    assert_eq!(apply(cluster, &nat, &hook("another"), true), 403);
    assert_eq!(way_to(cluster, &who, "nodes"), "mutate");
    give(cluster, &name, &user(&name), &own(&["create"]));
    settles(cluster, 403, || apply(cluster, &nat, &hook(&name), true));
    assert_eq!(way_to(cluster, &who, "nodes"), Value::Null);
}
