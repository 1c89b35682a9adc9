//! Who stops what, where: of `prove` itself, of the API server's audit log, and of what
//! `check` says of the same guards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::super::cli::{Run, folder, run_with_state};
use super::super::peers::promised;
use super::{outcomes, with_state, writes};

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
                    "expression": "(object.spec.containers + object.spec.?initContainers.orValue([])).all(c, c.image.contains('@sha256:'))",
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

/// The names of all objects of the cluster by kind, but for what its own components write
/// all the time.
fn objects(cluster: &Cluster) -> BTreeMap<String, BTreeSet<String>> {
    const ALIVE: &[&str] = &["/events", "/leases", "/componentstatuses"];
    let collections = cluster.collections().into_iter();
    let quiet = collections.filter(|path| !ALIVE.iter().any(|alive| path.ends_with(alive)));
    let named = |path: &str| {
        let list = cluster.get(&User::admin(), path).expect_success();
        let items = list["items"].as_array().unwrap().iter();
        let part = |item: &Value, field: &str| item["metadata"][field].as_str().map(str::to_owned);
        items
            .map(|item| {
                let namespace = part(item, "namespace").unwrap_or_default();
                format!("{namespace}/{}", part(item, "name").unwrap_or_default())
            })
            .collect()
    };
    quiet.map(|path| (path.clone(), named(&path))).collect()
}

/// Who proves, where its requests are looked for in the audit log.
const PROVER: &str = "prover";

/// All that `prove` sent is a dry run, is marked, and was sent as who it says.
fn nothing_but_dry_runs(cluster: &Cluster, outcomes: &BTreeMap<(String, String), Value>) {
    let mut as_whom: BTreeMap<String, usize> = BTreeMap::new();
    for event in writes(cluster, PROVER) {
        // To ask what one may do is a create too, of what is never kept.
        if event["objectRef"]["apiGroup"] == "authorization.k8s.io" {
            continue;
        }
        let uri = event["requestURI"].as_str().unwrap();
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        assert!(
            event["verb"] == "create" && query.split('&').any(|it| it == "dryRun=All"),
            "{event}"
        );
        assert!(event["userAgent"].as_str().unwrap().ends_with(" canary"), "{event}");
        let sent = &event["requestObject"]["metadata"];
        let control = sent["labels"]["ironhull.dev/canary"].as_str().expect("a marker");
        let namespace = event["objectRef"]["namespace"].as_str().unwrap_or_default();
        let told = &outcomes[&(control.to_owned(), namespace.to_owned())];
        let user = &event["impersonatedUser"]["username"];
        assert_eq!(user, &told["impersonated"], "{event}");
        *as_whom.entry(user.as_str().unwrap_or("nobody").to_owned()).or_default() += 1;
    }
    println!("dry runs by who was impersonated: {as_whom:?}");
    let n: usize = as_whom.values().sum();
    assert!(n >= outcomes.len() && as_whom.len() == 2, "{as_whom:?} for {}", outcomes.len());
}

