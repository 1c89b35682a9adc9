//! Who is as good as cluster-admin, and when that was last needed: by the audit log of
//! a real control plane.

use std::collections::BTreeMap;
use std::time::Duration;

use ironhull_claims::claims;
use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, repository, run_in, run_with_state};

const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn role(name: &str, group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({
        "apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name},
        "rules": [{"apiGroups": [group], "resources": resources, "verbs": verbs}],
    })
}

fn bound(name: &str, role: &str, subject: Value, namespace: Option<&str>) -> Value {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    json!({
        "apiVersion": RBAC, "kind": kind, "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    })
}

/// Everybody here comes to cluster-admin in a way of his own, but for carl.
fn estate(namespace: &str) -> Vec<Value> {
    let user = |name: &str| json!({"kind": "User", "name": name});
    let of_rbac = "rbac.authorization.k8s.io";
    vec![
        bound("jane-all", "cluster-admin", user("jane"), None),
        bound("jane-here", "edit", user("jane"), Some(namespace)),
        bound("ops", "cluster-admin", json!({"kind": "Group", "name": "ops"}), None),
        bound("glass", "cluster-admin", user("breakglass"), None),
        role("rewrites", of_rbac, &["clusterroles"], &["get", "update", "escalate"]),
        bound("rewrites", "rewrites", user("erik"), None),
        role("binds", of_rbac, &["clusterroles", "clusterrolebindings"], &["bind", "create"]),
        bound("binds", "binds", user("bert"), None),
        role("acts", "", &["users", "groups"], &["impersonate"]),
        bound("acts", "acts", user("ines"), None),
        role("tokens", "", &["serviceaccounts/token"], &["create"]),
        bound("tokens", "tokens", user("tom"), Some("kube-system")),
        bound("views", "view", user("carl"), None),
        // Wes comes to it by rewriting roles, and by the pod of the boss.
        bound("wes-rewrites", "rewrites", user("wes"), None),
        role("execs", "", &["pods/exec"], &["get", "create"]),
        bound("wes-execs", "execs", user("wes"), Some(namespace)),
        bound("boss", "cluster-admin", boss(namespace), None),
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "boss", "namespace": namespace}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace},
            "spec": {"serviceAccountName": "boss",
                "containers": [{"name": "c", "image": "registry.example/c:1"}]}}),
    ]
}

fn boss(namespace: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": "boss", "namespace": namespace})
}

/// Opens a command in a pod by GET, as a WebSocket does; the API server asks whether it may
/// before it looks for the pod's node, which has none.
fn exec(cluster: &Cluster, user: &str, namespace: &str) -> u16 {
    let path = format!("/api/v1/namespaces/{namespace}/pods/p/exec?command=ls&stdout=true");
    cluster.get(&User::named(user, &[]), &path).status
}

fn sent(cluster: &Cluster, user: &str, method: &str, path: &str, body: &Value) -> u16 {
    let user = User::named(user, &[]);
    cluster.request(&user, method, path, Some(("application/json", body))).status
}

/// What was done, and who needed his way for it.
fn work(cluster: &Cluster, namespace: &str) {
    let named = |name: &str| User::named(name, &[]);
    let get = |user: &User, path: &str| cluster.get(user, path).status;
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    // Jane needs cluster-admin for the Secrets, and for the pods here she does not; what
    // everybody may ask needs nothing.
    assert_eq!(get(&named("jane"), "/api/v1/namespaces/kube-public/configmaps"), 200);
    assert_eq!(get(&named("jane"), "/api/v1/nodes"), 200);
    assert_eq!(get(&named("jane"), &pods), 200);
    assert_eq!(get(&named("jane"), "/version"), 200);
    assert_eq!(get(&named("breakglass"), "/version"), 200);
    assert_eq!(get(&named("carl"), &pods), 200);
    let anna = User::named("anna", &["ops"]);
    assert_eq!(get(&anna, "/metrics"), 200);
    // To read a role rewrites nothing.
    let rewritten = "/apis/rbac.authorization.k8s.io/v1/clusterroles/binds";
    let mut role = cluster.get(&named("erik"), rewritten).expect_success();
    role["metadata"]["labels"] = json!({"by": "erik"});
    assert_eq!(sent(cluster, "erik", "PUT", rewritten, &role), 200);
    assert_eq!(get(&named("erik"), rewritten), 200);
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?dryRun=All";
    let own = bound("own", "cluster-admin", json!({"kind": "User", "name": "bert"}), None);
    assert_eq!(sent(cluster, "bert", "POST", bindings, &own), 201);
    let token =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let of =
        |account: &str| format!("/api/v1/namespaces/kube-system/serviceaccounts/{account}/token");
    assert_eq!(sent(cluster, "tom", "POST", &of("default"), &token), 201);
}

