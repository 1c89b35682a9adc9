//! Pods inside of what makes them.

use serde_json::{Value as Json, json};

use crate::make::{NAME, SOMEWHERE};

/// What a pod is wrapped in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Wrapping {
    /// What most pods come from: the template is `spec.template`.
    Deployment,
    /// The deepest template there is: `spec.jobTemplate.spec.template`.
    CronJob,
}

impl Wrapping {
    /// Every one, in the order in which they are tried.
    pub const ALL: [Wrapping; 2] = [Wrapping::Deployment, Wrapping::CronJob];

    /// Its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Wrapping::Deployment => "Deployment",
            Wrapping::CronJob => "CronJob",
        }
    }

    /// A workload that makes a pod.
    pub(crate) fn around(self, pod: &Json) -> Option<Json> {
        if pod["kind"] != "Pod" {
            return None;
        }
        let mut metadata = json!({"generateName": NAME, "namespace": SOMEWHERE});
        if let Some(labels) = pod["metadata"].get("labels") {
            metadata["labels"] = labels.clone();
        }
        let (version, spec) = match self {
            Wrapping::Deployment => ("apps/v1", deployment(pod)?),
            Wrapping::CronJob => ("batch/v1", cron_job(pod)),
        };
        Some(json!({
            "apiVersion": version, "kind": self.kind(), "metadata": metadata, "spec": spec,
        }))
    }
}

fn deployment(pod: &Json) -> Option<Json> {
    let mut template = template(pod);
    // Of a Deployment's pods only Always is valid, and it is the default.
    template["spec"].as_object_mut()?.remove("restartPolicy");
    template["metadata"]["labels"]["app"] = "canary".into();
    Some(json!({"selector": {"matchLabels": {"app": "canary"}}, "template": template}))
}

fn cron_job(pod: &Json) -> Json {
    let mut template = template(pod);
    // Of a Job's pods Always, which is the default, is not valid.
    if template["spec"]["restartPolicy"] != "OnFailure" {
        template["spec"]["restartPolicy"] = "Never".into();
    }
    // A day that never comes, though none of these is ever created.
    json!({"schedule": "0 0 31 2 *", "jobTemplate": {"spec": {"template": template}}})
}

fn template(pod: &Json) -> Json {
    let mut template = json!({"metadata": {}, "spec": pod["spec"]});
    for kept in ["labels", "annotations"] {
        if let Some(values) = pod["metadata"].get(kept) {
            template["metadata"][kept] = values.clone();
        }
    }
    template
}
