//! Several servers behind one Service, which the API server calls.

use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::json;

#[test]
fn replicas_share_a_service_and_the_rest_answers_when_one_is_gone() {
    let options = Options { own_network: true, ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    let host = "guard.default.svc";
    let first = cluster.webhook("first", "10.88.0.2:8443", host);
    let second = cluster.webhook("second", "10.88.0.3:8443", host);
    let ports = json!([{"name": "https", "port": 8443, "protocol": "TCP"}]);
    let slice = |addresses: &[&str]| {
        let endpoints: Vec<_> = addresses
            .iter()
            .map(|address| json!({"addresses": [address], "conditions": {"ready": true}}))
            .collect();
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "guard", "labels": {"kubernetes.io/service-name": "guard"}},
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
        })
    };
    cluster.create_all(&[
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "guard"},
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": 8443}]},
        }),
        slice(&["10.88.0.2", "10.88.0.3"]),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "guard"},
            "webhooks": [{
                "name": "guard.testbed.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 5,
                "clientConfig": {
                    "service": {"name": "guard", "namespace": "default"},
                    "caBundle": cluster.ca_bundle(),
                },
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
            }],
        }),
    ]);
    let deny = |reason: &str| {
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"generateName": "x-", "labels": {"testbed.example/deny": reason}},
        });
        cluster.create(&User::admin(), &map)
    };
    let patience = Duration::from_secs(30);
    cluster.wait_for("the webhook", patience, || (deny("early").status == 400).then_some(()));
    cluster.wait_for("both replicas", patience, || {
        deny("both");
        (first.reviews() > 0 && second.reviews() > 0).then_some(())
    });
    let path = cluster.path(&slice(&[]));
    cluster
        .merge(&User::admin(), &path, &json!({"endpoints": slice(&["10.88.0.3"])["endpoints"]}))
        .expect_success();
    drop(first);
    let denied = cluster.wait_for("the one that is left", patience, || {
        let denied = deny("late");
        denied.message().contains("late, says second").then_some(denied)
    });
    assert_eq!(
        denied.message(),
        "admission webhook \"guard.testbed.example\" denied the request: late, says second"
    );
    // What asks the API server under its own address runs inside.
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let kubebed =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testbed/kubebed");
    let asked = cluster
        .inside(&kubebed)
        .args(["kubectl", "--kubeconfig", kubeconfig.to_str().unwrap(), "get", "service", "guard"])
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
}
