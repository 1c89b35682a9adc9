//! Defaults of objects that are no workloads.

use ironhull_model::{Kind, Node};

use super::{Defaulter, Fill, Inner, apis, is_missing, str_of};

/// The rule of a kind.
pub(super) fn rule(group: &str, kind: &str) -> Option<Inner> {
    Some(match (group, kind) {
        ("", "Node") => |d, node| spec(d, node, a_node),
        ("", "LimitRange") => |d, node| spec(d, node, limit_range),
        ("", "Endpoints") => |d, node| {
            d.map(
                node,
                &[("subsets", |d, node| {
                    d.list(node, |d, node| d.map(node, &[("ports", protocols)], &[]))
                })],
                &[],
            );
        },
        ("discovery.k8s.io", "EndpointSlice") => |d, node| {
            let ports: Inner = |d, node| {
                d.list(node, |d, node| {
                    d.map(node, &[], &[("name", Fill::Str("")), ("protocol", Fill::Str("TCP"))]);
                });
            };
            d.map(node, &[("ports", ports)], &[]);
        },
        ("networking.k8s.io", "NetworkPolicy") => |d, node| spec(d, node, network_policy),
        ("networking.k8s.io", "IngressClass") => |d, node| {
            spec(d, node, |d, node| {
                let parameters: Inner =
                    |d, node| d.map(node, &[], &[("scope", Fill::Str("Cluster"))]);
                d.map(node, &[("parameters", parameters)], &[]);
            });
        },
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
            |d, node| d.map(node, &[("webhooks", |d, node| d.list(node, webhook))], &[])
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
            |d, node| d.map(node, &[("webhooks", |d, node| d.list(node, mutating_webhook))], &[])
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy",
        ) => |d, node| {
            spec(d, node, |d, node| {
                let fills = [("failurePolicy", Fill::Str("Fail"))];
                d.map(node, &[("matchConstraints", match_resources)], &fills);
            });
        },
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding",
        ) => |d, node| {
            spec(d, node, |d, node| d.map(node, &[("matchResources", match_resources)], &[]))
        },
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
        ("storage.k8s.io", "CSIDriver") => |d, node| spec(d, node, csi_driver),
        ("scheduling.k8s.io", "PriorityClass") => {
            |d, node| d.map(node, &[], &[("preemptionPolicy", Fill::Str("PreemptLowerPriority"))])
        }
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler,
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => |d, node| {
            spec(d, node, |d, node| d.map(node, &[], &[("matchingPrecedence", Fill::Int(1000))]))
        },
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => {
            |d, node| spec(d, node, priority_level)
        }
        _ => return apis::rule(group, kind),
    })
}

fn spec(d: &mut Defaulter, node: Node<'_>, inner: Inner) {
    d.map(node, &[("spec", inner)], &[]);
}

