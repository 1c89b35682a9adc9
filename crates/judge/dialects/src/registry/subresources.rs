//! What is sent to a subresource changes only what that is for: the rest is what is there
//! (the status, scale and other strategies of the kinds).

use ironhull_schema::crd;
use serde_json::{Value as Json, json};

use super::{Prepared, dropped, is_nothing, items, items_mut, pods, set, text};
use crate::request::Typed;

/// Metadata that is not for statuses (`ResetObjectMetaForStatus`).
const METADATA: &[&str] = &["labels", "annotations", "finalizers", "ownerReferences"];

/// Metadata that a status does not change: group, kind, members. Other kinds take it.
const KEPT: &[(&str, &str, &[&str])] = &[
    ("", "Pod", &["ownerReferences"]),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", METADATA),
    ("apiregistration.k8s.io", "APIService", METADATA),
    ("apps", "Deployment", &["labels"]),
    ("certificates.k8s.io", "PodCertificateRequest", METADATA),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", METADATA),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", METADATA),
    ("internal.apiserver.k8s.io", "StorageVersion", METADATA),
    ("lifecycle.k8s.io", "Eviction", METADATA),
    ("lifecycle.k8s.io", "EvictionRequest", METADATA),
    ("networking.k8s.io", "ServiceCIDR", METADATA),
    ("resource.k8s.io", "DeviceTaintRule", METADATA),
    ("resource.k8s.io", "ResourceClaim", METADATA),
    ("resource.k8s.io", "ResourcePoolStatusRequest", METADATA),
    ("scheduling.k8s.io", "CompositePodGroup", METADATA),
    ("scheduling.k8s.io", "PodGroup", METADATA),
    ("storage.k8s.io", "CSINode", METADATA),
    ("storage.k8s.io", "VolumeAttachment", METADATA),
    ("storagemigration.k8s.io", "StorageVersionMigration", METADATA),
];

pub(super) fn restrict(new: &mut Json, about: &Prepared<'_>, kind: Typed<'_>, subresource: &str) {
    let Some(old) = about.old else { return };
    match (subresource, kind.group, kind.name) {
        ("scale", ..) => scale(new, about, old),
        ("status", group, name) if crd::is_custom(group, name) => custom_status(new, old),
        ("status", ..) => status(new, about, old, kind),
        ("approval", ..) => {
            stamp(new, old, about);
            keep(new, about, old, "spec");
            let conditions = new["status"].get("conditions").cloned();
            set(new, "status", old.get("status").cloned());
            set(&mut new["status"], "conditions", conditions);
        }
        ("finalize", "", "Namespace") => keep(new, about, old, "status"),
        ("ephemeralcontainers", "", "Pod") => ephemeral_containers(new, about, old),
        ("resize", "", "Pod") => resize(new, about, old),
        _ => {}
    }
}

/// Whether what is sent there has a number of its own: it may change the specification.
pub(super) fn changes_specification(subresource: &str) -> bool {
    matches!(subresource, "ephemeralcontainers" | "resize")
}

/// Whether times of the API server's are written there.
pub(super) fn has_made_up(kind: Typed<'_>) -> bool {
    matches!(kind.name, "CertificateSigningRequest" | "PersistentVolume")
}

/// A member is what is there. What somebody wrote down as that need not be all of it.
fn keep(new: &mut Json, about: &Prepared<'_>, old: &Json, name: &str) {
    let own = old.get(name);
    if about.is_stored() || own.is_some_and(|own| !is_nothing(own)) {
        set(new, name, own.cloned());
    }
}

fn keep_metadata(new: &mut Json, old: &Json, names: &[&str]) {
    for name in names {
        set(&mut new["metadata"], name, old["metadata"].get(name).cloned());
    }
}

/// Of a Scale only the number counts.
fn scale(new: &mut Json, about: &Prepared<'_>, old: &Json) {
    keep(new, about, old, "status");
    let status = new.get("status").cloned();
    let replicas = new["spec"].get("replicas").cloned();
    let version = new["metadata"].get("resourceVersion").cloned();
    *new = old.clone();
    set(new, "status", status);
    set(&mut new["spec"], "replicas", replicas);
    set(&mut new["metadata"], "resourceVersion", version);
}

fn custom_status(new: &mut Json, old: &Json) {
    let status = new.get("status").cloned();
    let managed = new["metadata"].get("managedFields").cloned();
    *new = old.clone();
    set(new, "status", status);
    set(&mut new["metadata"], "managedFields", managed);
}

