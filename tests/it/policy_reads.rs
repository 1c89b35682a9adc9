//! What admission policies are about is read of a running cluster before they judge it, and
//! what of it cannot be read is said.

use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};
use super::watch::{Watch, check};

const GROUP: &str = "example.dev";
const ADMISSION: &str = "admissionregistration.k8s.io/v1";

fn definition(kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    })
}

/// A policy and its binding.
fn policy(
    name: &str,
    rule: [&str; 3],
    expression: &str,
    param: Option<(&str, &str, &str)>,
) -> [Value; 2] {
    let [group, version, resource] = rule;
    let mut policy = json!({
        "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{"operations": ["CREATE"], "apiGroups": [group],
                "apiVersions": [version], "resources": [resource]}]},
            "validations": [{"expression": expression}],
        },
    });
    let mut binding = json!({
        "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Audit"]},
    });
    if let Some((version, kind, name)) = param {
        policy["spec"]["paramKind"] = json!({"apiVersion": version, "kind": kind});
        binding["spec"]["paramRef"] =
            json!({"name": name, "namespace": "default", "parameterNotFoundAction": "Allow"});
    }
    [policy, binding]
}

fn filled() -> Option<Cluster> {
    let cluster = Cluster::start(&Options::default())?;
    cluster.create_all(&[definition("Limit", "limits"), definition("Widget", "widgets")]);
    let of = |kind: &str, name: &str, rest: Value| {
        let mut object = json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind,
            "metadata": {"name": name, "namespace": "default"}});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    let own = [
        of("Limit", "small", json!({"maxReplicas": 5})),
        of("Widget", "big", json!({"spec": {"size": 9}})),
        of("Widget", "little", json!({"spec": {"size": 2}})),
    ];
    for plural in ["limits", "widgets"] {
        let path = format!("/apis/{GROUP}/v1/{plural}");
        cluster.wait_for("the kinds", Duration::from_secs(30), || {
            cluster.get(&User::admin(), &path).is_success().then_some(())
        });
    }
    cluster.create_all(&own);
    let pod = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "a"}]}});
    cluster.create_all(&[json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": pod}})]);
    Some(cluster)
}

fn policies() -> Vec<Value> {
    let limit = Some(("example.dev/v1", "Limit", "small"));
    let lease = Some(("coordination.k8s.io/v1", "Lease", "any"));
    let replicas = ["apps", "v1", "deployments"];
    [
        policy("widgets", [GROUP, "*", "widgets"], "object.spec.size < 5", None),
        policy("limits", replicas, "object.spec.replicas <= params.maxReplicas", limit),
        policy("leases", replicas, "params != null", lease),
    ]
    .concat()
}

/// What policies say: control, verdict and name.
fn said(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let own = findings.filter(|it| it["control"].as_str().unwrap().starts_with("vap/"));
    let mut said: Vec<String> = own
        .map(|it| {
            let (control, verdict) =
                (it["control"].as_str().unwrap(), it["verdict"].as_str().unwrap());
            format!("{control} {verdict} {}", it["subject"]["name"].as_str().unwrap())
        })
        .collect();
    said.sort();
    said
}

#[test]
fn what_policies_are_about_is_read_as_a_whole() {
    let Some(cluster) = filled() else { return };
    let kubeconfig = cluster.kubeconfig(&User::admin()).display().to_string();
    let mut watch = Watch::start(&kubeconfig);
    assert_eq!(said(&check(&kubeconfig)), [""; 0]);
    // Policies that come later, while the cluster is watched.
    cluster.create_all(&policies());
    let expected = ["vap/leases unknown web", "vap/widgets violated big"];
    let report = check(&kubeconfig);
    assert_eq!(said(&report), expected);
    let gaps = report["gaps"].as_array().unwrap();
    let lease = gaps.iter().find(|gap| gap["what"].as_str().unwrap().contains("Lease"));
    assert!(lease.is_some_and(|gap| gap["cause"] == "notasked"), "{gaps:?}");
    watch.compare(|| check(&kubeconfig), "policies came");
    for object in policies() {
        cluster.delete(&User::admin(), &cluster.path(&object)).expect_success();
    }
    watch.compare(|| check(&kubeconfig), "policies went");

    // Policies of files, over the cluster.
    let (here, state) = (folder("policy-reads"), folder("policy-reads-state"));
    let own = policies().iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n");
    std::fs::write(here.join("own.yaml"), own).unwrap();
    let run = |args: &[&str]| {
        let all = [&["check"], args, &["--kubeconfig", &*kubeconfig, "-o", "json"]].concat();
        let run = run_with_state(&here, &state, &all, "");
        said(&serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr)))
    };
    assert_eq!(run(&["cluster:", "--policy", "own.yaml"]), expected);
    assert_eq!(run(&["cluster:", "own.yaml", "--save", "whole.snapshot"]), expected);
    assert_eq!(run(&["snapshot:whole.snapshot"]), expected);
}

