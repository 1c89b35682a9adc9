//! What examples leave out and the API server requires, and what a pod needs so that
//! nobody has reason to refuse it.

use serde_json::{Value as Json, json};

/// A change that is wished for: what stands where.
type Wish = (String, Json);

/// Changes that make the API server hold an object of an example valid, whatever
/// else is wrong with it. Each is made where nothing stands, but for names and restart
/// policies, of which examples have what is short.
pub(crate) fn required(object: &Json) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut wish = |pointer: &str, value: Json| wishes.push((pointer.to_owned(), value));
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" => {
            wish("/spec/selector/matchLabels", json!({"app": "canary"}));
            wish("/spec/template/metadata/labels", json!({"app": "canary"}));
        }
        "Job" => wish("/spec/template/spec/restartPolicy", json!("Never")),
        "CronJob" => wish("/spec/jobTemplate/spec/template/spec/restartPolicy", json!("Never")),
        "Ingress" => wish("/spec/rules", json!([{"host": "canary.example"}])),
        "PersistentVolume" => {
            wish("/spec/accessModes", json!(["ReadWriteOnce"]));
            wish("/spec/capacity", json!({"storage": "1Gi"}));
        }
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            for index in 0..object["webhooks"].as_array().map_or(0, Vec::len) {
                let at = |field: &str| format!("/webhooks/{index}/{field}");
                wish(&at("name"), json!("canary.webhook.example"));
                wish(&at("sideEffects"), json!("None"));
                wish(&at("admissionReviewVersions"), json!(["v1"]));
                wish(
                    &at("clientConfig"),
                    json!({"service": {"name": "canary", "namespace": "canary"}}),
                );
            }
        }
        "APIService" => {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let (version, group) = name.split_once('.').unwrap_or((name, ""));
            wish("/spec/version", json!(version));
            wish("/spec/group", json!(group));
            wish("/spec/groupPriorityMinimum", json!(100));
            wish("/spec/versionPriority", json!(100));
            wish("/spec/service", json!({"name": "canary", "namespace": "canary"}));
        }
        _ => {}
    }
    wishes
}

/// Changes that a pod of Linux can take without being another: the users, rights and
/// amounts that even strict policies ask for. `image` is what it runs.
pub(crate) fn hardened(pod: &Json, image: &str) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut wish = |pointer: String, value: Json| wishes.push((pointer, value));
    let is_windows = pod["spec"]["os"]["name"] == "windows";
    wish("/spec/automountServiceAccountToken".to_owned(), json!(false));
    wish("/spec/securityContext/runAsNonRoot".to_owned(), json!(true));
    if !is_windows {
        wish("/spec/securityContext/runAsUser".to_owned(), json!(65532));
        wish("/spec/securityContext/seccompProfile".to_owned(), json!({"type": "RuntimeDefault"}));
    }
    for list in ["initContainers", "containers"] {
        for (index, container) in pod["spec"][list].as_array().into_iter().flatten().enumerate() {
            let at = |field: &str| format!("/spec/{list}/{index}/{field}");
            wish(at("image"), json!(image));
            if !is_windows {
                wish(at("securityContext/allowPrivilegeEscalation"), json!(false));
                wish(at("securityContext/capabilities/drop"), json!(["ALL"]));
            }
            // A limit below what is requested is no amount.
            if container["resources"].as_object().is_none_or(serde_json::Map::is_empty) {
                let amounts = json!({"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"});
                wish(at("resources"), json!({"requests": amounts, "limits": amounts}));
            }
        }
    }
    wishes
}

/// Whether the API server holds valid together what hardening and repairs change one
/// by one (`pkg/apis/core/validation`).
pub(crate) fn fits(object: &Json) -> bool {
    let spec = &object["spec"];
    let unmasked_needs_users = |container: &Json| {
        container["securityContext"]["procMount"] != "Unmasked" || spec["hostUsers"] == false
    };
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let mut containers = lists.iter().filter_map(|list| spec[*list].as_array()).flatten();
    let is_host_process = |context: &Json| context["windowsOptions"]["hostProcess"] == true;
    if is_host_process(&spec["securityContext"]) && spec["hostNetwork"] != true {
        return false;
    }
    containers.all(|container| {
        let context = &container["securityContext"];
        let is_privileged = context["privileged"] == true;
        let added = context["capabilities"]["add"].as_array();
        let is_admin = added.is_some_and(|added| {
            added.iter().any(|name| name == "SYS_ADMIN" || name == "CAP_SYS_ADMIN")
        });
        let mut mounts = container["volumeMounts"].as_array().into_iter().flatten();
        let shares_mounts = mounts.any(|mount| mount["mountPropagation"] == "Bidirectional");
        let escalates = context["allowPrivilegeEscalation"] != false;
        ((!is_privileged && !is_admin) || escalates)
            && (!shares_mounts || is_privileged)
            && unmasked_needs_users(container)
    })
}

/// Writes a value where nothing stands, or an empty map does, or also over what
/// does. Items of lists are not made.
pub(crate) fn set(object: &mut Json, pointer: &str, value: Json, replace: bool) -> bool {
    let mut at = object;
    for segment in pointer.split('/').skip(1) {
        at = match at {
            Json::Array(items) => {
                let item = segment.parse().ok().and_then(|index: usize| items.get_mut(index));
                let Some(item) = item else { return false };
                item
            }
            _ if segment.parse::<usize>().is_ok() => return false,
            at => {
                if at.is_null() {
                    *at = json!({});
                }
                let Some(map) = at.as_object_mut() else { return false };
                map.entry(segment).or_insert(Json::Null)
            }
        };
    }
    let is_free = replace || at.is_null() || at.as_object().is_some_and(serde_json::Map::is_empty);
    if is_free {
        *at = value;
    }
    is_free
}
