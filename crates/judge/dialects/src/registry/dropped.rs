//! Fields that are dropped where the feature is off by default that they are of, unless
//! what is there has them (`dropDisabledFields`; `pkg/features/kube_features.go`).

use ironhull_model::Minor;
use serde_json::{Value as Json, json};

use super::{Prepared, is_nothing, items_mut, set, text};
use crate::request::Typed;

/// Of a feature that is off in every minor known here.
const OFF: Minor = Minor::v1(u16::MAX);

/// Group, kind, field, since when it is kept. `*` is every member or item.
const FIELDS: &[(&str, &str, &str, Minor)] = &[
    ("", "Node", "spec.configSource", OFF),
    ("", "Node", "spec.podPreemptionPolicy", OFF),
    ("", "PersistentVolume", "spec.volumeAttributesClassName", Minor::v1(34)),
    ("", "PersistentVolumeClaim", "spec.volumeAttributesClassName", Minor::v1(34)),
    ("apps", "StatefulSet", "spec.updateStrategy.rollingUpdate.maxUnavailable", Minor::v1(37)),
    ("autoscaling", "HorizontalPodAutoscaler", "spec.behavior.*.tolerance", Minor::v1(35)),
    ("batch", "CronJob", "spec.jobTemplate.spec.scheduling", OFF),
    ("batch", "Job", "spec.managedBy", Minor::v1(32)),
    ("batch", "Job", "spec.scheduling", OFF),
    ("coordination.k8s.io", "Lease", "spec.preferredHolder", OFF),
    ("coordination.k8s.io", "Lease", "spec.strategy", OFF),
    ("discovery.k8s.io", "EndpointSlice", "endpoints.*.hints.forNodes", Minor::v1(34)),
    ("storage.k8s.io", "CSIDriver", "spec.nodeAllocatableUpdatePeriodSeconds", Minor::v1(35)),
    ("storage.k8s.io", "CSIDriver", "spec.preventPodSchedulingIfMissing", Minor::v1(37)),
    ("storage.k8s.io", "CSIDriver", "spec.serviceAccountTokenInSecrets", Minor::v1(35)),
];

/// The same of a pod's specification.
const OF_PODS: &[(&str, Minor)] = &[
    ("affinity.*.*.*.matchLabelKeys", Minor::v1(31)),
    ("affinity.*.*.*.mismatchLabelKeys", Minor::v1(31)),
    ("affinity.*.*.*.podAffinityTerm.matchLabelKeys", Minor::v1(31)),
    ("affinity.*.*.*.podAffinityTerm.mismatchLabelKeys", Minor::v1(31)),
    ("evictionResponders", OFF),
    ("hostUsers", Minor::v1(33)),
    ("hostnameOverride", Minor::v1(35)),
    ("resourceClaims", Minor::v1(34)),
    ("resources", Minor::v1(34)),
    ("schedulingGroup", OFF),
    ("securityContext.seLinuxChangePolicy", Minor::v1(33)),
    ("securityContext.supplementalGroupsPolicy", Minor::v1(33)),
    ("volumes.*.configMap.defaultUser", OFF),
    ("volumes.*.configMap.items.*.user", OFF),
    ("volumes.*.downwardAPI.defaultUser", OFF),
    ("volumes.*.downwardAPI.items.*.user", OFF),
    ("volumes.*.emptyDir.mode", OFF),
    ("volumes.*.projected.defaultUser", OFF),
    ("volumes.*.projected.sources.*.*.items.*.user", OFF),
    ("volumes.*.projected.sources.*.*.user", OFF),
    ("volumes.*.projected.sources.*.clusterTrustBundle", Minor::v1(37)),
    ("volumes.*.projected.sources.*.podCertificate", Minor::v1(37)),
    ("volumes.*.secret.defaultUser", OFF),
    ("volumes.*.secret.items.*.user", OFF),
];

const SIGNAL: &str = "lifecycle.stopSignal";

/// And of its containers.
const OF_CONTAINERS: &[(&str, Minor)] = &[
    ("env.*.valueFrom.fileKeyRef", Minor::v1(35)),
    ("lifecycle.*.httpGet.protocol", OFF),
    (SIGNAL, OFF),
    ("livenessProbe.grpc.mode", OFF),
    ("livenessProbe.httpGet.protocol", OFF),
    ("readinessProbe.grpc.mode", OFF),
    ("readinessProbe.httpGet.protocol", OFF),
    ("resizePolicy", Minor::v1(33)),
    ("resources.claims", Minor::v1(34)),
    ("restartPolicyRules", Minor::v1(35)),
    ("startupProbe.grpc.mode", OFF),
    ("startupProbe.httpGet.protocol", OFF),
    ("volumeMounts.*.bindMountOptions", OFF),
    ("volumeMounts.*.recursiveReadOnly", Minor::v1(31)),
];

const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

