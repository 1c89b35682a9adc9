//! What runs is the real thing: it admits, refuses, schedules and runs.

use std::path::Path;
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use crate::processes::{Pids, running};

fn pod(namespace: &str, name: &str, privileged: bool) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{
            "name": "web",
            "image": "registry.example/web:1",
            "securityContext": {"privileged": privileged},
        }]},
    })
}

#[test]
fn pod_security_denies() {
    let Some(cluster) = Cluster::shared() else { return };
    let labels = [("pod-security.kubernetes.io/enforce", "baseline")];
    let namespace = cluster.namespace_with("baseline", &labels);
    let denied = cluster.create(&User::admin(), &pod(&namespace, "privileged", true));
    assert_eq!(denied.status, 403, "{}", denied.body);
    assert_eq!(
        denied.message(),
        "pods \"privileged\" is forbidden: violates PodSecurity \"baseline:latest\": privileged \
         (container \"web\" must not set securityContext.privileged=true)"
    );
    cluster.create(&User::admin(), &pod(&namespace, "plain", false)).expect_success();
}

#[test]
fn flags_and_files_reach_the_api_server() {
    let admission = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": {
            "apiVersion": "pod-security.admission.config.k8s.io/v1",
            "kind": "PodSecurityConfiguration",
            "defaults": {"enforce": "baseline", "warn": "restricted"},
        }}],
    });
    let options = Options {
        files: vec![("admission", admission.to_string())],
        api_server_flags: vec![
            "--admission-control-config-file={dir}/admission".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ],
        emulated_version: Some("1.36"),
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let namespace = cluster.namespace("unlabelled");
    let denied = cluster.create(&User::admin(), &pod(&namespace, "privileged", true));
    assert!(
        denied.message().contains("violates PodSecurity \"baseline:latest\""),
        "{}",
        denied.body
    );
    let warned = cluster.create(&User::admin(), &pod(&namespace, "plain", false));
    assert_eq!(warned.status, 201, "{}", warned.body);
    assert!(
        warned.warnings[0].starts_with("would violate PodSecurity \"restricted:latest\""),
        "{warned:?}"
    );
    let version = cluster.get(&User::admin(), "/version").expect_success();
    assert_eq!(version["emulationMinor"], "36", "{version}");
}

#[test]
fn objects_are_written_and_watched() {
    let Some(cluster) = Cluster::shared() else { return };
    let (admin, namespace) = (User::admin(), cluster.namespace("watched"));
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": {"level": "info", "umlaut": "ä\n"},
    });
    let watch = format!(
        "{}?watch=true&fieldSelector=metadata.name%3Dsettings",
        cluster.collection(&object)
    );
    let mut events = cluster.stream(&admin, &watch);
    cluster.create(&admin, &object).expect_success();
    let path = cluster.path(&object);
    object["data"]["level"] = json!("debug");
    cluster.put(&admin, &path, &object).expect_success();
    cluster.merge(&admin, &path, &json!({"data": {"level": null}})).expect_success();
    cluster.delete(&admin, &path).expect_success();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let event = events.next().expect("an event");
        assert_eq!(event["object"]["data"]["umlaut"], "ä\n");
        seen.push((event["type"].clone(), event["object"]["data"]["level"].clone()));
    }
    let expected = [
        ("ADDED", json!("info")),
        ("MODIFIED", json!("debug")),
        ("MODIFIED", Value::Null),
        ("DELETED", Value::Null),
    ];
    assert_eq!(seen, expected.map(|(kind, level)| (json!(kind), level)));
    assert_eq!(cluster.get(&admin, &path).status, 404);
}

#[test]
fn an_admission_policy_denies() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("no-debug");
    cluster.create_all(&[
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "no-debug"},
            "spec": {
                "matchConstraints": {
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": namespace},
                    },
                    "resourceRules": [{
                        "apiGroups": [""], "apiVersions": ["v1"],
                        "operations": ["CREATE"], "resources": ["configmaps"],
                    }],
                },
                "validations": [{
                    "expression": "!has(object.data) || !('debug' in object.data)",
                    "message": "debug is off here",
                }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "no-debug"},
            "spec": {"policyName": "no-debug", "validationActions": ["Deny"]},
        }),
    ]);
    let settings = |key: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": namespace},
            "data": {key: "on"},
        })
    };
    let path = format!("{}?dryRun=All", cluster.collection(&settings("debug")));
    // The server reads its policies once a second.
    let denied = cluster.wait_for("the policy", Duration::from_secs(30), || {
        let response = cluster.post(&User::admin(), &path, &settings("debug"));
        (!response.is_success()).then_some(response)
    });
    assert_eq!(denied.status, 422);
    assert!(
        denied.message().ends_with("denied request: debug is off here"),
        "{}",
        denied.message()
    );
    assert_eq!(cluster.post(&User::admin(), &path, &settings("quiet")).status, 201);
}

