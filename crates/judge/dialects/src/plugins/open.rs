//! What plugins may add to a new object that could not be looked up: in such places what is
//! missing is not known to be missing.

use ironhull_cel::Part;
use ironhull_model::{Node, Value};

use super::classes::{Classes, INGRESS, STORAGE};
use super::limits::{CONTAINERS, Ranges};
use super::runtime::Class;
use super::servers::{Plugin, View};
use super::topology::Topology;
use super::{Below, is_new_pod};
use crate::estate::Estate;
use crate::policy::list;
use crate::request::{Operation, Request};

/// The places of a new object, in the form that a policy sees, of which only a part is known.
pub(crate) fn parts<'e>(
    estate: &Estate<'_>,
    request: &Request<'_>,
    object: &'e Value,
) -> Vec<Part<'e>> {
    let is = |asked: &dyn Fn(View<'_, '_>) -> bool| View::all(estate).any(asked);
    let mut parts = Vec::new();
    let spec = object.root().get("spec");
    let (group, resource) = (request.resource.group, request.resource.name);
    let classes = View::all(estate).find_map(|view| Classes::of(view.server, group, resource));
    if let Some(classes) = classes {
        let is_new = request.operation == Operation::Create && !request.is_stored;
        let is_open = is_new && classes.is_open(estate, object.root());
        let may_have: fn(&str) -> bool = match classes.field == STORAGE.field {
            true => |name| name == STORAGE.field,
            false => |name| name == INGRESS.field,
        };
        parts.extend(spec.filter(|_| is_open).map(|node| Part { node, may_have }));
        return parts;
    }
    let (is_new, below) = (is_new_pod(request), Below::of(request));
    let is_placed = is_new || below == Some(Below::Binding);
    if is_placed && is(&|view| Topology::of(view, request, object).is_unread()) {
        placed(object.root(), &mut parts);
    }
    let is_limited = is_new || below == Some(Below::Resize);
    let Some(spec) = spec.filter(|_| is_limited) else { return parts };
    if is(&|view| Ranges::of(view, request).is_unread()) {
        for (name, _) in CONTAINERS {
            list(spec, name).for_each(|container| resources(container, &mut parts));
        }
    }
    if is_new {
        let is_of_class = is(&|view| Class::of(view, spec).is_unread());
        let runs = |plugin| is(&|view| view.server.runs(plugin));
        scheduled(
            spec,
            is_of_class,
            is_of_class || runs(Plugin::PodNodeSelector),
            is_of_class || runs(Plugin::PodTolerationRestriction),
            &mut parts,
        );
    }
    parts
}

/// What it costs, where it may run, and what it tolerates.
fn scheduled<'e>(
    spec: Node<'e>,
    may_cost: bool,
    is_selected: bool,
    is_tolerant: bool,
    parts: &mut Vec<Part<'e>>,
) {
    let selector = there(spec, "nodeSelector");
    let may_have: Option<fn(&str) -> bool> = match (may_cost, is_selected && selector.is_none()) {
        (true, true) => Some(|name| matches!(name, "overhead" | "nodeSelector")),
        (true, false) => Some(|name| name == "overhead"),
        (false, true) => Some(|name| name == "nodeSelector"),
        (false, false) => None,
    };
    parts.extend(may_have.map(|may_have| Part { node: spec, may_have }));
    let selector = selector.filter(|_| is_selected);
    let tolerations = there(spec, "tolerations").filter(|_| is_tolerant);
    let inside = selector.into_iter().chain(tolerations);
    parts.extend(inside.map(|node| Part { node, may_have: |_| true }));
}

fn placed<'e>(pod: Node<'e>, parts: &mut Vec<Part<'e>>) {
    let Some(metadata) = pod.get("metadata") else { return };
    parts.push(match there(metadata, "labels") {
        Some(node) => Part { node, may_have: Topology::may_set },
        None => Part { node: metadata, may_have: |name| name == "labels" },
    });
}

fn resources<'e>(container: Node<'e>, parts: &mut Vec<Part<'e>>) {
    let Some(resources) = there(container, "resources") else {
        parts.push(Part { node: container, may_have: |name| name == "resources" });
        return;
    };
    parts.push(Part { node: resources, may_have: |name| matches!(name, "limits" | "requests") });
    let inside = ["limits", "requests"].into_iter().filter_map(|name| there(resources, name));
    parts.extend(inside.map(|node| Part { node, may_have: |_| true }));
}

fn there<'e>(node: Node<'e>, name: &str) -> Option<Node<'e>> {
    node.get(name).filter(|node| !node.is_null())
}
