//! What the estate is made of.

use serde_json::{Value, json};

use super::Made;
use crate::live;
use crate::rng::Rng;

fn plain(object: Value) -> Made {
    Made { object, status: None }
}

pub(super) fn node(index: usize) -> Made {
    let name = format!("aks-pool-{index:03}");
    let amounts =
        json!({"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "128Gi"});
    let conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map(|kind| {
        json!({
            "type": kind,
            "status": if kind == "Ready" { "True" } else { "False" },
            "reason": "Kubelet",
            "message": "as it should be",
            "lastHeartbeatTime": "2026-11-20T09:30:05Z",
            "lastTransitionTime": "2026-11-20T09:30:05Z",
        })
    });
    let object = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "node.kubernetes.io/instance-type": "Standard_D8s_v5",
            "topology.kubernetes.io/zone": format!("westeurope-{}", 1 + index % 3),
        }},
        "spec": {"podCIDR": format!("10.244.{}.0/24", index % 256)},
    });
    let status = json!({
        "capacity": amounts,
        "allocatable": amounts,
        "conditions": conditions,
        "addresses": [
            {"type": "InternalIP", "address": format!("10.0.{}.{}", index / 250, 4 + index % 250)},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": format!("{index:032x}"), "systemUUID": format!("{index:032x}"),
            "bootID": format!("{index:032x}"), "kernelVersion": "6.8.0-1021-azure",
            "osImage": "Ubuntu 24.04.3 LTS", "containerRuntimeVersion": "containerd://2.1.4",
            "kubeletVersion": if index.is_multiple_of(10) { "v1.35.4" } else { "v1.37.1" },
            "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
        },
    });
    Made { object, status: Some(status) }
}

pub(super) fn namespace((index, name): (usize, &String)) -> Made {
    let environment = ["dev", "staging", "production"][index % 3];
    let mut labels = json!({"team": name, "environment": environment});
    if environment == "production" {
        labels["pod-security.kubernetes.io/enforce"] = json!("baseline");
    }
    plain(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
    }))
}

/// What a namespace has besides workloads.
pub(super) fn inhabitants((index, namespace): (usize, &String)) -> Vec<Made> {
    let meta = |name: &str| json!({"name": name, "namespace": namespace});
    let rbac = "rbac.authorization.k8s.io";
    let version = format!("{rbac}/v1");
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("default")}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("app")}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("settings"),
            "data": {"level": "info", "listen": ":8080"}}),
        json!({"apiVersion": version, "kind": "Role", "metadata": meta("app"), "rules": [
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]}),
        json!({"apiVersion": version, "kind": "Role", "metadata": meta("team"), "rules": [
            {"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]}),
        json!({"apiVersion": version, "kind": "RoleBinding", "metadata": meta("app"),
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "app"},
            "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": namespace}]}),
        json!({"apiVersion": version, "kind": "RoleBinding", "metadata": meta("team"),
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "team"},
            "subjects": [{"apiGroup": rbac, "kind": "Group", "name": namespace}]}),
    ];
    if index.is_multiple_of(2) {
        objects.push(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": meta("default-deny"),
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        }));
    }
    if index.is_multiple_of(40) {
        objects.push(json!({
            "apiVersion": version, "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{namespace}-app")},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole",
                "name": if index.is_multiple_of(80) { "cluster-admin" } else { "view" }},
            "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": namespace}],
        }));
    }
    objects.into_iter().map(plain).collect()
}

/// A pod's spec as a person would write it: that of a live pod without what the
/// API server adds.
fn pod_spec(rng: &mut Rng) -> Value {
    let mut pod: Value = serde_json::from_str(&live::pod(rng, 0)).expect("a pod");
    let mut spec = pod["spec"].take();
    let token = |entry: &Value| {
        entry["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access"))
    };
    let drop_token = |list: &mut Value| {
        list.as_array_mut().expect("a list").retain(|entry| !token(entry));
    };
    drop_token(&mut spec["volumes"]);
    for container in spec["containers"].as_array_mut().expect("containers") {
        drop_token(&mut container["volumeMounts"]);
        // Ports of a pod have one name each.
        container["ports"][0]["name"].take();
        container["livenessProbe"]["httpGet"]["port"] = json!(8080);
    }
    spec["volumes"][0]["configMap"]["name"] = json!("settings");
    for field in ["serviceAccountName", "serviceAccount"] {
        spec[field] = json!("app");
    }
    for field in ["nodeName", "tolerations", "priority", "preemptionPolicy"] {
        spec.as_object_mut().expect("a spec").remove(field);
    }
    spec
}