/// What `check` remembers of what `prove` showed.
fn remembered(cluster: &Cluster, state: &Path, strict: &str, warned: &str) {
    let admin = User::admin();
    let check = |args: &[&str]| {
        let all = [&["check", "cluster:", "--only", "privileged-container", "--exit-zero"], args];
        with_state(cluster, &admin, state, &all.concat())
    };
    let table = check(&[]).stdout;
    let line = |what: &str| {
        let found = table.lines().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what} in {table}")).to_owned()
    };
    let levels = line("Pod Security  enforces");
    let stopped = levels.rsplit(" · ").next().unwrap();
    assert!(
        stopped.starts_with("proven to stop ") && stopped.ends_with(&format!(" in {strict}")),
        "{levels}"
    );
    let policy = line("ValidatingAdmissionPolicy/digests");
    let stopped =
        [&format!(" · not in {warned} · proven to stop "), &format!(" controls in {strict}")];
    assert!(policy.contains(stopped[0]) && policy.ends_with(stopped[1]), "{policy}");
    assert!(line("(dead.webhook.example)").ends_with(" · stopped no canary"));
    let proven = line("proven 20");
    assert!(
        proven.contains(" tried in 3 namespaces, ") && proven.contains(" not stopped: "),
        "{proven}"
    );
    assert!(!table.contains("what they really stop"), "{table}");

    let json = |run: &Run| -> Value { serde_json::from_str(&run.stdout).expect(&run.stderr) };
    let report = json(&check(&["-o", "json"]));
    promised(&report);
    let open = |report: &Value, control: &str| {
        let open = report["proof"]["open"].as_array().unwrap().iter();
        open.clone().find(|open| open["control"] == control).map(|open| open["namespaces"].clone())
    };
    assert_eq!(open(&report, "privileged-container"), Some(json!([warned])));
    assert_eq!(open(&report, "seccomp-profile"), Some(json!([warned])));
    let of_policy = report["protections"].as_array().unwrap().iter();
    let of_policy = of_policy.clone().find(|guard| guard["object"] == "digests").unwrap();
    let stopped = of_policy["stopped"].as_array().unwrap();
    assert!(stopped.contains(&"image-without-digest".into()), "{stopped:?}");
    assert!(!stopped.contains(&"privileged-container".into()), "{stopped:?}");
    assert_eq!(of_policy["changedSince"], false);

    // A later, smaller proof counts where it showed something; the rest stays.
    let namespace = format!("/api/v1/namespaces/{warned}");
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}});
    cluster.merge(&admin, &namespace, &label).expect_success();
    let args = ["prove", "cluster:", "-n", warned, "--only", "privileged-container"];
    let run = with_state(cluster, &admin, state, &args);
    assert!(run.stdout.contains("1 stopped, 0 not"), "{}{}", run.stdout, run.stderr);
    let report = json(&check(&["-o", "json"]));
    assert_eq!(open(&report, "privileged-container"), None);
    assert_eq!(open(&report, "seccomp-profile"), Some(json!([warned])));

    // State of another cluster is none of this one's, and a damaged one is a note.
    let proofs: Vec<_> = std::fs::read_dir(state.join("ironhull/proofs")).unwrap().collect();
    let [Ok(proof)] = proofs.as_slice() else { panic!("{proofs:?}") };
    let other = cluster.kubeconfig(&admin);
    let text = std::fs::read_to_string(&other).unwrap().replace("127.0.0.1", "localhost");
    let path = state.join("other");
    std::fs::write(&path, text).unwrap();
    let args =
        ["check", "cluster:", "--only", "privileged-container", "--exit-zero", "--kubeconfig"];
    let elsewhere =
        run_with_state(state, state, &[&args[..], &[path.to_str().unwrap()]].concat(), "");
    assert!(!elsewhere.stdout.contains("proven 20"), "{}", elsewhere.stdout);
    let before = check(&["--strict"]);
    std::fs::write(proof.path(), "{\"server\": 7").unwrap();
    let damaged = check(&["--strict"]);
    assert_eq!(damaged.code, before.code);
    assert!(
        damaged.stderr.contains("note: ") && damaged.stderr.contains("run `ironhull prove` again"),
        "{}",
        damaged.stderr
    );
    assert!(damaged.stdout.contains("what they really stop"), "{}", damaged.stdout);
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
        "enforces restricted:latest in {strict} · privileged:latest in {warned} · no level by label in "
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
            "rules": [{"level": "Request", "users": [PROVER]}],
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
    let before = objects(cluster);
    assert!(before.len() > 50, "{:?}", before.keys());
    let spaces = format!("{strict},{warned},{dead}");
    let state = folder("guarded-state");
    let args = ["prove", "cluster:", "-n", &spaces, "-o", "json", "--rate", "1000"];
    let prover = User::named(PROVER, &["system:masters"]);
    let run = with_state(cluster, &prover, &state, &args);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let outcomes = outcomes(&run);
    assert_eq!(objects(cluster), before);
    nothing_but_dry_runs(cluster, &outcomes);
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
    remembered(cluster, &state, &strict, &warned);
}
