//! What only the API server sets in a new object: that a file lacks it says nothing.

use ironhull_controls::left_out::Reads;
use ironhull_model::object::split_api_version;
use ironhull_model::{Kind, Minor, Node, Value};

use super::Seen;
use crate::registry;

/// What the API server sets on an object that is created, so that its absence in a
/// file says nothing.
const SET: &[(&str, &[&str])] = &[
    ("", &["status"]),
    (
        "/metadata",
        &["uid", "creationTimestamp", "generation", "managedFields", "resourceVersion", "name"],
    ),
];

/// What of that mutating policies see already.
const SET_EARLY: &str = "managedFields";

/// The same of a pod, by the plugin for priorities where the classes are not known.
const SET_OF_POD: &[&str] = &["priority", "preemptionPolicy", "priorityClassName"];

/// What an evaluation looked for in a new object in vain, though the API server's has it.
pub(super) fn lacks(object: &Value, seen: &Seen<'_>, reads: &Reads<'_>) -> Option<String> {
    let root = object.root();
    let is_pod = root.get("kind").and_then(|kind| kind.as_str()) == Some("Pod");
    let is_open = is_pod && root.path(&["spec", "priority"]).is_none();
    reads.absent.iter().find_map(|(parent, name)| {
        if !std::ptr::eq(parent.value(), object) {
            return None;
        }
        let pointer = parent.pointer().to_string();
        let metadata = root.get("metadata");
        let is_made = metadata.is_some_and(|metadata| metadata.get("generateName").is_some());
        if name == "name" && !is_made {
            return None;
        }
        let is_set = SET.iter().any(|(at, names)| *at == pointer && names.contains(&name.as_str()))
            && (!seen.is_early || name == SET_EARLY)
            && !(seen.is_prepared && is_told(root, name))
            || is_open && pointer == "/spec" && SET_OF_POD.contains(&name.as_str());
        is_set.then(|| format!("{pointer}/{name}, which the API server sets"))
    })
}

/// Whether the registry sets a member wherever an object of the kind has it, so that it is
/// known not to be there.
fn is_told(root: Node<'_>, name: &str) -> bool {
    let text = |name| root.get(name).and_then(Node::as_str).unwrap_or_default();
    let (group, _) = split_api_version(text("apiVersion"));
    let (has_generation, has_status) = registry::counts(group, text("kind"));
    match name {
        "generation" => !has_generation,
        "status" => !has_status,
        _ => false,
    }
}

/// Before this minor the API server derived the requests of a whole pod from limits
/// while it defaulted the pod, so that all policies saw them; since then its registry does,
/// so that validating ones see them.
/// [`ironhull_schema::defaults`] has the newest minor's defaults.
pub(super) const REQUESTS_LATER: Minor = Minor::v1(37);

/// What an evaluation read of a new pod's own resources, where they are derived.
pub(super) fn derived(object: &Value, reads: &Reads<'_>) -> Option<String> {
    let root = object.root();
    let is_pod = root.get("kind").and_then(|kind| kind.as_str()) == Some("Pod");
    if !is_pod || root.path(&["spec", "resources"]).is_none() {
        return None;
    }
    let is_below = |node: &Node<'_>| {
        let own = std::ptr::eq(node.value(), object);
        let pointer = node.pointer().to_string();
        own && (pointer == "/spec/resources" || pointer.starts_with("/spec/resources/"))
    };
    let is_open = |node: &&Node<'_>| node.kind() == Kind::Map && is_below(node);
    let is_read = reads.present.iter().any(|node| is_open(&node))
        || reads.absent.iter().any(|(parent, _)| is_below(parent));
    is_read.then(|| {
        "/spec/resources, which the API server derives from the containers' resources and from \
         limits"
            .to_owned()
    })
}
