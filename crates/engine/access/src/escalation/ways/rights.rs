//! Roles and bindings, other identities and their tokens, Secrets.

use super::super::{Gives, Name, Need, Way};
use super::{CHANGE, CORE, RBAC, READ, WRITE, cluster, here, named, way, what};

const CERTIFICATES: &str = "certificates.k8s.io";
const CREATE_REQUEST: Need =
    named(cluster(&[what(&["create"], CERTIFICATES, &["certificatesigningrequests"])]), Name::Made);
const APPROVE_REQUEST: Need = named(
    cluster(&[what(CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"])]),
    Name::Made,
);
const APPROVE_SIGNER: Need = cluster(&[what(&["approve"], CERTIFICATES, &["signers"])]);
const IMPERSONATE_ANY: Need =
    named(here(&[what(&["impersonate"], CORE, &["users", "serviceaccounts"])]), Name::Some);

/// Each, in the order in which they are tried.
pub(super) static WAYS: &[Way] = &[
    way(
        "bind",
        "bind oneself to cluster-admin",
        &[
            named(
                cluster(&[what(&["bind"], RBAC, &["clusterroles"])]),
                Name::Bound("cluster-admin"),
            ),
            named(cluster(&[what(WRITE, RBAC, &["clusterrolebindings"])]), Name::Object),
        ],
        &[Gives::ClusterAdmin],
    ),
    way(
        "bind-in-namespace",
        "bind oneself to cluster-admin in the namespace",
        &[
            named(here(&[what(&["bind"], RBAC, &["clusterroles"])]), Name::Bound("cluster-admin")),
            named(here(&[what(WRITE, RBAC, &["rolebindings"])]), Name::Object),
        ],
        &[Gives::Namespace],
    ),
    way(
        "bind-role",
        "bind oneself to a Role of the namespace",
        &[
            named(here(&[what(&["bind"], RBAC, &["roles"])]), Name::Bound("")),
            named(here(&[what(WRITE, RBAC, &["rolebindings"])]), Name::Object),
        ],
        &[Gives::Roles],
    ),
    way(
        "escalate",
        "write every permission into a ClusterRole that one is bound to",
        &[
            named(cluster(&[what(&["escalate"], RBAC, &["clusterroles"])]), Name::Object),
            named(cluster(&[what(CHANGE, RBAC, &["clusterroles"])]), Name::Object),
        ],
        &[Gives::OwnClusterRoles],
    ),
    way(
        "escalate-in-namespace",
        "write every permission into a Role that one is bound to",
        &[
            named(here(&[what(&["escalate"], RBAC, &["roles"])]), Name::Object),
            named(here(&[what(CHANGE, RBAC, &["roles"])]), Name::Object),
        ],
        &[Gives::OwnRoles],
    ),
    way(
        "escalate-anew",
        "make a ClusterRole of every permission to which one is bound by its name or labels",
        &[
            cluster(&[what(&["escalate"], RBAC, &["clusterroles"])]),
            cluster(&[what(&["create"], RBAC, &["clusterroles"])]),
        ],
        &[Gives::NewClusterRoles],
    ),
    way(
        "escalate-anew-in-namespace",
        "make a Role of every permission to which one is bound by its name",
        &[
            here(&[what(&["escalate"], RBAC, &["roles"])]),
            here(&[what(&["create"], RBAC, &["roles"])]),
        ],
        &[Gives::NewRoles],
    ),
    way(
        "impersonate-group",
        "send requests as a member of a group",
        &[
            named(cluster(&[what(&["impersonate"], CORE, &["groups"])]), Name::Gained),
            IMPERSONATE_ANY,
        ],
        &[Gives::Groups],
    ),
    way(
        "impersonate-user",
        "send requests as a user",
        &[named(cluster(&[what(&["impersonate"], CORE, &["users"])]), Name::Gained)],
        &[Gives::Users],
    ),
    way(
        "impersonate-account",
        "send requests as a ServiceAccount",
        &[named(here(&[what(&["impersonate"], CORE, &["serviceaccounts"])]), Name::Gained)],
        &[Gives::Accounts],
    ),
    way(
        "approve-certificate",
        "have a client certificate signed for any name but system:masters",
        &[
            CREATE_REQUEST,
            APPROVE_REQUEST,
            named(APPROVE_SIGNER, Name::Is("kubernetes.io/kube-apiserver-client")),
        ],
        &[Gives::Users, Gives::Groups, Gives::Accounts],
    ),
    way(
        "approve-kubelet",
        "have a kubelet's certificate signed, ask for the tokens of its pods and read their Secrets",
        &[
            CREATE_REQUEST,
            APPROVE_REQUEST,
            named(APPROVE_SIGNER, Name::Is("kubernetes.io/kube-apiserver-client-kubelet")),
        ],
        &[Gives::NodeAccounts, Gives::NodeSecrets],
    ),
    way(
        "own-kubelet",
        "have a kubelet's certificate signed, which a controller approves for whoever may create nodeclient",
        &[
            CREATE_REQUEST,
            cluster(&[what(&["create"], CERTIFICATES, &["certificatesigningrequests/nodeclient"])]),
        ],
        &[Gives::NodeAccounts, Gives::NodeSecrets],
    ),
    way(
        "create-token",
        "ask for a token of a ServiceAccount",
        &[named(here(&[what(&["create"], CORE, &["serviceaccounts/token"])]), Name::Gained)],
        &[Gives::Accounts],
    ),
    way(
        "create-token-secret",
        "create a token Secret for a ServiceAccount and read it",
        &[
            named(here(&[what(&["create"], CORE, &["secrets"])]), Name::Made),
            named(here(&[what(READ, CORE, &["secrets"])]), Name::Made),
        ],
        &[Gives::Accounts],
    ),
    way(
        "read-secrets",
        "read Secrets; a list shows their contents",
        &[named(here(&[what(READ, CORE, &["secrets"])]), Name::Object)],
        &[Gives::Secrets],
    ),
];
