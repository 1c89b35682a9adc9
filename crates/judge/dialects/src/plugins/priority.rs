//! `Priority`: the number of a pod's class.

use ironhull_model::{Node, Object};
use serde_json::json;

use super::Changes;
use crate::estate::Estate;
use crate::policy::text;

/// The priorities of the classes that every API server has.
const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// Gives a pod the priority of its class, as far as the class is known; what is missing
/// then is told where it is read.
pub(super) fn prioritize(changes: &mut Changes, spec: Node<'_>, estate: &Estate<'_>) {
    let classes = || estate.world().of_kind("scheduling.k8s.io", "PriorityClass");
    let is_default = |class: &&std::sync::Arc<Object>| {
        class.root().get("globalDefault").and_then(Node::as_bool) == Some(true)
    };
    let name = text(spec, "priorityClassName");
    let number = |class: Node<'_>| class.get("value").and_then(Node::as_i64).unwrap_or(0);
    let class = match name {
        // Of several defaults the one that matters least counts.
        "" => classes().filter(is_default).min_by_key(|class| number(class.root())),
        name => classes().find(|class| *class.thing.name == *name),
    };
    let system = SYSTEM_CLASSES.into_iter().find(|(class, _)| *class == name);
    let coverage = &estate.world().base.coverage;
    let is_none = name.is_empty() && coverage.is_complete("scheduling.k8s.io", "PriorityClass");
    let (priority, policy) = match (class, system) {
        (Some(class), _) => (number(class.root()), text(class.root(), "preemptionPolicy")),
        (None, Some((_, priority))) => (priority, ""),
        (None, None) if is_none => (0, ""),
        (None, None) => return,
    };
    let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
    if let Some(class) = class.filter(|_| name.is_empty()) {
        changes.put("/spec/priorityClassName", &json!(&*class.thing.name));
    }
    changes.put("/spec/priority", &json!(priority));
    changes.put("/spec/preemptionPolicy", &json!(policy));
}
