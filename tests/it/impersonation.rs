//! Constrained impersonation: what a real API server asks, and what the product says of it.

use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};

pub(super) const RBAC: &str = "rbac.authorization.k8s.io";
/// The API server remembers for 10 s whom it let act as whom.
pub(super) const FORGETS: Duration = Duration::from_secs(30);

pub(super) fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

pub(super) fn meta(name: &str, namespace: Option<&str>) -> Value {
    json!({"name": name, "namespace": namespace})
}

/// A role of these rules and its binding to a subject, everywhere or in a namespace.
pub(super) fn grant(
    name: &str,
    namespace: Option<&str>,
    rules: &[Value],
    subject: &Value,
) -> [Value; 2] {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let api = format!("{RBAC}/v1");
    [
        json!({"apiVersion": api, "kind": kind, "metadata": meta(name, namespace), "rules": rules}),
        json!({"apiVersion": api, "kind": format!("{kind}Binding"),
            "metadata": meta(name, namespace), "subjects": [subject],
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}}),
    ]
}

pub(super) fn user(name: &str) -> Value {
    json!({"kind": "User", "name": name})
}

pub(super) fn account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

/// Sends as somebody else.
pub(super) fn acting(sender: &User, headers: &[(&'static str, &str)]) -> User {
    sender.clone().with_headers(headers)
}

pub(super) fn access(cluster: &Cluster, args: &[&str]) -> Run {
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let state = folder("impersonation");
    let own = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    run_with_state(&state, &state, &[&["access"], args, &own].concat(), "")
}

pub(super) fn parsed(run: &Run) -> Value {
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
pub(super) fn token_of_pod(cluster: &Cluster, namespace: &str) -> String {
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

/// What the relay and the agent do, as others; the statuses in order, 200 for any success.
fn work(cluster: &Cluster, namespace: &str, token: &str) -> [u16; 7] {
    let relay = User::named("relay", &[]);
    let anna = acting(
        &relay,
        &[
            ("Impersonate-User", "anna"),
            ("Impersonate-Group", "dev"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-Example.com%2Fscopes", "view"),
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
    let answers = [
        cluster.get(&anna, &maps).status,
        cluster.post(&anna, &maps, &made).status,
        cluster.request(&anna, "PATCH", &apply, Some(applied)).status,
        cluster.get(&anna, "/metrics").status,
        cluster.get(&robot, &format!("{maps}/kube-root-ca.crt")).status,
        cluster.get(&node, "/api/v1/nodes/node-a").status,
        cluster.get(&agent, "/api/v1/nodes/node-a").status,
    ];
    answers.map(|status| if status / 100 == 2 { 200 } else { status })
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
            &["users", "groups", "uids", "userextras/example.com/scopes"],
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
    let done = [200; 7];
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
    cluster.wait_for("0 denials", FORGETS, || {
        (work(cluster, namespace, &token) == done).then_some(())
    });
}

/// The ways of somebody to cluster-admin that the product tells.
pub(super) fn ways(cluster: &Cluster, who: &str) -> Vec<String> {
    let run = access(cluster, &["paths", who, "--to", "cluster-admin", "cluster:", "-o", "json"]);
    let report = parsed(&run);
    let steps = report["paths"][0]["steps"].as_array().cloned().unwrap_or_default();
    let ways = steps.iter().map(|step| step["way"].as_str().unwrap().to_owned()).collect();
    assert_eq!(run.code, i32::from(!steps.is_empty()), "{}", run.stderr);
    ways
}

/// Gives somebody exactly these rules, whatever he had.
pub(super) fn give(cluster: &Cluster, name: &str, subject: &Value, rules: &[Value]) {
    for object in grant(name, None, rules, subject) {
        if !cluster.create(&User::admin(), &object).is_success() {
            let path = cluster.path(&object);
            cluster.merge(&User::admin(), &path, &object).expect_success();
        }
    }
}

/// Waits until a request has a status.
pub(super) fn settles(cluster: &Cluster, status: u16, ask: impl Fn() -> u16) {
    cluster.wait_for(&format!("a {status}"), FORGETS, || (ask() == status).then_some(()));
}

/// Somebody who may send what makes him an administrator as one who is: what a real API
/// server lets him do is what the product tells, and no more.
#[test]
fn a_step_is_open_where_a_real_api_server_lets_it_be() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("steps");
    let boss = account(&namespace, "boss");
    let relay = account(&namespace, "relay");
    let binding = |name: &str, subject: &Value| {
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{namespace}-{name}")}, "subjects": [subject],
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}})
    };
    let of = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": meta(name, Some(&namespace))})
    };
    cluster.create_all(&[of("boss"), of("relay"), binding("boss", &boss)]);
    let role = format!("{namespace}-relay");
    let names = |rule: Value, name: &str| {
        let mut rule = rule;
        rule["resourceNames"] = json!([name]);
        rule
    };
    let of_name = "authentication.k8s.io";
    let acts = names(rule(of_name, &["serviceaccounts"], &["impersonate:serviceaccount"]), "boss");
    let on = |verb: &str, group: &str, resource: &str| {
        rule(group, &[resource], &[&format!("impersonate-on:serviceaccount:{verb}")])
    };
    let as_boss = acting(
        &User::service_account(&namespace, "relay"),
        &[("Impersonate-User", &format!("system:serviceaccount:{namespace}:boss"))],
    );
    let bindings = format!("/apis/{RBAC}/v1/clusterrolebindings?dryRun=All");
    let bind = || cluster.post(&as_boss, &bindings, &binding("own", &relay)).status;
    let who = format!("sa:{namespace}/relay");
    give(cluster, &role, &relay, &[acts.clone(), on("create", RBAC, "clusterrolebindings")]);
    settles(cluster, 201, bind);
    assert_eq!(ways(cluster, &who), ["constrained-account", "bind"]);
    assert_eq!(cluster.get(&as_boss, "/api/v1/secrets").status, 403, "nothing else");
    let run =
        access(cluster, &["paths", &who, "--to", &format!("sa:{namespace}/boss"), "cluster:"]);
    assert!(run.stdout.contains(&format!("→ {who} as sa:{namespace}/boss")), "{}", run.stdout);
    let who_can = ["who-can", "impersonate:serviceaccount", "serviceaccounts", "--name", "boss"];
    let run = access(cluster, &[&who_can[..], &["-n", &namespace, "cluster:"]].concat());
    assert!(run.stdout.contains(&who), "{}", run.stdout);
    let admins = access(cluster, &["admins", "cluster:"]).stdout;
    let line = admins.lines().find(|line| line.starts_with(&who)).unwrap_or_default();
    assert!(line.contains("constrained-account") && line.contains("bind"), "{admins}");
    // Reading bindings makes none.
    give(cluster, &role, &relay, &[acts.clone(), on("list", RBAC, "clusterrolebindings")]);
    settles(cluster, 403, bind);
    assert_eq!(ways(cluster, &who), [""; 0]);
    give(cluster, &role, &relay, &[on("create", RBAC, "clusterrolebindings")]);
    settles(cluster, 403, bind);
    assert_eq!(ways(cluster, &who), [""; 0]);
    // A stream into a pod is opened by GET, and the other is asked for create.
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("p", Some(&namespace)),
        "spec": {"containers": [{"name": "c", "image": "registry.example/c:1"}],
            "serviceAccountName": "boss"}});
    cluster.create_all(&[pod]);
    let path = format!("/api/v1/namespaces/{namespace}/pods/p/exec?command=ls&stdout=true");
    give(cluster, &role, &relay, &[acts.clone(), on("get", "", "pods/exec")]);
    settles(cluster, 400, || cluster.get(&as_boss, &path).status);
    assert_eq!(ways(cluster, &who), ["constrained-account", "exec", "everything"]);
    give(cluster, &role, &relay, &[acts, on("create", "", "pods")]);
    settles(cluster, 403, || cluster.get(&as_boss, &path).status);
}

