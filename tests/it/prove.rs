//! `prove cluster:` against a running Kubernetes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Effect, Fault, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};
use super::peers::promised;

fn prove(cluster: &Cluster, user: &User, name: &str, args: &[&str]) -> Run {
    with_state(
        cluster,
        user,
        &folder(&format!("{name}-state")),
        &[&["prove", "cluster:"], args].concat(),
    )
}

/// A command whose state is kept for others.
fn with_state(cluster: &Cluster, user: &User, state: &Path, args: &[&str]) -> Run {
    let kubeconfig = cluster.kubeconfig(user);
    let all = [args, &["--kubeconfig", kubeconfig.to_str().unwrap()]].concat();
    run_with_state(state, state, &all, "")
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
    what_runs_the_cluster_is_told_apart(cluster, &run, &namespace);
}

/// How an API server is started is nothing that admission is there to stop.
fn what_runs_the_cluster_is_told_apart(cluster: &Cluster, run: &Run, namespace: &str) {
    let proof: Value = serde_json::from_str(&run.stdout).unwrap();
    let canaries = proof["canaries"].as_array().unwrap();
    let (own, rest): (Vec<&Value>, Vec<&Value>) =
        canaries.iter().partition(|canary| canary["ofPlatform"] == true);
    let is = |part: &[&Value], control: &str| part.iter().any(|of| of["control"] == control);
    for control in ["api-server-audit-log", "scheduler-profiling", "component-vulnerable"] {
        assert!(is(&own, control), "{control}");
    }
    for control in
        ["privileged-container", "image-without-digest", "restricted-labels", "restricted-taints"]
    {
        assert!(!is(&own, control), "{control}");
    }
    let args = ["-n", namespace, "--rate", "1000", "--all"];
    let table = prove(cluster, &User::admin(), "bare-table", &args).stdout;
    let apart = format!(
        "\nNOT COUNTED  {} controls are about how the platform's own components run, which no admission is expected to stop: 0 stopped, {} not",
        own.len(),
        own.len()
    );
    assert!(table.contains(&apart), "{table}");
    assert!(!table.contains("  api-server-audit-log "), "{table}");
    let counted = format!("\n{} controls tried: ", rest.len());
    assert!(table.contains(&counted), "{table}");
    // What is named is what is asked for.
    let args = ["-n", namespace, "--only", "api-server-audit-log"];
    let named = prove(cluster, &User::admin(), "bare-named", &args);
    assert_eq!(named.code, 1);
    assert!(named.stdout.contains("1 control tried: 0 stopped, 1 not"), "{}", named.stdout);
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

/// The audit log's events of requests of a user, also as somebody else, that write.
fn writes(cluster: &Cluster, user: &str) -> Vec<Value> {
    let mut events = cluster.audit_events();
    let reads = ["get", "list", "watch"];
    events.retain(|event| {
        event["user"]["username"] == user && !reads.iter().any(|verb| event["verb"] == **verb)
    });
    events
}

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

/// Who proves, where its requests are looked for in the audit log.
const PROVER: &str = "prover";

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

/// A policy that looks at Deployments only, Pod Security, which looks at pods only, and
/// both, which leave CronJobs to be refused late.
#[test]
fn pods_are_tried_inside_of_workloads_too() {
    let options = Options { controller_manager: true, ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    let pods =
        cluster.namespace_with("pods", &[("pod-security.kubernetes.io/enforce", "baseline")]);
    let templates = cluster.namespace_with("templates", &[("templates", "guarded")]);
    let enforced = ("pod-security.kubernetes.io/enforce", "baseline");
    let both = cluster.namespace_with("both", &[enforced, ("templates", "guarded")]);
    cluster.create_all(&[
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "templates"},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [{
                        "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"],
                    }],
                    "namespaceSelector": {"matchLabels": {"templates": "guarded"}},
                },
                "validations": [{
                    "expression": "(object.spec.template.spec.containers + object.spec.template.spec.?initContainers.orValue([])).all(c, !c.?securityContext.?privileged.orValue(false))",
                }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "templates"},
            "spec": {"policyName": "templates", "validationActions": ["Deny"]},
        }),
    ]);
    let spaces = format!("{pods},{templates},{both}");
    let only = "privileged-container,read-only-root-filesystem,node-port-service";
    let args = ["-n", &spaces, "--only", only, "--workloads", "--fail-on", "never"];
    let said = cluster.wait_for("the policy to be in force", Duration::from_secs(30), || {
        let run = prove(&cluster, &User::admin(), "workloads", &args);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        run.stdout.contains("stopped as Deployment").then_some(run.stdout)
    });
    let differs = format!(
        "AS WORKLOADS\n          privileged-container              stopped as Deployment, not as Pod or CronJob in {templates} · stopped as Pod, not as Deployment or CronJob in {pods} · stopped as Pod and Deployment, not as CronJob in {both}\n"
    );
    assert!(said.contains(&differs), "{said}");
    // What is said of the pods is as without workloads.
    assert!(
        said.ends_with("3 controls tried: 0 stopped, 3 not · nothing was created · exit 0\n"),
        "{said}"
    );
    let run =
        prove(&cluster, &User::admin(), "workloads-json", &[&args[..], &["-o", "json"]].concat());
    let proof: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    let inside: Vec<(&str, &str, &str, &str)> = { proof["results"].as_array().unwrap().iter() }
        .filter(|result| result["inside"].is_string())
        .map(|result| {
            let text = |name: &str| result[name].as_str().unwrap();
            (text("control"), text("inside"), text("namespace"), text("outcome"))
        })
        .collect();
    assert_eq!(inside.len(), 2 * 2 * 3, "{inside:?}");
    assert!(inside.contains(&("privileged-container", "Deployment", &templates, "stopped")));
    assert!(inside.contains(&("privileged-container", "CronJob", &templates, "notStopped")));
    assert!(inside.contains(&("read-only-root-filesystem", "CronJob", &both, "notStopped")));
    let kinds = |canary: &Value| -> Vec<Value> {
        let workloads = canary["workloads"].as_array().unwrap().iter();
        workloads.map(|workload| workload["object"]["kind"].clone()).collect()
    };
    let shown: Vec<Vec<Value>> = proof["canaries"].as_array().unwrap().iter().map(kinds).collect();
    assert!(shown.contains(&vec!["Deployment".into(), "CronJob".into()]), "{shown:?}");
    // What is stopped as a pod is no hole because nobody looks inside of workloads.
    let args = ["-n", &pods, "--only", "privileged-container", "--workloads"];
    let run = prove(&cluster, &User::admin(), "workloads-late", &args);
    assert!(run.code == 0 && run.stdout.contains("1 stopped, 0 not"), "{}", run.stdout);
    // Without being asked for nothing is wrapped.
    let args = ["-n", &pods, "--only", only, "--fail-on", "never", "-o", "json"];
    let plain = prove(&cluster, &User::admin(), "workloads-not", &args).stdout;
    assert!(!plain.contains("\"inside\"") && !plain.contains("\"workloads\""), "{plain}");
}

