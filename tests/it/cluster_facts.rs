//! Facts of a running cluster that stand in no object: its version, how long that is
//! supported, and what the kubelets say of themselves.

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};

/// Controls over facts, as users may write them.
const CONTROLS: &str = r#"
id: own-kubelet-pids
catalogue: { NOD-01: {part: test} }
surface: node
title: Kubelets limit the processes of a pod to a few
why: A test.
applies: Node
needs: [node.kubelet-config]
must: facts["node.kubelet-config"].?podPidsLimit.orValue(-1) < 100
message: pods may have {facts["node.kubelet-config"].?podPidsLimit.orValue(-1)} processes
severity: high
examples:
- given: [ { kind: Node } ]
  facts: { node.kubelet-config: { podPidsLimit: 100 } }
  expect: [ { severity: high } ]
- given: [ { kind: Node } ]
  facts: { node.kubelet-config: { podPidsLimit: 99 } }
  expect: holds
- given: [ { kind: Node } ]
  expect: unknown
---
id: own-support
catalogue: { CLU-01: {part: test} }
surface: cluster
title: The cluster is supported for a while
why: A test.
applies: cluster
needs: [cluster.version, cluster.support, now]
related: { nodes: { kind: Node } }
must: facts["cluster.support"].daysLeft > 365 && timestamp(facts["now"]) > timestamp("2020-01-01T00:00:00Z")
message: '{facts["cluster.version"].gitVersion} with {nodes.size()} nodes is supported for {facts["cluster.support"].daysLeft} days'
severity: high
examples:
- given: []
  facts: { now: "2026-11-26T00:00:00Z", cluster.version: { gitVersion: v1.37.1 }, cluster.support: { daysLeft: 365 } }
  expect: [ { message: v1.37.1 with 0 nodes is supported for 365 days, subject: cluster/cluster } ]
- given: []
  facts: { now: "2026-11-26T00:00:00Z", cluster.version: { gitVersion: v1.37.1 }, cluster.support: { daysLeft: 366 } }
  expect: holds
"#;

fn check(cluster: &Cluster, user: &User, name: &str, args: &[&str]) -> Run {
    let (folder, state) = (folder(name), folder(&format!("{name}-state")));
    std::fs::write(folder.join("own.yaml"), CONTROLS).unwrap();
    let kubeconfig = cluster.kubeconfig(user);
    let kubeconfig = kubeconfig.to_str().unwrap();
    let all = ["check", "cluster:", "--kubeconfig", kubeconfig, "--at", "2026-11-26"];
    let own = ["--controls", "own.yaml"];
    run_with_state(&folder, &state, &[&all[..], &own, args].concat(), "")
}

fn findings(run: &Run, control: &str) -> Vec<Value> {
    let report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    let all = report["findings"].as_array().unwrap().iter();
    all.filter(|finding| finding["control"] == control).cloned().collect()
}

fn gaps(run: &Run) -> Vec<Value> {
    let report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    report["gaps"].as_array().unwrap().clone()
}

#[test]
fn own_controls_over_facts_are_tested_by_their_examples() {
    let folder = folder("facts-examples");
    std::fs::write(folder.join("own.yaml"), CONTROLS).unwrap();
    let run = run_with_state(&folder, &folder, &["policy", "test", "own.yaml"], "");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn kubelets_are_asked_only_when_it_is_said() {
    let options = Options {
        controller_manager: true,
        nodes: 2,
        kubelet_configuration: Some(json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "podPidsLimit": 4321,
        })),
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let json = &["-o", "json"][..];
    let asked = &["-o", "json", "--read-kubelets"][..];

    let run = check(&cluster, &User::admin(), "facts-unasked", json);
    assert!(findings(&run, "own-kubelet-pids").is_empty(), "what was not asked is one line");
    let [gap] = &gaps(&run)[..] else { panic!("{}", run.stdout) };
    assert_eq!(gap["cause"], "notasked");
    assert_eq!(gap["what"], "the kubelet configuration of node-0, node-1");
    assert!(gap["reason"].as_str().unwrap().contains("commands on every node"));
    let table = check(&cluster, &User::admin(), "facts-table", &[]).stdout;
    assert!(
        table.lines().any(|line| {
            line.starts_with("NOT ASKED")
                && line.contains(" controls need node.kubelet-config (")
                && line.contains(") → --read-kubelets")
        }),
        "{table}"
    );

    let run = check(&cluster, &User::admin(), "facts-asked", asked);
    assert_eq!(gaps(&run), Vec::<Value>::new());
    let found = findings(&run, "own-kubelet-pids");
    assert_eq!(found.len(), 2, "{}", run.stdout);
    assert_eq!(found[0]["message"], "pods may have 4321 processes");
    assert_eq!(
        found[0]["evidence"],
        json!([{"subject": "Node/node-0", "fact": "node.kubelet-config", "pointer": "/podPidsLimit", "value": "4321"}])
    );
    let [support] = &findings(&run, "own-support")[..] else { panic!("{}", run.stdout) };
    assert_eq!(support["message"], "v1.37.1 with 2 nodes is supported for 336 days");
    assert_eq!(support["id"], "own-support/cluster/cluster");

    // What is in a namespace of the platform is told apart.
    cluster.create_all(&[json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "agent", "namespace": "kube-system"},
        "spec": {"containers": [{"name": "c", "image": "r.example/a:1", "securityContext": {"privileged": true}}]},
    })]);
    let run = check(&cluster, &User::admin(), "facts-platform", json);
    let [finding] = &findings(&run, "privileged-container")[..] else { panic!("{}", run.stdout) };
    assert_eq!(finding["platform"], true);
    assert!(findings(&run, "own-support")[0].get("platform").is_none());
    let (here, state) = (folder("facts-show"), folder("facts-show-state"));
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let check_table = ["check", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap(), "--all"];
    let table = run_with_state(&here, &state, &check_table, "").stdout;
    assert!(table.contains("PLATFORM") && table.contains("ironhull show platform"), "{table}");
    assert!(!table.contains("kube-system/agent"), "{table}");
    let shown = run_with_state(&here, &state, &["show", "platform"], "").stdout;
    assert!(
        shown.contains("kube-system/agent") && shown.contains("privileged-container"),
        "{shown}"
    );

    // Who may read everything else is told what is missing.
    cluster.create_all(&[
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "reads"},
            "rules": [{"apiGroups": ["*"], "resources": ["nodes", "namespaces"], "verbs": ["get", "list"]}],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "reads"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads"},
            "subjects": [{"kind": "User", "name": "reader"}],
        }),
    ]);
    let run = check(&cluster, &User::named("reader", &[]), "facts-denied", asked);
    let denied: Vec<_> = gaps(&run)
        .into_iter()
        .filter(|gap| gap["what"].as_str().unwrap().contains("kubelet"))
        .collect();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert_eq!(denied[0]["cause"], "denied");
    assert_eq!(findings(&run, "own-kubelet-pids")[0]["verdict"], "unknown");

    // One that does not answer holds nobody up.
    cluster.signal("node-1", "STOP");
    let started = std::time::Instant::now();
    let run = check(&cluster, &User::admin(), "facts-late", asked);
    cluster.signal("node-1", "CONT");
    assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
    let [gap] = &gaps(&run)[..] else { panic!("{}", run.stdout) };
    assert_eq!(
        (gap["what"].as_str().unwrap(), gap["cause"].as_str().unwrap()),
        ("the kubelet configuration of node-1", "unreadable")
    );
    assert_eq!(findings(&run, "own-kubelet-pids").len(), 2);
}
