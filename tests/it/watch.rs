//! `check cluster: --watch`: what it told is, at any moment that nothing happens in,
//! what a check finds; through everything that can happen to a cluster and on the way.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use ironhull_testkit::cluster::{Cluster, Connections, Effect, Fault, Options, User};
use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

use super::cli::{binary, folder, run_with};
use super::schema;

/// A check that stays, and what it told so far.
pub(crate) struct Watch {
    child: Child,
    lines: Receiver<String>,
    errors: Option<std::thread::JoinHandle<String>>,
    pub(crate) findings: BTreeMap<String, Value>,
    pub(crate) gaps: Value,
    pub(crate) n_changes: usize,
}

impl Watch {
    pub(crate) fn start(kubeconfig: &str) -> Watch {
        Watch::start_with(kubeconfig, &[], &[])
    }

    /// With further arguments and variables.
    pub(crate) fn start_with(kubeconfig: &str, args: &[&str], variables: &[(&str, &str)]) -> Watch {
        let all = ["check", "cluster:", "--watch", "-o", "json", "--kubeconfig", kubeconfig];
        let mut child = Command::new(binary())
            .args(all)
            .args(args)
            .envs(variables.iter().copied())
            .env("XDG_STATE_HOME", folder("watch-state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                _ = send.send(line.unwrap());
            }
        });
        let errors = Some(std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        }));
        let mut watch = Watch {
            child,
            lines,
            errors,
            findings: BTreeMap::new(),
            gaps: Value::Null,
            n_changes: 0,
        };
        let first = watch.lines.recv_timeout(Duration::from_secs(60)).expect("a first report");
        let first: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(first["kind"], "Check");
        watch.gaps = first["gaps"].clone();
        watch.findings = findings(&first["findings"]);
        watch
    }

    /// Takes what it tells until it tells nothing for a while.
    pub(crate) fn read(&mut self, quiet: Duration) {
        while let Ok(line) = self.lines.recv_timeout(quiet) {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &str) {
        let change: Value = serde_json::from_str(line).unwrap();
        let mut wrong = Vec::new();
        let (own, others) = (schema::schema("change-v1.json"), schema::schema("check-v1.json"));
        schema::problems(&own, &others, &change, "", &mut wrong);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        self.n_changes += 1;
        for (id, finding) in findings(&change["added"]) {
            assert_eq!(self.findings.insert(id, finding), None, "told twice: {line}");
        }
        for (id, finding) in findings(&change["modified"]) {
            assert!(self.findings.insert(id, finding).is_some(), "told before: {line}");
        }
        for id in findings(&change["deleted"]).keys() {
            assert!(self.findings.remove(id).is_some(), "told before: {line}");
        }
        if let Some(gaps) = change.get("gaps") {
            self.gaps = gaps.clone();
        }
    }

    /// How long it takes until a finding is told, or is told to be gone.
    pub(crate) fn wait(&mut self, control: &str, name: &str, there: bool) -> Duration {
        let started = Instant::now();
        let is = |finding: &Value| finding["control"] == control && finding["name"] == name;
        while self.findings.values().any(is) != there {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            self.take(&line.unwrap_or_else(|_| panic!("{control} of {name}: {there}")));
        }
        started.elapsed()
    }

    /// Waits until what it told is what a check finds now.
    pub(crate) fn compare(&mut self, check: impl Fn() -> Value, what: &str) {
        let started = Instant::now();
        loop {
            self.read(Duration::from_millis(700));
            let report = check();
            let whole = findings(&report["findings"]);
            if whole == self.findings && report["gaps"] == self.gaps {
                return;
            }
            if started.elapsed() > Duration::from_secs(60) {
                for (id, finding) in &whole {
                    if self.findings.get(id) != Some(finding) {
                        println!("check: {finding}\nwatch: {:?}", self.findings.get(id));
                    }
                }
                for (id, finding) in &self.findings {
                    if !whole.contains_key(id) {
                        println!("watch only: {finding}");
                    }
                }
                panic!("{what}: gaps {} and {}", report["gaps"], self.gaps);
            }
        }
    }

    /// Ends it as a supervisor would; gives its exit code and what it said besides.
    pub(crate) fn end(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let code = self.child.wait().unwrap().code().unwrap();
        (code, self.errors.take().unwrap().join().unwrap())
    }
}