/// Of namespaces with the same labels one is tried before another of them.
#[test]
fn a_sample_takes_namespaces_of_other_labels_first() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    // Their names are the last in order, so that they are chosen for their labels.
    let team = |name: &str, team: &str| cluster.namespace_with(name, &[("team", team)]);
    let (one, other, alike) = (team("x", "a"), team("y", "b"), team("z", "b"));
    let tried = |n: &str| -> Vec<String> {
        let args = ["--sample", n, "-o", "json", "--only", "privileged-container", "--own-rights"];
        let run = prove(&cluster, &User::admin(), "sample", &args);
        outcomes(&run).into_keys().map(|(_, namespace)| namespace).collect()
    };
    let all = tried("1000");
    for namespace in [&one, &other, &alike, &"kube-system".to_owned()] {
        assert!(all.contains(namespace), "{all:?}");
    }
    // Those of the cluster itself have no label; one of them stands for all.
    let sample = tried("3");
    assert_eq!(sample.len(), 3, "{sample:?}");
    assert!(sample.contains(&one) && sample.contains(&other), "{sample:?}");
    assert!(!sample.contains(&alike), "{sample:?}");
    assert_eq!(tried("4").len(), 4);
}

/// The image of canaries is the user's, but where the image is the fault.
#[test]
fn canaries_run_the_image_that_is_asked_for() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("image");
    let image = "registry.example/own@sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a";
    let only = "privileged-container,image-without-digest";
    let args = ["-n", &namespace, "-o", "json", "--only", only, "--image", image];
    let run = prove(cluster, &User::admin(), "image", &args);
    let proof: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    let canary = |control: &str| {
        let canaries = proof["canaries"].as_array().unwrap().iter();
        canaries.clone().find(|canary| canary["control"] == control).unwrap().clone()
    };
    let runs = |object: &Value| object["spec"]["containers"][0]["image"].clone();
    let privileged = canary("privileged-container");
    assert_eq!(
        (runs(&privileged["object"]), runs(&privileged["twin"])),
        (image.into(), image.into())
    );
    assert_ne!(runs(&canary("image-without-digest")["object"]), image);
}

