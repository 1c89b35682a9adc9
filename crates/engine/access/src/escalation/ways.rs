//! Every way.

use super::{Gives, Name, Need, Way, What};

mod cluster;
mod constrained;
mod pods;
mod rights;

const CORE: &str = "";
const RBAC: &str = crate::GROUP;
const CHANGE: &[&str] = &["update", "patch"];
const WRITE: &[&str] = &["create", "update", "patch"];
const READ: &[&str] = &["get", "list", "watch"];

const fn what(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> What {
    What { verbs, group, resources }
}

const fn here(any: &'static [What]) -> Need {
    Need { any, cluster: false, name: Name::Any }
}

const fn cluster(any: &'static [What]) -> Need {
    Need { any, cluster: true, name: Name::Any }
}

const fn named(need: Need, name: Name) -> Need {
    Need { name, ..need }
}

const fn way(
    id: &'static str,
    text: &'static str,
    needs: &'static [Need],
    gives: &'static [Gives],
) -> Way {
    Way { id, text, needs, gives, since: None, until: None, by_workload: false }
}

/// A way through a workload or pod.
const fn by_workload(way: Way) -> Way {
    Way { by_workload: true, ..way }
}

/// Something that is made.
const fn new(any: &'static [What]) -> Need {
    named(here(any), Name::New)
}

/// Being a member of `system:masters`.
pub(crate) const MASTERS: Way =
    way("masters", "members of system:masters are asked nothing", &[], &[Gives::ClusterAdmin]);
/// A rule that grants everything.
pub(crate) const EVERYTHING: Way =
    way("everything", "a rule grants every verb on everything", &[], &[Gives::ClusterAdmin]);
/// What follows from everything in a namespace.
pub(crate) const ADMINISTER: Way =
    way("administer", "do anything in the namespace", &[], &[Gives::Accounts]);
/// A Secret that holds a token.
pub(crate) const READ_TOKEN: Way =
    way("read-token", "read the token of a ServiceAccount from its Secret", &[], &[]);
/// What a node holds.
pub(crate) const TAKE_TOKENS: Way =
    way("take-tokens", "take the tokens of the pods that run there", &[], &[]);
/// What the Node authorizer lets a kubelet do.
pub(crate) const NODE_TOKENS: Way =
    way("node-tokens", "ask, as the kubelet, for the tokens of the pods that run there", &[], &[]);
/// Likewise what else it may read.
pub(crate) const NODE_SECRETS: Way =
    way("node-secrets", "read, as the kubelet, the Secrets of the pods that run there", &[], &[]);
/// A node of the control plane.
pub(crate) const CONTROL_PLANE: Way =
    way("control-plane", "read the control plane's keys from its node", &[], &[]);

/// Every way that starts with a permission, in the order in which they are tried: of
/// constrained impersonation last, since what gives more makes the same of it needless.
pub fn all() -> impl Iterator<Item = &'static Way> {
    [rights::WAYS, pods::WAYS, cluster::WAYS, constrained::WAYS].into_iter().flatten()
}

/// Where EKS maps cloud identities to users and groups.
pub(crate) static AWS_AUTH: Way = way(
    "map-identities",
    "map an identity of one's own to system:masters (EKS)",
    &[named(here(&[what(CHANGE, CORE, &["configmaps"])]), Name::Is("aws-auth"))],
    &[Gives::ClusterAdmin],
);