/// The one address range of a node is the first of all.
fn a_node(d: &mut Defaulter, node: Node<'_>) {
    match str_of(node, "podCIDR") {
        "" => d.builder.copy(node),
        range => d.map(node, &[], &[("podCIDRs", Fill::List(&[range]))]),
    }
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

fn match_resources(d: &mut Defaulter, node: Node<'_>) {
    let rules: Inner =
        |d, node| d.list(node, |d, node| d.map(node, &[], &[("scope", Fill::Str("*"))]));
    d.map(
        node,
        &[("resourceRules", rules), ("excludeResourceRules", rules)],
        &[
            ("matchPolicy", Fill::Str("Equivalent")),
            ("namespaceSelector", Fill::EmptyMap),
            ("objectSelector", Fill::EmptyMap),
        ],
    );
}

fn csi_driver(d: &mut Defaulter, node: Node<'_>) {
    let mut fills = vec![
        ("attachRequired", Fill::Bool(true)),
        ("podInfoOnMount", Fill::Bool(false)),
        ("storageCapacity", Fill::Bool(false)),
        ("fsGroupPolicy", Fill::Str("ReadWriteOnceWithFSType")),
        ("requiresRepublish", Fill::Bool(false)),
        ("seLinuxMount", Fill::Bool(false)),
        ("volumeLifecycleModes", Fill::List(&["Persistent"])),
    ];
    let prevents = "preventPodSchedulingIfMissing";
    let known = d.schema.type_named("io.k8s.api.storage.v1.CSIDriverSpec");
    if known.is_some_and(|ty| d.schema.field(ty, prevents).is_some()) {
        fills.push((prevents, Fill::Bool(false)));
    }
    d.map(node, &[], &fills);
}

fn priority_level(d: &mut Defaulter, node: Node<'_>) {
    const LIMITED: [(&str, Fill<'static>); 2] =
        [("nominalConcurrencyShares", Fill::Int(30)), ("lendablePercent", Fill::Int(0))];
    const EXEMPT: [(&str, Fill<'static>); 2] =
        [("nominalConcurrencyShares", Fill::Int(0)), ("lendablePercent", Fill::Int(0))];
    d.map(
        node,
        &[
            ("limited", |d, node| d.map(node, &[("limitResponse", limit_response)], &LIMITED)),
            ("exempt", |d, node| d.map(node, &[], &EXEMPT)),
        ],
        &[],
    );
}

fn limit_response(d: &mut Defaulter, node: Node<'_>) {
    let queuing: Inner = |d, node| {
        d.map(
            node,
            &[],
            &[
                ("handSize", Fill::Int(8)),
                ("queues", Fill::Int(64)),
                ("queueLengthLimit", Fill::Int(50)),
            ],
        );
    };
    d.map(node, &[("queuing", queuing)], &[]);
}

/// A container's limit is the default one, and that the default request.
fn limit_range(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("limits", |d, node| d.list(node, limit_range_item))], &[]);
}

fn limit_range_item(d: &mut Defaulter, node: Node<'_>) {
    if str_of(node, "type") != "Container" {
        return d.builder.copy(node);
    }
    let of = |name: &str| node.get(name).filter(|member| member.kind() == Kind::Map);
    let sources = [
        ("default", vec![of("max")]),
        ("defaultRequest", vec![of("default"), of("max"), of("min")]),
    ];
    d.builder.begin_like(node);
    for (key, child) in
        node.entries().filter(|(key, _)| !matches!(*key, "default" | "defaultRequest"))
    {
        d.builder.key(key, child.span().unwrap_or_default().key);
        d.builder.copy(child);
    }
    for (name, from) in sources {
        let given = of(name);
        let from: Vec<Node<'_>> = from.into_iter().flatten().collect();
        if given.is_none() && from.iter().all(|source| source.is_empty()) {
            continue;
        }
        d.merged(name, given, &from);
    }
    d.close(node);
}

const DOWN: [(&str, Fill<'static>); 2] = [
    ("selectPolicy", Fill::Str("Max")),
    (
        "policies",
        Fill::Maps(&[&[
            ("type", Fill::Str("Percent")),
            ("value", Fill::Int(100)),
            ("periodSeconds", Fill::Int(15)),
        ]]),
    ),
];

const UP: [(&str, Fill<'static>); 3] = [
    ("stabilizationWindowSeconds", Fill::Int(0)),
    ("selectPolicy", Fill::Str("Max")),
    (
        "policies",
        Fill::Maps(&[
            &[
                ("type", Fill::Str("Pods")),
                ("value", Fill::Int(4)),
                ("periodSeconds", Fill::Int(15)),
            ],
            &[
                ("type", Fill::Str("Percent")),
                ("value", Fill::Int(100)),
                ("periodSeconds", Fill::Int(15)),
            ],
        ]),
    ),
];

const CPU: [(&str, Fill<'static>); 2] = [
    ("type", Fill::Str("Resource")),
    (
        "resource",
        Fill::Map(&[
            ("name", Fill::Str("cpu")),
            (
                "target",
                Fill::Map(&[
                    ("type", Fill::Str("Utilization")),
                    ("averageUtilization", Fill::Int(80)),
                ]),
            ),
        ]),
    ),
];

/// Version 1 has one metric, version 2 a list of them and a behaviour.
fn autoscaler(d: &mut Defaulter, node: Node<'_>) {
    if str_of(node, "apiVersion") == "autoscaling/v1" {
        return spec(d, node, |d, node| {
            let fills =
                [("minReplicas", Fill::Int(1)), ("targetCPUUtilizationPercentage", Fill::Int(80))];
            d.map(node, &[], &fills);
        });
    }
    spec(d, node, |d, node| {
        let behavior: Inner = |d, node| {
            d.map(
                node,
                &[
                    ("scaleUp", |d, node| d.map(node, &[], &UP)),
                    ("scaleDown", |d, node| d.map(node, &[], &DOWN)),
                ],
                &[("scaleUp", Fill::Map(&UP)), ("scaleDown", Fill::Map(&DOWN))],
            );
        };
        d.map(
            node,
            &[("behavior", behavior)],
            &[("minReplicas", Fill::Int(1)), ("metrics", Fill::Maps(&[&CPU]))],
        );
    });
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
