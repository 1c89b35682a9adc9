//! Tolerations: `DefaultTolerationSeconds`, `ExtendedResourceToleration`, and how two lists of them are merged.

use std::collections::BTreeSet;

use ironhull_model::Node;
use serde_json::{Value as Json, json};

use super::Changes;
use super::servers::{Plugin, Server};
use crate::policy::{list, text};

/// Lets a pod stay a while on a node that is not ready or not reached, and run where what
/// it needs is.
pub(super) fn add(changes: &mut Changes, spec: Node<'_>, server: &Server) {
    let taints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
    let waiting = taints.into_iter().zip(server.seconds);
    for (taint, seconds) in waiting.filter(|_| server.runs(Plugin::DefaultTolerationSeconds)) {
        let is_tolerated = list(spec, "tolerations").any(|it| {
            ["", taint].contains(&text(it, "key"))
                && ["", "NoExecute"].contains(&text(it, "effect"))
        });
        if !is_tolerated {
            let toleration = json!({"key": taint, "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": seconds});
            changes.push(spec, "/spec/tolerations", &toleration);
        }
    }
    if server.runs(Plugin::ExtendedResourceToleration) {
        for resource in extended(spec) {
            tolerate(changes, spec, resource, "NoSchedule");
        }
    }
}

/// What containers request that is no resource of Kubernetes' own.
fn extended(spec: Node<'_>) -> BTreeSet<&str> {
    let containers = ["containers", "initContainers"].into_iter().flat_map(|kind| list(spec, kind));
    let requests = containers.filter_map(|container| container.path(&["resources", "requests"]));
    let names = requests.flat_map(Node::entries).map(|(name, _)| name);
    names
        .filter(|name| {
            name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
        })
        .collect()
}

/// A toleration without an end, in place of one that differs by that only.
pub(crate) fn tolerate(changes: &mut Changes, spec: Node<'_>, key: &str, effect: &str) {
    let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
    let is_same = |it: Node<'_>| {
        let named = [("key", key), ("effect", effect), ("operator", "Exists"), ("value", "")];
        named.into_iter().all(|(name, wanted)| text(it, name) == wanted)
    };
    match list(spec, "tolerations").position(is_same) {
        Some(at) => changes.put(format!("/spec/tolerations/{at}/tolerationSeconds"), &json!(null)),
        None => changes.push(spec, "/spec/tolerations", &toleration),
    }
}

/// Two lists in one, without what others of them cover
/// (`k8s.io/kubernetes/pkg/util/tolerations`).
pub(super) fn merged(first: &[Json], second: &[Json]) -> Vec<Json> {
    let all: Vec<&Json> = first.iter().chain(second).collect();
    let mut merged: Vec<&Json> = Vec::new();
    for (index, one) in all.iter().enumerate() {
        let is_covered = merged.iter().any(|other| covers(other, one))
            // Of those that are alike the first stays.
            || all[index + 1..].iter().any(|other| !is_same(one, other) && covers(other, one));
        if !is_covered {
            merged.push(one);
        }
    }
    merged.into_iter().cloned().collect()
}

const FIELDS: [&str; 4] = ["key", "operator", "value", "effect"];

fn of<'j>(toleration: &'j Json, name: &str) -> &'j str {
    toleration.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn seconds(toleration: &Json) -> Option<i64> {
    toleration.get("tolerationSeconds").and_then(Json::as_i64)
}

fn is_same(a: &Json, b: &Json) -> bool {
    FIELDS.iter().all(|name| of(a, name) == of(b, name)) && seconds(a) == seconds(b)
}

/// Whether one tolerates all that another does.
fn covers(one: &Json, other: &Json) -> bool {
    if is_same(one, other) {
        return true;
    }
    let is_for_all = of(one, "key").is_empty() && of(one, "operator") == "Exists";
    if of(one, "key") != of(other, "key") && !is_for_all {
        return false;
    }
    if of(one, "effect") != of(other, "effect") && !of(one, "effect").is_empty() {
        return false;
    }
    if let ("NoExecute", Some(most)) = (of(one, "effect"), seconds(one))
        && seconds(other).is_none_or(|own| own > most)
    {
        return false;
    }
    match of(one, "operator") {
        "Equal" | "" => of(other, "operator") == "Equal" && of(one, "value") == of(other, "value"),
        "Exists" => true,
        _ => false,
    }
}
