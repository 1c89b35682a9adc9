//! Annotations in which tools keep the whole object once more, secrets included.

use ironhull_model::{Node, Object};

/// Where `kubectl apply` keeps what was applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// All of them, as their tools' sources name them.
pub(crate) const COPIES: &[&str] = &[
    LAST_APPLIED,
    "app.oam.dev/last-applied-configuration",
    "banzaicloud.com/last-applied",
    "kapp.k14s.io/original",
    "kapp.k14s.io/original-diff",
    "kapp.k14s.io/original-diff-full",
    "kopf.zalando.org/last-handled-configuration",
    "metacontroller.k8s.io/last-applied-configuration",
    "mongodb.com/v1.lastSuccessfulConfiguration",
    "objectset.rio.cattle.io/applied",
];

/// Whether an annotation holds a copy of the object.
pub fn is_copy(annotation: &str) -> bool {
    COPIES.contains(&annotation)
}

/// The copies in an object.
pub(crate) fn of(object: &Object) -> impl Iterator<Item = Node<'_>> {
    let annotations = object.root().path(&["metadata", "annotations"]);
    let all = annotations.into_iter().flat_map(Node::entries);
    all.filter(|(key, _)| is_copy(key)).map(|(_, copy)| copy)
}

/// Whether nothing can be read in a copy: some are packed.
pub(crate) fn is_packed(copy: &str) -> bool {
    !copy.trim().is_empty() && !copy.trim_start().starts_with(['{', '['])
}
