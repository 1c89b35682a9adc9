//! `PodTopologyLabels`: where the node of a pod stands that has one already, or gets one.

use ironhull_model::{Minor, Node, Object, Standing, ThingRef, Value};
use serde_json::json;

use super::servers::{Plugin, View};
use super::{Below, Changes};
use crate::estate::Estate;
use crate::policy::text;
use crate::request::Request;

/// On by default since then.
const SINCE: Minor = Minor::v1(35);

/// The labels of nodes that their pods get.
const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/// The node that a pod names.
pub(crate) enum Topology<'e> {
    /// It names none, or one that is not there.
    None,
    Known(&'e Object),
    /// It was not read.
    Unread,
}

impl<'e> Topology<'e> {
    /// Of a new pod, or of what binds one.
    pub(super) fn of(view: View<'_, 'e>, request: &Request<'_>, object: &Value) -> Topology<'e> {
        let name = match Below::of(request) {
            Some(Below::Binding) => object.root().get("target").map_or("", bound_to),
            Some(Below::Resize) => "",
            None => object.root().get("spec").map_or("", |spec| text(spec, "nodeName")),
        };
        let world = view.estate.world();
        let runs = view.server.runs(Plugin::PodTopologyLabels) && world.base.minor >= SINCE;
        if name.is_empty() || !runs {
            return Topology::None;
        }
        match world.get(&ThingRef::new("", "Node", "", name)) {
            Some(node) => Topology::Known(node),
            None if world.base.coverage.is_complete("", "Node") => Topology::None,
            None => Topology::Unread,
        }
    }

    pub(crate) fn is_unread(&self) -> bool {
        matches!(self, Topology::Unread)
    }

    /// Whether a label may be there although a pod does not have it.
    pub(super) fn may_set(name: &str) -> bool {
        LABELS.contains(&name)
    }

    /// A pod with them; without its own, which it loses to those of a node that was not
    /// read.
    pub(super) fn given(&self, pod: Value) -> Value {
        let own = pod.root().path(&["metadata", "labels"]).filter(|labels| !labels.is_null());
        let of_node = |name| match self {
            Topology::Known(node) => node.root().path(&["metadata", "labels", name])?.as_str(),
            _ => None,
        };
        let mut changes = Changes::default();
        for name in LABELS {
            let path = format!("/metadata/labels/{}", name.replace('/', "~1"));
            match of_node(name) {
                Some(value) => {
                    if own.is_none() && changes.is_empty() {
                        changes.put("/metadata/labels", &json!({}));
                    }
                    changes.put(path, &json!(value));
                }
                None if self.is_unread() && own.is_some_and(|own| own.get(name).is_some()) => {
                    changes.drop(path);
                }
                None => {}
            }
        }
        if changes.is_empty() { pod.clone() } else { changes.made(&pod) }
    }
}

/// The node that a Binding names.
fn bound_to(target: Node<'_>) -> &str {
    if text(target, "kind") == "Node" { text(target, "name") } else { "" }
}

/// Whether new pods name their node: Nodes change all the time.
pub(crate) fn places_pods(estate: &Estate<'_>) -> bool {
    let schema = estate.kinds().schema();
    estate.world().objects().any(|object| {
        let thing = &object.thing;
        let spec = schema.pod_spec(&thing.group, &thing.kind, object.root());
        spec.is_some_and(|spec| !text(spec, "nodeName").is_empty())
            && (object.standing != Standing::Live || !object.is("", "Pod"))
    })
}