/// Members of groups, and nodes.
#[test]
fn groups_and_nodes_are_taken_as_a_real_api_server_lets_them() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("taken");
    let of_name = "authentication.k8s.io";
    let group = format!("{namespace}-ops");
    let jane = format!("{namespace}-jane");
    let admin = json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding",
        "metadata": {"name": group}, "subjects": [{"kind": "Group", "name": group}],
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}});
    cluster.create_all(&[admin]);
    let acts = |resource: &str, name: &str| {
        let mut acts = rule(of_name, &[resource], &["impersonate:user-info"]);
        acts["resourceNames"] = json!([name]);
        acts
    };
    let creates = rule(RBAC, &["clusterrolebindings"], &["impersonate-on:user-info:create"]);
    let own = json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding",
        "metadata": {"name": format!("{namespace}-own")}, "subjects": [user(&jane)],
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}});
    let bindings = format!("/apis/{RBAC}/v1/clusterrolebindings?dryRun=All");
    let bind = |group: &str| {
        let headers = [("Impersonate-User", "anybody"), ("Impersonate-Group", group)];
        cluster.post(&acting(&User::named(&jane, &[]), &headers), &bindings, &own).status
    };
    let who = format!("user:{jane}");
    let groups = |group: &str| [acts("groups", group), acts("users", "anybody"), creates.clone()];
    give(cluster, &jane, &user(&jane), &groups(&group));
    settles(cluster, 201, || bind(&group));
    assert_eq!(ways(cluster, &who), ["constrained-group", "bind"]);
    give(cluster, &jane, &user(&jane), &[acts("groups", &group), creates.clone()]);
    settles(cluster, 403, || bind(&group));
    assert_eq!(ways(cluster, &who), [""; 0], "no user to be");
    give(cluster, &jane, &user(&jane), &groups("system:masters"));
    assert_eq!(bind("system:masters"), 403);
    assert_eq!(ways(cluster, &who), [""; 0]);

    let node = format!("{namespace}-node");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("p", Some(&namespace)),
        "spec": {"containers": [{"name": "c", "image": "registry.example/c:1"}],
            "serviceAccountName": "robot", "nodeName": node}});
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": meta("robot", Some(&namespace))}),
        pod,
    ]);
    let pods = format!("/api/v1/namespaces/{namespace}/pods/p");
    let uid = cluster.get(&User::admin(), &pods).expect_success()["metadata"]["uid"].take();
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": uid}}});
    let token = || {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/robot/token");
        let name = format!("system:node:{node}");
        let as_node = acting(&User::named(&jane, &[]), &[("Impersonate-User", &name)]);
        cluster.post(&as_node, &path, &request).status
    };
    let nodes = rule(of_name, &["nodes"], &["impersonate:arbitrary-node"]);
    let creates = rule("", &["serviceaccounts/token"], &["impersonate-on:arbitrary-node:create"]);
    let reaches = || {
        let to = format!("sa:{namespace}/robot");
        let run = access(cluster, &["paths", &who, "--to", &to, "cluster:", "-o", "json"]);
        parsed(&run)["paths"][0]["steps"][0]["way"].clone()
    };
    give(cluster, &jane, &user(&jane), &[nodes.clone(), creates]);
    settles(cluster, 201, token);
    assert_eq!(reaches(), "constrained-node");
    give(cluster, &jane, &user(&jane), &[nodes]);
    settles(cluster, 403, token);
    assert_eq!(reaches(), Value::Null);
}
