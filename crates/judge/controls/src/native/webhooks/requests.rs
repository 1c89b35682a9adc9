//! Requests that a cluster lives on, and some that it does not: who sends them, and what
//! they are about.

use ironhull_model::Minor;

use crate::admission::Probe;

/// A request without which a cluster does not go on.
pub(super) struct LockedOut {
    /// What it is about: `the leases of nodes`.
    pub(super) what: &'static str,
    /// What follows while it is refused.
    pub(super) so: &'static str,
    /// The minor from which on the API server asks no webhook about it.
    pub(super) until: Option<Minor>,
    pub(super) probe: Probe<'static>,
}

const NODES: &[&str] = &["system:nodes"];
const NODE: &str = "system:node:node";
const MANAGER: &str = "system:kube-controller-manager";
const SCHEDULER: &str = "system:kube-scheduler";
const ACCOUNTS: &[&str] = &["system:serviceaccounts", "system:serviceaccounts:kube-system"];

const fn probe(
    operation: &'static str,
    (group, resource, subresource): (&'static str, &'static str, &'static str),
    (kind, members): (&'static str, &'static [&'static str]),
    namespace: &'static str,
    (user, groups): (&'static str, &'static [&'static str]),
) -> Probe<'static> {
    Probe {
        operation,
        group,
        version: "v1",
        resource,
        subresource,
        kind,
        members,
        namespace,
        user,
        groups,
        labels: &[],
        has_no_other_labels: true,
    }
}

const STATE: &[&str] = &["spec", "status"];
const SYSTEM: &str = "kube-system";
const LEASES: &str = "kube-node-lease";
const COORDINATION: &str = "coordination.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";

/// Of a node as kubelets register it.
const NODE_LABELS: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "amd64"),
    ("beta.kubernetes.io/os", "linux"),
    ("kubernetes.io/arch", "amd64"),
    ("kubernetes.io/hostname", "node"),
    ("kubernetes.io/os", "linux"),
];

const DEAD: &str = "all nodes count as dead";
const NOBODY: &str = "kubelets and API servers behind this one let nobody in";
const NO_NODE: &str = "no node can join or renew its certificate";
const STUCK: &str = "no pod there comes back";
const NO_LEADER: &str = "no controller and no scheduler leads";
const NOTHING: &str = "the control plane cannot write what it keeps there";

const fn lock(what: &'static str, so: &'static str, probe: Probe<'static>) -> LockedOut {
    LockedOut { what, so, until: None, probe }
}

const fn review(what: &'static str, probe: Probe<'static>) -> LockedOut {
    // ExcludeAdmissionWebhookVirtualResources, on from 1.37.
    LockedOut { what, so: NOBODY, until: Some(Minor::v1(37)), probe }
}

/// The kubelet writes about its node.
const fn of_node(operation: &'static str, subresource: &'static str) -> Probe<'static> {
    let probe = probe(operation, ("", "nodes", subresource), ("Node", STATE), "", (NODE, NODES));
    Probe { labels: NODE_LABELS, ..probe }
}

const fn lease(operation: &'static str, namespace: &'static str, who: Who) -> Probe<'static> {
    probe(operation, (COORDINATION, "leases", ""), ("Lease", &["spec"]), namespace, who)
}

const fn pod(operation: &'static str, subresource: &'static str, who: Who) -> Probe<'static> {
    probe(operation, ("", "pods", subresource), ("Pod", STATE), SYSTEM, who)
}

