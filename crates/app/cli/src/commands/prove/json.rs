//! What was proven, for programs.

use ironhull_canary::{Guard, Outcome, Proof};
use serde_json::{Value as Json, json};

use super::summary::Proven;

pub(super) fn render(proven: &Proven<'_>) -> String {
    let canaries: Vec<Json> = proven
        .canaries
        .iter()
        .map(|canary| {
            let mut json = json!({
                "control": &*canary.control.id,
                "severity": canary.severity.as_str(),
                "message": canary.message,
                "ofPlatform": canary.is_of_platform(),
                "object": canary.object,
                "twin": canary.twin,
            });
            if let Some(elsewhere) = &canary.elsewhere {
                json["elsewhere"] = json!({
                    "container": elsewhere.container,
                    "object": elsewhere.object,
                    "twin": elsewhere.twin,
                });
            }
            if proven.workloads {
                let workloads = canary.workloads.iter();
                let workloads = workloads
                    .map(|workload| json!({"object": workload.object, "twin": workload.twin}));
                json["workloads"] = workloads.collect();
            }
            json
        })
        .collect();
    let results: Vec<Json> = proven.proofs.iter().map(|proof| result(proven, proof)).collect();
    let document = json!({
        "apiVersion": "ironhull.dev/v1",
        "kind": "Proof",
        "target": proven.target,
        "canaries": canaries,
        "results": results,
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn result(proven: &Proven<'_>, proof: &Proof) -> Json {
    let user = proof.trial.user().or_else(|| proven.user.map(str::to_owned));
    let mut result = json!({
        "control": &*proven.canaries[proof.trial.canary].control.id,
        "namespace": proof.trial.namespace,
        "impersonated": user,
    });
    if let Some(wrapping) = proof.trial.inside {
        result["inside"] = wrapping.kind().into();
    }
    if let Some(container) = proof.elsewhere {
        result["container"] = container.into();
    }
    let said: &[(&str, Json)] = &match &proof.outcome {
        Outcome::Stopped { by, message } => {
            [("outcome", "stopped".into()), ("by", guard(by)), ("message", message.clone().into())]
        }
        Outcome::Changed => {
            [("outcome", "changed".into()), ("by", Json::Null), ("message", Json::Null)]
        }
        Outcome::NotStopped { warned } => {
            let by = warned.as_ref().map(|(by, _)| guard(by));
            let message = warned.as_ref().map(|(_, message)| message.clone());
            [("outcome", "notStopped".into()), ("warnedBy", json!(by)), ("message", json!(message))]
        }
        Outcome::Untried { why, message } => [
            ("outcome", "untried".into()),
            ("reason", why.as_str().into()),
            ("message", message.clone().into()),
        ],
    };
    for (key, value) in said.iter().filter(|(_, value)| !value.is_null()) {
        result[*key] = value.clone();
    }
    result
}

fn guard(guard: &Guard) -> Json {
    let mut json = json!({"kind": guard.kind()});
    match guard {
        Guard::PodSecurity { level: name } | Guard::Webhook { name } => {
            json["name"] = name.as_str().into();
        }
        Guard::Policy { name, binding } => {
            json["name"] = name.as_str().into();
            json["binding"] = binding.as_str().into();
        }
        Guard::Escalation | Guard::Admission | Guard::Validation => {}
    }
    json
}
