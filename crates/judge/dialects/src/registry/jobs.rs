//! Jobs: the selector of their pods (`pkg/registry/batch/job`).

use serde_json::{Value as Json, json};

use super::{Prepared, dropped};

/// By which a Job knows its pods.
const UID: &str = "batch.kubernetes.io/controller-uid";

pub(super) fn job(new: &mut Json, about: &Prepared<'_>) {
    if about.old.is_none() && new["spec"]["manualSelector"] != true {
        select(new, about);
    }
    dropped::of_template(new, about, &["spec", "template"]);
}

pub(super) fn cron_job(new: &mut Json, about: &Prepared<'_>) {
    dropped::of_template(new, about, &["spec", "jobTemplate", "spec", "template"]);
}

fn select(new: &mut Json, about: &Prepared<'_>) {
    let metadata = &new["metadata"];
    let name = metadata["name"].as_str().filter(|name| !name.is_empty());
    let prefix = metadata["generateName"].as_str().unwrap_or_default();
    let name = name.map_or_else(|| format!("{prefix}{}", about.guess.end(5)), str::to_owned);
    let uid = about.guess.uid();
    let labels = &mut new["spec"]["template"]["metadata"]["labels"];
    for (key, value) in [
        ("job-name", &*name),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", uid),
        (UID, uid),
    ] {
        if labels.get(key).is_none() {
            labels[key] = json!(value);
        }
    }
    let selector = &mut new["spec"]["selector"]["matchLabels"];
    if selector.get(UID).is_none() {
        selector[UID] = json!(uid);
    }
}