fn status(new: &mut Json, about: &Prepared<'_>, old: &Json, kind: Typed<'_>) {
    keep(new, about, old, "spec");
    let kept = KEPT.iter().find(|(group, name, _)| (*group, *name) == (kind.group, kind.name));
    keep_metadata(new, old, kept.map_or(&[], |(.., names)| names));
    match (kind.group, kind.name) {
        ("", "Pod") => {
            for name in ["qosClass", "resourceClaimStatuses", "extendedResourceClaimStatus"] {
                if is_nothing(&new["status"][name]) {
                    set(&mut new["status"], name, old["status"].get(name).cloned());
                }
            }
            dropped::of_pod(new, Some(old), about.minor);
        }
        ("", "PersistentVolume") => transition(new, old, about),
        ("certificates.k8s.io", "CertificateSigningRequest") => {
            for kind in ["Approved", "Denied"] {
                preserve(new, old, kind);
            }
            stamp(new, old, about);
        }
        _ => {}
    }
}

fn now(about: &Prepared<'_>) -> Json {
    json!(about.guess.of("2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"))
}

/// When a volume came to its phase.
fn transition(new: &mut Json, old: &Json, about: &Prepared<'_>) {
    const SINCE: &str = "lastPhaseTransitionTime";
    let (own, before) = (&new["status"], &old["status"]);
    let is_same = text(own, "phase") == text(before, "phase");
    let is_told = !is_nothing(&own[SINCE]) && own[SINCE] != before[SINCE];
    if is_told || is_same && !is_nothing(&own[SINCE]) {
        return;
    }
    let since = if is_same { before.get(SINCE).cloned() } else { Some(now(about)) };
    set(&mut new["status"], SINCE, since);
}

/// Conditions of a type are what they are, unless some come or go.
fn preserve(new: &mut Json, old: &Json, kind: &str) {
    let is_it = |condition: &&Json| text(condition, "type") == kind;
    let before: Vec<Json> =
        items(&old["status"], "conditions").iter().filter(is_it).cloned().collect();
    let n = items(&new["status"], "conditions").iter().filter(is_it).count();
    if n != before.len() {
        return;
    }
    let own = items_mut(&mut new["status"], "conditions").filter(|it| text(it, "type") == kind);
    own.zip(before).for_each(|(own, before)| *own = before);
}

/// When conditions came, where they do not say it.
fn stamp(new: &mut Json, old: &Json, about: &Prepared<'_>) {
    for condition in items_mut(&mut new["status"], "conditions") {
        if is_nothing(&condition["lastUpdateTime"]) {
            condition["lastUpdateTime"] = now(about);
        }
        if is_nothing(&condition["lastTransitionTime"]) {
            let is_same = |it: &&Json| {
                ["type", "status"].iter().all(|name| it[name] == condition[name])
                    && !is_nothing(&it["lastTransitionTime"])
            };
            let before = items(&old["status"], "conditions").iter().find(is_same);
            let since = before.map_or_else(|| now(about), |it| it["lastTransitionTime"].clone());
            condition["lastTransitionTime"] = since;
        }
    }
}

fn ephemeral_containers(new: &mut Json, about: &Prepared<'_>, old: &Json) {
    let own = new["spec"].get("ephemeralContainers").cloned();
    keep(new, about, old, "spec");
    keep(new, about, old, "status");
    keep_metadata(new, old, METADATA);
    set(&mut new["spec"], "ephemeralContainers", own);
    dropped::of_pod(new, Some(old), about.minor);
}

fn resize(new: &mut Json, about: &Prepared<'_>, old: &Json) {
    const LISTS: [&str; 2] = ["containers", "initContainers"];
    let n = |of: &Json, list: &str| items(&of["spec"], list).len();
    if LISTS.iter().all(|list| n(new, list) == n(old, list)) {
        let resized = LISTS.map(|list| resized(&new["spec"], &old["spec"], list));
        let of_pod = new["spec"].get("resources").cloned();
        keep(new, about, old, "spec");
        keep(new, about, old, "status");
        keep_metadata(new, old, METADATA);
        for (list, containers) in LISTS.into_iter().zip(resized) {
            set(&mut new["spec"], list, containers);
        }
        if about.minor >= pods::RESIZED {
            let before = old["spec"].get("resources").filter(|_| about.minor >= pods::DERIVED);
            set(&mut new["spec"], "resources", of_pod.or(before.cloned()));
        }
    }
    dropped::of_pod(new, Some(old), about.minor);
}

/// The containers that are there with what they are to have; as they were sent where they
/// are others.
fn resized(new: &Json, old: &Json, list: &str) -> Option<Json> {
    let (own, before) = (items(new, list), items(old, list));
    if own.iter().zip(before).any(|(own, before)| own["name"] != before["name"]) {
        return new.get(list).cloned();
    }
    let mut containers = before.to_vec();
    for (container, own) in containers.iter_mut().zip(own) {
        for name in ["resources", "resizePolicy"] {
            set(container, name, own.get(name).cloned());
        }
    }
    (!containers.is_empty()).then(|| json!(containers))
}