/// When requests came, in seconds, as the API server's own audit log says it.
fn arrivals(events: &[Value]) -> Vec<f64> {
    let time = |event: &Value| -> jiff::Timestamp {
        event["requestReceivedTimestamp"].as_str().unwrap().parse().unwrap()
    };
    let mut times: Vec<f64> =
        events.iter().map(|event| time(event).as_microsecond() as f64 / 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// No more requests a second than are allowed, and none while the server asks for rest.
#[test]
fn canaries_are_sent_at_the_rate_that_is_allowed() {
    let options = Options {
        audit_policy: Some(json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata", "verbs": ["create"], "users": ["slow", "fast", "held"]}],
        })),
        controller_manager: true,
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let cluster = &cluster;
    // Of this level each refusal has a twin after it, which counts too.
    let namespace =
        cluster.namespace_with("rate", &[("pod-security.kubernetes.io/enforce", "baseline")]);
    let args = |rate| ["-n", &namespace, "-o", "json", "--only", "@pss-baseline", "--rate", rate];
    let at = |user: &str, rate| {
        let user = User::named(user, &["system:masters"]);
        outcomes(&prove(cluster, &user, "rate", &args(rate))).len()
    };
    let sent = |user: &str| {
        let mut events = writes(cluster, user);
        events.retain(|event| event["userAgent"].as_str().unwrap().ends_with(" canary"));
        arrivals(&events)
    };
    let n = at("fast", "10000");
    let fast = sent("fast");
    assert!(n >= 8 && fast.len() > n, "{} requests for {n}", fast.len());
    let span = |times: &[f64]| times[times.len() - 1] - times[0];
    // The first goes at once, each other a quarter of a second after the one before.
    at("slow", "4");
    let slow = sent("slow");
    assert_eq!(slow.len(), fast.len());
    let least = 0.25 * (slow.len() as f64 - 1.0);
    // What is under way may take longer than what follows, but never by so much.
    let late = 0.25;
    assert!(span(&slow) >= least - late, "{slow:?}");
    let any_second = |times: &[f64]| {
        let until =
            |start: f64| times.iter().filter(move |time| (start..start + 1.0).contains(*time));
        times.iter().map(|start| until(*start).count()).max().unwrap()
    };
    println!(
        "4 a second: {} requests in {:.2} s, at most {} within one",
        slow.len(),
        span(&slow),
        any_second(&slow)
    );
    assert!(any_second(&slow) <= 6, "{slow:?}");
    assert!(any_second(&fast) > 6, "without a limit: the test shows nothing: {fast:?}");
    let refused = prove(cluster, &User::admin(), "none", &args("0"));
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    held(cluster, &args("10000"), n);
}

/// A server that is busy says for how long, and is asked nothing until then.
fn held(cluster: &Cluster, args: &[&str], n: usize) {
    let proxy = cluster.proxy();
    let pods = format!("/api/v1/namespaces/{}/pods", args[1]);
    let pods: &'static str = Box::leak(pods.into_boxed_str());
    let busy = Effect::Status { code: 429, retry_after: 3 };
    let user = User::named("held", &["system:masters"]);
    let kubeconfig = cluster.kubeconfig_through(&proxy, &user);
    let run = |times| {
        proxy.set(&[Fault { path: pods, watch: None, effect: busy, times }]);
        let all = [&["prove", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()], args];
        let state = folder("held");
        let run = run_with_state(&state, &state, &all.concat(), "");
        let seen = proxy.take_requests();
        let n_sent = seen.iter().filter(|it| it.method == "POST" && it.uri.contains("dryRun=All"));
        (outcomes(&run), n_sent.count())
    };
    let (told, n_sent) = run(1);
    assert_eq!(told.len(), n);
    let untried = |told: &BTreeMap<(String, String), Value>| {
        told.values().filter(|result| result["outcome"] == "untried").count()
    };
    assert_eq!(untried(&told), 0, "{told:?}");
    let mut events = writes(cluster, "held");
    events.retain(|event| event["userAgent"].as_str().unwrap().ends_with(" canary"));
    // The one that was refused by the proxy came to no log.
    assert_eq!(events.len() + 1, n_sent);
    let times = arrivals(&events);
    let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = pauses.fold(0.0, f64::max);
    let before = times.iter().filter(|time| **time < times[0] + 1.0).count();
    println!("after a 429 with Retry-After: 3: {longest:.2} s of rest, {before} were under way");
    // What was under way comes at once; then nothing, for all of it.
    let least = if before < times.len() { 2.5 } else { 0.0 };
    assert!(longest >= least && before <= 8, "{times:?}");
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

/// A kubeconfig of a pipe is gone once it was read; what follows is asked by the same.
#[test]
fn a_kubeconfig_is_read_once() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("pipe");
    let proxy = cluster.proxy();
    let kubeconfig = cluster.kubeconfig_through(&proxy, &User::admin());
    let kubeconfig = std::fs::read_to_string(kubeconfig).unwrap();
    let state = folder("pipe-state");
    let (only, file) = ("privileged-container", "/dev/stdin");
    let args = ["prove", "cluster:", "--kubeconfig", file, "-n", &namespace, "--only", only];
    let run = run_with_state(&state, &state, &args, &kubeconfig);
    assert!(
        run.stdout.contains("1 control tried: 0 stopped, 1 not"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let asked = proxy.take_requests();
    let (canaries, reads): (Vec<_>, Vec<_>) =
        asked.iter().partition(|seen| seen.uri.contains("dryRun=All"));
    assert!(canaries.len() == 1 && reads.len() > 10, "{} and {}", canaries.len(), reads.len());
    let named = |part: &str| format!("ironhull/{}{part}", env!("CARGO_PKG_VERSION"));
    assert!(canaries.iter().all(|seen| seen.user_agent == named(" canary")), "{canaries:?}");
    assert!(reads.iter().all(|seen| seen.user_agent == named("")), "{reads:?}");
}
