//! `prove cluster:` against a running Kubernetes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};

mod guards;
mod rate;

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
    faults_elsewhere_are_valid(cluster, &run, &namespace);
    what_runs_the_cluster_is_told_apart(cluster, &run, &namespace);
}

/// A fault in the other list of containers is sent only where the canary was stopped, so
/// here each is sent by hand: nothing else may be wrong with it, nor with its twin.
fn faults_elsewhere_are_valid(cluster: &Cluster, run: &Run, namespace: &str) {
    let proof: Value = serde_json::from_str(&run.stdout).unwrap();
    let canaries = proof["canaries"].as_array().unwrap().iter();
    let mut n = 0;
    for canary in canaries.filter(|canary| canary["elsewhere"].is_object()) {
        for form in ["object", "twin"] {
            let mut pod = canary["elsewhere"][form].clone();
            pod["metadata"]["namespace"] = namespace.into();
            let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
            let answer = cluster.post(&User::admin(), &path, &pod);
            assert!(answer.is_success(), "{}: {}", canary["control"], answer.body);
            n += 1;
        }
    }
    assert!(n > 50, "{n}");
}

/// Policies over ordinary containers, over init containers, over each of them, and over
/// both at once: what is stopped in one list of containers only is not stopped.
#[test]
fn a_fault_is_stopped_where_it_is_stopped_in_every_kind_of_container() {
    let Some(cluster) = Cluster::shared() else { return };
    let [ordinary, init, each, both] = ["ordinary", "init", "each", "both"]
        .map(|name| cluster.namespace_with(name, &[("canary-lists", name)]));
    let policy = |name: &str, over: &[&str], lists: &str| {
        let name = format!("canary-lists-{name}");
        let expression =
            format!("({lists}).all(c, !c.?securityContext.?privileged.orValue(false))");
        let spec = json!({
            "matchConstraints": {
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "namespaceSelector": {"matchExpressions": [{"key": "canary-lists", "operator": "In", "values": over}]},
            },
            "validations": [{"expression": expression}],
        });
        let group = "admissionregistration.k8s.io/v1";
        let meta = json!({"name": name});
        cluster.create_all(&[
            json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": meta, "spec": spec}),
            json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": meta, "spec": {"policyName": name, "validationActions": ["Deny"]}}),
        ]);
    };
    let inits = "object.spec.?initContainers.orValue([])";
    policy("ordinary", &["ordinary", "each"], "object.spec.containers");
    policy("init", &["init", "each"], inits);
    policy("both", &["both"], &format!("object.spec.containers + {inits}"));
    let proxy = cluster.proxy();
    let kubeconfig = cluster.kubeconfig_through(&proxy, &User::admin());
    let state = folder("lists-state");
    let spaces = [&*ordinary, &init, &each, &both].join(",");
    let prove = |more: &[&str]| {
        let args = ["prove", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap(), "-n"];
        let rest = [&*spaces, "--only", "privileged-container", "--own-rights"];
        run_with_state(&state, &state, &[&args[..], &rest, more].concat(), "")
    };
    let said = cluster.wait_for("the policies to be in force", Duration::from_secs(30), || {
        proxy.take_requests();
        let run = prove(&[]);
        let n_stopped = run.stdout.matches("stopped by policy").count();
        (n_stopped == 2 && run.stdout.contains("not in others")).then_some(run.stdout)
    });
    let line = format!(
        "in an init container in {ordinary} · in an ordinary container, not in others, in {init} · stopped by policy canary-lists-both in {both} · stopped by policy canary-lists-init in {each}\n"
    );
    assert!(said.contains(&line), "{said}");
    assert!(said.contains("1 control tried: 0 stopped, 1 not"), "{said}");
    let sent = |namespace: &str| {
        let path = format!("/namespaces/{namespace}/pods?");
        let asked = proxy.take_requests();
        asked.iter().filter(|seen| seen.uri.contains(&path)).count()
    };
    let run = prove(&["-o", "json"]);
    let outcomes = outcomes(&run);
    let of = |namespace: &str| {
        let result = &outcomes[&("privileged-container".to_owned(), namespace.to_owned())];
        (result["outcome"].as_str().unwrap().to_owned(), result["container"].clone())
    };
    assert_eq!(of(&ordinary), ("notStopped".to_owned(), Value::Null));
    assert_eq!(of(&init), ("notStopped".to_owned(), "ordinary container".into()));
    assert_eq!(of(&each), ("stopped".to_owned(), Value::Null));
    assert_eq!(of(&both), ("stopped".to_owned(), Value::Null));
    // What gets in is not sent again, and a guard that is known needs no second twin.
    for (namespace, n) in [(&ordinary, 1), (&init, 3), (&each, 4), (&both, 3)] {
        proxy.take_requests();
        let args = ["prove", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()];
        let rest = ["-n", namespace, "--only", "privileged-container", "--own-rights"];
        run_with_state(&state, &state, &[&args[..], &rest].concat(), "");
        assert_eq!(sent(namespace), n, "{namespace}");
    }
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

/// The audit log's events of requests of a user, also as somebody else, that write.
fn writes(cluster: &Cluster, user: &str) -> Vec<Value> {
    let mut events = cluster.audit_events();
    let reads = ["get", "list", "watch"];
    events.retain(|event| {
        event["user"]["username"] == user && !reads.iter().any(|verb| event["verb"] == **verb)
    });
    events
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
    let head = "cluster:  1 namespace · 1 canary, 1 dry run: with your own rights";
    assert!(run.stdout.starts_with(head), "{}", run.stdout);
    let asked = proxy.take_requests();
    let (canaries, reads): (Vec<_>, Vec<_>) =
        asked.iter().partition(|seen| seen.uri.contains("dryRun=All"));
    assert!(canaries.len() == 1 && reads.len() > 10, "{} and {}", canaries.len(), reads.len());
    let named = |part: &str| format!("ironhull/{}{part}", env!("CARGO_PKG_VERSION"));
    assert!(canaries.iter().all(|seen| seen.user_agent == named(" canary")), "{canaries:?}");
    assert!(reads.iter().all(|seen| seen.user_agent == named("")), "{reads:?}");
}
