//! What can be judged, named the way findings name it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A Kubernetes object (or, with an empty group and a lower-case kind such as
/// `image`, another thing) without version, uid, cluster or path: what stays
/// the same from file to cluster. An empty namespace means cluster-scoped, or,
/// in files, not said.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ThingRef {
    /// API group; empty for the core group.
    pub group: Box<str>,
    /// Kind, as Kubernetes spells it.
    pub kind: Box<str>,
    /// Namespace; empty when cluster-scoped or not said.
    pub namespace: Box<str>,
    /// Name, or `generateName` with its trailing dash.
    pub name: Box<str>,
}

impl ThingRef {
    /// A reference from its parts.
    pub fn new(group: &str, kind: &str, namespace: &str, name: &str) -> ThingRef {
        ThingRef {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The cluster itself: whom facts and findings are about that are of no object.
    pub fn cluster() -> ThingRef {
        ThingRef::new("", "cluster", "", "cluster")
    }
}

impl fmt::Display for ThingRef {
    /// `[namespace/]Kind/name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        write!(f, "{}/{}", self.kind, self.name)
    }
}
