//! Ways through resourceNames: what a real API server lets somebody do is what the product
//! tells, and without the one right it is refused and not told.

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::impersonation::{
    FORGETS, RBAC, access, account, give, grant, meta, parsed, rule, settles, user, ways,
};

pub(super) fn named(rule: Value, name: &str) -> Value {
    let mut rule = rule;
    rule["resourceNames"] = json!([name]);
    rule
}

pub(super) fn of_rbac(resource: &str, verbs: &[&str]) -> Value {
    rule(RBAC, &[resource], verbs)
}

fn everything() -> Value {
    json!([rule("*", &["*"], &["*"])])
}

fn of_cluster(kind: &str, name: &str) -> String {
    format!("/apis/{RBAC}/v1/{kind}/{name}")
}

fn cluster_role(name: &str, rules: &Value) -> Value {
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
        "metadata": meta(name, None), "rules": rules})
}

/// A binding of a ClusterRole, everywhere or in a namespace.
pub(super) fn binding(
    name: &str,
    namespace: Option<&str>,
    role: &str,
    subjects: &[Value],
) -> Value {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": meta(name, namespace),
        "subjects": subjects,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}})
}

/// The way of one step to somebody; none where it is not told.
pub(super) fn way_to(cluster: &Cluster, who: &str, to: &str) -> Value {
    let run = access(cluster, &["paths", who, "--to", to, "cluster:", "-o", "json"]);
    parsed(&run)["paths"][0]["steps"][0]["way"].clone()
}

pub(super) fn reads_secrets(cluster: &Cluster, who: &User, namespace: Option<&str>) -> u16 {
    let here = namespace.map_or(String::new(), |own| format!("/namespaces/{own}"));
    cluster.get(who, &format!("/api/v1{here}/secrets")).status
}

#[test]
fn who_rewrites_a_role_that_is_his_has_what_he_writes() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("rewrites");
    let name = format!("{namespace}-eve");
    let (eve, who) = (User::named(&name, &[]), format!("user:{name}"));
    let path = of_cluster("clusterroles", &name);
    let rewrite = || cluster.merge(&eve, &path, &json!({"rules": everything()})).status;
    let own = |verbs: &[&str]| named(of_rbac("clusterroles", verbs), &name);
    let reads = || named(of_rbac("clusterroles", &["get"]), &name);
    give(cluster, &name, &user(&name), &[own(&["patch"]), reads()]);
    settles(cluster, 200, || cluster.get(&eve, &path).status);
    assert_eq!(rewrite(), 403, "without escalate");
    assert_eq!(ways(cluster, &who), [""; 0]);
    give(cluster, &name, &user(&name), &[own(&["escalate"]), reads()]);
    settles(cluster, 403, rewrite);
    assert_eq!(ways(cluster, &who), [""; 0]);
    give(cluster, &name, &user(&name), &[own(&["escalate", "patch"])]);
    cluster.wait_for("the way", FORGETS, || (ways(cluster, &who) == ["escalate"]).then_some(()));
    assert_eq!(reads_secrets(cluster, &eve, None), 403);
    settles(cluster, 200, rewrite);
    settles(cluster, 200, || reads_secrets(cluster, &eve, None));
    cluster.delete(&User::admin(), &of_cluster("clusterrolebindings", &name)).expect_success();
}

/// A role that selects others by their labels has what is written into any that somebody
/// may label.
#[test]
fn who_labels_a_role_for_one_that_is_his_has_what_he_writes() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("selects");
    let name = format!("{namespace}-ada");
    let (ada, who) = (User::named(&name, &[]), format!("user:{name}"));
    let (part, sum) = (format!("{namespace}-part"), format!("{namespace}-sum"));
    let label = json!({&sum: "true"});
    let mut selecting = cluster_role(&sum, &json!([]));
    selecting["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": &label}]});
    cluster.create_all(&[
        cluster_role(&part, &json!([])),
        selecting,
        binding("ada", Some(&namespace), &sum, &[user(&name)]),
    ]);
    let own = |verbs: &[&str]| named(of_rbac("clusterroles", verbs), &part);
    let change = json!({"metadata": {"labels": &label}, "rules": everything()});
    let rewrite = || cluster.merge(&ada, &of_cluster("clusterroles", &part), &change).status;
    let to = format!("sa:{namespace}/default");
    give(cluster, &name, &user(&name), &[own(&["patch"])]);
    settles(cluster, 403, rewrite);
    assert_eq!(way_to(cluster, &who, &to), Value::Null);
    give(cluster, &name, &user(&name), &[own(&["escalate", "patch"])]);
    cluster
        .wait_for("the way", FORGETS, || (way_to(cluster, &who, &to) == "escalate").then_some(()));
    settles(cluster, 200, rewrite);
    settles(cluster, 200, || reads_secrets(cluster, &ada, Some(&namespace)));
    assert_eq!(reads_secrets(cluster, &ada, None), 403, "he is bound to it in a namespace only");
}

