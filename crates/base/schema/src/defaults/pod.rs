//! Defaults of pods and pod templates.

use ironhull_model::{Kind, Node, image};

use super::{Defaulter, Fill, Inner, str_of};

/// An object whose template stands at `template`.
pub(super) fn template(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("spec", spec)], &[]);
}

/// Members of a pod's spec. A service account's old name and its new one are kept
/// alike.
pub(super) fn spec(d: &mut Defaulter, node: Node<'_>) {
    of_spec(d, node, false);
}

/// A pod also gets what only pods have.
pub(super) fn pod(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("spec", |d, node| of_spec(d, node, true))], &[]);
}

fn of_spec(d: &mut Defaulter, node: Node<'_>, of_pod: bool) {
    let host_network = node.get("hostNetwork").and_then(Node::as_bool) == Some(true);
    let lists: [Inner; 2] = match (of_pod, host_network) {
        (false, _) => [containers, containers],
        (true, false) => [pod_containers, containers],
        // The ports of ephemeral containers are not defaulted so.
        (true, true) => [host_pod_containers, containers],
    };
    let account = match str_of(node, "serviceAccountName") {
        "" => str_of(node, "serviceAccount"),
        account => account,
    };
    let mut fills = vec![
        ("restartPolicy", Fill::Str("Always")),
        ("terminationGracePeriodSeconds", Fill::Int(30)),
        ("dnsPolicy", Fill::Str("ClusterFirst")),
        ("securityContext", Fill::EmptyMap),
        ("schedulerName", Fill::Str("default-scheduler")),
    ];
    if of_pod {
        fills.push(("enableServiceLinks", Fill::Bool(true)));
    }
    if !account.is_empty() {
        fills.push(("serviceAccountName", Fill::Str(account)));
        fills.push(("serviceAccount", Fill::Str(account)));
    }
    d.map(node, &inner(lists, if of_pod { grace_period } else { as_given }), &fills);
}

fn inner([containers, ephemeral]: [Inner; 2], grace: Inner) -> [(&'static str, Inner); 5] {
    [
        ("terminationGracePeriodSeconds", grace),
        ("containers", containers),
        ("initContainers", containers),
        ("ephemeralContainers", ephemeral),
        ("volumes", |d, node| d.list(node, volume)),
    ]
}

/// In a pod less than none is one second.
fn grace_period(d: &mut Defaulter, node: Node<'_>) {
    if node.as_i64().is_none_or(|seconds| seconds >= 0) {
        return d.builder.copy(node);
    }
    let span = node.span().unwrap_or_default();
    d.builder.int(1, span.start, span.end);
}

fn as_given(d: &mut Defaulter, node: Node<'_>) {
    d.builder.copy(node);
}

fn containers(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| container(d, node, false, false));
}

fn pod_containers(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| container(d, node, false, true));
}

fn host_pod_containers(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| container(d, node, true, true));
}

fn container(d: &mut Defaulter, node: Node<'_>, host_network: bool, of_pod: bool) {
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    let policy = pull_policy(str_of(node, "image"));
    let ports = if host_network { host_ports } else { ports };
    let resources = if of_pod { pod_resources } else { as_given };
    d.map(
        node,
        &[
            ("ports", ports),
            ("env", |d, node| d.list(node, env)),
            ("livenessProbe", probe),
            ("readinessProbe", probe),
            ("startupProbe", probe),
            ("lifecycle", |d, node| {
                d.map(node, &[("postStart", handler), ("preStop", handler)], &[])
            }),
            ("resources", resources),
        ],
        &[
            ("resources", Fill::EmptyMap),
            ("terminationMessagePath", Fill::Str("/dev/termination-log")),
            ("terminationMessagePolicy", Fill::Str("File")),
            ("imagePullPolicy", Fill::Str(policy)),
        ],
    );
}

/// `Always` for `latest` and for no tag at all, unless a digest is named. What is
/// no image reference is not pulled always.
fn pull_policy(image: &str) -> &'static str {
    let parsed = image::parse(image);
    match (parsed.digest, parsed.tag) {
        (Some(_), None) => "IfNotPresent",
        (_, None | Some("latest")) if image::is_reference(image) => "Always",
        _ => "IfNotPresent",
    }
}

fn ports(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| d.map(node, &[], &[("protocol", Fill::Str("TCP"))]));
}

/// On the node's network a container port is a port of the node.
fn host_ports(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| {
        let port = node.get("containerPort").and_then(Node::as_i64).unwrap_or_default();
        let fills = [("protocol", Fill::Str("TCP")), ("hostPort", Fill::Int(port))];
        d.map(node, &[], if port == 0 { &fills[..1] } else { &fills });
    });
}

fn env(d: &mut Defaulter, node: Node<'_>) {
    let sources: Inner = |d, node| {
        let file: Inner = |d, node| d.map(node, &[], &[("optional", Fill::Bool(false))]);
        let sources = [
            ("fieldRef", field_ref as Inner),
            ("resourceFieldRef", resource_ref),
            ("fileKeyRef", file),
        ];
        d.map(node, &sources, &[]);
    };
    d.map(node, &[("valueFrom", sources)], &[]);
}

