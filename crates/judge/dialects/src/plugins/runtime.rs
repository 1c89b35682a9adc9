//! `RuntimeClass`: what a pod's runtime costs, and where it runs.

use ironhull_model::{Node, Object, Standing, ThingRef, Value};
use serde_json::{Map, Value as Json};

use super::servers::{Plugin, View};
use super::{Changes, json_of, tolerations};
use crate::policy::text;
use crate::registry::is_alike;

/// The class that a pod names.
pub(crate) enum Class<'e> {
    /// It names none, or one that is not there, so that it is refused.
    None,
    Known(&'e Object),
    /// It was not read.
    Unread,
}

impl<'e> Class<'e> {
    pub(super) fn of(view: View<'_, 'e>, spec: Node<'_>) -> Class<'e> {
        let name = text(spec, "runtimeClassName");
        if name.is_empty() || !view.server.runs(Plugin::RuntimeClass) {
            return Class::None;
        }
        let world = view.estate.world();
        match world.get(&ThingRef::new("node.k8s.io", "RuntimeClass", "", name)) {
            Some(class) if class.standing == Standing::Partial => Class::Unread,
            Some(class) => Class::Known(class),
            None if world.base.coverage.is_complete("node.k8s.io", "RuntimeClass") => Class::None,
            None => Class::Unread,
        }
    }

    pub(crate) fn is_unread(&self) -> bool {
        matches!(self, Class::Unread)
    }

    /// A pod with what its class gives; as it is where that contradicts the pod, so that
    /// it is refused.
    pub(super) fn given(&self, pod: Value) -> Value {
        let (Class::Known(class), Some(spec)) = (self, pod.root().get("spec")) else { return pod };
        let mut changes = Changes::default();
        let overhead = members(class.root().path(&["overhead", "podFixed"]));
        let own = members(spec.get("overhead"));
        if !overhead.is_empty() {
            let (own, overhead) = (Json::Object(own), Json::Object(overhead));
            if own.as_object().is_some_and(|own| !own.is_empty()) && !is_alike(&own, &overhead) {
                return pod;
            }
            changes.put("/spec/overhead", &overhead);
        }
        if let Some(scheduling) = class.root().get("scheduling").filter(|it| !it.is_null()) {
            let mut selector = members(spec.get("nodeSelector"));
            for (key, value) in members(scheduling.get("nodeSelector")) {
                if selector.get(&key).is_some_and(|own| *own != value) {
                    return pod;
                }
                selector.insert(key, value);
            }
            if !selector.is_empty() {
                changes.put("/spec/nodeSelector", &Json::Object(selector));
            }
            let own = items(spec.get("tolerations"));
            let merged = tolerations::merged(&own, &items(scheduling.get("tolerations")));
            changes.put("/spec/tolerations", &Json::Array(merged));
        }
        changes.made(&pod)
    }
}

fn members(node: Option<Node<'_>>) -> Map<String, Json> {
    match node.map(json_of) {
        Some(Json::Object(members)) => members,
        _ => Map::new(),
    }
}

fn items(node: Option<Node<'_>>) -> Vec<Json> {
    match node.map(json_of) {
        Some(Json::Array(items)) => items,
        _ => Vec::new(),
    }
}
