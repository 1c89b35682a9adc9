//! Of which kinds how much is read.

use ironhull_model::{Node, Object, Standing, Wanted, kind_name};

use crate::discovery::Resource;
use crate::list::Extent;
use crate::trim;

/// Kinds that say nothing about how the cluster is set up: occurrences, measurements,
/// heartbeats, copies of other objects.
const LEFT_OUT: &[(&str, &str)] = &[
    ("", "ComponentStatus"),
    ("", "Endpoints"),
    ("", "Event"),
    ("apps", "ControllerRevision"),
    ("coordination.k8s.io", "Lease"),
    ("events.k8s.io", "Event"),
    ("metrics.k8s.io", "NodeMetrics"),
    ("metrics.k8s.io", "PodMetrics"),
];

/// Kinds that controllers make of others. The few that nobody owns are read whole.
const MADE: &[(&str, &str)] = &[("apps", "ReplicaSet"), ("batch", "Job")];

/// An object that somebody else read of a cluster, such as `kubectl get -o yaml`, as it
/// would have been read here; none where it would not. Of resources that admission
/// policies name, `wanted` has the kinds.
pub fn dumped(object: &Object, wanted: &Wanted) -> Option<Object> {
    let (group, kind) = (&*object.thing.group, &*object.thing.kind);
    if LEFT_OUT.contains(&(group, kind)) {
        return None;
    }
    let is_named = wanted.named.kinds.contains(&(group.to_owned(), kind.to_owned()));
    let metadata = object.root().get("metadata")?;
    let is_owned = metadata.get("ownerReferences").is_some_and(|owners| !owners.is_empty());
    let extent = match extent(group, kind, is_named, wanted) {
        Extent::Metadata if MADE.contains(&(group, kind)) && !is_owned => Extent::Whole,
        extent => extent,
    };
    let api_version = object.api_version();
    match extent {
        Extent::Secrets => {
            let ty = object.root().get("type").and_then(Node::as_str).unwrap_or("Opaque");
            trim::secret(metadata, ty)
        }
        Extent::Whole => trim::object(&object.value, &api_version, kind, Standing::Live),
        Extent::Metadata => trim::metadata_of(metadata, &api_version, kind),
    }
}

/// The kinds of which nothing is read, of a dump neither.
pub fn never_read() -> impl Iterator<Item = String> {
    LEFT_OUT.iter().map(|(group, kind)| kind_name(group, kind))
}

/// Whether it depends on admission policies how much is read of such an object.
pub fn is_read_for_policies(object: &Object, wanted: &Wanted) -> bool {
    let (group, kind) = (&*object.thing.group, &*object.thing.kind);
    !LEFT_OUT.contains(&(group, kind)) && extent(group, kind, false, wanted) == Extent::Metadata
}

/// How much is read of objects of a kind.
pub(crate) fn extent_of(resource: &Resource, wanted: &Wanted) -> Extent {
    let Resource { group, kind, name, .. } = resource;
    extent(group, kind, wanted.named.has(group, kind, name), wanted)
}

/// `is_named` by an admission policy.
fn extent(group: &str, kind: &str, is_named: bool, wanted: &Wanted) -> Extent {
    match (group, kind) {
        ("", "Secret") => Extent::Secrets,
        _ if is_named => Extent::Whole,
        _ if MADE.contains(&(group, kind)) => Extent::Metadata,
        _ if wanted.whole(group, kind) => Extent::Whole,
        _ => Extent::Metadata,
    }
}

/// Whether objects of a kind say how the cluster is set up.
pub(crate) fn is_read(resource: &Resource) -> bool {
    !LEFT_OUT.contains(&(resource.group.as_str(), resource.kind.as_str()))
}

/// Whether it is of a kind that controllers make of others, and nobody owns it.
pub(crate) fn is_unowned(resource: &Resource, object: &Object) -> bool {
    let owners = object.root().path(&["metadata", "ownerReferences"]);
    MADE.contains(&(resource.group.as_str(), resource.kind.as_str()))
        && owners.is_none_or(|owners| owners.is_empty())
}
