//! What `ironhull access` says where not all of a running cluster may be read.

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, repository, run_with_state};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Everything that rights and ways are made of, by API group.
const ALL: &[(&str, &[&str])] = &[
    (RBAC, &["clusterroles", "clusterrolebindings", "roles", "rolebindings"]),
    (
        "",
        &[
            "serviceaccounts",
            "secrets",
            "namespaces",
            "nodes",
            "configmaps",
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "persistentvolumes",
        ],
    ),
    ("storage.k8s.io", &["csidrivers"]),
    ("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("batch", &["cronjobs", "jobs"]),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
];

/// A user who may list all of it but this.
fn user_without(cluster: &Cluster, name: &str, left_out: &str) -> User {
    let rules = ALL.iter().map(|(group, resources)| {
        let resources: Vec<&&str> =
            resources.iter().filter(|resource| **resource != left_out).collect();
        json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list"]})
    });
    let rules: Vec<Value> = rules.collect();
    cluster.create_all(&[
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": rules}),
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "User", "name": name}]}),
    ]);
    User::named(name, &[])
}

fn access(cluster: &Cluster, user: &User, args: &[&str]) -> Run {
    let kubeconfig = cluster.kubeconfig(user);
    let state = folder(&format!("access-gaps-{}", args.join("-").replace(['/', ' ', ':'], "-")));
    let own = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    // Who is in the directory, where that is asked for.
    run_with_state(&repository(), &state, &[&["access"], args, &own].concat(), "user:jane\n")
}

fn parsed(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
}

/// Every command that answers by roles and bindings.
const BY_RIGHTS: &[&[&str]] = &[
    &["who-can", "get", "secrets", "cluster:", "-o", "json"],
    &["of", "user:jane", "cluster:", "-o", "json"],
    &["stale", "--directory", "-", "cluster:", "-o", "json"],
    &["minimize", "user:anna", "cluster:", "-o", "json", "--audit", "tests/audit/shop.log"],
    &["diff", "cluster:", "cluster:", "-o", "json"],
];

/// Every command that also looks where ways lead through.
const BY_WAYS: &[&[&str]] = &[
    &["admins", "cluster:", "-o", "json"],
    &["paths", "user:jane", "cluster:", "-o", "json"],
    &["graph", "cluster:", "-o", "json"],
];

#[test]
fn what_may_not_be_read_is_said_by_every_command_and_leaves_it_unjudged() {
    let Some(cluster) = Cluster::shared() else { return };
    for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Secret"] {
        let resource = format!("{}s", kind.to_lowercase());
        let user = user_without(cluster, &format!("without-{resource}"), &resource);
        let is_of_ways = kind == "Secret";
        let what = if is_of_ways { "Secret" } else { &format!("{kind}.{RBAC}") };
        for args in BY_RIGHTS.iter().chain(BY_WAYS) {
            // One kind of rights is as good as the other where nothing is particular to it.
            let is_asked = match kind {
                "RoleBinding" => true,
                "Secret" => ["admins", "who-can"].contains(&args[0]),
                _ => args[0] == "admins",
            };
            if !is_asked {
                continue;
            }
            let run = access(cluster, &user, args);
            let report = parsed(&run);
            let report = if args[0] == "diff" { &report["after"] } else { &report };
            if is_of_ways && BY_RIGHTS.contains(args) {
                let found = (&report["complete"], &report["unread"]);
                assert_eq!(found, (&true.into(), &json!([])), "{args:?}");
                continue;
            }
            assert_eq!(report["complete"], false, "{args:?}");
            let unread = &report["unread"];
            assert_eq!(unread.as_array().unwrap().len(), 1, "{args:?}: {unread}");
            assert_eq!(unread[0]["what"], format!("{what} objects"), "{args:?}");
            assert_eq!(unread[0]["cause"], "denied");
            let told = format!("error: not read: {what} objects: we may not list them");
            assert!(run.stderr.contains(&told), "{args:?}: {}", run.stderr);
            assert!(!run.stderr.contains("these files"), "{args:?}: {}", run.stderr);
            // Somebody who is stale, or a difference, is a finding all the same.
            let may_find = ["stale", "diff"].contains(&args[0]);
            assert!(run.code == 3 || may_find && run.code == 1, "{args:?}: {}", run.code);
        }
    }
    let table = access(cluster, &User::named("without-secrets", &[]), &["admins", "cluster:"]);
    assert_eq!(table.code, 3, "{}", table.stderr);
    assert!(table.stderr.contains("at least "), "{}", table.stderr);
    let none = access(cluster, &user_without(cluster, "without-nothing", ""), BY_WAYS[0]);
    assert_eq!((none.code, &parsed(&none)["unread"]), (0, &json!([])), "{}", none.stderr);
}

/// Rights in one namespace only are read there.
#[test]
fn what_may_be_read_of_one_namespace_only_is_said() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("gaps");
    let user = user_without(cluster, "one-namespace", "rolebindings");
    let bound = |name: &str, role: &str, who: &str| {
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "name": who}]})
    };
    cluster.create_all(&[
        bound("reads", "cluster-admin", "one-namespace"),
        bound("jane", "view", "gaps-jane"),
    ]);
    let run = access(cluster, &user, &["of", "user:gaps-jane", "cluster:", "-o", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let report = parsed(&run);
    let what = format!("RoleBinding.{RBAC} objects outside of {namespace}");
    assert_eq!(report["unread"][0]["what"], what);
    let granted = report["granted"].as_array().unwrap().iter();
    assert!(granted.clone().any(|granted| granted["binding"]["name"] == "jane"), "{report}");
    // What is asked of that namespace only is answered whole, and so is what no RoleBinding
    // decides.
    let asked = |args: &[&str]| {
        let run = access(cluster, &user, &[args, &["cluster:", "-o", "json"]].concat());
        (run.code, parsed(&run)["complete"] == true)
    };
    assert_eq!(asked(&["of", "user:gaps-jane", "-n", &namespace]), (0, true));
    assert_eq!(asked(&["who-can", "get", "pods", "-n", &namespace]), (0, true));
    assert_eq!(asked(&["who-can", "get", "nodes"]), (0, true));
    assert_eq!(asked(&["who-can", "get", "/metrics"]), (0, true));
    assert_eq!(asked(&["who-can", "get", "pods"]), (3, false));
    assert_eq!(asked(&["who-can", "get", "pods", "-n", "kube-system"]), (3, false));
}
