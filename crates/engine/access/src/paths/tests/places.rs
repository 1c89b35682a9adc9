//! Rights about one Namespace or one node.

use super::named::{pod_on, reached, restricted, verbs};
use super::*;

#[test]
fn who_labels_his_namespace_lifts_pod_security() {
    let relabels = |kind: &str, names: &[&str], run: &[&str]| {
        let rules =
            [rule("", "namespaces", "patch", names), rule("apps", "deployments", "create", run)];
        let found = reached(kind, &rules, &[&restricted("shop")]);
        found.contains(&"relabel-namespace nodes".to_owned())
    };
    for kind in ["Role", "ClusterRole"] {
        assert!(relabels(kind, &[], &[]), "{kind}");
        assert!(relabels(kind, &["bank", "shop"], &[]), "{kind}");
        assert!(!relabels(kind, &[], &["x"]), "{kind}: made without a name");
    }
    assert!(!relabels("Role", &["bank"], &[]), "another namespace");
    // The Namespace in one place, the pods in another.
    let there = rule("", "namespaces", "patch", &["bank"]);
    let run = bound("Role", "runs", &[rule("", "pods", "create", &[])], JANE);
    let found = |there: &str| {
        let more = [&*restricted("shop"), &run[0], &run[1]];
        reached("ClusterRole", &[there.to_owned()], &more)
    };
    assert!(!found(&there).iter().any(|one| one.ends_with(" nodes")));
    let here = there.replace("bank", "shop");
    assert!(found(&here).iter().any(|one| one == "relabel-namespace nodes"));
    // Whoever may do anything in a namespace may label it.
    let binds =
        [rule(RBAC, "clusterroles", "bind", &[]), rule(RBAC, "rolebindings", "create", &[])];
    with(&estate("Role", &binds, &[&restricted("shop")]), |paths| {
        let path = paths.to(&Power::Nodes).unwrap();
        let ways: Vec<&str> = path.iter().map(|step| step.way.id).collect();
        assert_eq!(ways, ["bind-in-namespace", "administer"]);
        assert_eq!(path[1].condition, None);
    });
}

#[test]
fn who_reaches_the_kubelet_of_one_node_has_what_runs_there() {
    let without = r#","automountServiceAccountToken":false"#;
    let pods = [
        pod_on("n1", "a", "admin", ""),
        pod_on("n2", "b", "runner", ""),
        pod_on("n1", "c", "bare", without),
    ];
    let master = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"m","labels":{"node-role.kubernetes.io/control-plane":""}}}"#;
    let proxies = |kind: &str, verb: &str, node: &str| {
        let more = [&*pods[0], &pods[1], &pods[2], master];
        reached(kind, &verbs("", "nodes/proxy", &[verb], &[node]), &more)
    };
    for verb in ["get", "create"] {
        let found = proxies("ClusterRole", verb, "n1");
        let to = "nodes-proxy, everything to cluster-admin";
        assert_eq!(found, ["nodes-proxy sa:shop/admin", to], "{verb}");
        assert_eq!(proxies("ClusterRole", verb, "n2"), ["nodes-proxy sa:shop/runner"]);
        assert_eq!(proxies("ClusterRole", verb, "m"), ["nodes-proxy cluster-admin"]);
    }
    let none: [&str; 0] = [];
    assert_eq!(proxies("ClusterRole", "get", "n3"), none);
    assert_eq!(proxies("ClusterRole", "update", "n1"), none);
    assert_eq!(proxies("Role", "get", "n1"), none, "nodes stand in no namespace");
}
