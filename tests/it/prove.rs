//! `prove cluster:` against a running Kubernetes.

use std::collections::BTreeMap;
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};

fn prove(cluster: &Cluster, user: &User, name: &str, args: &[&str]) -> Run {
    let (folder, state) = (folder(name), folder(&format!("{name}-state")));
    let kubeconfig = cluster.kubeconfig(user);
    let all = [&["prove", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()], args].concat();
    run_with_state(&folder, &state, &all, "")
}

/// Outcomes by control and namespace.
fn outcomes(run: &Run) -> BTreeMap<(String, String), Value> {
    let proof: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let results = proof["results"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    results
        .map(|result| ((text(&result["control"]), text(&result["namespace"])), result.clone()))
        .collect()
}

/// Whatever is valid gets in where nobody is on guard, so a canary is valid but for
/// its fault.
#[test]
fn a_bare_cluster_stops_only_what_is_invalid() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("bare");
    let run =
        prove(cluster, &User::admin(), "bare", &["-n", &namespace, "-o", "json", "--rate", "1000"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let outcomes = outcomes(&run);
    assert!(outcomes.len() > 100, "{}", outcomes.len());
    let stopped: BTreeMap<&str, &str> = outcomes
        .iter()
        .filter(|(_, result)| result["outcome"] != "notStopped")
        .map(|((control, _), result)| (&**control, result["outcome"].as_str().unwrap()))
        .collect();
    let expected = [
        // As it drops what a feature gate keeps closed.
        ("claim-from-other-namespace", "changed"),
        ("network-policy-cidr", "stopped"),
        ("network-policy-invalid", "stopped"),
        ("selector-template-mismatch", "stopped"),
        // Mirror pods are kubelets' own, and tied to a node.
        ("static-pod", "stopped"),
        // The API server drops what it does not know.
        ("strict-decoding", "changed"),
    ];
    assert_eq!(stopped, BTreeMap::from(expected), "{outcomes:#?}");
}

/// A policy against images by tag, in every namespace that does not say it is exempt.
fn digests_only(cluster: &Cluster) {
    cluster.create_all(&[
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "digests"},
            "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
                }]},
                "validations": [{
                    "expression": "object.spec.containers.all(c, c.image.contains('@sha256:'))",
                    "message": "an image needs a digest",
                }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "digests"},
            "spec": {
                "policyName": "digests", "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchExpressions": [
                    {"key": "exempt", "operator": "DoesNotExist"},
                ]}},
            },
        }),
    ]);
}

/// A webhook that nobody answers, for one namespace.
fn dead_webhook(cluster: &Cluster) {
    cluster.create_all(&[json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "dead"},
        "webhooks": [{
            "name": "dead.webhook.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail", "timeoutSeconds": 1,
            "clientConfig": {"service": {"name": "nobody", "namespace": "default"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "namespaceSelector": {"matchLabels": {"webhook": "dead"}},
        }],
    })]);
}

/// An account that may create pods in a namespace.
fn builder(cluster: &Cluster, namespace: &str) {
    let meta = json!({"name": "builder", "namespace": namespace});
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta,
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "builder"},
            "subjects": [{"kind": "ServiceAccount", "name": "builder", "namespace": namespace}],
        }),
    ]);
}

/// How many objects there are of each kind that canaries are of.
fn counted(cluster: &Cluster) -> BTreeMap<&'static str, usize> {
    const LISTS: &[&str] = &[
        "/api/v1/pods",
        "/api/v1/services",
        "/api/v1/secrets",
        "/api/v1/configmaps",
        "/api/v1/serviceaccounts",
        "/api/v1/persistentvolumes",
        "/apis/apps/v1/deployments",
        "/apis/apps/v1/daemonsets",
        "/apis/batch/v1/jobs",
        "/apis/batch/v1/cronjobs",
        "/apis/networking.k8s.io/v1/ingresses",
        "/apis/networking.k8s.io/v1/networkpolicies",
        "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/storage.k8s.io/v1/storageclasses",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
        "/apis/apiregistration.k8s.io/v1/apiservices",
    ];
    let n = |path: &str| {
        let list = cluster.get(&User::admin(), path).expect_success();
        list["items"].as_array().unwrap().len()
    };
    LISTS.iter().map(|path| (*path, n(path))).collect()
}

/// What `check` says of the same guards, without asking them.
fn protections(cluster: &Cluster, strict: &str, warned: &str, dead: &str) {
    let (folder, state) = (folder("protected"), folder("protected-state"));
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let args = ["check", "cluster:", "--exit-zero", "--kubeconfig", kubeconfig.to_str().unwrap()];
    let table = run_with_state(&folder, &state, &args, "").stdout;
    let line = |what: &str| {
        let found = table.lines().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what} in {table}")).to_owned()
    };
    let levels = line("Pod Security  enforces");
    let first = format!(
        "enforces restricted:latest in {strict} · privileged:latest in {warned} · nothing in "
    );
    assert!(levels.contains(&first), "{levels}");
    let policy = line("ValidatingAdmissionPolicy/digests");
    assert!(policy.ends_with(&format!("denies create pods · not in {warned}")), "{policy}");
    let webhook = line("ValidatingWebhookConfiguration/dead (dead.webhook.example)");
    assert!(webhook.contains("not in default") && !webhook.contains(dead), "{webhook}");
    assert!(webhook.ends_with("default/Service/nobody is missing"), "{webhook}");
}

