//! Secrets that one reads as a node by constrained impersonation: those that its pods name,
//! as a real API server lets one.

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::escalations::way_to;
use super::impersonation::{account, acting, give, meta, rule, settles, token_of_pod, user};
use super::kubelets::bearer;

const AUTHENTICATION: &str = "authentication.k8s.io";

/// A node of a namespace's name, on which a pod runs as agent and names the Secret db.
fn namespace(cluster: &Cluster, name: &str) -> String {
    let namespace = cluster.namespace(name);
    let of = |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": meta(name, Some(&namespace))});
    let mut pod = of("Pod", "agent");
    pod["spec"] = json!({"serviceAccountName": "agent", "nodeName": namespace,
        "containers": [{"name": "c", "image": "registry.example/c:1",
            "envFrom": [{"secretRef": {"name": "db"}}]}]});
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "Node", "metadata": meta(&namespace, None)}),
        of("ServiceAccount", "agent"),
        of("Secret", "db"),
        of("Secret", "other"),
        pod,
    ]);
    namespace
}

fn reads(cluster: &Cluster, who: &User, namespace: &str, secret: &str) -> u16 {
    let node = format!("system:node:{namespace}");
    let as_node = acting(who, &[("Impersonate-User", &node)]);
    cluster.get(&as_node, &format!("/api/v1/namespaces/{namespace}/secrets/{secret}")).status
}

fn on(mode: &str) -> Value {
    rule("", &["secrets"], &[&format!("impersonate-on:{mode}:get")])
}

#[test]
fn who_acts_as_any_node_reads_the_secrets_of_its_pods() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = namespace(cluster, "any-node");
    let name = format!("{namespace}-nora");
    let (nora, who) = (User::named(&name, &[]), format!("user:{name}"));
    let way = || way_to(cluster, &who, &format!("secrets:{namespace}"));
    let acts = rule(AUTHENTICATION, &["nodes"], &["impersonate:arbitrary-node"]);
    for half in [acts.clone(), on("arbitrary-node")] {
        give(cluster, &name, &user(&name), &[half]);
        settles(cluster, 403, || reads(cluster, &nora, &namespace, "db"));
        assert_eq!(way(), Value::Null);
    }
    give(cluster, &name, &user(&name), &[acts, on("arbitrary-node")]);
    settles(cluster, 200, || reads(cluster, &nora, &namespace, "db"));
    assert_eq!(way(), "constrained-node-secrets");
    assert_eq!(reads(cluster, &nora, &namespace, "other"), 403, "no pod names it");
}

#[test]
fn who_acts_as_the_node_of_his_pod_reads_its_secrets() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = namespace(cluster, "own-node");
    let agent = bearer(&token_of_pod(cluster, &namespace));
    let way = || {
        let who = format!("sa:{namespace}/agent");
        way_to(cluster, &who, &format!("secrets:{namespace}"))
    };
    let acts = |name: &str| {
        let mut acts = rule(AUTHENTICATION, &["nodes"], &["impersonate:associated-node"]);
        acts["resourceNames"] = json!([name]);
        acts
    };
    let own = account(&namespace, "agent");
    // It is asked for every node, not for this one.
    for acts in [acts(&namespace), rule("", &["events"], &["get"])] {
        give(cluster, &namespace, &own, &[acts, on("associated-node")]);
        settles(cluster, 403, || reads(cluster, &agent, &namespace, "db"));
        assert_eq!(way(), Value::Null);
    }
    give(cluster, &namespace, &own, &[acts("*"), on("associated-node")]);
    settles(cluster, 200, || reads(cluster, &agent, &namespace, "db"));
    assert_eq!(way(), "constrained-own-node-secrets");
    give(cluster, &namespace, &own, &[acts("*")]);
    settles(cluster, 403, || reads(cluster, &agent, &namespace, "db"));
    assert_eq!(way(), Value::Null);
}
