//! Ten times the input costs about ten times: nothing looks at everything for each.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cli::{folder, run_with_state};

/// How long it takes to check `n` and ten times `n` of something, in one file.
fn costs(name: &str, n: usize, text: impl Fn(usize) -> String) -> (Duration, Duration) {
    let (state, folder) = (folder(&format!("{name}-state")), folder(name));
    let [few, many] = [n, 10 * n].map(|n| {
        let file = format!("{n}.yaml");
        std::fs::write(folder.join(&file), text(n)).unwrap();
        let started = Instant::now();
        let run = run_with_state(&folder, &state, &["check", &file, "-o", "json"], "");
        assert!(run.code < 2, "{}", run.stderr);
        started.elapsed()
    });
    std::fs::remove_dir_all(folder).unwrap();
    println!("{name}: {n} in {few:?}, {} in {many:?}", 10 * n);
    (few, many)
}

fn stream(objects: impl Iterator<Item = Value>) -> String {
    objects.map(|object| format!("---\n{object}\n")).collect()
}

/// Others use the machine too, and a process takes its time to start: the bounds
/// tell ten times from a hundred times.
fn is_linear((few, many): (Duration, Duration)) -> bool {
    many < 30 * few.max(Duration::from_millis(100))
}

/// A definition of 2,100 fields is read once, not for each of its resources.
#[test]
fn many_resources_of_a_large_definition() {
    let fields = |group: usize| -> serde_json::Map<String, Value> {
        let text = json!({"type": "string", "pattern": "^[a-z]*$"});
        (0..100).map(|field| (format!("f{group}x{field}"), text.clone())).collect()
    };
    let groups: serde_json::Map<String, Value> = (0..21)
        .map(|group| {
            let rule = json!([{"rule": format!("!has(self.f{group}x0) || self.f{group}x0 != 'bad'")}]);
            let group_schema = json!({"type": "object", "properties": fields(group), "x-kubernetes-validations": rule});
            (format!("g{group}"), group_schema)
        })
        .collect();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.big.example"},
        "spec": {"group": "big.example", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                {"type": "object", "properties": {"spec": {"type": "object", "properties": groups}}}}}]}
    });
    let resource = |at: usize| {
        let value = if at % 100 == 7 { "bad" } else { "good" };
        json!({"apiVersion": "big.example/v1", "kind": "Thing", "metadata": {"name": format!("t{at}"), "namespace": "d"},
            "spec": {"g3": {"f3x0": value}}})
    };
    let cost = costs("definitions", 300, |n| {
        stream(std::iter::once(definition.clone()).chain((0..n).map(resource)))
    });
    assert!(is_linear(cost) && cost.1 < Duration::from_secs(20), "{cost:?}");
}

/// A policy for each pod: what a pod's policies say is asked of those that may
/// select it.
#[test]
fn many_policies_and_pods_in_one_namespace() {
    let cost = costs("policies", 300, |n| {
        stream((0..n).flat_map(|at| {
            let labels = |at: usize| json!({"part-of": "shop", "app": format!("a{at}")});
            let peer = |at: usize| json!({"podSelector": {"matchLabels": labels(at % n)}});
            [
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{at}"), "namespace": "d", "labels": labels(at)},
                    "spec": {"containers": [{"name": "c", "image": "a.example/b:1"}]}}),
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": format!("n{at}"), "namespace": "d"},
                    "spec": {"podSelector": {"matchLabels": labels(at)}, "policyTypes": ["Ingress", "Egress"],
                        "ingress": [{"from": [peer(at + 1)]}],
                        "egress": [{"to": [peer(at + 2), {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}}),
            ]
        }))
    });
    assert!(is_linear(cost), "{cost:?}");
}

/// A finding for each of very many keys: each is looked up by its pointer.
#[test]
fn many_keys_of_one_object() {
    let cost = costs("keys", 6_000, |n| {
        let keys: String = (0..n).map(|at| format!("  k{at}_password: hunter{at}x\n")).collect();
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: d}}\ndata:\n{keys}"
        )
    });
    assert!(is_linear(cost), "{cost:?}");
}
