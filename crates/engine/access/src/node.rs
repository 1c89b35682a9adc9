//! The Node authorizer: what a kubelet may do because of what runs on its node
//! (`plugin/pkg/auth/authorizer/node` of Kubernetes).

use std::borrow::Cow;

use ironhull_model::{Minor, World};
use rustc_hash::FxHashSet;

use crate::Question;

mod graph;

pub(crate) use graph::{held, is_mirror};

/// What a kubelet may get because something on its node refers to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    Pod,
    Secret,
    ConfigMap,
    Claim,
    Volume,
    ResourceClaim,
    ServiceAccount,
    Attachment,
    Slice,
    CertificateRequest,
}

/// (node, kind, namespace, name).
type Relation<'a> = (&'a str, Kind, &'a str, Cow<'a, str>);

/// The Node authorizer of a world.
#[derive(Debug)]
pub(crate) struct NodeAccess<'a> {
    minor: Minor,
    related: FxHashSet<Relation<'a>>,
}

const CREATE: &[&str] = &["create"];
const GET: &[&str] = &["get"];
const READ: &[&str] = &["get", "list", "watch"];
const CHANGE: &[&str] = &["update", "patch"];
const OWN: &[&str] = &["get", "create", "update", "patch", "delete"];

/// (group, resource with subresource, verbs, since 1.N) for what every node may do.
const UNIFORM: &[(&str, &str, &[&str], u16)] = &[
    ("", "endpoints", GET, 0),
    ("", "events", &["create", "update", "patch"], 0),
    ("", "services", READ, 0),
    ("authentication.k8s.io", "tokenreviews", CREATE, 0),
    ("authorization.k8s.io", "localsubjectaccessreviews", CREATE, 0),
    ("authorization.k8s.io", "subjectaccessreviews", CREATE, 0),
    ("certificates.k8s.io", "certificatesigningrequests", &["create", "get", "list", "watch"], 0),
    ("certificates.k8s.io", "clustertrustbundles", READ, 37),
    ("events.k8s.io", "events", &["create", "update", "patch"], 0),
    ("node.k8s.io", "runtimeclasses", READ, 0),
    ("storage.k8s.io", "csidrivers", READ, 0),
];

impl<'a> NodeAccess<'a> {
    pub(crate) fn new(world: World<'a>) -> NodeAccess<'a> {
        NodeAccess { minor: world.base.minor, related: graph::relations(world) }
    }

    /// What is related to nodes: node, namespace and name.
    pub(crate) fn related(&self, kind: Kind) -> impl Iterator<Item = (&'a str, &'a str, &str)> {
        let related = self.related.iter().filter(move |(_, own, ..)| *own == kind);
        related.map(|(node, _, namespace, name)| (*node, *namespace, &**name))
    }

    /// Whether the kubelet of a node may do it.
    pub(crate) fn allows(&self, node: &str, q: &Question<'_>) -> bool {
        if node.is_empty() {
            return false;
        }
        let is = |verbs: &[&str]| verbs.contains(&q.verb);
        let whole = q.subresource.is_empty();
        let related = |kind| self.is_related(node, kind, q);
        let read = |kind| is(READ) && whole && q.namespace.is_some() && related(kind);
        let get = |kind| is(GET) && whole && related(kind);
        match (q.group, q.resource) {
            ("", "secrets") => read(Kind::Secret),
            ("", "configmaps") => read(Kind::ConfigMap),
            ("", "persistentvolumeclaims") if q.subresource == "status" => {
                is(CHANGE) && related(Kind::Claim)
            }
            ("", "persistentvolumeclaims") => get(Kind::Claim),
            ("", "persistentvolumes") => get(Kind::Volume),
            ("resource.k8s.io", "resourceclaims") => get(Kind::ResourceClaim),
            ("storage.k8s.io", "volumeattachments") => get(Kind::Attachment),
            ("", "serviceaccounts") if is(GET) && whole => {
                self.since(34) && read(Kind::ServiceAccount)
            }
            ("", "serviceaccounts") => {
                is(CREATE) && q.subresource == "token" && related(Kind::ServiceAccount)
            }
            ("coordination.k8s.io", "leases") => {
                is(OWN) && q.namespace == Some("kube-node-lease") && is_own(node, q)
            }
            ("storage.k8s.io", "csinodes") => is(OWN) && whole && is_own(node, q),
            ("resource.k8s.io", "resourceslices") => whole && self.allows_slice(node, q),
            ("", "nodes") => self.allows_node(node, q),
            ("", "pods") => self.allows_pod(node, q),
            ("certificates.k8s.io", "podcertificaterequests") => {
                self.since(37) && whole && self.allows_certificate_request(node, q)
            }
            _ => UNIFORM.iter().any(|&(group, resource, verbs, minor)| {
                q.group == group
                    && q.resource == resource
                    && whole
                    && is(verbs)
                    && self.since(minor)
            }),
        }
    }

    fn since(&self, minor: u16) -> bool {
        self.minor >= Minor::v1(minor)
    }

    fn is_related(&self, node: &str, kind: Kind, q: &Question<'_>) -> bool {
        let namespace = q.namespace.unwrap_or_default();
        !q.name.is_empty() && self.related.contains(&(node, kind, namespace, q.name.into()))
    }

    fn allows_slice(&self, node: &str, q: &Question<'_>) -> bool {
        match q.verb {
            "create" => true,
            "get" | "update" | "patch" | "delete" => self.is_related(node, Kind::Slice, q),
            "watch" | "list" | "deletecollection" => selects(node, q),
            _ => false,
        }
    }

    fn allows_certificate_request(&self, node: &str, q: &Question<'_>) -> bool {
        match q.verb {
            "create" => true,
            "get" => self.is_related(node, Kind::CertificateRequest, q),
            "list" | "watch" => selects(node, q),
            _ => false,
        }
    }

    fn allows_node(&self, node: &str, q: &Question<'_>) -> bool {
        match (q.subresource, q.verb) {
            ("", "create") | ("" | "status", "update" | "patch") => true,
            // Since 1.32 a kubelet reads its own Node only.
            ("", "get" | "list" | "watch") => q.name == node || !self.since(32),
            _ => false,
        }
    }

    fn allows_pod(&self, node: &str, q: &Question<'_>) -> bool {
        match (q.subresource, q.verb) {
            ("", "get" | "list" | "watch") if !self.since(32) => true,
            ("", "get") => self.is_related(node, Kind::Pod, q),
            ("", "list" | "watch") => selects(node, q) || self.is_related(node, Kind::Pod, q),
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => {
                true
            }
            _ => false,
        }
    }
}

/// A create has no name yet; admission compares it then.
fn is_own(node: &str, q: &Question<'_>) -> bool {
    q.verb == "create" || q.name == node
}

/// Whether the request selects what is on the node.
fn selects(node: &str, q: &Question<'_>) -> bool {
    q.fields.iter().any(|&(field, value)| field == "spec.nodeName" && value == node)
}
