//! Pod Security by real labels of namespaces, as dry runs.

use std::collections::BTreeMap;

use ironhull_model::{Minor, Node};
use ironhull_pss::Pod;
use ironhull_pss::admission::{Configuration, Request};
use ironhull_testkit::cluster::{Cluster, User};
use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

use super::{ours, shared};

/// Labels of the namespaces that pods are sent to.
const LABELS: &[&[(&str, &str)]] = &[
    &[("enforce", "restricted")],
    &[("enforce", "baseline")],
    &[("enforce", "baseline"), ("enforce-version", "v1.20")],
    &[("warn", "restricted")],
    &[("enforce", "baseline"), ("warn", "privileged"), ("audit", "restricted")],
    &[("enforce", "privileged"), ("warn", "baseline"), ("warn-version", "v1.33")],
    &[("audit", "baseline"), ("audit-version", "latest")],
    &[],
];

/// So many pods are sent to each.
const N_PODS: usize = 45;

fn pod(rng: &mut Rng, index: usize) -> Value {
    let mut container = json!({"name": "main", "image": "registry.test/app:1"});
    let contexts = [
        json!({}),
        json!({"privileged": true}),
        json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}),
        json!({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}),
        json!({"runAsUser": 0, "allowPrivilegeEscalation": false}),
        json!({"seLinuxOptions": {"type": "spc_t"}}),
    ];
    container["securityContext"] = rng.pick(&contexts).clone();
    if rng.chance(25) {
        container["ports"] = json!([{"containerPort": 80, "hostPort": 8080}]);
    }
    let mut spec = json!({"containers": [container]});
    if rng.chance(20) {
        spec["hostNetwork"] = json!(true);
        spec["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": 80}]);
    }
    if rng.chance(20) {
        spec["hostPID"] = json!(true);
    }
    if rng.chance(20) {
        spec["volumes"] = json!([{"name": "v", "hostPath": {"path": "/etc"}}]);
    }
    // Which the API server refuses with the host's network.
    if spec["hostNetwork"].is_null() && rng.chance(25) {
        spec["securityContext"] =
            json!({"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]});
    }
    if rng.chance(20) {
        spec["initContainers"] = json!([{"name": "init", "image": "registry.test/i:1", "securityContext": {"procMount": "Default"}}]);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("pss-{index}")}, "spec": spec})
}

fn labels(index: usize) -> Value {
    let pairs = LABELS[index]
        .iter()
        .map(|(mode, value)| (format!("pod-security.kubernetes.io/{mode}"), Value::from(*value)));
    pairs.collect()
}

/// What is refused, with which words, and what is warned.
type Answer = (Option<String>, Vec<String>);

fn mine(namespace: &str, labels: &Value, body: &Value, minor: Minor) -> Answer {
    let (value, labels) = (ours::value(body), ours::value(labels));
    let root = value.root();
    let spec = root.get("spec").unwrap();
    let request = Request {
        user: "alice",
        namespace,
        labels: Some(labels.root()),
        pod: Pod { spec, meta: root.get("metadata") },
        is_pod: true,
    };
    let review = Configuration::default().review(&request, minor);
    let name = root.path(&["metadata", "name"]).and_then(Node::as_str).unwrap_or_default();
    let denied = review.denied.map(|text| format!("pods {name:?} is forbidden: {text}"));
    (denied, review.warning.into_iter().collect())
}

/// Sends pods to namespaces of all labels; gives how many, and how many are refused.
pub fn check(cluster: &Cluster, minor: Minor) -> (usize, usize) {
    let mut rng = Rng::new(9);
    let user = User::named("alice", &["cases"]);
    let (mut n, mut n_denied, mut differences) = (0, 0, Vec::new());
    let mut said: BTreeMap<bool, usize> = BTreeMap::new();
    for index in 0..LABELS.len() {
        let namespace = format!("pss-{index}");
        cluster.create_all(&[json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": namespace, "labels": labels(index)}})]);
        cluster.create_all(&[shared::account(&namespace, "default", json!({}))]);
        let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
        for number in 0..N_PODS {
            let body = pod(&mut rng, number);
            let response = cluster.post(&user, &path, &body);
            let denied = (!response.is_success()).then(|| response.message().to_owned());
            let theirs: Answer = (denied, response.warnings.clone());
            let mine = mine(&namespace, &labels(index), &body, minor);
            n += 1;
            n_denied += usize::from(theirs.0.is_some());
            *said.entry(theirs.1.is_empty()).or_default() += 1;
            if theirs != mine {
                differences.push(format!("{body}\n  ours:   {mine:?}\n  theirs: {theirs:?}"));
            }
        }
    }
    assert!(said.len() == 2, "warnings come and do not come");
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(5)].join("\n"));
    (n, n_denied)
}
