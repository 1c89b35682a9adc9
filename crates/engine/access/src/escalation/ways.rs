//! Every way.

use super::{Gives, Name, Need, Way, What};
use crate::impersonation::{AUTHENTICATION, SINCE};
use crate::usage::LAST_BY_GET;

const CORE: &str = "";
const RBAC: &str = crate::GROUP;
const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
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

const WORKLOADS: &[&str] = &["deployments", "daemonsets", "statefulsets", "replicasets"];
const RUN_PODS: &[What] = &[
    what(&["create"], CORE, &["pods", "replicationcontrollers"]),
    what(&["create"], "apps", WORKLOADS),
    what(&["create"], "batch", &["jobs", "cronjobs"]),
];
const CHANGE_WORKLOADS: &[What] = &[
    what(CHANGE, "apps", WORKLOADS),
    what(CHANGE, "batch", &["cronjobs"]),
    what(CHANGE, CORE, &["replicationcontrollers"]),
];
const CREATE_REQUEST: Need =
    named(cluster(&[what(&["create"], CERTIFICATES, &["certificatesigningrequests"])]), Name::New);
const APPROVE_REQUEST: Need =
    cluster(&[what(CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"])]);
const APPROVE_SIGNER: Need = cluster(&[what(&["approve"], CERTIFICATES, &["signers"])]);
const IMPERSONATE_ANY: Need =
    named(here(&[what(&["impersonate"], CORE, &["users", "serviceaccounts"])]), Name::Some);
/// Who acts as a member of a group acts as some user.
const CONSTRAINED_USER: Need =
    named(cluster(&[what(&["impersonate:user-info"], AUTHENTICATION, &["users"])]), Name::Some);

/// A way of constrained impersonation.
const fn constrained(way: Way) -> Way {
    Way { since: Some(SINCE), ..way }
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

/// Every way that starts with a permission, in the order in which they are tried.
pub static WAYS: &[Way] = &[
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
    way(
        "nodes-proxy",
        "run commands in every container through the kubelet",
        &[cluster(&[what(&["get", "create"], CORE, &["nodes/proxy"])])],
        &[Gives::Nodes],
    ),
    way(
        "volume-of-node",
        "mount a PersistentVolume that is a directory of the node",
        &[
            named(cluster(&[what(&["create"], CORE, &["persistentvolumes"])]), Name::New),
            new(&[what(&["create"], CORE, &["persistentvolumeclaims"])]),
            new(RUN_PODS),
        ],
        &[Gives::Nodes],
    ),
    way(
        "relabel-namespace",
        "take Pod Security's labels off the namespace and run a privileged pod",
        &[cluster(&[what(CHANGE, CORE, &["namespaces"])]), new(RUN_PODS)],
        &[Gives::Nodes],
    ),
    way(
        "run-pods",
        "run a pod as any ServiceAccount of the namespace, with any Secret of it",
        &[new(RUN_PODS)],
        &[Gives::Accounts, Gives::Secrets, Gives::NodesByPod],
    ),
    by_workload(way(
        "change-workloads",
        "change a workload's account, image and volumes",
        &[named(here(CHANGE_WORKLOADS), Name::Object)],
        &[Gives::Accounts, Gives::Secrets, Gives::NodesByPod],
    )),
    by_workload(way(
        "change-pods",
        "change the image of a running pod",
        &[named(here(&[what(CHANGE, CORE, &["pods"])]), Name::Object)],
        &[Gives::RunningAccounts, Gives::Pods],
    )),
    by_workload(way(
        "exec",
        "run commands in a running container",
        &[named(here(&[what(&["create"], CORE, &["pods/exec", "pods/attach"])]), Name::Object)],
        &[Gives::RunningAccounts, Gives::Pods],
    )),
    Way {
        until: Some(LAST_BY_GET),
        ..by_workload(way(
            "exec-by-get",
            "run commands in a running container over WebSocket, which asked only for get before 1.35",
            &[named(here(&[what(&["get"], CORE, &["pods/exec", "pods/attach"])]), Name::Object)],
            &[Gives::RunningAccounts, Gives::Pods],
        ))
    },
    by_workload(way(
        "debug-pods",
        "add a container of one's own to a running pod",
        &[named(here(&[what(CHANGE, CORE, &["pods/ephemeralcontainers"])]), Name::Object)],
        &[Gives::RunningAccounts, Gives::Pods, Gives::NodesByPod],
    )),
    way(
        "mutate",
        "change every pod that is created from now on, and see every object that is written",
        &[named(
            cluster(&[what(WRITE, ADMISSION, &["mutatingwebhookconfigurations"])]),
            Name::Existing,
        )],
        &[Gives::Accounts, Gives::Nodes, Gives::Secrets, Gives::Admission],
    ),
    way(
        "mutate-by-policy",
        "change every pod that is created from now on",
        &[
            named(
                cluster(&[what(WRITE, ADMISSION, &["mutatingadmissionpolicies"])]),
                Name::Existing,
            ),
            named(
                cluster(&[what(WRITE, ADMISSION, &["mutatingadmissionpolicybindings"])]),
                Name::Existing,
            ),
        ],
        &[Gives::Accounts, Gives::Nodes, Gives::Admission],
    ),
    way(
        "see-writes",
        "see every object that is written, Secrets included",
        &[named(
            cluster(&[what(WRITE, ADMISSION, &["validatingwebhookconfigurations"])]),
            Name::Existing,
        )],
        &[Gives::Secrets, Gives::Admission],
    ),
    way(
        "switch-admission",
        "take away what admission checks",
        &[named(
            cluster(&[what(
                &["update", "patch", "delete", "deletecollection"],
                ADMISSION,
                &[
                    "validatingwebhookconfigurations",
                    "mutatingwebhookconfigurations",
                    "validatingadmissionpolicies",
                    "validatingadmissionpolicybindings",
                    "mutatingadmissionpolicies",
                    "mutatingadmissionpolicybindings",
                ],
            )]),
            Name::Existing,
        )],
        &[Gives::Admission],
    ),
    way(
        "port-forward",
        "speak to ports of pods that no NetworkPolicy guards from here",
        &[named(
            here(&[
                what(&["create"], CORE, &["pods/portforward"]),
                what(&["get", "create"], CORE, &["pods/proxy", "services/proxy"]),
            ]),
            Name::Object,
        )],
        &[Gives::Pods],
    ),
    Way {
        until: Some(LAST_BY_GET),
        ..way(
            "port-forward-by-get",
            "speak to ports of pods over WebSocket, which asked only for get before 1.35",
            &[named(here(&[what(&["get"], CORE, &["pods/portforward"])]), Name::Object)],
            &[Gives::Pods],
        )
    },
    way(
        "redirect",
        "send a Service's traffic to addresses of one's own (CVE-2021-25740)",
        &[here(&[
            what(WRITE, CORE, &["endpoints"]),
            what(WRITE, "discovery.k8s.io", &["endpointslices"]),
        ])],
        &[Gives::Traffic],
    ),
    way(
        "intercept",
        "take any address as a Service's own (CVE-2020-8554)",
        &[here(&[what(CHANGE, CORE, &["services/status"]), what(WRITE, CORE, &["services"])])],
        &[Gives::Traffic],
    ),
    way(
        "forge-pod-status",
        "give a pod the addresses and readiness of another",
        &[here(&[what(CHANGE, CORE, &["pods/status"])])],
        &[Gives::Traffic],
    ),
    way(
        "steer-by-nodes",
        "draw pods to a node, or off it, by its labels, taints and status",
        &[cluster(&[what(CHANGE, CORE, &["nodes", "nodes/status"])])],
        &[Gives::Scheduling],
    ),
    way(
        "steer-by-eviction",
        "delete or evict pods until they run elsewhere",
        &[here(&[
            what(&["delete", "deletecollection"], CORE, &["pods"]),
            what(&["create"], CORE, &["pods/eviction"]),
        ])],
        &[Gives::Scheduling],
    ),
    // Last: what gives more makes the same of these needless.
    constrained(way(
        "constrained-group",
        "send as a member of a group what impersonate-on:user-info:VERB lets one",
        &[
            named(
                cluster(&[what(&["impersonate:user-info"], AUTHENTICATION, &["groups"])]),
                Name::Gained,
            ),
            CONSTRAINED_USER,
        ],
        &[Gives::AsGroups],
    )),
    constrained(way(
        "constrained-user",
        "send as a user what impersonate-on:user-info:VERB lets one",
        &[named(
            cluster(&[what(&["impersonate:user-info"], AUTHENTICATION, &["users"])]),
            Name::Gained,
        )],
        &[Gives::AsUsers],
    )),
    constrained(way(
        "constrained-account",
        "send as a ServiceAccount what impersonate-on:serviceaccount:VERB lets one",
        &[named(
            here(&[what(&["impersonate:serviceaccount"], AUTHENTICATION, &["serviceaccounts"])]),
            Name::Gained,
        )],
        &[Gives::AsAccounts],
    )),
    constrained(way(
        "constrained-node",
        "ask, as any node, for the tokens of its pods",
        &[
            named(
                cluster(&[what(&["impersonate:arbitrary-node"], AUTHENTICATION, &["nodes"])]),
                Name::Object,
            ),
            here(&[what(
                &["impersonate-on:arbitrary-node:create"],
                CORE,
                &["serviceaccounts/token"],
            )]),
        ],
        &[Gives::NodeAccounts],
    )),
    constrained(way(
        "constrained-own-node",
        "ask, as the node of one's own pod, for the tokens of its pods",
        &[
            // The answer counts for every node, and none is named.
            named(
                cluster(&[what(&["impersonate:associated-node"], AUTHENTICATION, &["nodes"])]),
                Name::Is("*"),
            ),
            here(&[what(
                &["impersonate-on:associated-node:create"],
                CORE,
                &["serviceaccounts/token"],
            )]),
        ],
        &[Gives::OwnNodes],
    )),
    constrained(way(
        "constrained-node-secrets",
        "read, as any node, the Secrets of its pods",
        &[
            named(
                cluster(&[what(&["impersonate:arbitrary-node"], AUTHENTICATION, &["nodes"])]),
                Name::Object,
            ),
            here(&[what(
                &[
                    "impersonate-on:arbitrary-node:get",
                    "impersonate-on:arbitrary-node:list",
                    "impersonate-on:arbitrary-node:watch",
                ],
                CORE,
                &["secrets"],
            )]),
        ],
        &[Gives::NodeSecrets],
    )),
    constrained(way(
        "constrained-own-node-secrets",
        "read, as the node of one's own pod, the Secrets of its pods",
        &[
            named(
                cluster(&[what(&["impersonate:associated-node"], AUTHENTICATION, &["nodes"])]),
                Name::Is("*"),
            ),
            here(&[what(
                &[
                    "impersonate-on:associated-node:get",
                    "impersonate-on:associated-node:list",
                    "impersonate-on:associated-node:watch",
                ],
                CORE,
                &["secrets"],
            )]),
        ],
        &[Gives::OwnNodeSecrets],
    )),
];

/// Where EKS maps cloud identities to users and groups.
pub(crate) static AWS_AUTH: Way = way(
    "map-identities",
    "map an identity of one's own to system:masters (EKS)",
    &[named(here(&[what(CHANGE, CORE, &["configmaps"])]), Name::Is("aws-auth"))],
    &[Gives::ClusterAdmin],
);