#[test]
fn a_service_account_may_what_rbac_grants() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("limited");
    let kubectl = |kubeconfig: &std::path::Path, args: &[&str]| {
        let output = cluster.kubectl(kubeconfig, args, "");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    };
    let admin = cluster.kubeconfig(&User::admin());
    let n = namespace.as_str();
    for args in [
        vec!["create", "serviceaccount", "reader", "-n", n],
        vec!["create", "role", "reader", "-n", n, "--verb=get,list", "--resource=configmaps"],
        vec![
            "create",
            "rolebinding",
            "reader",
            "-n",
            n,
            "--role=reader",
            &format!("--serviceaccount={n}:reader"),
        ],
    ] {
        let (done, said) = kubectl(&admin, &args);
        assert!(done, "{args:?}: {said}");
    }
    let user = User::service_account(n, "reader");
    let reader = cluster.kubeconfig(&user);
    let name = format!("system:serviceaccount:{n}:reader");
    let (done, said) = kubectl(&reader, &["get", "configmaps", "-n", n, "-o", "name"]);
    assert!(done && said.contains("configmap/kube-root-ca.crt"), "{said}");
    let (done, said) = kubectl(&reader, &["get", "secrets", "-n", n]);
    let refusal = format!("User \"{name}\" cannot list resource \"secrets\"");
    assert!(!done && said.contains(&refusal), "{said}");

    // The helper's requests are those of the same subject.
    let path = |resource: &str| format!("/api/v1/namespaces/{n}/{resource}");
    assert_eq!(cluster.get(&user, &path("configmaps")).status, 200);
    let refused = cluster.get(&user, &path("secrets"));
    assert!(refused.status == 403 && refused.message().contains(&refusal), "{}", refused.body);
    let anonymous = cluster.get(&User::Anonymous, &path("configmaps"));
    assert!(anonymous.message().contains("system:anonymous"), "{}", anonymous.body);
    let named = cluster.get(&User::named("jane", &["developers"]), &path("configmaps"));
    assert!(named.status == 403 && named.message().contains("\"jane\""), "{}", named.body);
}

#[test]
fn a_deployment_runs_on_a_hollow_node() {
    let options = Options {
        controller_manager: true,
        scheduler: true,
        nodes: 1,
        kubelet_configuration: Some(json!({"eventRecordQPS": 7})),
        audit_policy: Some(json!({
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                {"level": "Metadata", "resources": [{"group": "apps", "resources": ["deployments"]}]},
                {"level": "None"},
            ],
        })),
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let labels = json!({"app": "web"});
    cluster.create_all(&[json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
            },
        },
    })]);
    let path = "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb";
    let pods = cluster.wait_for("two running pods", Duration::from_secs(120), || {
        let pods = cluster.get(&User::admin(), path).body["items"].take();
        let running = |pod: &&Value| pod["status"]["phase"] == "Running";
        (pods.as_array()?.iter().filter(running).count() == 2).then_some(pods)
    });
    assert_eq!(pods[0]["spec"]["nodeName"], "node-0");
    assert_eq!(pods[0]["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");

    let events = cluster.audit_events();
    let created = |event: &&Value| event["verb"] == "create" && event["objectRef"]["name"] == "web";
    let event = events.iter().find(created).expect("the creation is audited");
    assert_eq!(event["user"]["username"], "testbed-admin");

    // The API server reaches the kubelet, which asks back who may read it.
    let path = "/api/v1/nodes/node-0/proxy/configz";
    let configz = cluster.get(&User::admin(), path).expect_success();
    assert_eq!(configz["kubeletconfig"]["eventRecordQPS"], 7, "{configz}");
    assert_eq!(configz["kubeletconfig"]["authentication"]["anonymous"]["enabled"], false);
    assert_eq!(cluster.get(&User::named("jane", &[]), path).status, 403);

    let (pids, dir) = (cluster.pids(), cluster.dir().to_owned());
    let before = running(&pids, &dir);
    let states = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| states_until_the_end(before, &pids, &dir));
        drop(cluster);
        watcher.join().unwrap()
    });
    let all = [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "node-0",
        "supervisor",
    ];
    assert_eq!(states[0], all);
    // What needs another ends before it.
    for state in &states {
        let runs = |name: &str| state.contains(&name);
        assert!(!runs("node-0") || runs("kube-controller-manager"), "{states:?}");
        assert!(!runs("kube-scheduler") || runs("kube-apiserver"), "{states:?}");
        assert!(!runs("kube-apiserver") || runs("etcd"), "{states:?}");
        assert!(state.is_empty() || runs("supervisor"), "{states:?}");
    }
    assert!(states.contains(&vec!["etcd", "kube-apiserver", "supervisor"]), "{states:?}");
}

/// Which components run, whenever that changes, until none does. It is looked at every
/// millisecond, for what ends between two looks seems to end at once.
fn states_until_the_end<'a>(before: Vec<&'a str>, pids: &'a Pids, dir: &Path) -> Vec<Vec<&'a str>> {
    let mut states = vec![before];
    while !states[states.len() - 1].is_empty() {
        std::thread::sleep(Duration::from_millis(1));
        let state = running(pids, dir);
        if state != states[states.len() - 1] {
            states.push(state);
        }
    }
    states
}

#[test]
fn an_older_minor_is_emulated() {
    let options = Options { emulated_version: Some("1.35"), ..Options::default() };
    let Some(older) = Cluster::start(&options) else { return };
    let version = older.get(&User::admin(), "/version").expect_success();
    // The binary stays what it is; what it behaves as stands beside it.
    assert_eq!(version["gitVersion"], "v1.37.1", "{version}");
    assert_eq!(version["emulationMajor"], "1", "{version}");
    assert_eq!(version["emulationMinor"], "35", "{version}");

    let Some(newest) = Cluster::shared() else { return };
    let version = newest.get(&User::admin(), "/version").expect_success();
    assert_eq!((&version["gitVersion"], &version["minor"]), (&json!("v1.37.1"), &json!("37")));
    // MutatingAdmissionPolicy came to v1 after 1.35.
    let policies = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies";
    assert_eq!(newest.get(&User::admin(), policies).status, 200);
    assert_eq!(older.get(&User::admin(), policies).status, 404);
}