#[test]
fn what_governs_and_may_not_be_read_is_said() {
    let Some(cluster) = Cluster::shared() else { return };
    let (name, rbac) = ("reads-namespaces", "rbac.authorization.k8s.io");
    let namespace = cluster.namespace("governed");
    cluster.create_all(&[
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]}]}),
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "User", "name": name}]}),
    ]);
    let state = folder("policy-reads-governed");
    let run = |user: &User, args: &[&str]| -> Run {
        let kubeconfig = cluster.kubeconfig(user);
        let own = ["--kubeconfig", kubeconfig.to_str().unwrap()];
        run_with_state(&state, &state, &[&["policy"], args, &own].concat(), "")
    };
    let place = format!("ns/{namespace}");
    let effective = ["effective", &place, "cluster:", "-o", "json"];
    let few = run(&User::named(name, &[]), &effective);
    assert_eq!(few.code, 3, "{}", few.stderr);
    assert!(
        few.stderr.contains("not read: ") && few.stderr.contains("NetworkPolicy"),
        "{}",
        few.stderr
    );
    let report: Value = serde_json::from_str(&few.stdout).unwrap();
    let unread = report["unread"].as_array().unwrap().iter();
    let unread: Vec<&str> = unread.map(|gap| gap["what"].as_str().unwrap()).collect();
    for kind in ["ValidatingAdmissionPolicy", "MutatingWebhookConfiguration", "ResourceQuota"] {
        assert!(unread.iter().any(|what| what.contains(kind)), "{kind}: {unread:?}");
    }
    assert!(!unread.iter().any(|what| what.contains("Pod ")), "{unread:?}");
    let all = run(&User::admin(), &effective);
    assert_eq!((all.code, all.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&all.stdout).unwrap();
    assert_eq!(report["unread"], json!([]));

    let pss = ["pss", "cluster:", "--namespace", &namespace];
    let few = run(&User::named(name, &[]), &pss);
    assert_eq!(few.code, 3, "{}{}", few.stdout, few.stderr);
    assert!(
        few.stderr.contains("not read: ") && few.stderr.contains("Pod objects"),
        "{}",
        few.stderr
    );
    let all = run(&User::admin(), &pss);
    assert_eq!((all.code, all.stderr.as_str()), (0, ""));
}

/// Who works in one namespace may mostly read it and list what is in it, and not list
/// namespaces.
#[test]
fn a_namespace_that_may_be_read_and_not_listed_is_read_by_name() {
    let Some(cluster) = Cluster::shared() else { return };
    let enforced = [("pod-security.kubernetes.io/enforce", "baseline")];
    let (own, other) = (cluster.namespace_with("named", &enforced), cluster.namespace("named"));
    let rbac = "rbac.authorization.k8s.io";
    let rule = |group: &str, resource: &str| json!({"apiGroups": [group], "resources": [resource], "verbs": ["get", "list"]});
    let reads = json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]});
    let named = |kind: &str, rest: Value| {
        let mut object = json!({"apiVersion": format!("{rbac}/v1"), "kind": kind,
            "metadata": {"name": "worker", "namespace": own}});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    cluster.create_all(&[
        named("Role", json!({"rules": [reads, rule("networking.k8s.io", "networkpolicies")]})),
        named(
            "RoleBinding",
            json!({"roleRef": {"apiGroup": rbac, "kind": "Role", "name": "worker"},
                "subjects": [{"kind": "User", "name": "worker-of-one"}]}),
        ),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "closed", "namespace": own}, "spec": {"podSelector": {}}}),
    ]);
    let kubeconfig = cluster.kubeconfig(&User::named("worker-of-one", &[]));
    let kubeconfig = kubeconfig.to_str().unwrap();
    let effective = |namespace: &str| {
        let state = folder("named-state");
        let args = ["policy", "effective", namespace, "cluster:", "--kubeconfig", kubeconfig];
        run_with_state(&state, &state, &args, "")
    };
    let told = effective(&format!("ns/{own}"));
    assert!(told.stdout.contains("baseline:latest  [namespace]"), "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("closed"), "{}", told.stdout);
    assert!(!told.stderr.contains("Namespace objects"), "{}", told.stderr);
    // Of another nothing may be read.
    let told = effective(&format!("ns/{other}"));
    assert!(told.stdout.contains("the Namespace is not in the input"), "{}", told.stdout);
    assert!(told.stderr.contains("Namespace objects"), "{}", told.stderr);
}
