//! `AlwaysPullImages`: images are pulled whatever the pod says.

use ironhull_model::{Node, Value};
use serde_json::json;

use super::Changes;
use crate::policy::{list, text};

const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Of a new pod, or of one that gets an image which it did not have.
pub(super) fn always_pull(changes: &mut Changes, spec: Node<'_>, old: Option<&Value>) {
    let images = |spec| {
        let containers = CONTAINERS.into_iter().flat_map(move |kind| list(spec, kind));
        containers.map(|container| text(container, "image"))
    };
    if let Some(old) = old.and_then(|old| old.root().get("spec"))
        && images(spec).all(|image| images(old).any(|known| known == image))
    {
        return;
    }
    for kind in CONTAINERS {
        for index in 0..list(spec, kind).count() {
            changes.put(format!("/spec/{kind}/{index}/imagePullPolicy"), &json!("Always"));
        }
    }
    for (index, volume) in list(spec, "volumes").enumerate() {
        if volume.get("image").is_some_and(|image| !image.is_null()) {
            changes.put(format!("/spec/volumes/{index}/image/pullPolicy"), &json!("Always"));
        }
    }
}
