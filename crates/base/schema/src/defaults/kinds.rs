//! Defaults of whole objects, by kind.

use ironhull_model::{Builder, Kind, Node};

use super::pod::{self, write_map};
use super::{Defaulter, Fill, Inner, is_missing, str_of};

/// The rule of a kind.
pub(super) fn rule(group: &str, kind: &str) -> Option<Inner> {
    Some(match (group, kind) {
        ("", "Pod") => pod::pod,
        ("", "PodTemplate") => |d, node| d.map(node, &[("template", pod::template)], &[]),
        ("", "ReplicationController") => |d, node| spec(d, node, replicated),
        ("", "Service") => |d, node| spec(d, node, service),
        ("", "Secret") => |d, node| d.map(node, &[], &[("type", Fill::Str("Opaque"))]),
        ("", "PersistentVolumeClaim") => pod::claim,
        ("", "PersistentVolume") => |d, node| spec(d, node, volume),
        ("apps" | "extensions", "Deployment") => |d, node| spec(d, node, deployment),
        ("apps" | "extensions", "DaemonSet") => |d, node| spec(d, node, daemon_set),
        ("apps" | "extensions", "ReplicaSet") => |d, node| spec(d, node, replicated),
        ("apps", "StatefulSet") => |d, node| spec(d, node, stateful_set),
        ("batch", "Job") => |d, node| spec(d, node, job),
        ("batch", "CronJob") => |d, node| spec(d, node, cron_job),
        ("networking.k8s.io", "NetworkPolicy") => |d, node| spec(d, node, network_policy),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
            |d, node| d.map(node, &[("webhooks", |d, node| d.list(node, webhook))], &[])
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
            |d, node| d.map(node, &[("webhooks", |d, node| d.list(node, mutating_webhook))], &[])
        }
        ("storage.k8s.io", "StorageClass") => |d, node| {
            d.map(
                node,
                &[],
                &[
                    ("reclaimPolicy", Fill::Str("Delete")),
                    ("volumeBindingMode", Fill::Str("Immediate")),
                ],
            );
        },
        ("autoscaling", "HorizontalPodAutoscaler") => {
            |d, node| spec(d, node, |d, node| d.map(node, &[], &[("minReplicas", Fill::Int(1))]))
        }
        _ => return None,
    })
}

fn spec(d: &mut Defaulter, node: Node<'_>, inner: Inner) {
    d.map(node, &[("spec", inner)], &[]);
}

fn replicated(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("template", pod::template)], &[("replicas", Fill::Int(1))]);
}

/// A strategy with its `rollingUpdate` filled in where that is the type.
fn strategy(d: &mut Defaulter, node: Node<'_>, name: &str, rolling: &[(&str, Fill<'_>)]) {
    let Some(given) = node.get(name).filter(|given| given.kind() == Kind::Map) else {
        return d.fill_with(name, |builder| {
            builder.begin_map(0);
            builder.key("type", 0);
            builder.str("RollingUpdate", 0, 0);
            builder.key("rollingUpdate", 0);
            write_map(builder, rolling);
            builder.end(0);
        });
    };
    d.builder.key(name, given.span().unwrap_or_default().key);
    let kind = str_of(given, "type");
    let rolls = kind.is_empty() || kind == "RollingUpdate";
    d.builder.begin_like(given);
    for (key, child) in given.entries() {
        if child.is_null() && matches!(key, "type" | "rollingUpdate") {
            continue;
        }
        d.builder.key(key, child.span().unwrap_or_default().key);
        if key == "rollingUpdate" && rolls {
            d.map(child, &[], rolling)
        } else {
            d.builder.copy(child)
        }
    }
    if kind.is_empty() {
        d.fill("type", Fill::Str("RollingUpdate"));
    }
    if rolls && is_missing(given, "rollingUpdate") {
        d.fill_with("rollingUpdate", |builder: &mut Builder| write_map(builder, rolling));
    }
    d.close(given);
}

