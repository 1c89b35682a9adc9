//! `check cluster:` against a running Kubernetes.

use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};

pub(crate) const SECRET: &str = "correct-horse-battery-staple";

/// A workload as a person writes it, the pods that its controllers make of it, and a
/// container that somebody then added to one of them, as `kubectl debug` does; gives
/// that pod's name.
pub(crate) fn fill(cluster: &Cluster, namespace: &str) -> String {
    let meta = |name: &str| json!({"name": name, "namespace": namespace, "labels": {"app": "web", "sensitivity": "high"}});
    let template = json!({
        "metadata": {"labels": {"app": "web", "sensitivity": "high"}},
        "spec": {
            "serviceAccountName": "web",
            "containers": [{
                "name": "web", "image": "registry.example/web:1",
                "env": [{"name": "DB_PASSWORD", "value": SECRET}],
                "securityContext": {"privileged": true},
            }],
        },
    });
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("web")}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web"),
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": meta("web"),
            "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]},
        }),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": meta("db"),
            "stringData": {"password": SECRET},
        }),
    ]);
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let pod = cluster.wait_for("both pods of the workload", Duration::from_secs(30), || {
        let list = cluster.get(&User::admin(), &pods).expect_success();
        let items = list["items"].as_array().unwrap();
        (items.len() == 2).then(|| items[0]["metadata"]["name"].as_str().unwrap().to_owned())
    });
    let debug = json!({"spec": {"ephemeralContainers": [{
        "name": "debug", "image": "registry.example/debug:1",
        "securityContext": {"privileged": true},
    }]}});
    cluster
        .merge(&User::admin(), &format!("{pods}/{pod}/ephemeralcontainers"), &debug)
        .expect_success();
    pod
}

fn check(cluster: &Cluster, user: &User, name: &str, args: &[&str]) -> Run {
    let (folder, state) = (folder(name), folder(&format!("{name}-state")));
    let kubeconfig = cluster.kubeconfig(user);
    let kubeconfig = kubeconfig.to_str().unwrap();
    let all =
        [&["check", "cluster:", "--kubeconfig", kubeconfig, "--at", "2026-11-26"], args].concat();
    run_with_state(&folder, &state, &all, "")
}

#[test]
fn a_cluster_is_judged_and_its_secrets_stay_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("judged");
    let debugged = fill(cluster, &namespace);
    let run = check(cluster, &User::admin(), "live", &["-o", "json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(!run.stdout.contains(SECRET) && !run.stderr.contains(SECRET));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["kubernetes"], json!({"version": "1.37", "assumed": false}));
    assert_eq!(report["gaps"], json!([]), "an administrator sees everything");
    let of = |control: &str| -> Vec<(String, String)> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| {
                finding["control"] == control && finding["subject"]["namespace"] == *namespace
            })
            .map(|finding| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (
                    format!("{}/{}", text(&finding["subject"]["kind"]), text(&finding["element"])),
                    text(&finding["seenIn"]["name"]),
                )
            })
            .collect()
    };
    // What the template says is said once, for the Deployment; what only one pod has
    // names the pod.
    assert_eq!(
        of("privileged-container"),
        [("Deployment/debug".to_owned(), debugged), ("Deployment/web".to_owned(), String::new())]
    );
    // No file can be edited here, so none is offered.
    let table = check(cluster, &User::admin(), "table", &[]).stdout;
    assert!(table.contains("privileged-container") && !table.contains("ironhull fix "), "{table}");
    let literal = of("secret-literal");
    assert!(literal.iter().any(|(element, _)| element.starts_with("Deployment/")), "{literal:?}");
    // The roles that every cluster has are nobody's mistake.
    let findings = report["findings"].as_array().unwrap();
    // Whoever looks at pods through the estate blames their owner too.
    let of_pods = findings.iter().filter(|finding| {
        finding["subject"]["kind"] == "Pod" && finding["subject"]["namespace"] == *namespace
    });
    assert_eq!(of_pods.count(), 0);
    assert!(of("exposed-sensitive").iter().any(|(element, _)| element.starts_with("Deployment/")));
    let blamed = |name: &str| findings.iter().any(|finding| finding["subject"]["name"] == name);
    assert!(!blamed("cluster-admin") && !blamed("system:controller:generic-garbage-collector"));
}