pub(super) fn workload(rng: &mut Rng, index: usize, namespace: &str) -> Made {
    let (kind, version) = match index % 20 {
        0 => ("DaemonSet", "apps/v1"),
        1..=3 => ("StatefulSet", "apps/v1"),
        4 => ("CronJob", "batch/v1"),
        5 => ("Job", "batch/v1"),
        _ => ("Deployment", "apps/v1"),
    };
    let name = format!("app-{index:04}");
    let labels = json!({"app": name});
    let mut template = json!({"metadata": {"labels": labels}, "spec": pod_spec(rng)});
    let running = json!({"replicas": 4, "readyReplicas": 4, "updatedReplicas": 4, "availableReplicas": 4,
        "observedGeneration": 1});
    let (spec, status) = match kind {
        "DaemonSet" => (
            json!({"selector": {"matchLabels": labels}, "template": template}),
            Some(
                json!({"currentNumberScheduled": 4, "desiredNumberScheduled": 4, "numberReady": 4,
                "numberMisscheduled": 0, "observedGeneration": 1}),
            ),
        ),
        "StatefulSet" => (
            json!({"serviceName": name, "replicas": 4, "selector": {"matchLabels": labels},
                "template": template}),
            Some(running),
        ),
        "Deployment" => (
            json!({"replicas": 4, "selector": {"matchLabels": labels}, "template": template}),
            Some(running),
        ),
        _ => {
            template["spec"]["restartPolicy"] = json!("Never");
            let job = json!({"template": template});
            let spec = if kind == "Job" {
                job
            } else {
                json!({"schedule": "17 3 * * *", "jobTemplate": {"spec": job}})
            };
            (spec, None)
        }
    };
    let object = json!({
        "apiVersion": version, "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    });
    Made { object, status }
}

fn owner(object: &Value) -> Value {
    json!([{
        "apiVersion": object["apiVersion"], "kind": object["kind"],
        "name": object["metadata"]["name"], "uid": object["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }])
}

pub(super) fn replica_set(deployment: &Value) -> Made {
    let name = deployment["metadata"]["name"].as_str().expect("a name");
    let hash = "7cc67d6897";
    let mut labels = deployment["metadata"]["labels"].clone();
    labels["pod-template-hash"] = json!(hash);
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"] = labels.clone();
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{name}-{hash}"), "namespace": deployment["metadata"]["namespace"],
            "labels": labels, "ownerReferences": owner(deployment),
            "annotations": {"deployment.kubernetes.io/revision": "1"},
        },
        "spec": {"replicas": 4, "selector": {"matchLabels": labels}, "template": template},
    });
    let status =
        json!({"replicas": 4, "readyReplicas": 4, "availableReplicas": 4, "observedGeneration": 1});
    Made { object, status: Some(status) }
}

pub(super) fn pod(rng: &mut Rng, index: usize, of: &Value, n_nodes: usize) -> Made {
    let template = &of["spec"]["template"];
    let name = format!("{}-{index:05}", of["metadata"]["name"].as_str().expect("a name"));
    let mut spec = template["spec"].clone();
    spec["nodeName"] = json!(format!("aks-pool-{:03}", index % n_nodes.max(1)));
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": of["metadata"]["namespace"],
            "labels": template["metadata"]["labels"], "ownerReferences": owner(of),
        },
        "spec": spec,
    });
    let mut live: Value = serde_json::from_str(&live::pod(rng, index)).expect("a pod");
    let mut status = live["status"].take();
    let images = spec["containers"].as_array().expect("containers");
    status["containerStatuses"] = images
        .iter()
        .map(|container| {
            let digest = format!(
                "{:016x}{:016x}{:016x}{:016x}",
                rng.bits(),
                rng.bits(),
                rng.bits(),
                rng.bits()
            );
            let image = container["image"].as_str().unwrap_or_default();
            let (repository, _) = image.rsplit_once(':').unwrap_or((image, ""));
            json!({
                "name": container["name"], "ready": true, "started": true, "restartCount": 0,
                "image": image, "imageID": format!("{repository}@sha256:{digest}"),
                "containerID": format!("containerd://{digest}"),
                "state": {"running": {"startedAt": "2026-11-20T09:30:05Z"}}, "lastState": {},
            })
        })
        .collect();
    Made { object, status: Some(status) }
}