/// A workload's spec with everything but its strategy, which is written last.
fn workload(
    d: &mut Defaulter,
    node: Node<'_>,
    strategy_name: &str,
    rolling: &[(&str, Fill<'_>)],
    inner: &[(&str, Inner)],
    fills: &[(&str, Fill<'_>)],
) {
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    d.builder.begin_like(node);
    for (key, child) in node.entries() {
        let replaced = child.is_null() && fills.iter().any(|(name, _)| *name == key);
        if key == strategy_name || replaced {
            continue;
        }
        d.builder.key(key, child.span().unwrap_or_default().key);
        match inner.iter().find(|(name, _)| *name == key) {
            Some((_, inner)) if !child.is_null() => inner(d, child),
            _ => d.builder.copy(child),
        }
    }
    strategy(d, node, strategy_name, rolling);
    for (name, fill) in fills {
        if is_missing(node, name) {
            d.fill(name, *fill);
        }
    }
    d.close(node);
}

fn deployment(d: &mut Defaulter, node: Node<'_>) {
    workload(
        d,
        node,
        "strategy",
        &[("maxUnavailable", Fill::Str("25%")), ("maxSurge", Fill::Str("25%"))],
        &[("template", pod::template)],
        &[
            ("replicas", Fill::Int(1)),
            ("revisionHistoryLimit", Fill::Int(10)),
            ("progressDeadlineSeconds", Fill::Int(600)),
        ],
    );
}

fn daemon_set(d: &mut Defaulter, node: Node<'_>) {
    workload(
        d,
        node,
        "updateStrategy",
        &[("maxUnavailable", Fill::Int(1)), ("maxSurge", Fill::Int(0))],
        &[("template", pod::template)],
        &[("revisionHistoryLimit", Fill::Int(10))],
    );
}

fn stateful_set(d: &mut Defaulter, node: Node<'_>) {
    workload(
        d,
        node,
        "updateStrategy",
        &[("partition", Fill::Int(0))],
        &[
            ("template", pod::template),
            ("volumeClaimTemplates", |d, node| d.list(node, pod::claim)),
            ("persistentVolumeClaimRetentionPolicy", |d, node| {
                d.map(
                    node,
                    &[],
                    &[("whenDeleted", Fill::Str("Retain")), ("whenScaled", Fill::Str("Retain"))],
                );
            }),
        ],
        &[
            ("podManagementPolicy", Fill::Str("OrderedReady")),
            ("replicas", Fill::Int(1)),
            ("revisionHistoryLimit", Fill::Int(10)),
        ],
    );
}

fn job(d: &mut Defaulter, node: Node<'_>) {
    let indexed_limit = !is_missing(node, "backoffLimitPerIndex");
    let mut fills = vec![
        ("completionMode", Fill::Str("NonIndexed")),
        ("suspend", Fill::Bool(false)),
        ("backoffLimit", Fill::Int(if indexed_limit { i64::from(i32::MAX) } else { 6 })),
        (
            "podReplacementPolicy",
            Fill::Str(if is_missing(node, "podFailurePolicy") {
                "TerminatingOrFailed"
            } else {
                "Failed"
            }),
        ),
        ("manualSelector", Fill::Bool(false)),
    ];
    let (parallelism, completions) =
        (is_missing(node, "parallelism"), is_missing(node, "completions"));
    if parallelism {
        fills.push(("parallelism", Fill::Int(1)));
    }
    if parallelism && completions {
        fills.push(("completions", Fill::Int(1)));
    }
    d.map(node, &[("template", pod::template)], &fills);
}

fn cron_job(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        &[("jobTemplate", |d, node| {
            // The job's own defaults are set when the job is made.
            d.map(
                node,
                &[("spec", |d, node| d.map(node, &[("template", pod::template)], &[]))],
                &[],
            );
        })],
        &[
            ("concurrencyPolicy", Fill::Str("Allow")),
            ("suspend", Fill::Bool(false)),
            ("successfulJobsHistoryLimit", Fill::Int(3)),
            ("failedJobsHistoryLimit", Fill::Int(1)),
        ],
    );
}

fn service(d: &mut Defaulter, node: Node<'_>) {
    let kind = match str_of(node, "type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let mut fills = vec![("sessionAffinity", Fill::Str("None")), ("type", Fill::Str("ClusterIP"))];
    if matches!(kind, "NodePort" | "LoadBalancer") {
        fills.push(("externalTrafficPolicy", Fill::Str("Cluster")));
    }
    if kind == "LoadBalancer" {
        fills.push(("allocateLoadBalancerNodePorts", Fill::Bool(true)));
    }
    if kind != "ExternalName" {
        fills.push(("internalTrafficPolicy", Fill::Str("Cluster")));
    }
    d.map(node, &[("ports", |d, node| d.list(node, service_port))], &fills);
}

fn service_port(d: &mut Defaulter, node: Node<'_>) {
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    let port = node.get("port").and_then(Node::as_i64).unwrap_or_default();
    d.map(node, &[], &[("protocol", Fill::Str("TCP")), ("targetPort", Fill::Int(port))]);
}

fn volume(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        &[("hostPath", |d, node| d.map(node, &[], &[("type", Fill::Str(""))]))],
        &[
            ("persistentVolumeReclaimPolicy", Fill::Str("Retain")),
            ("volumeMode", Fill::Str("Filesystem")),
        ],
    );
}

/// A policy says what it is about: always ingress, and egress if it has egress rules.
fn network_policy(d: &mut Defaulter, node: Node<'_>) {
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    let ports: Inner = |d, node| {
        d.list(node, |d, node| d.map(node, &[("ports", protocols)], &[]));
    };
    d.open(node, &[("ingress", ports), ("egress", ports)], &[("policyTypes", Fill::EmptyMap)]);
    if is_missing(node, "policyTypes") {
        let egress = node.get("egress").is_some_and(|egress| !egress.is_empty());
        d.fill_with("policyTypes", |builder| {
            builder.begin_list(0);
            builder.str("Ingress", 0, 0);
            if egress {
                builder.str("Egress", 0, 0);
            }
            builder.end(0);
        });
    }
    d.close(node);
}

fn protocols(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| d.map(node, &[], &[("protocol", Fill::Str("TCP"))]));
}

fn binding(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        &[
            ("roleRef", |d, node| {
                d.map(node, &[], &[("apiGroup", Fill::Str("rbac.authorization.k8s.io"))])
            }),
            ("subjects", |d, node| d.list(node, subject)),
        ],
        &[],
    );
}

fn subject(d: &mut Defaulter, node: Node<'_>) {
    match str_of(node, "kind") {
        "User" | "Group" => {
            d.map(node, &[], &[("apiGroup", Fill::Str("rbac.authorization.k8s.io"))])
        }
        _ => d.builder.copy(node),
    }
}

const WEBHOOK: [(&str, Fill<'static>); 5] = [
    ("failurePolicy", Fill::Str("Fail")),
    ("matchPolicy", Fill::Str("Equivalent")),
    ("namespaceSelector", Fill::EmptyMap),
    ("objectSelector", Fill::EmptyMap),
    ("timeoutSeconds", Fill::Int(10)),
];

const WEBHOOK_INNER: [(&str, Inner); 2] = [
    ("clientConfig", |d, node| {
        d.map(node, &[("service", |d, node| d.map(node, &[], &[("port", Fill::Int(443))]))], &[]);
    }),
    ("rules", |d, node| d.list(node, |d, node| d.map(node, &[], &[("scope", Fill::Str("*"))]))),
];

fn webhook(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &WEBHOOK_INNER, &WEBHOOK);
}

fn mutating_webhook(d: &mut Defaulter, node: Node<'_>) {
    let mut fills = WEBHOOK.to_vec();
    fills.push(("reinvocationPolicy", Fill::Str("Never")));
    d.map(node, &WEBHOOK_INNER, &fills);
}