/// A quantity of zero is written, and means one.
fn resource_ref(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[], &[("divisor", Fill::Str("0"))]);
}

fn field_ref(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[], &[("apiVersion", Fill::Str("v1"))]);
}

fn probe(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        &[
            ("httpGet", http_get),
            ("grpc", |d, node| d.map(node, &[], &[("service", Fill::Str(""))])),
        ],
        &[
            ("timeoutSeconds", Fill::Int(1)),
            ("periodSeconds", Fill::Int(10)),
            ("successThreshold", Fill::Int(1)),
            ("failureThreshold", Fill::Int(3)),
        ],
    );
}

fn handler(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("httpGet", http_get)], &[]);
}

fn http_get(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[], &[("path", Fill::Str("/")), ("scheme", Fill::Str("HTTP"))]);
}

/// In a pod each limit is also the request where none is set.
fn pod_resources(d: &mut Defaulter, node: Node<'_>) {
    let limits =
        node.get("limits").filter(|limits| limits.kind() == Kind::Map && !limits.is_empty());
    let Some(limits) = limits else { return d.builder.copy(node) };
    let requests = node.get("requests").filter(|requests| !requests.is_null());
    d.builder.begin_like(node);
    for (key, child) in node.entries().filter(|(key, child)| *key != "requests" || !child.is_null())
    {
        d.builder.key(key, child.span().unwrap_or_default().key);
        if key == "requests" && child.kind() == Kind::Map {
            d.builder.begin_like(child);
            for (name, quantity) in child.entries() {
                d.builder.key(name, quantity.span().unwrap_or_default().key);
                d.builder.copy(quantity);
            }
            for (name, limit) in limits.entries().filter(|(name, _)| child.get(name).is_none()) {
                d.builder.key(name, 0);
                d.builder.copy(limit);
                d.builder.mark_defaulted();
            }
            d.close(child);
        } else {
            d.builder.copy(child);
        }
    }
    if requests.is_none() {
        d.fill_with("requests", |builder| builder.copy(limits));
    }
    d.close(node);
}

fn mode(name: &'static str) -> [(&'static str, Fill<'static>); 1] {
    [(name, Fill::Int(0o644))]
}

fn volume(d: &mut Defaulter, node: Node<'_>) {
    let has_source = node.entries().any(|(key, child)| key != "name" && !child.is_null());
    if !has_source && node.kind() == Kind::Map {
        return d.map(node, &[], &[("emptyDir", Fill::EmptyMap)]);
    }
    d.map(node, VOLUME_SOURCES, &[]);
}

/// Sources of volumes and of persistent volumes.
pub(super) const VOLUME_SOURCES: &[(&str, Inner)] = &[
    ("secret", |d, node| d.map(node, &[], &mode("defaultMode"))),
    ("configMap", |d, node| d.map(node, &[], &mode("defaultMode"))),
    ("downwardAPI", |d, node| d.map(node, &[("items", downward_items)], &mode("defaultMode"))),
    ("projected", |d, node| {
        d.map(node, &[("sources", |d, node| d.list(node, projection))], &mode("defaultMode"));
    }),
    ("hostPath", |d, node| d.map(node, &[], &[("type", Fill::Str(""))])),
    ("ephemeral", |d, node| d.map(node, &[("volumeClaimTemplate", claim)], &[])),
    ("iscsi", |d, node| d.map(node, &[], &[("iscsiInterface", Fill::Str("default"))])),
    ("rbd", |d, node| {
        d.map(
            node,
            &[],
            &[
                ("pool", Fill::Str("rbd")),
                ("user", Fill::Str("admin")),
                ("keyring", Fill::Str("/etc/ceph/keyring")),
            ],
        );
    }),
    ("azureDisk", |d, node| {
        d.map(
            node,
            &[],
            &[
                ("cachingMode", Fill::Str("ReadWrite")),
                ("kind", Fill::Str("Shared")),
                ("fsType", Fill::Str("ext4")),
                ("readOnly", Fill::Bool(false)),
            ],
        );
    }),
    ("scaleIO", |d, node| {
        d.map(
            node,
            &[],
            &[("storageMode", Fill::Str("ThinProvisioned")), ("fsType", Fill::Str("xfs"))],
        );
    }),
    ("image", |d, node| {
        let policy = pull_policy(str_of(node, "reference"));
        d.map(node, &[], &[("pullPolicy", Fill::Str(policy))]);
    }),
];

fn downward_items(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| {
        d.map(node, &[("fieldRef", field_ref), ("resourceFieldRef", resource_ref)], &[]);
    });
}

fn projection(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        &[
            ("downwardAPI", |d, node| d.map(node, &[("items", downward_items)], &[])),
            ("serviceAccountToken", |d, node| {
                d.map(node, &[], &[("expirationSeconds", Fill::Int(3600))])
            }),
        ],
        &[],
    );
}

pub(super) fn claim(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("spec", claim_spec)], &[]);
}

pub(super) fn claim_spec(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[], &[("volumeMode", Fill::Str("Filesystem"))]);
}
