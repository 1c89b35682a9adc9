//! Who is as good as cluster-admin, and when that was last needed: by the audit log of
//! a real control plane.

use std::collections::BTreeMap;

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
    ]
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
    ] {
        let verb = |(n, what): &(u64, String)| (*n, what.replace("list ", "get "));
        assert_eq!(found.get(subject).map(verb), Some(expected), "{subject}: {found:#?}");
    }
    assert!(!found.contains_key("user:carl"), "{found:#?}");
    assert!(found["group:system:masters"].0 > 5, "the testbed's own requests: {found:#?}");
    assert!(!found.keys().any(|subject| subject.starts_with("sa:kube-system/")), "{found:#?}");
    gates(cluster, log);
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