/// A test that fails leaves none behind.
impl Drop for Watch {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Findings by their identity, without what counts them.
fn findings(list: &Value) -> BTreeMap<String, Value> {
    let all = list.as_array().unwrap().iter().map(|finding| {
        let mut finding = finding.clone();
        let members = finding.as_object_mut().unwrap();
        members.remove("number");
        let name = members["subject"]["name"].clone();
        members.insert("name".to_owned(), name);
        (finding["fingerprint"].as_str().unwrap().to_owned(), finding)
    });
    all.collect()
}

pub(crate) fn check(kubeconfig: &str) -> Value {
    check_with(kubeconfig, &[], &[])
}

/// With further arguments and variables.
pub(crate) fn check_with(kubeconfig: &str, args: &[&str], variables: &[(&str, &str)]) -> Value {
    let (here, state) = (folder("watch-check"), folder("watch-check-state"));
    let all = ["check", "cluster:", "--kubeconfig", kubeconfig, "-o", "json"];
    let run = run_with(&here, &state, variables, &[&all[..], args].concat(), "");
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
}

/// What comes and goes: two forms of each, of kinds that controls join.
fn forms(namespace: &str) -> Vec<[Value; 2]> {
    let object = |version: &str, kind: &str, name: &str, rest: [Value; 2]| {
        rest.map(|rest| {
            let mut object = json!({
                "apiVersion": version, "kind": kind,
                "metadata": {"name": name, "namespace": namespace},
            });
            for (key, value) in rest.as_object().unwrap() {
                object[key] = value.clone();
            }
            object
        })
    };
    let pod = |privileged: bool, account: &str| {
        json!({
            "serviceAccountName": account,
            "containers": [{"name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": privileged}}],
        })
    };
    let workload = |privileged: bool, account: &str| {
        json!({"spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": pod(privileged, account),
        }}})
    };
    let rules = |verbs: &[&str]| json!({"rules": [{"apiGroups": [""], "resources": ["secrets", "pods/exec"], "verbs": verbs}]});
    let bound = |account: &str, role: &str| {
        json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        })
    };
    let policy = |labels: Value| json!({"spec": {"podSelector": labels, "policyTypes": ["Ingress", "Egress"]}});
    vec![
        object("apps/v1", "Deployment", "web", [workload(false, "web"), workload(true, "web")]),
        object(
            "v1",
            "Pod",
            "alone",
            [
                json!({"spec": pod(true, "default")}),
                json!({"metadata": {"name": "alone", "namespace": namespace, "labels": {"app": "web"}}, "spec": pod(true, "default")}),
            ],
        ),
        object(
            "v1",
            "ServiceAccount",
            "web",
            [json!({}), json!({"automountServiceAccountToken": false})],
        ),
        object("rbac.authorization.k8s.io/v1", "Role", "reads", [rules(&["get"]), rules(&["*"])]),
        object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "reads",
            [bound("web", "reads"), bound("web", "reads")],
        ),
        object(
            "v1",
            "Service",
            "web",
            [
                json!({"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
                json!({"spec": {"type": "NodePort", "selector": {"app": "nobody"}, "ports": [{"port": 80}]}}),
            ],
        ),
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "deny",
            [policy(json!({})), policy(json!({"matchLabels": {"app": "none"}}))],
        ),
        object(
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            [
                json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}),
                json!({"spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}}),
            ],
        ),
        object(
            "v1",
            "ConfigMap",
            "settings",
            [
                json!({"data": {"a": "b"}}),
                json!({"data": {"PASSWORD": "correct-horse-battery-staple"}}),
            ],
        ),
        object(
            "v1",
            "Secret",
            "token",
            [json!({"stringData": {"a": "b"}}), json!({"stringData": {"a": "c"}})],
        ),
        object(
            "v1",
            "ResourceQuota",
            "some",
            [json!({"spec": {"hard": {"pods": "50"}}}), json!({"spec": {"hard": {"pods": "60"}}})],
        ),
    ]
}