pub(super) fn of_kind(new: &mut Json, about: &Prepared<'_>, kind: Typed<'_>) {
    let own = FIELDS.iter().filter(|(group, name, ..)| (*group, *name) == (kind.group, kind.name));
    for (.., path, since) in own {
        drop_unless_used(new, about.old, path, about.minor < *since);
    }
}

/// Of a template at a path.
pub(super) fn of_template(new: &mut Json, about: &Prepared<'_>, path: &[&str]) {
    let mut old = about.old;
    let mut template = new;
    for name in path {
        old = old.and_then(|old| old.get(name));
        let Some(inner) = template.get_mut(name) else { return };
        template = inner;
    }
    of_pod(template, old, about.minor);
}

/// Of a pod, or a template.
pub(super) fn of_pod(pod: &mut Json, old: Option<&Json>, minor: Minor) {
    let Some(spec) = pod.get_mut("spec") else { return };
    let old = old.and_then(|old| old.get("spec"));
    for (path, since) in OF_PODS {
        drop_unless_used(spec, old, path, minor < *since);
    }
    let is_signal = |container: &Json| {
        let lifecycle = container["lifecycle"].as_object();
        lifecycle.is_some_and(|all| all.len() == 1 && all.contains_key("stopSignal"))
    };
    // Nothing is left of what had only that.
    let is_kept = |of: &Json| CONTAINERS.iter().any(|list| has(of, &format!("{list}.*.{SIGNAL}")));
    if !old.is_some_and(is_kept) {
        for list in CONTAINERS {
            items_mut(spec, list)
                .filter(|container| is_signal(container))
                .for_each(|container| set(container, "lifecycle", None));
        }
    }
    for (path, _) in OF_CONTAINERS.iter().filter(|(_, since)| minor < *since) {
        let all = CONTAINERS.map(|list| format!("{list}.*.{path}"));
        if old.is_none_or(|old| !all.iter().any(|path| has(old, path))) {
            all.iter().for_each(|path| drop(spec, path));
        }
    }
    older(spec, old, minor);
}

/// What is more than a field, before it was on.
fn older(spec: &mut Json, old: Option<&Json>, minor: Minor) {
    if minor >= Minor::v1(35) {
        return;
    }
    for container in items_mut(spec, "containers") {
        set(container, "restartPolicy", None);
    }
    for container in items_mut(spec, "initContainers") {
        if !matches!(text(container, "restartPolicy"), "" | "Always") {
            set(container, "restartPolicy", None);
        }
    }
    if old.is_none_or(|old| !has(old, "volumes.*.image")) {
        drop_images(spec);
    }
    let is_masked = |of: &Json| {
        CONTAINERS.iter().any(|list| {
            let own = super::items(of, list).iter();
            { own }.any(|it| text(&it["securityContext"], "procMount") == "Unmasked")
        })
    };
    if minor < Minor::v1(33) && !old.is_some_and(is_masked) {
        for list in CONTAINERS {
            for container in items_mut(spec, list) {
                if !text(&container["securityContext"], "procMount").is_empty() {
                    container["securityContext"]["procMount"] = json!("Default");
                }
            }
        }
    }
}

/// Volumes of images, with their mounts.
fn drop_images(spec: &mut Json) {
    let is_image = |volume: &Json| !is_nothing(&volume["image"]);
    let images = super::items(spec, "volumes").iter().filter(|volume| is_image(volume));
    let names: Vec<String> = images.map(|volume| text(volume, "name").to_owned()).collect();
    if names.is_empty() {
        return;
    }
    if let Some(volumes) = spec["volumes"].as_array_mut() {
        volumes.retain(|volume| !is_image(volume));
    }
    for list in CONTAINERS {
        for container in items_mut(spec, list) {
            if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                mounts.retain(|mount| !names.iter().any(|name| text(mount, "name") == name));
            }
        }
    }
}

fn drop_unless_used(new: &mut Json, old: Option<&Json>, path: &str, is_off: bool) {
    if is_off && old.is_none_or(|old| !has(old, path)) {
        drop(new, path);
    }
}

fn has(of: &Json, path: &str) -> bool {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let is_there = |of: &Json| if rest.is_empty() { !is_nothing(of) } else { has(of, rest) };
    match (of, name) {
        (Json::Array(items), "*") => items.iter().any(is_there),
        (Json::Object(members), "*") => members.values().any(is_there),
        (of, name) => of.get(name).is_some_and(is_there),
    }
}

fn drop(of: &mut Json, path: &str) {
    let Some((name, rest)) = path.split_once('.') else { return set(of, path, None) };
    match (of, name) {
        (Json::Array(items), "*") => items.iter_mut().for_each(|item| drop(item, rest)),
        (Json::Object(members), "*") => members.values_mut().for_each(|of| drop(of, rest)),
        (of, name) => {
            if let Some(inner) = of.get_mut(name) {
                drop(inner, rest);
            }
        }
    }
}
