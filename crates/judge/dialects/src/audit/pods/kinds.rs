//! What the controller of each kind adds.

use std::collections::BTreeSet;

use ironhull_model::{Node, Object};
use serde_json::json;

use super::Added;
use crate::plugins::{Changes, Guess, tolerate};
use crate::policy::{list, text};

/// The index of a pod of a Job that counts its pods, as label and annotation.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

fn field<'a>(object: &'a Object, name: &str) -> Option<Node<'a>> {
    object.root().path(&["spec", name])
}

fn uid(object: &Object, guess: Guess) -> String {
    let known = object.root().path(&["metadata", "uid"]).and_then(Node::as_str);
    known.unwrap_or(guess.uid()).to_owned()
}

/// The number of a StatefulSet's first pod.
fn first_ordinal(object: &Object) -> i64 {
    let start = object.root().path(&["spec", "ordinals", "start"]);
    start.and_then(Node::as_i64).unwrap_or(0)
}

fn is_indexed(spec: Option<Node<'_>>) -> bool {
    spec.is_some_and(|spec| text(spec, "completionMode") == "Indexed")
}

/// The spec of the Job that an object is, or makes.
fn job_spec(object: &Object) -> Option<Node<'_>> {
    match &*object.thing.kind {
        "Job" => object.root().get("spec"),
        _ => object.root().path(&["spec", "jobTemplate", "spec"]),
    }
}

/// What stands in the metadata.
pub(super) fn added(object: &Object, guess: Guess) -> Added {
    let name = &object.thing.name;
    let hash = guess.end(10);
    let itself = |version: &str| {
        Some([
            version.to_owned(),
            object.thing.kind.to_string(),
            name.to_string(),
            uid(object, guess),
        ])
    };
    let prefix = format!("{name}-");
    match &*object.thing.kind {
        "Deployment" => {
            let set = format!("{name}-{hash}");
            Added {
                prefix: format!("{set}-"),
                owner: Some(["apps/v1", "ReplicaSet", &set, guess.uid()].map(str::to_owned)),
                labels: vec![("pod-template-hash", hash)],
                ..Added::default()
            }
        }
        "ReplicaSet" => Added { prefix, owner: itself("apps/v1"), ..Added::default() },
        "ReplicationController" => Added { prefix, owner: itself("v1"), ..Added::default() },
        "StatefulSet" => {
            let ordinal = first_ordinal(object);
            let pod = format!("{name}-{ordinal}");
            Added {
                prefix,
                owner: itself("apps/v1"),
                labels: vec![
                    ("statefulset.kubernetes.io/pod-name", pod.clone()),
                    ("apps.kubernetes.io/pod-index", ordinal.to_string()),
                    ("controller-revision-hash", format!("{name}-{hash}")),
                ],
                name: Some(pod),
                ..Added::default()
            }
        }
        "DaemonSet" => {
            let generation = object.annotation("deprecated.daemonset.template.generation");
            Added {
                prefix,
                owner: itself("apps/v1"),
                labels: vec![
                    ("controller-revision-hash", hash),
                    ("pod-template-generation", generation.unwrap_or("1").to_owned()),
                ],
                ..Added::default()
            }
        }
        "Job" => job(name.to_string(), uid(object, guess), job_spec(object)),
        "CronJob" => {
            let minutes = guess.of("29000000", "31415926");
            job(format!("{name}-{minutes}"), guess.uid().to_owned(), job_spec(object))
        }
        _ => Added { prefix, ..Added::default() },
    }
}

fn job(name: String, uid: String, spec: Option<Node<'_>>) -> Added {
    let is_manual = spec.and_then(|spec| spec.get("manualSelector")).and_then(Node::as_bool);
    let mut added = Added {
        prefix: format!("{name}-"),
        owner: Some(["batch/v1".to_owned(), "Job".to_owned(), name.clone(), uid.clone()]),
        finalizer: Some("batch.kubernetes.io/job-tracking"),
        ..Added::default()
    };
    if is_manual != Some(true) {
        added.missing_labels = vec![
            ("job-name", name.clone()),
            ("batch.kubernetes.io/job-name", name.clone()),
            ("controller-uid", uid.clone()),
            ("batch.kubernetes.io/controller-uid", uid),
        ];
    }
    if is_indexed(spec) {
        added.prefix = format!("{name}-0-");
        added.labels = vec![(INDEX, "0".to_owned())];
        added.annotations = vec![(INDEX, "0".to_owned())];
        if spec.is_some_and(|spec| spec.get("backoffLimitPerIndex").is_some()) {
            let count = ("batch.kubernetes.io/job-index-failure-count", "0".to_owned());
            added.annotations.push(count);
        }
    }
    added
}

