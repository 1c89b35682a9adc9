//! The add-ons of real manifests, as projects publish them in their Go modules: each is
//! recognised, and nothing else is. What is fetched is not committed; without it the test
//! says so. And of a running cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, repository, run_with_state};
use super::noise::fetch;
use super::schema::problems;

/// A file or folder of a module, and the add-ons in it: name, version, how it is known.
type Published = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
);

const LABEL: &str = "label and image name";

const PUBLISHED: &[Published] = &[
    (
        "github.com/kyverno/kyverno",
        "v1.19.1",
        "config/install-latest-testing.yaml",
        &[("Kyverno", "", "image")],
    ),
    (
        "github.com/open-policy-agent/gatekeeper/v3",
        "v3.23.1",
        "deploy/gatekeeper.yaml",
        &[("Gatekeeper", "v3.23.1", "image")],
    ),
    (
        "github.com/projectcalico/calico",
        "v1.11.0-cni-plugin.0.20250813170300-a0db560f0520",
        "manifests/calico.yaml",
        &[("Calico", "v3.28.5", "image")],
    ),
    (
        "github.com/projectcalico/calico",
        "v1.11.0-cni-plugin.0.20250813170300-a0db560f0520",
        "manifests/canal.yaml",
        &[("Calico", "v3.28.5", "image"), ("flannel", "v0.24.3", "image")],
    ),
    (
        "github.com/flannel-io/flannel",
        "v0.28.10",
        "Documentation/kube-flannel.yml",
        &[("flannel", "v0.28.10", "image")],
    ),
    (
        "github.com/cloudnativelabs/kube-router/v2",
        "v2.10.0",
        "daemonset/kubeadm-kuberouter.yaml",
        &[("kube-router", "", "image")],
    ),
    (
        "sigs.k8s.io/kube-network-policies",
        "v0.8.0",
        "install.yaml",
        &[("kube-network-policies", "v0.7.0", "image")],
    ),
    (
        "github.com/aws/amazon-vpc-cni-k8s",
        "v1.23.2",
        "config/master/aws-k8s-cni.yaml",
        &[("Amazon VPC CNI", "v1.23.2", LABEL)],
    ),
    (
        "sigs.k8s.io/descheduler",
        "v0.36.0",
        "kubernetes/cronjob/cronjob.yaml",
        &[("descheduler", "v0.36.0", "image")],
    ),
    // An image of its tests, from no release; the label tells a version.
    (
        "istio.io/istio",
        "v0.0.0-20260827124520-eed52ebb66ad",
        "operator/cmd/mesh/testdata/manifest-generate/output/pilot_default.golden.yaml",
        &[("Istio", "1.1.4", LABEL)],
    ),
    (
        "github.com/argoproj/argo-cd/v2",
        "v2.14.21",
        "manifests/install.yaml",
        &[("Argo CD", "v2.14.21", "image")],
    ),
    (
        "k8s.io/kubernetes",
        "v1.37.1",
        "cluster/addons/dns/coredns/coredns.yaml.in",
        &[("CoreDNS", "v1.14.6", "image")],
    ),
    // Components that are none of those that are looked for.
    ("go.universe.tf/metallb", "v0.16.2", "config/manifests/metallb-native.yaml", &[]),
    ("sigs.k8s.io/metrics-server", "v0.9.0", "manifests/base/deployment.yaml", &[]),
    (
        "sigs.k8s.io/gcp-compute-persistent-disk-csi-driver",
        "v1.28.1",
        "deploy/kubernetes/base/controller/controller.yaml",
        &[],
    ),
    (
        "k8s.io/ingress-nginx",
        "v0.0.0-20240708192948-52c50467d67d",
        "deploy/static/provider/cloud/deploy.yaml",
        &[],
    ),
];

fn add_ons(path: &Path, name: &str) -> Value {
    let (folder, state) = (folder(name), folder(&format!("{name}-state")));
    let target = format!("dump:{}", path.display());
    let args = ["check", &target, "-o", "json", "--at", "2026-11-26", "--exit-zero"];
    let run = run_with_state(&folder, &state, &args, "");
    let report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    promised(&report);
    report["addOns"].clone()
}

