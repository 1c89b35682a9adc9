//! Strategies of a few lines.

use serde_json::{Value as Json, json};

use super::{Prepared, dropped, is_alike, is_nothing, items, items_mut, set, text};
use crate::estate::NAME_LABEL;
use crate::plugins::{Guess, TEMPLATE_GENERATION};

/// What a Namespace ends with.
const FINALIZER: &str = "kubernetes";

pub(super) fn namespace(new: &mut Json, about: &Prepared<'_>) {
    // Whatever it says itself.
    let name = new["metadata"].get("name").filter(|name| !is_nothing(name)).cloned();
    if let Some(name) = name {
        new["metadata"]["labels"][NAME_LABEL] = name;
    }
    match about.old {
        Some(old) => {
            let finalizers = old["spec"].get("finalizers");
            set(&mut new["spec"], "finalizers", finalizers.cloned());
        }
        None => {
            new["status"] = json!({"phase": "Active"});
            let mut finalizers = items(&new["spec"], "finalizers").to_vec();
            if !finalizers.contains(&json!(FINALIZER)) {
                finalizers.push(json!(FINALIZER));
                new["spec"]["finalizers"] = json!(finalizers);
            }
        }
    }
}

/// How it is configured is said no longer.
pub(super) fn node(new: &mut Json, about: &Prepared<'_>) {
    if about.old.is_none() {
        set(&mut new["status"], "config", None);
    }
}

/// Of Secrets an account knows the names.
pub(super) fn account(new: &mut Json, _: &Prepared<'_>) {
    for secret in items_mut(new, "secrets") {
        *secret = match text(secret, "name") {
            "" => json!({}),
            name => json!({"name": name}),
        };
    }
}

/// The number of the template: one when new, and then it counts its changes.
pub(super) fn daemon_set(new: &mut Json, about: &Prepared<'_>) {
    dropped::of_template(new, about, &["spec", "template"]);
    let number = |of: &Json| {
        let said = of["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
        said.and_then(|said| said.parse::<i64>().ok())
    };
    let number = match about.old {
        None => number(new).unwrap_or(0).max(1),
        Some(old) => {
            let is_changed = !is_alike(&new["spec"]["template"], &old["spec"]["template"]);
            number(old).unwrap_or(1) + i64::from(is_changed)
        }
    };
    new["metadata"]["annotations"][TEMPLATE_GENERATION] = json!(number.to_string());
}

/// Who asks.
pub(super) fn signing_request(new: &mut Json, about: &Prepared<'_>) {
    if let Some(old) = about.old {
        new["spec"] = old["spec"].clone();
        return;
    }
    for name in ["username", "uid", "groups", "extra"] {
        set(&mut new["spec"], name, None);
    }
    let spec = &mut new["spec"];
    let Some(user) = about.user else {
        // Of somebody not everything is said.
        spec["username"] = json!(about.guess.of("somebody", "2b4c6d8f5g"));
        spec["groups"] = json!([about.guess.of("system:authenticated", "2b4c6d8f5g")]);
        if about.guess == Guess::Second {
            spec["uid"] = json!(about.guess.uid());
            spec["extra"] = json!({"2b4c6d8f5g": ["2b4c6d8f5g"]});
        }
        return;
    };
    let given = |text: &str| (!text.is_empty()).then(|| json!(text));
    set(spec, "username", given(&user.name));
    set(spec, "uid", given(&user.uid));
    set(spec, "groups", (!user.groups.is_empty()).then(|| json!(user.groups)));
    for (key, values) in &user.extra {
        spec["extra"][key] = json!(values);
    }
}

/// Where an endpoint stands is said otherwise since version 1.
pub(super) fn endpoint_slice(new: &mut Json, about: &Prepared<'_>) {
    let is_v1 = new["apiVersion"] == "discovery.k8s.io/v1";
    let is_left = about.old.is_some_and(|old| is_alike(&new["endpoints"], &old["endpoints"]));
    if is_v1 && !is_left {
        items_mut(new, "endpoints").for_each(|end| set(end, "deprecatedTopology", None));
    }
}

/// The version in which resources are stored.
pub(super) fn definition(new: &mut Json, _: &Prepared<'_>) {
    let stored = items(&new["spec"], "versions").iter().find(|version| version["storage"] == true);
    let Some(name) = stored.map(|version| text(version, "name").to_owned()) else { return };
    let mut all = items(&new["status"], "storedVersions").to_vec();
    if !all.contains(&json!(name)) {
        all.push(json!(name));
        new["status"]["storedVersions"] = json!(all);
    }
}

/// What the API server serves itself is there.
pub(super) fn api_service(new: &mut Json, about: &Prepared<'_>) {
    if about.old.is_none() && is_nothing(&new["spec"]["service"]) {
        let now = about.guess.of("2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z");
        new["status"]["conditions"] = json!([{"type": "Available", "status": "True",
            "lastTransitionTime": now, "reason": "Local",
            "message": "Local APIServices are always available"}]);
    }
}