#[test]
fn who_binds_a_role_has_what_it_grants() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("binds");
    let name = format!("{namespace}-bob");
    let (bob, who) = (User::named(&name, &[]), format!("user:{name}"));
    let (whole, tokens) = (format!("{namespace}-super"), format!("{namespace}-tokens"));
    let boss = account(&namespace, "boss");
    cluster.create_all(&[
        cluster_role(&whole, &everything()),
        cluster_role(&tokens, &json!([rule("", &["serviceaccounts/token"], &["create"])])),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("boss", Some(&namespace))}),
        binding(&format!("{namespace}-boss"), None, "cluster-admin", &[boss]),
        binding(&whole, None, &whole, &[]),
    ]);
    let binds = |role: &str| named(of_rbac("clusterroles", &["bind"]), role);
    let creates = of_rbac("clusterrolebindings", &["create"]);
    let own = |role: &str| binding(&format!("{namespace}-own-{role}"), None, role, &[user(&name)]);
    let dry = format!("{}?dryRun=All", of_cluster("clusterrolebindings", "").trim_end_matches('/'));
    let bind = |role: &str| cluster.post(&bob, &dry, &own(role)).status;
    // Without bind; with it on another role; without bindings.
    give(cluster, &name, &user(&name), std::slice::from_ref(&creates));
    settles(cluster, 403, || bind(&whole));
    assert_eq!(ways(cluster, &who), [""; 0]);
    give(cluster, &name, &user(&name), &[binds(&tokens), creates.clone()]);
    settles(cluster, 201, || bind(&tokens));
    assert_eq!(bind(&whole), 403);
    assert_eq!(ways(cluster, &who), ["bind", "create-token", "everything"]);
    give(cluster, &name, &user(&name), &[binds(&whole)]);
    settles(cluster, 403, || bind(&whole));
    assert_eq!(ways(cluster, &who), [""; 0]);
    // A binding that is there, by its name.
    let old = of_cluster("clusterrolebindings", &whole);
    let join = || {
        let change = json!({"subjects": [user(&name)]});
        cluster.merge(&bob, &format!("{old}?dryRun=All"), &change).status
    };
    let patches = named(of_rbac("clusterrolebindings", &["patch"]), &whole);
    give(cluster, &name, &user(&name), &[binds(&tokens), patches.clone()]);
    settles(cluster, 403, join);
    assert_eq!(ways(cluster, &who), [""; 0]);
    give(cluster, &name, &user(&name), &[binds(&whole), patches]);
    settles(cluster, 200, join);
    assert_eq!(ways(cluster, &who), ["bind"]);
    // He makes it, and is what was told.
    give(cluster, &name, &user(&name), &[binds(&whole), creates]);
    settles(cluster, 201, || bind(&whole));
    assert_eq!(ways(cluster, &who), ["bind"]);
    assert_eq!(reads_secrets(cluster, &bob, None), 403);
    cluster.create(&bob, &own(&whole)).expect_success();
    settles(cluster, 200, || reads_secrets(cluster, &bob, None));
    cluster.delete(&User::admin(), &cluster.path(&own(&whole))).expect_success();
}

#[test]
fn who_reads_a_token_by_the_name_of_its_secret_is_its_account() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("reads");
    let name = format!("{namespace}-sue");
    let (sue, who) = (User::named(&name, &[]), format!("user:{name}"));
    let secret = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name,
                "namespace": &namespace,
                "annotations": {"kubernetes.io/service-account.name": "boss"}},
            "type": "kubernetes.io/service-account-token"})
    };
    let plain =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("plain", Some(&namespace))});
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("boss", Some(&namespace))}),
        binding(&format!("{namespace}-boss"), None, "cluster-admin", &[account(&namespace, "boss")]),
        secret("t"),
        plain,
    ]);
    let path = |name: &str| format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    let read = |name: &str| cluster.get(&sue, &path(name)).status;
    let gets = |name: &str| {
        let gets = named(rule("", &["secrets"], &["get"]), name);
        let role = grant("sue", Some(&namespace), &[gets], &user(&self::name(&namespace)));
        for object in role {
            if !cluster.create(&User::admin(), &object).is_success() {
                cluster.merge(&User::admin(), &cluster.path(&object), &object).expect_success();
            }
        }
    };
    gets("plain");
    settles(cluster, 200, || read("plain"));
    assert_eq!((read("t"), ways(cluster, &who)), (403, Vec::new()));
    gets("t");
    settles(cluster, 200, || read("t"));
    assert_eq!(ways(cluster, &who), ["read-secrets", "everything"]);
    let token = cluster.wait_for("the token", FORGETS, || {
        let secret = cluster.get(&sue, &path("t")).expect_success();
        Some(secret["data"]["token"].as_str()?.to_owned())
    });
    let bearer = format!("Bearer {}", decoded(&token));
    let boss = User::Anonymous.with_headers(&[("Authorization", &bearer)]);
    settles(cluster, 200, || reads_secrets(cluster, &boss, None));
}

