//! Objects in other versions of their kind, where that is exact: as the API server's
//! conversions (`k8s.io/kubernetes/pkg/apis/…/conversion.go`) make them.

use ironhull_model::{Builder, Node, Value};
use ironhull_schema::{Schema, wire};

use crate::kinds::api_version;
use crate::request::Typed;

/// Annotations in which version 1 of autoscalers keeps what it has no fields for.
const KEPT: [&str; 4] = [
    "autoscaling.alpha.kubernetes.io/metrics",
    "autoscaling.alpha.kubernetes.io/behavior",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "autoscaling.alpha.kubernetes.io/conditions",
];
/// More of them, which every version drops.
const DROPPED: [&str; 2] = [
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];
/// Fields of events by their names in the core group and in events.k8s.io.
const EVENT: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// An object of the API server's own kinds, as it writes it, in another version; none
/// where that is not known exactly.
pub(crate) fn converted(
    schema: Schema,
    from: Typed<'_>,
    to: Typed<'_>,
    value: &Value,
) -> Option<Value> {
    let converted = match ((from.group, from.version), (to.group, to.version), to.name) {
        (from, to, _) if from == to => return Some(value.clone()),
        (("", "v1"), ("events.k8s.io", "v1"), "Event") => event(value, to, false),
        (("events.k8s.io", "v1"), ("", "v1"), "Event") => event(value, to, true),
        (("autoscaling", "v1"), ("autoscaling", "v2"), "HorizontalPodAutoscaler") => {
            autoscaler(value, to, spec_of_2)?
        }
        (("autoscaling", "v2"), ("autoscaling", "v1"), "HorizontalPodAutoscaler") => {
            autoscaler(value, to, spec_of_1)?
        }
        _ => return None,
    };
    Some(wire::written(schema, &converted, ironhull_cel::written_quantity))
}

fn event(value: &Value, to: Typed<'_>, is_to_core: bool) -> Value {
    rebuilt(value, to, |builder, key, child| {
        let renamed = EVENT.iter().find_map(|(core, other)| match is_to_core {
            true => (key == *other).then_some(*core),
            false => (key == *core).then_some(*other),
        });
        builder.key(renamed.unwrap_or(key), child.span().unwrap_or_default().key);
        builder.copy(child);
        Some(())
    })
    .unwrap_or_else(|| value.clone())
}

/// The object under another `apiVersion`, its other members as `member` writes them.
fn rebuilt<'v>(
    value: &'v Value,
    to: Typed<'_>,
    mut member: impl FnMut(&mut Builder, &str, Node<'v>) -> Option<()>,
) -> Option<Value> {
    let root = value.root();
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    builder.begin_like(root);
    for (key, child) in root.entries() {
        if key == "apiVersion" {
            let span = child.span().unwrap_or_default();
            builder.key(key, span.key);
            builder.str(&api_version(to), span.start, span.end);
        } else {
            member(&mut builder, key, child)?;
        }
    }
    builder.end(root.span().unwrap_or_default().end);
    Some(builder.finish())
}

type Spec = fn(&mut Builder, Node<'_>) -> Option<()>;

/// None where annotations or the status hold what another version has fields for.
fn autoscaler(value: &Value, to: Typed<'_>, spec: Spec) -> Option<Value> {
    let root = value.root();
    let annotations = root.path(&["metadata", "annotations"]);
    let has = |name: &&str| annotations.is_some_and(|it| it.get(name).is_some());
    let status = root.get("status");
    let is_filled = |node: Node<'_>| !node.is_null() && node.items().len() > 0;
    let is_told = |name: &&str| status.and_then(|it| it.get(name)).is_some_and(is_filled);
    let has_current = status.is_some_and(|it| it.get("currentCPUUtilizationPercentage").is_some());
    let is_told = ["currentMetrics", "conditions"].iter().any(is_told) || has_current;
    if KEPT.iter().chain(&DROPPED).any(has) || is_told {
        return None;
    }
    rebuilt(value, to, |builder, key, child| {
        builder.key(key, child.span().unwrap_or_default().key);
        match key {
            "spec" => return spec(builder, child),
            "status" => {
                builder.begin_like(child);
                for (key, part) in child.entries().filter(|(_, part)| !part.is_null()) {
                    builder.key(key, 0);
                    builder.copy(part);
                }
                builder.end(child.span().unwrap_or_default().end);
            }
            _ => builder.copy(child),
        }
        Some(())
    })
}

/// None where no target is said, which defaults do for version 1.
fn spec_of_2(builder: &mut Builder, spec: Node<'_>) -> Option<()> {
    let wanted = spec.get("targetCPUUtilizationPercentage")?.as_i64()?;
    builder.begin_like(spec);
    for (key, child) in spec.entries().filter(|(key, _)| *key != "targetCPUUtilizationPercentage") {
        builder.key(key, child.span().unwrap_or_default().key);
        builder.copy(child);
    }
    builder.key("metrics", 0);
    builder.begin_list(0);
    builder.begin_map(0);
    builder.key("type", 0);
    builder.str("Resource", 0, 0);
    builder.key("resource", 0);
    builder.begin_map(0);
    builder.key("name", 0);
    builder.str("cpu", 0, 0);
    builder.key("target", 0);
    builder.begin_map(0);
    builder.key("type", 0);
    builder.str("Utilization", 0, 0);
    builder.key("averageUtilization", 0);
    builder.int(wanted, 0, 0);
    (0..3).for_each(|_| builder.end(0));
    builder.end(0);
    builder.end(spec.span().unwrap_or_default().end);
    Some(())
}

/// None where version 1 would keep metrics or behaviour in annotations.
fn spec_of_1(builder: &mut Builder, spec: Node<'_>) -> Option<()> {
    if spec.get("behavior").is_some_and(|behavior| !behavior.is_null()) {
        return None;
    }
    let mut wanted = None;
    for metric in spec.get("metrics").into_iter().flat_map(Node::items) {
        let text = |path: &[&str]| metric.path(path).and_then(Node::as_str);
        let average = metric.path(&["resource", "target", "averageUtilization"]);
        let is_cpu =
            text(&["type"]) == Some("Resource") && text(&["resource", "name"]) == Some("cpu");
        wanted = match average.and_then(Node::as_i64).filter(|_| is_cpu) {
            Some(average) => wanted.or(Some(average)),
            None => return None,
        };
    }
    builder.begin_like(spec);
    for (key, child) in spec.entries().filter(|(key, _)| *key != "metrics") {
        builder.key(key, child.span().unwrap_or_default().key);
        builder.copy(child);
    }
    if let Some(wanted) = wanted {
        builder.key("targetCPUUtilizationPercentage", 0);
        builder.int(wanted, 0, 0);
    }
    builder.end(spec.span().unwrap_or_default().end);
    Some(())
}
