//! Ways of kubelets: the tokens that a real API server gives them are those that the
//! product tells.

use ironhull_testkit::cluster::{Cluster, Response, User};
use serde_json::{Value, json};

use super::escalations::{binding, reads_secrets};
use super::impersonation::{access, account, give, meta, parsed, rule, settles, ways};

/// The condition under which the product tells the way.
fn condition(cluster: &Cluster, who: &str, to: &str) -> Value {
    let run = access(cluster, &["paths", who, "--to", to, "cluster:", "-o", "json"]);
    parsed(&run)["paths"][0]["steps"][0]["condition"].clone()
}

/// A namespace with two nodes, and the ServiceAccount boss, who is cluster-admin.
struct Nodes<'c> {
    cluster: &'c Cluster,
    namespace: String,
    own: String,
    other: String,
}

impl<'c> Nodes<'c> {
    fn new(cluster: &'c Cluster, name: &str) -> Nodes<'c> {
        let namespace = cluster.namespace(name);
        let [own, other] = ["a", "b"].map(|node| format!("{namespace}-{node}"));
        let node =
            |name: &str| json!({"apiVersion": "v1", "kind": "Node", "metadata": meta(name, None)});
        let boss = account(&namespace, "boss");
        cluster.create_all(&[
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("boss", Some(&namespace))}),
            binding(&format!("{namespace}-boss"), None, "cluster-admin", &[boss]),
            node(&own),
            node(&other),
        ]);
        Nodes { cluster, namespace, own, other }
    }

    /// Runs a pod as boss on the first node.
    fn run(&self, name: &str, more: &Value) {
        let mut spec = json!({"containers": [{"name": "c", "image": "registry.example/c:1"}],
            "serviceAccountName": "boss", "nodeName": self.own});
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        self.cluster.create_all(&[json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": meta(name, Some(&self.namespace)), "spec": spec})]);
    }

    /// Asks, as a kubelet, for a token of boss that is bound to a pod.
    fn ask(&self, node: &str, pod: &str, audiences: &[&str]) -> Response {
        let kubelet = User::named(&format!("system:node:{node}"), &["system:nodes"]);
        self.ask_as(&kubelet, "boss", pod, audiences)
    }

    /// Asks for a token of an account that is bound to a pod.
    fn ask_as(&self, who: &User, account: &str, pod: &str, audiences: &[&str]) -> Response {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}", self.namespace);
        let pod_of = self.cluster.get(&User::admin(), &path).expect_success();
        let uid = &pod_of["metadata"]["uid"];
        let bound = json!({"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid});
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"boundObjectRef": bound, "audiences": audiences}});
        let path = format!("/api/v1/namespaces/{}/serviceaccounts/{account}/token", self.namespace);
        self.cluster.post(who, &path, &request)
    }

    fn boss(&self) -> String {
        format!("sa:{}/boss", self.namespace)
    }
}

/// Whoever shows a token.
pub(super) fn bearer(token: &str) -> User {
    User::Anonymous.with_headers(&[("Authorization", &format!("Bearer {token}"))])
}

fn who(node: &str) -> String {
    format!("user:system:node:{node}")
}

#[test]
fn a_kubelet_is_the_accounts_of_its_pods() {
    let Some(cluster) = Cluster::shared() else { return };
    let nodes = Nodes::new(cluster, "kubelets");
    let (own, other) = (&*nodes.own, &*nodes.other);
    nodes.run("p", &json!({}));
    settles(cluster, 201, || nodes.ask(own, "p", &[]).status);
    assert_eq!(nodes.ask(other, "p", &[]).status, 403);
    assert_eq!(ways(cluster, &who(own)), ["node-tokens", "everything"]);
    assert_eq!(ways(cluster, &who(other)), [""; 0]);
    let noted = |node: &str| access(cluster, &["paths", &who(node), "cluster:"]).stderr;
    assert_eq!(noted(own), "", "no binding names it, and the Node authorizer gives its rights");
    assert_eq!(noted("nowhere"), "note: there is no Node nowhere\n");
    let admins =
        parsed(&access(cluster, &["admins", "cluster:", "--all", "-o", "json"])).to_string();
    assert!(admins.contains(&who(own)) && !admins.contains(&who(other)), "{admins}");
    let token = nodes.ask(own, "p", &[]).expect_success();
    let boss = bearer(token["status"]["token"].as_str().expect("a token"));
    settles(cluster, 200, || reads_secrets(cluster, &boss, None));
}