fn admins(cluster: &Cluster, log: &str, args: &[&str]) -> Run {
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let state = folder("admins");
    let own = ["access", "admins", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()];
    let all = [&own[..], &["--audit", log], args].concat();
    run_with_state(&state, &state, &all, "")
}

/// By subject: uses, and verb and resource of the last.
fn told(run: &Run) -> BTreeMap<String, (u64, String)> {
    let report: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let admins = report["admins"].as_array().unwrap().iter();
    admins
        .map(|admin| {
            let last = &admin["lastUse"];
            let what = format!("{} {}", text(&last["verb"]), text(&last["resource"]));
            (text(&admin["subject"]), (admin["uses"].as_u64().unwrap(), what.trim().to_owned()))
        })
        .collect()
}

#[test]
#[claims("CLU-11")]
fn who_is_as_good_as_cluster_admin_is_listed_with_the_last_use() {
    let options = Options {
        controller_manager: true,
        audit_policy: Some(json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}],
        })),
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let cluster = &cluster;
    let namespace = cluster.namespace("admins");
    cluster.create_all(&estate(&namespace));
    work(cluster, &namespace);
    assert_eq!(exec(cluster, "wes", &namespace), 400, "allowed, and there is no node");
    let copy = folder("admins-log").join("audit.log");
    std::fs::copy(cluster.dir().join("logs/audit"), &copy).unwrap();
    let log = copy.to_str().unwrap();
    let run = admins(cluster, log, &["-o", "json", "--fail-on", "used"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let found = told(&run);
    let used = |n: u64, what: &str| (n, what.to_owned());
    let unused = used(0, "");
    for (subject, expected) in [
        // Her last request that needed it was for the nodes, not for the pods.
        ("user:jane", used(2, "get nodes")),
        ("group:ops", used(1, "get /metrics")),
        ("user:breakglass", unused.clone()),
        ("user:erik", used(1, "update clusterroles.rbac.authorization.k8s.io/binds")),
        ("user:bert", used(1, "create clusterrolebindings.rbac.authorization.k8s.io/own")),
        ("user:ines", unused.clone()),
        // He had a token of an account that leads nowhere.
        ("user:tom", unused),
        ("user:wes", used(1, &format!("get {namespace}/pods/p/exec"))),
    ] {
        let verb = |(n, what): &(u64, String)| (*n, what.replace("list ", "get "));
        assert_eq!(found.get(subject).map(verb), Some(expected), "{subject}: {found:#?}");
    }
    assert!(!found.contains_key("user:carl"), "{found:#?}");
    assert!(found["group:system:masters"].0 > 5, "the testbed's own requests: {found:#?}");
    assert!(!found.keys().any(|subject| subject.starts_with("sa:kube-system/")), "{found:#?}");
    gates(cluster, log);
    by_get(cluster, log, &namespace);
}

/// A WebSocket opens by GET, and since 1.35 asks for create too: a use of the way `exec`, by
/// the binding that allows it, and part of the smallest role.
fn by_get(cluster: &Cluster, log: &str, namespace: &str) {
    let run = admins(cluster, log, &["-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let all = report["admins"].as_array().unwrap();
    let wes = all.iter().find(|admin| admin["subject"] == "user:wes").unwrap();
    assert_eq!(wes["steps"][0]["way"], "escalate", "the shortest is another");
    let ways = wes["usedWays"].as_array().unwrap();
    assert_eq!((ways.len(), &ways[0]["way"], &ways[0]["uses"]), (1, &"exec".into(), &1.into()));
    assert_eq!(ways[0]["grant"]["binding"]["name"], "wes-execs");
    let table = admins(cluster, log, &[]).stdout;
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("user:wes")).collect();
    assert!(rows[0].contains("/wes-rewrites") && rows[0].contains("none in the log"), "{table}");
    assert!(rows[1].contains("exec ") && rows[1].contains("RoleBinding/wes-execs"), "{table}");

    let kubeconfig = cluster.kubeconfig(&User::admin());
    let state = folder("admins-minimize");
    let own = ["access", "minimize", "User:wes", "cluster:", "-o", "json", "--audit", log];
    let args = [&own[..], &["--kubeconfig", kubeconfig.to_str().unwrap()]].concat();
    let run = run_with_state(&state, &state, &args, "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["replay"]["denied"], 0);
    let binding = format!("/apis/{RBAC}/namespaces/{namespace}/rolebindings/wes-execs");
    cluster.delete(&User::admin(), &binding).expect_success();
    cluster.wait_for("wes to have lost it", Duration::from_secs(10), || {
        (exec(cluster, "wes", namespace) == 403).then_some(())
    });
    cluster.create_all(report["documents"].as_array().unwrap());
    cluster.wait_for("0 denials", Duration::from_secs(10), || {
        (exec(cluster, "wes", namespace) == 400).then_some(())
    });
}

/// Exit codes, times, and those whom every cluster has.
fn gates(cluster: &Cluster, log: &str) {
    let report: Value =
        serde_json::from_str(&admins(cluster, log, &["-o", "json", "--all"]).stdout).unwrap();
    assert_eq!((&report["kind"], &report["notShown"]), (&"AccessAdmins".into(), &0.into()));
    let all = report["admins"].as_array().unwrap();
    let of = |subject: &str| all.iter().find(|admin| admin["subject"] == subject).unwrap();
    let aggregation = of("sa:kube-system/clusterrole-aggregation-controller");
    assert_eq!(aggregation["builtIn"], true);
    assert_eq!(aggregation["steps"][0]["way"], "escalate");
    assert_eq!(of("user:jane")["steps"][0]["grants"][0]["binding"]["name"], "jane-all");
    assert!(of("user:jane")["lastUse"]["time"].as_str().unwrap().starts_with("20"));
    let (from, to) = (&report["window"]["from"], &report["window"]["to"]);
    assert!(from.as_str().unwrap() < to.as_str().unwrap(), "{from} {to}");
    let code = |args: &[&str]| admins(cluster, log, args).code;
    assert_eq!((code(&[]), code(&["--fail-on", "unused"])), (0, 1));
    // Since the last request nothing was used, and what is before the log shows nothing.
    let table = admins(cluster, log, &["--since", to.as_str().unwrap(), "--fail-on", "unused"]);
    let jane = table.stdout.lines().find(|line| line.starts_with("user:jane")).unwrap();
    assert!(jane.contains("0      none in the log"), "{}", table.stdout);
    assert!(table.stderr.contains(to.as_str().unwrap()), "{}", table.stderr);
    let none = admins(cluster, log, &["--until", "2001-01-01", "--fail-on", "unused"]);
    assert_eq!(none.code, 3, "{}", none.stderr);
}

/// The log of a cluster that a person worked on, and files.
#[test]
fn use_needs_a_log_and_files_do() {
    let run = |args: &[&str]| run_in(&repository(), &[&["access", "admins"], args].concat(), "");
    let shop = run(&["examples/shop"]);
    assert_eq!(shop.code, 0, "{}", shop.stderr);
    let line = |who: &str| shop.stdout.lines().find(|line| line.starts_with(who)).unwrap();
    assert!(line("sa:shop/release-bot").contains("→ sa:shop/ci → everything"), "{}", shop.stdout);
    assert!(line("user:jane@shop.example").contains("ClusterRoleBinding/deployer"));
    assert!(!shop.stdout.contains("LAST USE") && !shop.stdout.contains("sa:shop/api"));
    assert_eq!(run(&["examples/shop", "--fail-on", "used"]).code, 2, "no log");
    let log = ["--audit", "tests/audit/shop.log"];
    let used = run(&[&["tests/audit/estate.yaml", "--fail-on", "used"][..], &log].concat());
    assert_eq!(used.code, 1, "{}", used.stderr);
    assert!(
        used.stdout.contains("create shop/deployments.apps/api as anna by jane"),
        "{}",
        used.stdout
    );
}
