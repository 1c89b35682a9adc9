//! What all cases share: namespaces, definitions of custom resources, rights.

use serde_json::{Value, json};

use super::generate::definitions;

/// A definition of two versions with all that a merge looks at.
fn things() -> Value {
    let text = || json!({"type": "string"});
    let either = || json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]});
    let spec = json!({"type": "object", "properties": {
        "replicas": {"type": "integer", "default": 1},
        "color": text(),
        "on": {"type": "boolean"},
        "when": {"type": "string", "format": "date-time"},
        "either": either(),
        "ports": {"type": "array", "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "port"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": text(),
                "port": {"type": "integer", "default": 80}, "note": text(),
                "weight": {"type": "integer"}}}},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": text()},
        "args": {"type": "array", "items": text()},
        "limits": {"type": "object", "x-kubernetes-map-type": "granular",
            "additionalProperties": either()},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic",
            "properties": {"a": text(), "b": text()}},
        "open": {"x-kubernetes-preserve-unknown-fields": true},
        "inner": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
            "known": {"type": "object", "properties": {"a": text()}}}},
        "template": {"type": "object", "x-kubernetes-embedded-resource": true,
            "x-kubernetes-preserve-unknown-fields": true},
        "groups": {"type": "object", "additionalProperties": {"type": "object", "properties": {
            "members": {"type": "array", "x-kubernetes-list-type": "set", "items": text()},
            "rank": {"type": "integer", "default": 5}}}},
    }});
    let mut second = spec.clone();
    second["properties"]["replicas"]["default"] = json!(2);
    second["properties"]["more"] = text();
    let version = |name: &str, spec: Value, stored: bool| {
        json!({"name": name, "served": true, "storage": stored, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": spec}}}})
    };
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.dev"},
        "spec": {"group": "example.dev", "scope": "Namespaced",
            "versions": [version("v1", spec, true), version("v2", second, false)],
            "names": {"kind": "Thing", "plural": "things", "singular": "thing"}}})
}

fn definition(kind: &str, plural: &str, scope: &str, versions: &[&str]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .enumerate()
        .map(|(index, name)| {
            json!({"name": name, "served": true, "storage": index == 0,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "limit": {"type": "integer"}}}}})
        })
        .collect();
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.example.dev")},
        "spec": {"group": "example.dev", "scope": scope, "versions": versions,
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()}}})
}

/// A definition whose status is changed apart.
fn gauges() -> Value {
    let mut gauges = definition("Gauge", "gauges", "Namespaced", &["v1"]);
    let version = &mut gauges["spec"]["versions"][0];
    version["subresources"] = json!({"status": {}});
    let members = &mut version["schema"]["openAPIV3Schema"]["properties"];
    members["status"] = members["spec"].clone();
    gauges
}

const RBAC: &str = "rbac.authorization.k8s.io";

fn role(name: &str, rules: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": name}, "rules": rules})
}

fn bound(name: &str, role: &str, subject: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": "live-a"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}, "subjects": [subject]})
}

/// A ServiceAccount.
pub fn account(namespace: &str, name: &str, more: Value) -> Value {
    let mut account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace}});
    super::templates::merge(&mut account, &more);
    account
}

fn range(namespace: &str, name: &str, limits: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": name, "namespace": namespace}, "spec": {"limits": limits}})
}

fn class(name: &str, more: Value) -> Value {
    let mut class = json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
        "metadata": {"name": name}, "handler": "runc"});
    super::templates::merge(&mut class, &more);
    class
}

/// All of them, Namespaces first.
pub fn objects() -> Vec<Value> {
    let namespace = |name: &str, labels: Value| {
        json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": labels, "annotations": {"owner": name}}})
    };
    let mut objects = vec![
        definition("Widget", "widgets", "Namespaced", &["v1", "v2"]),
        definition("Limit", "limits", "Cluster", &["v1"]),
        definition("Service", "services", "Namespaced", &["v1", "v2"]),
        definition("Event", "events", "Namespaced", &["v1"]),
        definition("Node", "nodes", "Cluster", &["v1"]),
        things(),
        gauges(),
        namespace("live-a", json!({"env": "prod", "team": "red"})),
        namespace("live-b", json!({"env": "dev"})),
        namespace("live-c", json!({"team": "blue"})),
        namespace("live-d", json!({})),
        namespace("live-e", json!({})),
        // Nobody runs who would make those.
        account("live-d", "default", json!({})),
        account("live-e", "default", json!({})),
        account("live-a", "default", json!({})),
        account("live-b", "default", json!({})),
        account("live-b", "puller", json!({"imagePullSecrets": [{"name": "pull"}]})),
        account("live-c", "default", json!({"automountServiceAccountToken": false})),
        account(
            "live-a",
            "quiet",
            json!({"automountServiceAccountToken": false,
            "imagePullSecrets": [{"name": "pull"}, {"name": "other"}]}),
        ),
        account("live-a", "robot", json!({})),
        range(
            "live-d",
            "one",
            json!([
                {"type": "Container", "default": {"cpu": "1500m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
                    "defaultRequest": {"cpu": "100m", "ephemeral-storage": "10Mi"}},
                {"type": "Pod", "max": {"cpu": "64"}},
            ]),
        ),
        range("live-e", "one", json!([{"type": "Container", "max": {"memory": "2Gi"}}])),
        range("live-e", "two", json!([{"type": "Container", "max": {"memory": "2Gi"}}])),
        class("live-plain", json!({})),
        class("live-placed", json!({"scheduling": {"nodeSelector": {"runtime": "placed"}}})),
        class(
            "live-boxed",
            json!({"overhead": {"podFixed": {"cpu": "250m"}},
            "scheduling": {"nodeSelector": {"runtime": "boxed"},
                "tolerations": [{"key": "box", "operator": "Exists"}]}}),
        ),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "example.dev/x",
            "metadata": {"name": "live-fast",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "spec": {"controller": "example.dev/x"}, "metadata": {"name": "live-edge",
                "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "live-node", "labels": {
            "topology.kubernetes.io/zone": "a", "topology.kubernetes.io/region": "r", "own": "x"}}}),
        json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"name": "live-high"}, "value": 7, "preemptionPolicy": "Never"}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "all"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"],
                "verbs": ["get", "list", "create", "update", "patch", "delete"]}]}),
        // What the authorizer of expressions is asked about.
        role(
            "special",
            json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["special"]}]),
        ),
        role("secrets", json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}])),
        bound(
            "special-alice",
            "special",
            json!({"apiGroup": RBAC, "kind": "User", "name": "alice"}),
        ),
        bound(
            "special-devs",
            "special",
            json!({"apiGroup": RBAC, "kind": "Group", "name": "devs"}),
        ),
        bound(
            "secrets-robot",
            "secrets",
            json!({"kind": "ServiceAccount", "name": "robot", "namespace": "live-a"}),
        ),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "cases"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "cases"}]}),
    ];
    objects.extend(definitions::definitions());
    // Namespaces come before what is in them.
    objects.sort_by_key(|object| object["kind"] != "Namespace");
    objects
}