/// The report is what the schema promises.
pub(crate) fn promised(report: &Value) {
    let schema = std::fs::read_to_string(repository().join("docs/schema/check-v1.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut found = Vec::new();
    problems(&schema, &schema, report, "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

/// Names, versions and how they are known, of what runs.
fn running(add_ons: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = add_ons["found"].as_array().expect("objects of a cluster").iter();
    let running = found.filter(|peer| peer["state"] != "notRunning");
    let of = |peer: &Value| {
        let serving = peer["workloads"].as_array().unwrap().iter();
        let mut serving = serving.filter(|it| !it["serves"].as_array().unwrap().is_empty());
        let known = serving.next().map(|it| text(&it["knownBy"])).unwrap_or_default();
        (text(&peer["name"]), text(&peer["versions"][0]), known)
    };
    running.map(of).collect()
}

#[test]
fn published_manifests_are_recognised_and_nothing_else_is() {
    let mut missing = Vec::new();
    let mut n_found = 0;
    for (at, (module, version, inside, expected)) in PUBLISHED.iter().enumerate() {
        let directory: PathBuf = match fetch(module, version) {
            Ok(directory) => directory,
            Err(why) => {
                missing.push(format!("{module}@{version} ({why})"));
                continue;
            }
        };
        let path = directory.join(inside);
        assert!(path.exists(), "{} is not there", path.display());
        let add_ons = add_ons(&path, &format!("published-{at}"));
        let expected: Vec<_> = { expected.iter() }
            .map(|(name, version, known)| (*name, *version, *known))
            .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
            .collect();
        let found = running(&add_ons);
        assert_eq!(found, expected, "{module} {inside}");
        n_found += found.len();
    }
    println!("{n_found} add-ons recognised in {} files", PUBLISHED.len() - missing.len());
    if !missing.is_empty() {
        println!("not here, so these manifests were not read: {}", missing.join(", "));
    }
}

fn check(cluster: &Cluster, name: &str, args: &[&str]) -> Run {
    let (folder, state) = (folder(name), folder(&format!("{name}-state")));
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let all = ["check", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap(), "--exit-zero"];
    run_with_state(&folder, &state, &[&all[..], args].concat(), "")
}

/// The definition of a kind that takes anything.
fn definition(group: &str, kind: &str, plural: &str, version: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Cluster",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

fn workload(kind: &str, name: &str, namespace: &str, image: &str, replicas: Option<u64>) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    });
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = replicas.into();
    }
    object
}

fn service(name: &str, namespace: &str, app: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": app}, "ports": [{"port": 443}]},
    })
}

/// Webhooks by name, Service and what happens when that does not answer, about nothing
/// that there is.
fn webhooks(namespace: &str, all: &[(&str, &str, &str)]) -> Value {
    let webhooks = all.iter().map(|(name, service, failure)| {
        json!({
            "name": name, "failurePolicy": failure, "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": namespace, "name": service}},
            "rules": [{"apiGroups": ["nothing.example"], "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE"]}],
        })
    });
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "asks"}, "webhooks": webhooks.collect::<Vec<_>>(),
    })
}