/// Creates, changes or deletes one of them.
fn happen(cluster: &Cluster, rng: &mut Rng, forms: &[[Value; 2]]) {
    let admin = User::admin();
    let form = rng.pick(forms);
    let object = &form[rng.below(2)];
    let path = cluster.path(object);
    let answer = match rng.below(3) {
        0 => cluster.delete(&admin, &path),
        1 => cluster.create(&admin, object),
        _ => cluster.merge(&admin, &path, object),
    };
    // What is not there cannot be changed, and what is cannot be made, or not so.
    assert!(answer.is_success() || (400..500).contains(&answer.status), "{}", answer.message());
}

pub(crate) fn started() -> Option<Cluster> {
    Cluster::start(&Options { controller_manager: true, ..Options::default() })
}

#[test]
fn what_it_told_is_what_a_check_finds() {
    let Some(cluster) = started() else { return };
    let admin = User::admin();
    let direct = cluster.kubeconfig(&admin).display().to_string();
    let proxy = cluster.proxy();
    let through = cluster.kubeconfig_through(&proxy, &admin).display().to_string();
    let namespaces = [cluster.namespace("watched"), cluster.namespace("watched-too")];
    let forms: Vec<_> = namespaces.iter().flat_map(|namespace| forms(namespace)).collect();
    let mut rng = Rng::new(7);
    (0..30).for_each(|_| happen(&cluster, &mut rng, &forms));
    let mut watch = Watch::start(&through);
    watch.compare(|| check(&direct), "the first report");

    let mut storm = |watch: &mut Watch, what: &str| {
        (0..25).for_each(|_| happen(&cluster, &mut rng, &forms));
        proxy.clear();
        watch.compare(|| check(&direct), what);
    };
    storm(&mut watch, "nothing is wrong");
    let fault = |path, watch, effect, times| Fault { path, watch, effect, times };
    // Watches end with 410 Gone, some in the middle of a list that begins anew.
    proxy.strike(&[
        fault("/api/v1/pods", Some(true), Effect::Reset { after_bytes: 5000 }, 2),
        fault("", Some(true), Effect::Gone, 30),
    ]);
    storm(&mut watch, "watches that are gone");
    proxy.strike(&[
        fault("/apis", Some(true), Effect::Truncate { after_bytes: 300 }, 40),
        fault("", Some(true), Effect::Status { code: 429, retry_after: 1 }, 10),
        fault("", Some(true), Effect::Status { code: 503, retry_after: 0 }, 20),
        fault("", None, Effect::Latency(Duration::from_millis(30)), 0),
    ]);
    storm(&mut watch, "watches that break");
    proxy.strike_connections(Connections::Refuse);
    storm(&mut watch, "nobody listens for a while");

    // The API server is another one, and what happened meanwhile is in etcd only.
    cluster.stop("kube-apiserver");
    cluster.start_again("kube-apiserver");
    storm(&mut watch, "another API server");

    let (code, errors) = watch.end();
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("what follows may be late"), "{errors}");
    assert!(errors.contains("the API server answers again"), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn kinds_namespaces_policies_and_rights_come_and_go() {
    let Some(cluster) = started() else { return };
    let admin = User::admin();
    let direct = cluster.kubeconfig(&admin).display().to_string();
    let mut watch = Watch::start(&direct);
    let create = |object: Value| _ = cluster.create(&admin, &object).expect_success();
    let delete = |path: &str| _ = cluster.delete(&admin, path).expect_success();

    let namespace = cluster.namespace("kinds");
    create(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": true}}]}}),
    );
    let took = watch.wait("privileged-container", "bad", true);
    assert!(took < Duration::from_secs(5), "{took:?}");
    watch.compare(|| check(&direct), "a pod");

    // A kind that was not there when the watch began, and one of it: where there are
    // policies that we do not read, what is open is not known.
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "ciliumnetworkpolicies.cilium.io"},
        "spec": {"group": "cilium.io", "scope": "Namespaced",
            "names": {"kind": "CiliumNetworkPolicy", "plural": "ciliumnetworkpolicies"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    });
    create(definition);
    let policy = json!({"apiVersion": "cilium.io/v1", "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "a", "namespace": namespace}});
    let policies = format!("/apis/cilium.io/v1/namespaces/{namespace}/ciliumnetworkpolicies");
    cluster.wait_for("the kind", Duration::from_secs(20), || {
        cluster.post(&admin, &policies, &policy).is_success().then_some(())
    });
    watch.compare(|| check(&direct), "another kind");
    delete(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ciliumnetworkpolicies.cilium.io",
    );
    watch.compare(|| check(&direct), "a kind less");

    // An admission policy judges what is there from now on.
    create(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-bad"},
        "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "object.metadata.name != 'bad'"}]},
    }));
    create(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "no-bad"}, "spec": {"policyName": "no-bad", "validationActions": ["Audit"]},
    }));
    watch.wait("vap/no-bad", "bad", true);
    watch.compare(|| check(&direct), "a policy");
    delete("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/no-bad");
    watch.wait("vap/no-bad", "bad", false);
    watch.compare(|| check(&direct), "a policy less");

    delete(&format!("/api/v1/namespaces/{namespace}"));
    watch.wait("privileged-container", "bad", false);
    watch.compare(|| check(&direct), "a namespace less");
    assert!(watch.n_changes > 5);
    watch.end();
}

