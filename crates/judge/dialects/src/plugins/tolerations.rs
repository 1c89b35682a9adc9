//! Tolerations: `DefaultTolerationSeconds`, and how two lists of them are merged.

use ironhull_model::Node;
use serde_json::{Value as Json, json};

use super::Changes;
use crate::policy::{list, text};

/// Lets a pod stay five minutes on a node that is not ready or not reached.
pub(super) fn tolerate(changes: &mut Changes, spec: Node<'_>) {
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_tolerated = list(spec, "tolerations").any(|it| {
            ["", taint].contains(&text(it, "key"))
                && ["", "NoExecute"].contains(&text(it, "effect"))
        });
        if !is_tolerated {
            let toleration = json!({"key": taint, "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300});
            changes.push(spec, "/spec/tolerations", &toleration);
        }
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