/// What Kubernetes makes in every cluster is no finding, and what somebody added to it is.
#[test]
fn default_roles_and_bindings_are_told_of_what_was_added() {
    let Some(cluster) = Cluster::shared() else { return };
    let told = || {
        let only = ["--only", "broad-groups,default-role-widened", "-o", "json"];
        let run = check(cluster, &User::admin(), "widened", &only);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let of_default = findings.filter_map(|finding| {
            let name = finding["subject"]["name"].as_str().unwrap();
            let message = finding["message"].as_str().unwrap().to_owned();
            (name.starts_with("system:") || name == "view").then_some(message)
        });
        of_default.collect::<Vec<_>>()
    };
    assert_eq!(told(), [""; 0]);
    // A role that nobody uses, and a binding that gives little.
    let root = "/apis/rbac.authorization.k8s.io/v1";
    let role = format!("{root}/clusterroles/system:heapster");
    let binding = format!("{root}/clusterrolebindings/system:service-account-issuer-discovery");
    let before = [&role, &binding].map(|path| cluster.get(&User::admin(), path).expect_success());
    let mut rules = before[0]["rules"].as_array().unwrap().clone();
    rules.push(json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}));
    let mut subjects = before[1]["subjects"].as_array().unwrap().clone();
    subjects.push(json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io",
        "name": "system:authenticated"}));
    let patch = |path: &str, body: &Value| {
        cluster.merge(&User::admin(), path, body).expect_success();
    };
    patch(&role, &json!({"rules": rules}));
    patch(&binding, &json!({"subjects": subjects}));
    assert_eq!(
        told(),
        [
            "ClusterRole system:heapster grants get secrets, which Kubernetes does not give it",
            "every signed-in account has the rights of system:service-account-issuer-discovery",
        ]
    );
    patch(&role, &json!({"rules": before[0]["rules"]}));
    patch(&binding, &json!({"subjects": before[1]["subjects"]}));
    assert_eq!(told(), [""; 0]);
}

#[test]
fn with_few_rights_the_rest_is_a_gap() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("few");
    fill(cluster, &namespace);
    cluster.create_all(&[
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "few-rights"},
            "rules": [
                {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
                {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
            ],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "few-rights"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "few-rights"},
            "subjects": [{"kind": "User", "name": "few"}],
        }),
    ]);
    let user = User::named("few", &[]);
    let run = check(cluster, &user, "few", &["-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let gaps = report["gaps"].as_array().unwrap();
    let gap = |what: &str| gaps.iter().find(|gap| gap["what"] == what);
    assert_eq!(gap("Pod objects").unwrap()["cause"], "denied");
    let pods = report["findings"].as_array().unwrap().iter().filter(|finding| {
        finding["verdict"] == "unknown" && finding["missing"][0] == "all Pod objects"
    });
    assert!(pods.count() > 50, "what judges pods did not see any");
    // Rights are kept small on purpose: the table says it, and --strict does not pass it.
    let table = check(cluster, &user, "few-table", &["--exit-zero"]);
    assert_eq!(table.code, 0);
    let line = table.stdout.lines().find(|line| line.starts_with("NOT SEEN")).unwrap();
    assert!(line.contains(" more: may not be listed → kubectl auth can-i --list"), "{line}");
    let strict = check(cluster, &user, "few-strict", &["--exit-zero", "--strict"]);
    assert_eq!(strict.code, 3, "{}", strict.stderr);
    assert!(gap("Deployment.apps objects").is_none());
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| {
        finding["control"] == "privileged-container"
            && finding["subject"]["namespace"] == *namespace
    }));
}

#[test]
fn a_cluster_that_is_not_there_is_said() {
    let Some(cluster) = Cluster::shared() else { return };
    let (folder, state) = (folder("absent"), folder("absent-state"));
    let text = std::fs::read_to_string(cluster.kubeconfig(&User::admin())).unwrap();
    let port = cluster.url().rsplit(':').next().unwrap().to_owned();
    std::fs::write(folder.join("config"), text.replace(&port, "1")).unwrap();
    let run = run_with_state(&folder, &state, &["check", "cluster:", "--kubeconfig", "config"], "");
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.stderr.contains("[IH0110]") && run.stderr.contains("refused"), "{}", run.stderr);
    let run = run_with_state(
        &folder,
        &state,
        &["check", "cluster:nowhere", "--kubeconfig", "config"],
        "",
    );
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
}