#[test]
fn a_running_cluster_says_which_add_ons_it_has_and_what_is_wrong_with_them() {
    let options =
        Options { controller_manager: true, scheduler: true, nodes: 1, ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    let cluster = &cluster;
    let space = cluster.namespace("guards");
    cluster.create_all(&[
        definition("kyverno.io", "ClusterPolicy", "clusterpolicies", "v1"),
        definition("cert-manager.io", "Certificate", "certificates", "v1"),
        definition("constraints.gatekeeper.sh", "K8sNoTags", "k8snotags", "v1beta1"),
        workload("Deployment", "admission", &space, "ghcr.io/kyverno/kyverno:v1.14.1", Some(1)),
        workload("Deployment", "gatekeeper", &space, "openpolicyagent/gatekeeper:v3.20.0", Some(0)),
        workload("DaemonSet", "falco", &space, "docker.io/falcosecurity/falco:0.44.0", None),
        workload("Deployment", "falco-ui", &space, "example/falco-dashboard:1", Some(1)),
        // What its webhooks ask, and one that nobody answers.
        service("admission-svc", &space, "admission"),
        service("nobody-svc", &space, "nobody"),
        webhooks(
            &space,
            &[
                ("fails.guard.example", "admission-svc", "Fail"),
                ("open.guard.example", "admission-svc", "Ignore"),
                ("nobody.guard.example", "nobody-svc", "Ignore"),
            ],
        ),
        // A node that nothing runs on.
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "lonely"},
            "spec": {"taints": [{"key": "lonely", "effect": "NoSchedule"}]},
        }),
    ]);
    let policies = [
        json!({"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": {"name": "a"},
               "spec": {"rules": [{"name": "r", "validate": {}}]}}),
        json!({"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": {"name": "b"},
               "spec": {"rules": [{"name": "r", "validate": {}}]}}),
        json!({"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sNoTags", "metadata": {"name": "c"},
               "spec": {"enforcementAction": "dryrun"}}),
    ];
    for policy in &policies {
        cluster.wait_for("the kind of a policy", Duration::from_secs(30), || {
            (cluster.create(&User::admin(), policy).status < 300).then_some(())
        });
    }
    let report = cluster.wait_for("both workloads to be ready", Duration::from_secs(120), || {
        let run = check(cluster, "add-ons", &["-o", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
        let up = report["addOns"]["found"].as_array()?.iter().filter(|peer| peer["state"] == "up");
        (up.count() == 2).then_some(report)
    });
    promised(&report);
    let found = report["addOns"]["found"].as_array().unwrap();
    let peer = |name: &str| found.iter().find(|peer| peer["name"] == name).unwrap();
    assert_eq!(found.len(), 4, "{found:#?}");
    assert_eq!(peer("Kyverno")["versions"], json!(["v1.14.1"]));
    assert_eq!(peer("Kyverno")["policies"], json!({"audits": 2}));
    assert_eq!(peer("Kyverno")["workloads"][0]["ready"], 1);
    let webhook = |name: &str, failure: &str| json!({"kind": "ValidatingWebhookConfiguration", "object": "asks", "name": name, "failurePolicy": failure});
    let answered =
        [webhook("fails.guard.example", "Fail"), webhook("open.guard.example", "Ignore")];
    assert_eq!(peer("Kyverno")["webhooks"], json!(answered));
    assert_eq!(peer("Falco")["webhooks"], json!([]));
    assert_eq!(peer("Gatekeeper")["state"], "off");
    assert_eq!(peer("Gatekeeper")["policies"], json!({"audits": 1}));
    assert_eq!(peer("Falco")["workloads"][0]["absentFrom"], json!(["lonely"]));
    assert_eq!(peer("cert-manager")["state"], "notRunning");
    assert_eq!(report["addOns"]["sameText"], json!([["ClusterPolicy/a", "ClusterPolicy/b"]]));
    assert_eq!(report["addOns"]["overlaps"], json!([]), "Gatekeeper is switched off");
    let unserved = report["addOns"]["unserved"].as_array().unwrap();
    assert!(unserved.contains(&"backup".into()) && !unserved.contains(&"runtime detection".into()));
    let said: Vec<&str> = { report["findings"].as_array().unwrap().iter() }
        .filter(|finding| {
            let control = finding["control"].as_str().unwrap();
            ["add-on-not-running", "admission-only-reports", "node-guard-missing"]
                .contains(&control)
        })
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    for message in [
        "Gatekeeper is switched off",
        "the definitions of cert-manager are here, but nothing of it runs",
        "no policy of Kyverno denies anything: 2 only report",
        "Falco does not run on node lonely",
    ] {
        assert!(said.contains(&message), "{message}: {said:#?}");
    }
    assert_eq!(said.len(), 4, "{said:#?}");
    let table = check(cluster, "add-ons-table", &[]).stdout;
    for line in [
        format!(
            "Kyverno v1.14.1  admission · 1 of 1 ready in {space} · policies: 2 only report · \
             webhooks fails.guard.example (Fail), open.guard.example (Ignore)"
        ),
        format!(
            "Gatekeeper v3.20.0  admission · switched off in {space} · policies: 1 only report"
        ),
        format!("Falco 0.44.0  runtime detection · 1 of 1 ready in {space} · on none of lonely"),
        "cert-manager  certificates · installed, but nothing of it runs".to_owned(),
        "twice: ClusterPolicy/a, ClusterPolicy/b say the same".to_owned(),
    ] {
        assert!(table.contains(&line), "{line}\n{table}");
    }
}