/// Changes the pod's spec as its controller does; gives where its volumes stand in the
/// template, if that is not their own place.
pub(super) fn specify(
    changes: &mut Changes,
    object: &Object,
    spec: Node<'_>,
    guess: Guess,
) -> Option<Vec<Option<usize>>> {
    match &*object.thing.kind {
        "StatefulSet" => Some(stateful(changes, object, spec)),
        "DaemonSet" => {
            daemon(changes, spec, guess);
            None
        }
        "Job" | "CronJob" if is_indexed(job_spec(object)) => {
            indexed(changes, object, spec, guess);
            None
        }
        _ => None,
    }
}

fn stateful(changes: &mut Changes, object: &Object, spec: Node<'_>) -> Vec<Option<usize>> {
    let pod = format!("{}-{}", object.thing.name, first_ordinal(object));
    changes.put("/spec/hostname", &json!(pod));
    let service = field(object, "serviceName").and_then(Node::as_str).unwrap_or_default();
    if !service.is_empty() {
        changes.put("/spec/subdomain", &json!(service));
    }
    let templates = field(object, "volumeClaimTemplates").into_iter().flat_map(Node::items);
    let claims: BTreeSet<&str> = templates
        .filter_map(|claim| claim.path(&["metadata", "name"]).and_then(Node::as_str))
        .collect();
    let (mut volumes, mut places) = (Vec::new(), Vec::new());
    for name in &claims {
        let claim = json!({"claimName": format!("{name}-{pod}")});
        volumes.push(json!({"name": name, "persistentVolumeClaim": claim}));
        places.push(None);
    }
    for (index, volume) in list(spec, "volumes").enumerate() {
        if !claims.contains(text(volume, "name")) {
            volumes.push(serde_json::to_value(volume).unwrap_or_default());
            places.push(Some(index));
        }
    }
    if !claims.is_empty() {
        changes.put("/spec/volumes", &json!(volumes));
    }
    places
}

/// Pods of a DaemonSet are for one node, and stay there.
fn daemon(changes: &mut Changes, spec: Node<'_>, guess: Guess) {
    let node = guess.of("node-1", "worker.example");
    let terms = json!([{"matchFields":
        [{"key": "metadata.name", "operator": "In", "values": [node]}]}]);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let has = |path: &[&str]| spec.path(path).is_some_and(|node| !node.is_null());
    if !has(&["affinity"]) {
        changes.put("/spec/affinity", &json!({}));
    }
    if !has(&["affinity", "nodeAffinity"]) {
        changes.put("/spec/affinity/nodeAffinity", &json!({}));
    }
    changes.put(
        format!("/spec/affinity/nodeAffinity/{required}"),
        &json!({"nodeSelectorTerms": terms}),
    );
    for taint in ["not-ready", "unreachable"] {
        tolerate(changes, spec, &format!("node.kubernetes.io/{taint}"), "NoExecute");
    }
    let is_on_host = spec.get("hostNetwork").and_then(Node::as_bool) == Some(true);
    let of_host = is_on_host.then_some("network-unavailable");
    let others = ["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"];
    for taint in others.into_iter().chain(of_host) {
        tolerate(changes, spec, &format!("node.kubernetes.io/{taint}"), "NoSchedule");
    }
}

/// The first pod of a Job that counts its pods.
fn indexed(changes: &mut Changes, object: &Object, spec: Node<'_>, guess: Guess) {
    let name = match &*object.thing.kind {
        "Job" => object.thing.name.to_string(),
        _ => format!("{}-{}", object.thing.name, guess.of("29000000", "31415926")),
    };
    changes.put("/spec/hostname", &json!(format!("{name}-0")));
    let env = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef":
        {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}}});
    for kind in ["initContainers", "containers"] {
        for (index, container) in list(spec, kind).enumerate() {
            if !list(container, "env").any(|it| text(it, "name") == "JOB_COMPLETION_INDEX") {
                changes.push(container, &format!("/spec/{kind}/{index}/env"), &env);
            }
        }
    }
}