/// Since 1.33 a kubelet asks only for audiences that its pods name, and the API server
/// takes tokens for its own only.
#[test]
fn a_kubelet_asks_for_what_its_pods_name() {
    let Some(cluster) = Cluster::shared() else { return };
    let nodes = Nodes::new(cluster, "audiences");
    let own = &*nodes.own;
    let off = json!({"automountServiceAccountToken": false});
    nodes.run("bare", &off);
    settles(cluster, 403, || nodes.ask(own, "bare", &[]).status);
    let refused = nodes.ask(own, "bare", &[]).body.to_string();
    assert!(refused.contains("not authorized to request tokens for audience"), "{refused}");
    assert_eq!(ways(cluster, &who(own)), [""; 0]);
    // Of another audience: a token, which the API server does not take.
    let projected = |audience: &str| {
        let mut pod = off.clone();
        let token = json!({"serviceAccountToken": {"path": "t", "audience": audience}});
        pod["volumes"] = json!([{"name": "t", "projected": {"sources": [token]}}]);
        pod
    };
    nodes.run("theirs", &projected("sts.example.com"));
    settles(cluster, 201, || nodes.ask(own, "theirs", &["sts.example.com"]).status);
    assert_eq!(nodes.ask(own, "theirs", &[]).status, 403);
    let token = nodes.ask(own, "theirs", &["sts.example.com"]).expect_success();
    let theirs = bearer(token["status"]["token"].as_str().expect("a token"));
    assert_eq!(reads_secrets(cluster, &theirs, None), 401);
    let is_admin = || access(cluster, &["admins", "cluster:", "--all"]).stdout.contains(&who(own));
    assert!(!is_admin());
    let told = condition(cluster, &who(own), &nodes.boss());
    assert_eq!(told, "if the API server takes tokens for the audience sts.example.com");
    // A rule lets it ask for any.
    let name = format!("{}-asks", nodes.namespace);
    let asks = rule("", &["*"], &["request-serviceaccounts-token-audience"]);
    let kubelet = json!({"kind": "User", "name": format!("system:node:{own}")});
    give(cluster, &name, &kubelet, &[asks]);
    settles(cluster, 201, || nodes.ask(own, "bare", &[]).status);
    assert_eq!(ways(cluster, &who(own)), ["node-tokens", "everything"]);
    give(cluster, &name, &kubelet, &[]);
    settles(cluster, 403, || nodes.ask(own, "bare", &[]).status);
    assert!(!is_admin());
    // The API server's own audience by its name.
    nodes.run("ours", &projected("https://kubernetes.default.svc"));
    settles(cluster, 201, || nodes.ask(own, "ours", &["https://kubernetes.default.svc"]).status);
    assert_eq!(ways(cluster, &who(own)), ["node-tokens", "everything"]);
    assert!(is_admin());
}

/// A pod's account may act as the node on which it runs, and then asks for the tokens of
/// the other pods there.
#[test]
fn an_agent_is_the_accounts_of_its_node() {
    let Some(cluster) = Cluster::shared() else { return };
    let nodes = Nodes::new(cluster, "agents");
    let (namespace, own) = (&*nodes.namespace, &*nodes.own);
    cluster.create_all(&[json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": meta("agent", Some(namespace))})]);
    nodes.run("boss", &json!({}));
    nodes.run("agent", &json!({"serviceAccountName": "agent"}));
    let agent = format!("sa:{namespace}/agent");
    let role = format!("{namespace}-agent");
    let acts = rule("authentication.k8s.io", &["nodes"], &["impersonate:associated-node"]);
    let asks = rule("", &["serviceaccounts/token"], &["impersonate-on:associated-node:create"]);
    let give = |rules: &[Value]| give(cluster, &role, &account(namespace, "agent"), rules);
    let token = nodes.ask_as(&User::admin(), "agent", "agent", &[]).expect_success();
    let token = token["status"]["token"].as_str().expect("a token");
    let as_node = |node: &str| {
        let name = format!("system:node:{node}");
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Impersonate-User", &*name)];
        User::Anonymous.with_headers(&headers)
    };
    let ask = |node: &str| nodes.ask_as(&as_node(node), "boss", "boss", &[]).status;
    give(&[acts.clone(), asks.clone()]);
    settles(cluster, 201, || ask(own));
    assert_eq!(ask(&nodes.other), 403, "it runs elsewhere");
    assert_eq!(ways(cluster, &agent), ["constrained-own-node", "everything"]);
    for half in [acts, asks] {
        give(&[half]);
        settles(cluster, 403, || ask(own));
        assert_eq!(ways(cluster, &agent), [""; 0]);
    }
}