/// What a controller keeps in kube-system.
const fn kept(
    operation: &'static str,
    (group, resource): (&'static str, &'static str),
    kind: (&'static str, &'static [&'static str]),
    user: &'static str,
) -> Probe<'static> {
    probe(operation, (group, resource, ""), kind, SYSTEM, (user, ACCOUNTS))
}

type Who = (&'static str, &'static [&'static str]);

const BINDING: Probe<'static> = {
    let who = (SCHEDULER, &[] as &[&str]);
    probe("CREATE", ("", "pods", "binding"), ("Binding", &["target"]), SYSTEM, who)
};
const DAEMONS: Who = ("system:serviceaccount:kube-system:daemon-set-controller", ACCOUNTS);
const REPLICAS: Who = ("system:serviceaccount:kube-system:replicaset-controller", ACCOUNTS);
const CONFIG_MAP: (&str, &[&str]) = ("ConfigMap", &["binaryData", "data", "immutable"]);
const SECRET: (&str, &[&str]) = ("Secret", &["data", "immutable", "type"]);
const ACCOUNT: (&str, &[&str]) =
    ("ServiceAccount", &["automountServiceAccountToken", "imagePullSecrets", "secrets"]);
const ENDPOINTS: (&str, &[&str]) = ("Endpoints", &["subsets"]);
const SLICE: (&str, &[&str]) = ("EndpointSlice", &["addressType", "endpoints", "ports"]);
const ROOT_CA: &str = "system:serviceaccount:kube-system:root-ca-cert-publisher";
const ACCOUNT_MAKER: &str = "system:serviceaccount:kube-system:service-account-controller";
const ENDPOINT_MAKER: &str = "system:serviceaccount:kube-system:endpoint-controller";
const SLICE_MAKER: &str = "system:serviceaccount:kube-system:endpointslice-controller";
const TOKENS: &str = "system:serviceaccount:kube-system:tokens-controller";

/// The gravest first.
pub(super) const LOCKS: &[LockedOut] = &[
    lock("leases of nodes", DEAD, lease("UPDATE", LEASES, (NODE, NODES))),
    lock("leases of nodes", DEAD, lease("CREATE", LEASES, (NODE, NODES))),
    lock("the status of nodes", DEAD, of_node("UPDATE", "status")),
    review(
        "token reviews",
        probe(
            "CREATE",
            (AUTHENTICATION, "tokenreviews", ""),
            ("TokenReview", STATE),
            "",
            (NODE, NODES),
        ),
    ),
    review(
        "access reviews",
        probe(
            "CREATE",
            (AUTHORIZATION, "subjectaccessreviews", ""),
            ("SubjectAccessReview", STATE),
            "",
            (NODE, NODES),
        ),
    ),
    lock("new nodes", NO_NODE, of_node("CREATE", "")),
    lock(
        "certificates of nodes",
        NO_NODE,
        probe(
            "CREATE",
            (CERTIFICATES, "certificatesigningrequests", ""),
            ("CertificateSigningRequest", STATE),
            "",
            (NODE, NODES),
        ),
    ),
    lock("pods of kube-system", STUCK, pod("CREATE", "", DAEMONS)),
    lock("pods of kube-system", STUCK, pod("CREATE", "", REPLICAS)),
    lock("bindings of kube-system's pods", STUCK, BINDING),
    lock("the status of kube-system's pods", STUCK, pod("UPDATE", "status", (NODE, NODES))),
    lock("leases of kube-system", NO_LEADER, lease("UPDATE", SYSTEM, (MANAGER, &[]))),
    lock("leases of kube-system", NO_LEADER, lease("UPDATE", SYSTEM, (SCHEDULER, &[]))),
    lock(
        "ConfigMaps of kube-system",
        NOTHING,
        kept("CREATE", ("", "configmaps"), CONFIG_MAP, ROOT_CA),
    ),
    lock(
        "ConfigMaps of kube-system",
        NOTHING,
        kept("UPDATE", ("", "configmaps"), CONFIG_MAP, ROOT_CA),
    ),
    lock("Secrets of kube-system", NOTHING, kept("CREATE", ("", "secrets"), SECRET, TOKENS)),
    lock("Secrets of kube-system", NOTHING, kept("UPDATE", ("", "secrets"), SECRET, TOKENS)),
    lock(
        "ServiceAccounts of kube-system",
        NOTHING,
        kept("CREATE", ("", "serviceaccounts"), ACCOUNT, ACCOUNT_MAKER),
    ),
    lock(
        "Endpoints of kube-system",
        NOTHING,
        kept("CREATE", ("", "endpoints"), ENDPOINTS, ENDPOINT_MAKER),
    ),
    lock(
        "Endpoints of kube-system",
        NOTHING,
        kept("UPDATE", ("", "endpoints"), ENDPOINTS, ENDPOINT_MAKER),
    ),
    lock(
        "EndpointSlices of kube-system",
        NOTHING,
        kept("CREATE", ("discovery.k8s.io", "endpointslices"), SLICE, SLICE_MAKER),
    ),
    lock(
        "EndpointSlices of kube-system",
        NOTHING,
        kept("UPDATE", ("discovery.k8s.io", "endpointslices"), SLICE, SLICE_MAKER),
    ),
];

/// What a pod of a webhook needs to come up: it is made, bound to a node, and reported.
pub(super) fn own_pods<'p>(
    namespace: &'p str,
    labels: &'p [(&'p str, &'p str)],
    is_all: bool,
) -> [Probe<'p>; 3] {
    let of = |probe: Probe<'static>| Probe { namespace, ..probe };
    let labelled = |probe: Probe<'p>| Probe { labels, has_no_other_labels: is_all, ..probe };
    [
        labelled(of(pod("CREATE", "", REPLICAS))),
        // A Binding has the pod's name and none of its labels.
        of(BINDING),
        labelled(of(pod("UPDATE", "status", (NODE, NODES)))),
    ]
}

const SOMEBODY: Who = ("somebody", &[]);

/// What the API server keeps of all sorts, in a namespace.
pub(super) const OTHERS: &[Probe<'static>] = &[
    probe("CREATE", ("", "secrets", ""), SECRET, "default", SOMEBODY),
    probe("CREATE", ("apps", "deployments", ""), ("Deployment", STATE), "default", SOMEBODY),
    probe("CREATE", ("example.com", "widgets", ""), ("Widget", STATE), "default", SOMEBODY),
];

/// The same in no namespace.
pub(super) const OTHERS_OF_CLUSTER: &[Probe<'static>] = &[
    probe(
        "CREATE",
        ("rbac.authorization.k8s.io", "clusterroles", ""),
        ("ClusterRole", &["aggregationRule", "rules"]),
        "",
        SOMEBODY,
    ),
    probe("CREATE", ("", "persistentvolumes", ""), ("PersistentVolume", STATE), "", SOMEBODY),
    probe("CREATE", ("example.com", "widgets", ""), ("Widget", STATE), "", SOMEBODY),
];