#[test]
fn with_few_rights_it_follows_what_they_show() {
    let Some(cluster) = started() else { return };
    let admin = User::admin();
    let namespace = cluster.namespace("few");
    let bound = |kind: &str, name: &str, subject: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "User", "name": subject, "apiGroup": "rbac.authorization.k8s.io"}],
        })
    };
    cluster.create_all(&[bound("ClusterRole", "view", "few")]);
    let user = User::named("few", &[]);
    let kubeconfig = cluster.kubeconfig(&user);
    // What may be seen is in the namespace of the context.
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let own = folder("watch-few").join("kubeconfig");
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["contexts"][0]["context"]["namespace"] = json!(namespace);
    std::fs::write(&own, config.to_string()).unwrap();
    let own = own.display().to_string();
    let mut watch = Watch::start(&own);
    assert!(watch.gaps.as_array().unwrap().iter().any(|gap| gap["cause"] == "denied"));
    watch.compare(|| check(&own), "few rights");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": true}}]}});
    cluster.create(&admin, &pod).expect_success();
    watch.wait("privileged-container", "bad", true);
    watch.compare(|| check(&own), "a pod there");
    watch.end();
}

#[test]
fn what_may_be_listed_and_not_watched_is_listed() {
    let Some(cluster) = started() else { return };
    let rbac = "rbac.authorization.k8s.io";
    cluster.create_all(&[
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "lists"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list", "get"]}]}),
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "lists"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "lists"},
            "subjects": [{"kind": "User", "name": "lists", "apiGroup": rbac}]}),
    ]);
    let kubeconfig = cluster.kubeconfig(&User::named("lists", &[])).display().to_string();
    let mut watch = Watch::start(&kubeconfig);
    assert_eq!(watch.gaps, json!([]));
    watch.compare(|| check(&kubeconfig), "lists only");
    watch.end();
}
