//! Pods (`pkg/registry/core/pod`, `pkg/apis/core/helper/qos`).

use ironhull_model::Minor;
use serde_json::{Value as Json, json};

use super::{Prepared, amount, dropped, is_nothing, items, items_mut, set, text};

/// Since when requests and limits of a whole pod are derived here, not before policies.
pub(super) const DERIVED: Minor = Minor::v1(37);
/// Since when they may be changed in place.
pub(super) const RESIZED: Minor = Minor::v1(36);
/// Since when labels that a spread names are in its selector.
const SPREAD: Minor = Minor::v1(34);
/// Since when profiles of AppArmor are fields.
const APP_ARMOR: Minor = Minor::v1(30);

const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// What pods said before there were fields for it.
const ANCIENT: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

pub(super) fn pod(new: &mut Json, about: &Prepared<'_>) {
    dropped::of_pod(new, about.old, about.minor);
    if let Some(annotations) = new["metadata"].get_mut("annotations") {
        ANCIENT.iter().for_each(|name| set(annotations, name, None));
    }
    if let Some(old) = about.old {
        let resources = old["spec"].get("resources").filter(|_| about.minor >= DERIVED);
        if is_nothing(&new["spec"]["resources"]) && resources.is_some() {
            set(&mut new["spec"], "resources", resources.cloned());
        }
        return;
    }
    let labels = new["metadata"].get("labels").cloned().unwrap_or_default();
    affinity(&mut new["spec"], &labels);
    if about.minor >= SPREAD {
        for constraint in items_mut(&mut new["spec"], "topologySpreadConstraints") {
            select(constraint, "matchLabelKeys", "In", &labels);
        }
    }
    if about.minor >= APP_ARMOR {
        app_armor(new);
    }
    let mut status = json!({"phase": "Pending"});
    if !items(&new["spec"], "schedulingGates").is_empty() {
        let now = about.guess.of("2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z");
        status["conditions"] = json!([{"type": "PodScheduled", "status": "False",
            "lastProbeTime": null, "lastTransitionTime": now, "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates"}]);
    }
    status["qosClass"] = json!(quality(&new["spec"], about));
    new["status"] = status;
}

/// Labels that a term names are in its selector.
fn affinity(spec: &mut Json, labels: &Json) {
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(affinity) = spec.get_mut("affinity").and_then(|all| all.get_mut(kind)) else {
            continue;
        };
        let both = |term: &mut Json| {
            select(term, "matchLabelKeys", "In", labels);
            select(term, "mismatchLabelKeys", "NotIn", labels);
        };
        items_mut(affinity, REQUIRED).for_each(both);
        items_mut(affinity, PREFERRED)
            .filter_map(|weighted| weighted.get_mut("podAffinityTerm"))
            .for_each(both);
    }
}

fn select(term: &mut Json, keys: &str, operator: &str, labels: &Json) {
    let keys: Vec<String> =
        items(term, keys).iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let Some(selector) = term.get_mut("labelSelector").filter(|it| it.is_object()) else { return };
    for key in keys {
        if let Some(value) = labels.get(&key) {
            let mut all = items(selector, "matchExpressions").to_vec();
            all.push(json!({"key": key, "operator": operator, "values": [value]}));
            selector["matchExpressions"] = json!(all);
        }
    }
}

/// Profiles that only annotations name.
fn app_armor(pod: &mut Json) {
    let annotations = pod["metadata"].get("annotations").cloned().unwrap_or_default();
    let spec = &mut pod["spec"];
    if spec["os"]["name"] == "windows" {
        return;
    }
    let of_pod = spec["securityContext"].get("appArmorProfile").cloned();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items_mut(spec, list) {
            let key = format!("{APP_ARMOR_ANNOTATION}{}", text(container, "name"));
            let Some(profile) = annotations[key.as_str()].as_str().and_then(profile) else {
                continue;
            };
            let is_said = !is_nothing(&container["securityContext"]["appArmorProfile"]);
            if !is_said && of_pod.as_ref() != Some(&profile) {
                container["securityContext"]["appArmorProfile"] = profile;
            }
        }
    }
}

fn profile(said: &str) -> Option<Json> {
    match said {
        "unconfined" => Some(json!({"type": "Unconfined"})),
        "runtime/default" => Some(json!({"type": "RuntimeDefault"})),
        said => {
            let name = said.strip_prefix("localhost/").filter(|name| !name.is_empty())?;
            Some(json!({"type": "Localhost", "localhostProfile": name}))
        }
    }
}

const GUARANTEED: &str = "Guaranteed";
const BURSTABLE: &str = "Burstable";
const BEST_EFFORT: &str = "BestEffort";

/// How sure a pod may be of what it needs.
fn quality(spec: &Json, about: &Prepared<'_>) -> &'static str {
    let whole = &spec["resources"];
    let is_set = |name: &str| !is_nothing(&whole[name]);
    if is_set("requests") || is_set("limits") {
        let own = of_requirements(whole);
        // What is missing is derived of the containers and of limits.
        let is_settled = own == GUARANTEED
            || ["cpu", "memory"].iter().any(|name| {
                let both = [&whole["requests"][name], &whole["limits"][name]];
                both.iter().all(|it| !is_nothing(it)) && of_resource(whole, name) == BURSTABLE
            });
        return if is_settled { own } else { about.guess.of(BURSTABLE, GUARANTEED) };
    }
    let all = items(spec, "initContainers").iter().chain(items(spec, "containers"));
    combined(all.map(|container| of_requirements(&container["resources"])))
}

fn of_requirements(resources: &Json) -> &'static str {
    if is_nothing(&resources["requests"]) && is_nothing(&resources["limits"]) {
        return BEST_EFFORT;
    }
    combined(["cpu", "memory"].into_iter().map(|name| of_resource(resources, name)))
}

fn of_resource(resources: &Json, name: &str) -> &'static str {
    let amount = |of: &str| amount(&resources[of][name]).unwrap_or_else(|| "0".to_owned());
    let is = |a: &str, b: &str| {
        ironhull_cel::compare_quantities(a, b).is_some_and(std::cmp::Ordering::is_eq)
    };
    let (requested, most) = (amount("requests"), amount("limits"));
    match is(&requested, &most) {
        false => BURSTABLE,
        true if is(&requested, "0") => BEST_EFFORT,
        true => GUARANTEED,
    }
}

/// What all are, else burstable.
fn combined(all: impl Iterator<Item = &'static str>) -> &'static str {
    let both = |a, b| if a == b { a } else { BURSTABLE };
    all.reduce(both).unwrap_or(BEST_EFFORT)
}
