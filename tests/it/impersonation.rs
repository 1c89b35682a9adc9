//! Constrained impersonation: what a real API server asks, and what the product says of it.

use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};

const RBAC: &str = "rbac.authorization.k8s.io";
/// The API server remembers for 10 s whom it let act as whom.
const FORGETS: Duration = Duration::from_secs(30);

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

fn meta(name: &str, namespace: Option<&str>) -> Value {
    json!({"name": name, "namespace": namespace})
}

/// A role of these rules and its binding to a subject, everywhere or in a namespace.
fn grant(name: &str, namespace: Option<&str>, rules: &[Value], subject: &Value) -> [Value; 2] {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let api = format!("{RBAC}/v1");
    [
        json!({"apiVersion": api, "kind": kind, "metadata": meta(name, namespace), "rules": rules}),
        json!({"apiVersion": api, "kind": format!("{kind}Binding"),
            "metadata": meta(name, namespace), "subjects": [subject],
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}}),
    ]
}

fn user(name: &str) -> Value {
    json!({"kind": "User", "name": name})
}

fn account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

/// Sends as somebody else.
fn acting(sender: &User, headers: &[(&'static str, &str)]) -> User {
    sender.clone().with_headers(headers)
}

fn access(cluster: &Cluster, args: &[&str]) -> Run {
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let state = folder("impersonation");
    let own = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    run_with_state(&state, &state, &[&["access"], args, &own].concat(), "")
}

fn parsed(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
}

/// A cluster that logs every request, with a node and what runs there.
fn cluster() -> Option<(Cluster, String)> {
    let policy = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]});
    let options =
        Options { controller_manager: true, audit_policy: Some(policy), ..Options::default() };
    let cluster = Cluster::start(&options)?;
    let namespace = cluster.namespace("acting");
    let of = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": meta(name, Some(&namespace))})
    };
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("agent", Some(&namespace)),
        "spec": {"serviceAccountName": "agent", "nodeName": "node-a",
            "containers": [{"name": "c", "image": "registry.example/c:1"}]}});
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a"}}),
        of("robot"),
        of("agent"),
        of("relay"),
        of("boss"),
        pod,
    ]);
    Some((cluster, namespace))
}

/// The token that a pod's account has, which names the node.
fn token_of_pod(cluster: &Cluster, namespace: &str) -> String {
    let path = format!("/api/v1/namespaces/{namespace}");
    let pod = cluster.get(&User::admin(), &format!("{path}/pods/agent")).expect_success();
    let bound = json!({"kind": "Pod", "apiVersion": "v1", "name": "agent",
        "uid": pod["metadata"]["uid"]});
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"boundObjectRef": bound}});
    let of = format!("{path}/serviceaccounts/agent/token");
    let answer = cluster.post(&User::admin(), &of, &request).expect_success();
    answer["status"]["token"].as_str().unwrap().to_owned()
}

/// What the relay and the agent do, as others; the statuses in order.
fn work(cluster: &Cluster, namespace: &str, token: &str) -> Vec<u16> {
    let relay = User::named("relay", &[]);
    let anna = acting(
        &relay,
        &[
            ("Impersonate-User", "anna"),
            ("Impersonate-Group", "dev"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-Scopes", "view"),
        ],
    );
    let robot_name = format!("system:serviceaccount:{namespace}:robot");
    let robot = acting(&relay, &[("Impersonate-User", &robot_name)]);
    let node = acting(&relay, &[("Impersonate-User", "system:node:node-a")]);
    let bearer = format!("Bearer {token}");
    let agent = User::Anonymous
        .with_headers(&[("Authorization", &bearer), ("Impersonate-User", "system:node:node-a")]);
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    let map =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let apply = format!("{maps}/applied?fieldManager=t&force=true");
    let applied = ("application/apply-patch+yaml", &map("applied"));
    let made = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"generateName": "made-"}});
    vec![
        cluster.get(&anna, &maps).status,
        cluster.post(&anna, &maps, &made).status,
        cluster.request(&anna, "PATCH", &apply, Some(applied)).status,
        cluster.get(&anna, "/metrics").status,
        cluster.get(&robot, &format!("{maps}/kube-root-ca.crt")).status,
        cluster.get(&node, "/api/v1/nodes/node-a").status,
        cluster.get(&agent, "/api/v1/nodes/node-a").status,
    ]
}

