//! What plugins add to new objects other than pods: `TaintNodesByCondition`,
//! `DefaultStorageClass`, `StorageObjectInUseProtection`, `DefaultIngressClass`; and what
//! the API server's own form of an object has that none of its versions has.

use ironhull_model::{Minor, Node, Value};
use serde_json::json;

use super::classes::Classes;
use super::servers::{Plugin, View};
use super::{Changes, Possible};
use crate::policy::{list, text};
use crate::request::{Operation, Request};

/// Where a DaemonSet has the number of its template: versions keep it in an annotation,
/// which the API server's own form writes always.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Finalizers of what is in use: group, resource, finalizer, since when.
const PROTECTED: [(&str, &str, &str, Minor); 3] = [
    ("", "persistentvolumeclaims", "kubernetes.io/pvc-protection", Minor::v1(0)),
    ("", "persistentvolumes", "kubernetes.io/pv-protection", Minor::v1(0)),
    ("storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection", Minor::v1(34)),
];

/// The forms of an object that is no pod.
pub(super) fn forms(view: View<'_, '_>, request: &Request<'_>, sent: &Value) -> Vec<Possible> {
    let View { estate, server } = view;
    let (group, resource) = (request.resource.group, request.resource.name);
    let mut changes = Changes::default();
    if (group, resource) == ("apps", "daemonsets") {
        numbered(&mut changes, sent.root());
    }
    if group.is_empty() {
        begun(&mut changes, resource, sent.root());
    }
    if request.operation == Operation::Create {
        if (group, resource) == ("", "nodes") && server.runs(Plugin::TaintNodesByCondition) {
            taint(&mut changes, sent.root());
        }
        if server.runs(Plugin::StorageObjectInUseProtection) {
            protect(&mut changes, request, estate.world().base.minor, sent.root());
        }
        if let Some(classes) = Classes::of(server, group, resource) {
            return classes.given(estate, &changes.made(sent));
        }
    }
    match changes.is_empty() {
        true => Vec::new(),
        false => vec![Possible { value: changes.made(sent), unknown: String::new() }],
    }
}

/// Defaults of a status, which [`ironhull_schema::defaults`] leaves alone: nobody writes it.
fn begun(changes: &mut Changes, resource: &str, root: Node<'_>) {
    let status = root.get("status").filter(|status| !status.is_null());
    let is_missing = |name: &str| {
        let known = status.and_then(|status| status.get(name));
        known.is_none_or(|known| known.is_null() || known.as_str() == Some(""))
    };
    let (name, value) = match resource {
        "namespaces" => ("phase", json!("Active")),
        "persistentvolumeclaims" | "persistentvolumes" => ("phase", json!("Pending")),
        "nodes" => match status.and_then(|status| status.get("capacity")) {
            Some(capacity) if !capacity.is_null() => {
                ("allocatable", serde_json::to_value(capacity).unwrap_or_default())
            }
            _ => return,
        },
        _ => return,
    };
    match status {
        None => changes.put("/status", &json!({name: value})),
        Some(_) if is_missing(name) => changes.put(format!("/status/{name}"), &value),
        Some(_) => {}
    }
}

/// A new node is not ready.
fn taint(changes: &mut Changes, root: Node<'_>) {
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    let Some(spec) = root.get("spec").filter(|spec| !spec.is_null()) else {
        changes.put("/spec", &json!({"taints": [taint]}));
        return;
    };
    let is_tainted = list(spec, "taints").any(|it| {
        text(it, "key") == "node.kubernetes.io/not-ready" && text(it, "effect") == "NoSchedule"
    });
    if !is_tainted {
        changes.push(spec, "/spec/taints", &taint);
    }
}

fn protect(changes: &mut Changes, request: &Request<'_>, minor: Minor, root: Node<'_>) {
    let own = (request.resource.group, request.resource.name);
    let protected = PROTECTED.iter().find(|(group, resource, ..)| (*group, *resource) == own);
    let (Some((.., finalizer, since)), Some(metadata)) = (protected, root.get("metadata")) else {
        return;
    };
    let is_there = list(metadata, "finalizers").any(|it| it.as_str() == Some(*finalizer));
    if minor >= *since && !is_there {
        changes.push(metadata, "/metadata/finalizers", &json!(finalizer));
    }
}

fn numbered(changes: &mut Changes, root: Node<'_>) {
    let annotations = root.path(&["metadata", "annotations"]).filter(|all| !all.is_null());
    let said = annotations.map_or("", |all| text(all, TEMPLATE_GENERATION));
    match annotations {
        None => changes.put("/metadata/annotations", &json!({TEMPLATE_GENERATION: "0"})),
        Some(_) if said.is_empty() => {
            changes.put(format!("/metadata/annotations/{TEMPLATE_GENERATION}"), &json!("0"));
        }
        Some(_) => {}
    }
}
