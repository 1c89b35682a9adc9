//! What a check cannot decide of a cluster of which it may read everything, control plane
//! and kubelets included: nothing of one that kubeadm made. What hides in files and digests
//! beside it stands in a list that may only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User, control_plane_manifests};
use serde_json::{Value, json};

use super::cli::{folder, run_with_state};

/// `CONTROL: what is missing; what else`, one a line.
const KNOWN: &str = include_str!("unknown-controls.txt");

/// A cluster as kubeadm sets it up, as far as the API shows it: controllers, a scheduler,
/// nodes, and the mirror pods of the control plane, which kubelets made of its manifests.
fn cluster() -> Option<Cluster> {
    let manifests = folder("static-pods");
    control_plane_manifests(&manifests, "node-0")?;
    let cluster = Cluster::start(&Options {
        controller_manager: true,
        scheduler: true,
        nodes: 1,
        kubelet_configuration: Some(
            json!({"staticPodPath": manifests, "fileCheckFrequency": "1s"}),
        ),
        ..Options::default()
    })?;
    let path = "/api/v1/namespaces/kube-system/pods?labelSelector=tier%3Dcontrol-plane";
    cluster.wait_for("mirror pods of the control plane", Duration::from_secs(60), || {
        let pods = cluster.get(&User::admin(), path).expect_success();
        let pods = pods["items"].as_array().unwrap();
        let mirrors = pods.iter().all(|pod| {
            pod["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
                && pod["status"]["phase"] == "Running"
        });
        (mirrors && pods.len() == 4).then_some(())
    });
    Some(cluster)
}

/// A control plane that runs in ordinary pods, as hosted ones do, and says in files what
/// flags could say; and a controller whose image tells no version.
fn hidden(cluster: &Cluster) {
    let pod = |name: &str, image: &str, command: &[&str]| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {"containers": [{
                "name": name, "image": image, "command": command,
                "env": [
                    {"name": "PLUGINS", "value": "NodeRestriction"},
                    {"name": "LOG", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
            }]},
        })
    };
    let of_kubernetes = |name: &str, flags: &[&str]| {
        let image = format!("registry.k8s.io/{name}:v1.37.1");
        pod(&format!("hosted-{name}"), &image, &[&[name], flags].concat())
    };
    cluster.create_all(&[
        of_kubernetes(
            "kube-apiserver",
            &[
                "--authentication-config=/etc/hosted/authentication.yaml",
                "--authorization-config=/etc/hosted/authorization.yaml",
                "--admission-control-config-file=/etc/hosted/admission.yaml",
                "--encryption-provider-config=/etc/hosted/encryption.yaml",
                "--audit-policy-file=/etc/hosted/audit.yaml",
                "--audit-log-path=$(LOG)",
                "--enable-admission-plugins=$(PLUGINS)",
                "--tls-min-version=$(TLS)",
            ],
        ),
        of_kubernetes("kube-controller-manager", &["--config=/etc/hosted/controllers.yaml"]),
        of_kubernetes("kube-scheduler", &["--config=/etc/hosted/scheduler.yaml"]),
        pod("hosted-etcd", "registry.k8s.io/etcd:3.7.1-0", &["etcd", "--config-file=/etc/hosted/etcd.yaml"]),
        pod("ingress", "registry.k8s.io/ingress-nginx/controller@sha256:0000000000000000000000000000000000000000000000000000000000000000", &["/nginx"]),
    ]);
}

/// The controls that are unknown of something, with what they miss.
fn unknown(cluster: &Cluster, name: &str) -> BTreeSet<String> {
    let (here, state) = (folder(name), folder(&format!("{name}-state")));
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let asked = ["--read-kubelets", "--read-helm-releases", "--at", "2026-11-26", "-o", "json"];
    let target = ["check", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()];
    let run = run_with_state(&here, &state, &[&target[..], &asked].concat(), "");
    let report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    assert_eq!(report["gaps"], json!([]), "an administrator sees everything");
    assert!(report["summary"]["violated"].as_u64() > Some(20), "{}", report["summary"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for control in report["controls"].as_array().unwrap() {
        if control["unknown"].as_u64() > Some(0) {
            found.entry(text(&control["id"])).or_default();
        }
    }
    for finding in report["findings"].as_array().unwrap() {
        if finding["verdict"] == "unknown" {
            let missing = finding["missing"].as_array().unwrap().iter().map(text);
            found.entry(text(&finding["control"])).or_default().extend(missing);
        }
    }
    let line = |(control, missing): (&String, &BTreeSet<String>)| {
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        format!("{control}: {}", missing.join("; "))
    };
    found.iter().map(line).collect()
}

#[test]
fn what_is_unknown_of_a_whole_cluster_only_shrinks() {
    let Some(cluster) = cluster() else { return };
    assert_eq!(unknown(&cluster, "unknown"), BTreeSet::new(), "of a cluster as kubeadm makes it");
    hidden(&cluster);
    let found = unknown(&cluster, "hidden");
    let known: BTreeSet<String> = KNOWN.lines().map(str::to_owned).collect();
    let new: Vec<&String> = found.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "unknown now, and not in tests/it/unknown-controls.txt, which may only shrink: {new:#?}\n\
         known now, so delete these lines there: {gone:#?}"
    );
    println!("{} controls are unknown of what hides in files", known.len());
}