/// Everything that `work` needs, and more.
fn estate(namespace: &str) -> Vec<Value> {
    let of_name = "authentication.k8s.io";
    let on = |mode: &str, verbs: &[&str]| -> Vec<String> {
        verbs.iter().map(|verb| format!("impersonate-on:{mode}:{verb}")).collect()
    };
    let on_rule = |resources: &[&str], verbs: Vec<String>| {
        rule("", resources, &verbs.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let all = ["get", "list", "watch", "create", "patch", "delete"];
    let metrics = json!({"nonResourceURLs": ["*"], "verbs": on("user-info", &["get"])});
    let relays = [
        rule(
            of_name,
            &["users", "groups", "uids", "userextras/scopes"],
            &["impersonate:user-info"],
        ),
        rule(of_name, &["serviceaccounts"], &["impersonate:serviceaccount"]),
        rule(of_name, &["nodes"], &["impersonate:arbitrary-node"]),
        on_rule(&["configmaps", "secrets"], on("user-info", &all)),
        on_rule(&["configmaps"], on("serviceaccount", &all)),
        on_rule(&["nodes"], on("arbitrary-node", &all)),
        metrics,
    ];
    let acts = [
        rule(of_name, &["nodes"], &["impersonate:associated-node"]),
        on_rule(&["nodes"], on("associated-node", &all)),
    ];
    let reads = [rule("", &["configmaps"], &["get", "list", "create", "patch"])];
    let urls = [json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]})];
    let mut all = Vec::new();
    all.extend(grant("relays", None, &relays, &user("relay")));
    all.extend(grant("acts", None, &acts, &account(namespace, "agent")));
    all.extend(grant("anna", Some(namespace), &reads, &user("anna")));
    all.extend(grant("anna-urls", None, &urls, &user("anna")));
    all.extend(grant("robot", Some(namespace), &reads, &account(namespace, "robot")));
    all
}

/// What was done by constrained impersonation is granted so, and never by `impersonate`.
#[test]
fn the_smallest_roles_allow_what_was_sent_as_somebody_else() {
    let Some((cluster, namespace)) = cluster() else { return };
    let (cluster, namespace) = (&cluster, &*namespace);
    cluster.create_all(&estate(namespace));
    let token = token_of_pod(cluster, namespace);
    let done = [200, 201, 201, 200, 200, 200, 200];
    cluster.wait_for("all to be allowed", FORGETS, || {
        (work(cluster, namespace, &token) == done).then_some(())
    });
    let copy = folder("impersonation-log").join("audit.log");
    std::fs::copy(cluster.dir().join("logs/audit"), &copy).unwrap();
    let log = copy.to_str().unwrap();
    let mut smallest = Vec::new();
    for (subject, n_asked) in [("user:relay".to_owned(), 8), (format!("sa:{namespace}/agent"), 2)] {
        let run =
            access(cluster, &["minimize", &subject, "cluster:", "-o", "json", "--audit", log]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let report = parsed(&run);
        assert_eq!(report["replay"]["denied"], 0, "{report}");
        assert!(report["replay"]["asked"].as_u64().unwrap() >= n_asked, "{report}");
        let documents = report["documents"].as_array().unwrap();
        let text = report["documents"].to_string();
        assert!(!text.contains("\"impersonate\"") && !text.contains("secrets"), "{text}");
        smallest.extend(documents.iter().cloned());
    }
    for name in ["relays", "acts"] {
        let path = format!("/apis/{RBAC}/v1/clusterrolebindings/{name}");
        cluster.delete(&User::admin(), &path).expect_success();
    }
    let none = [403; 7];
    cluster.wait_for("nothing to be allowed", FORGETS, || {
        (work(cluster, namespace, &token) == none).then_some(())
    });
    cluster.create_all(&smallest);
    // What was applied before is there.
    let again = [200, 201, 200, 200, 200, 200, 200];
    cluster.wait_for("0 denials", FORGETS, || {
        (work(cluster, namespace, &token) == again).then_some(())
    });
}