#[test]
fn canaries_show_who_stops_what_where_and_make_nothing() {
    let options = Options {
        controller_manager: true,
        audit_policy: Some(json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]}],
        })),
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let cluster = &cluster;
    let strict =
        cluster.namespace_with("strict", &[("pod-security.kubernetes.io/enforce", "restricted")]);
    let warned = cluster.namespace_with(
        "warned",
        &[("pod-security.kubernetes.io/warn", "baseline"), ("exempt", "yes")],
    );
    let dead = cluster.namespace_with("dead", &[("webhook", "dead")]);
    digests_only(cluster);
    dead_webhook(cluster);
    builder(cluster, &strict);
    // Policies and webhooks reach the API server's admission after a moment.
    let probe = |namespace: &str, image: &str| {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": namespace},
            "spec": {"containers": [{"name": "web", "image": image}]},
        });
        let path = format!("{}?dryRun=All", cluster.collection(&pod));
        cluster.post(&User::admin(), &path, &pod)
    };
    cluster.wait_for("the policy and the webhook", Duration::from_secs(30), || {
        let answers = [
            probe("default", "registry.example/web:1"),
            probe(&dead, "registry.example/web@sha256:00"),
        ];
        answers.iter().all(|answer| answer.status >= 400).then_some(())
    });
    let before = counted(cluster);
    let spaces = format!("{strict},{warned},{dead}");
    let run =
        prove(cluster, &User::admin(), "guarded", &["-n", &spaces, "-o", "json", "--rate", "1000"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let outcomes = outcomes(&run);
    let is = |control: &str, namespace: &str| {
        let result = &outcomes[&(control.to_owned(), namespace.to_owned())];
        let of = |key: &str| result[key]["name"].as_str().unwrap_or_default().to_owned();
        (result["outcome"].as_str().unwrap().to_owned(), of("by") + &of("warnedBy"))
    };
    let was = |outcome: &str, by: &str| (outcome.to_owned(), by.to_owned());
    // Restricted stops its own controls, and nothing that is not its business.
    for control in ["privileged-container", "host-namespaces", "run-as-non-root", "seccomp-profile"]
    {
        assert_eq!(is(control, &strict), was("stopped", "restricted:latest"), "{control}");
    }
    assert_eq!(is("read-only-root-filesystem", &strict), was("notStopped", ""));
    assert_eq!(is("read-only-root-filesystem", &warned), was("notStopped", ""));
    assert_eq!(is("privileged-container", &warned), was("notStopped", "baseline:latest"));
    assert_eq!(is("run-as-non-root", &warned), was("notStopped", ""));
    // A policy counts where its binding reaches.
    assert_eq!(is("image-without-digest", &strict), was("stopped", "digests"));
    assert_eq!(is("image-without-digest", &warned), was("notStopped", ""));
    // Where a webhook does not answer, nobody knows.
    assert_eq!(is("privileged-container", &dead), was("untried", ""));
    assert_eq!(is("node-port-service", &dead), was("notStopped", ""));
    // Where an account of the namespace may create pods, it is who is tried.
    let who = |control: &str, namespace: &str| {
        outcomes[&(control.to_owned(), namespace.to_owned())]["impersonated"].clone()
    };
    assert_eq!(
        who("privileged-container", &strict),
        format!("system:serviceaccount:{strict}:builder")
    );
    assert_eq!(who("privileged-container", &warned), Value::Null);

    protections(cluster, &strict, &warned, &dead);
    assert_eq!(counted(cluster), before);
    let events = cluster.audit_events();
    let ours: Vec<&Value> = events
        .iter()
        .filter(|event| event["userAgent"].as_str().is_some_and(|agent| agent.ends_with(" canary")))
        .collect();
    assert!(ours.len() > 300, "{}", ours.len());
    for event in ours {
        let uri = event["requestURI"].as_str().unwrap();
        assert!(event["verb"] == "create" && uri.contains("dryRun=All"), "{event}");
    }
}

#[test]
fn with_no_rights_nothing_is_proven() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("nothing");
    cluster.create_all(&[
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "proves-nothing"},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "proves-nothing"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "proves-nothing"},
            "subjects": [{"kind": "User", "name": "nobody"}],
        }),
    ]);
    let user = User::named("nobody", &[]);
    let run =
        prove(cluster, &user, "nobody", &["-n", &namespace, "--only", "privileged-container"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("the user may not create it"), "{}", run.stdout);
    let run = prove(cluster, &user, "nowhere", &["-n", "nowhere"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no namespace \"nowhere\""), "{}", run.stderr);
}