/// What is asked about a Namespace is asked in it: a RoleBinding there lets one take Pod
/// Security's labels off it.
#[test]
fn who_labels_his_namespace_takes_the_nodes() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("labels");
    let level = |level: &str| json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
    let own = format!("/api/v1/namespaces/{namespace}");
    cluster.merge(&User::admin(), &own, &level("restricted")).expect_success();
    let name = format!("{namespace}-tim");
    let (tim, who) = (User::named(&name, &[]), format!("user:{name}"));
    let pod = json!({"metadata": {"name": "p"}, "spec": {"automountServiceAccountToken": false,
        "containers": [{"name": "c", "image": "registry.example/c:1",
            "securityContext": {"privileged": true}}]}});
    let run = || cluster.post(&tim, &format!("{own}/pods?dryRun=All"), &pod).status;
    let relabel = || cluster.merge(&tim, &own, &level("privileged")).status;
    let gives = |rules: &[Value]| {
        for object in grant(&name, Some(&namespace), rules, &user(&name)) {
            if !cluster.create(&User::admin(), &object).is_success() {
                cluster.merge(&User::admin(), &cluster.path(&object), &object).expect_success();
            }
        }
    };
    let can = || {
        let run =
            access(cluster, &["who-can", "patch", "namespaces", "--name", &namespace, "cluster:"]);
        run.stdout.contains(&who)
    };
    let (creates, patches) =
        (rule("", &["pods"], &["create"]), rule("", &["namespaces"], &["patch"]));
    gives(&[creates.clone(), named(patches.clone(), "another")]);
    settles(cluster, 403, relabel);
    assert_eq!((run(), can()), (403, false));
    assert_eq!(way_to(cluster, &who, "nodes"), Value::Null);
    gives(&[creates, named(patches, &namespace)]);
    settles(cluster, 200, relabel);
    assert!(can());
    assert_eq!(way_to(cluster, &who, "nodes"), "relabel-namespace");
    settles(cluster, 201, run);
}

#[test]
fn who_reaches_one_kubelet_runs_commands_in_its_pods() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("proxies");
    let name = format!("{namespace}-pia");
    let (pia, who) = (User::named(&name, &[]), format!("user:{name}"));
    let node = |name: &str| format!("{namespace}-{name}");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("p", Some(&namespace)),
        "spec": {"nodeName": node("a"), "serviceAccountName": "one",
            "containers": [{"name": "c", "image": "registry.example/c:1"}]}});
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("one", Some(&namespace))}),
        pod,
    ]);
    let proxy = |name: &str| cluster.get(&pia, &format!("/api/v1/nodes/{}/proxy/pods", node(name)));
    let to = format!("sa:{namespace}/one");
    let gets = |name: &str| named(rule("", &["nodes/proxy"], &["get"]), &node(name));
    give(cluster, &name, &user(&name), &[gets("b")]);
    // There is no such node, which is found out after who asks was let in.
    settles(cluster, 404, || proxy("b").status);
    assert_eq!((proxy("a").status, way_to(cluster, &who, &to)), (403, Value::Null));
    give(cluster, &name, &user(&name), &[gets("a")]);
    settles(cluster, 404, || proxy("a").status);
    assert_eq!(way_to(cluster, &who, &to), "nodes-proxy");
    cluster.delete(&User::admin(), &of_cluster("clusterrolebindings", &name)).expect_success();
}

fn name(namespace: &str) -> String {
    format!("{namespace}-sue")
}

/// Base64 of ASCII.
pub(super) fn decoded(text: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut found = Vec::new();
    let (mut bits, mut n_bits) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = alphabet.iter().position(|own| *own == byte).expect("base64");
        bits = bits << 6 | value as u32;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            found.push((bits >> n_bits) as u8);
        }
    }
    String::from_utf8(found).expect("ASCII")
}
