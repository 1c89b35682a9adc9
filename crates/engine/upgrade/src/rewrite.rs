//! What has to be said differently beside `apiVersion`, kind by kind: fields that
//! moved, and defaults that changed, written out so that nothing changes in effect.

use ironhull_model::{Builder, Node, Object, RepairStep, Value};

use crate::successor::string;

/// The steps for an object of a version that ends; or why there are none.
pub(crate) fn steps(object: &Object) -> Result<Vec<RepairStep>, String> {
    let root = object.root();
    match (&*object.thing.group, &*object.thing.kind) {
        (_, "Ingress") => Ok(ingress(root)),
        ("apps" | "extensions", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet") => {
            workload(object)
        }
        ("policy", "PodDisruptionBudget") => disruption_budget(root),
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => webhooks(root),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            Err("apiextensions.k8s.io/v1 requires a structural schema in each of spec.versions"
                .to_owned())
        }
        _ => Ok(Vec::new()),
    }
}

fn written<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.get(name).filter(|child| !child.is_null() && !child.is_defaulted())
}

fn set(node: Node<'_>, name: &str, value: Value) -> RepairStep {
    RepairStep::Set { pointer: node.pointer().join(name), value }
}

/// v1beta1 → v1: backends nest their Service, `backend` is `defaultBackend`, and
/// `pathType` has no default any more.
fn ingress(root: Node<'_>) -> Vec<RepairStep> {
    let mut steps = Vec::new();
    let Some(spec) = root.get("spec") else { return steps };
    if let Some(backend) = written(spec, "backend") {
        steps.push(set(spec, "defaultBackend", nested(backend)));
    }
    let rules = spec.get("rules").into_iter().flat_map(Node::items);
    for path in rules.filter_map(|rule| rule.path(&["http", "paths"])).flat_map(Node::items) {
        if let Some(backend) = written(path, "backend") {
            steps.push(set(path, "backend", nested(backend)));
        }
        if written(path, "pathType").is_none() {
            steps.push(set(path, "pathType", string("ImplementationSpecific")));
        }
    }
    if let Some(backend) = written(spec, "backend") {
        steps.push(RepairStep::Remove { pointer: backend.pointer() });
    }
    steps
}

/// A backend as v1 has it; one that names a resource stays.
fn nested(backend: Node<'_>) -> Value {
    let mut builder = Builder::new();
    let Some(name) = backend.get("serviceName") else { return backend.to_value() };
    builder.begin_map(0);
    builder.key("service", 0);
    builder.begin_map(0);
    builder.key("name", 0);
    builder.copy(name);
    if let Some(port) = backend.get("servicePort") {
        // A number in quotes was a number to the server too.
        let number = port.as_i64().or_else(|| port.as_str()?.parse().ok());
        builder.key("port", 0);
        builder.begin_map(0);
        match number {
            Some(number) => {
                builder.key("number", 0);
                builder.int(number, 0, 0);
            }
            None => {
                builder.key("name", 0);
                builder.copy(port);
            }
        }
        builder.end(0);
    }
    builder.end(0);
    builder.end(0);
    builder.finish()
}

/// Before apps/v1 the selector was the template's labels where it was left out.
fn workload(object: &Object) -> Result<Vec<RepairStep>, String> {
    let Some(spec) = object.root().get("spec") else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    if written(spec, "selector").is_none() {
        let labels = spec.path(&["template", "metadata", "labels"]).filter(|node| !node.is_empty());
        let labels = labels
            .ok_or("apps/v1 requires a selector, and the template has no labels to select by")?;
        let mut builder = Builder::new();
        builder.begin_map(0);
        builder.key("matchLabels", 0);
        builder.copy(labels);
        builder.end(0);
        steps.push(set(spec, "selector", builder.finish()));
    }
    let strategy = spec.path(&["updateStrategy", "type"]).filter(|node| !node.is_defaulted());
    let updated_by_hand = match &*object.thing.kind {
        "DaemonSet" => &*object.thing.group == "extensions",
        "StatefulSet" => &*object.version == "v1beta1",
        _ => false,
    };
    if updated_by_hand && strategy.is_none() {
        let strategy = spec.pointer().join("updateStrategy").join("type");
        steps.push(RepairStep::Set { pointer: strategy, value: string("OnDelete") });
    }
    Ok(steps)
}

fn disruption_budget(root: Node<'_>) -> Result<Vec<RepairStep>, String> {
    let selector = root.path(&["spec", "selector"]);
    let empty = selector
        .is_some_and(|selector| !selector.is_null() && selector.items().all(Node::is_empty));
    if empty {
        return Err("an empty selector selected no pod in policy/v1beta1 and selects every pod of the namespace in policy/v1".to_owned());
    }
    Ok(Vec::new())
}

/// v1beta1 → v1: other defaults, written out; and two fields that must be said.
fn webhooks(root: Node<'_>) -> Result<Vec<RepairStep>, String> {
    let mut steps = Vec::new();
    for webhook in root.get("webhooks").into_iter().flat_map(Node::items) {
        let name = webhook.get("name").and_then(Node::as_str).unwrap_or_default();
        let side_effects = written(webhook, "sideEffects").and_then(Node::as_str);
        if !matches!(side_effects, Some("None" | "NoneOnDryRun")) {
            return Err(format!(
                "webhook {name} has to say sideEffects: None or NoneOnDryRun in v1"
            ));
        }
        if written(webhook, "admissionReviewVersions").is_none() {
            return Err(format!("webhook {name} has to list admissionReviewVersions in v1"));
        }
        for (field, before) in [("failurePolicy", "Ignore"), ("matchPolicy", "Exact")] {
            if written(webhook, field).is_none() {
                steps.push(set(webhook, field, string(before)));
            }
        }
        if written(webhook, "timeoutSeconds").is_none() {
            let mut builder = Builder::new();
            builder.int(30, 0, 0);
            steps.push(set(webhook, "timeoutSeconds", builder.finish()));
        }
    }
    Ok(steps)
}
