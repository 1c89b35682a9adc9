//! Defaults of whole objects, by kind.

use ironhull_model::{Builder, Kind, Minor, Node};

use super::{Defaulter, Fill, Inner, is_missing, other, pod, str_of, write_map};

/// The rule of a kind.
pub(super) fn rule(group: &str, kind: &str) -> Option<Inner> {
    Some(match (group, kind) {
        ("", "Pod") => pod::pod,
        ("", "PodTemplate") => |d, node| d.map(node, &[("template", pod::template)], &[]),
        ("", "ReplicationController") => replication_controller,
        ("", "Service") => |d, node| spec(d, node, service),
        ("", "Secret") => |d, node| d.map(node, &[], &[("type", Fill::Str("Opaque"))]),
        ("", "PersistentVolumeClaim") => pod::claim,
        ("", "PersistentVolume") => |d, node| spec(d, node, persistent_volume),
        ("", "Namespace") => namespace,
        ("apps" | "extensions", "Deployment") => |d, node| spec(d, node, deployment),
        ("apps" | "extensions", "DaemonSet") => |d, node| spec(d, node, daemon_set),
        ("apps" | "extensions", "ReplicaSet") => |d, node| spec(d, node, replicated),
        ("apps", "StatefulSet") => |d, node| spec(d, node, stateful_set),
        ("batch", "Job") => a_job,
        ("batch", "CronJob") => |d, node| spec(d, node, cron_job),
        _ => return other::rule(group, kind),
    })
}

fn spec(d: &mut Defaulter, node: Node<'_>, inner: Inner) {
    d.map(node, &[("spec", inner)], &[]);
}

fn replicated(d: &mut Defaulter, node: Node<'_>) {
    d.map(node, &[("template", pod::template)], &[("replicas", Fill::Int(1))]);
}

/// Selector and labels are those of the template, where they are not given.
fn replication_controller(d: &mut Defaulter, node: Node<'_>) {
    let labels = node
        .path(&["spec", "template", "metadata", "labels"])
        .filter(|labels| labels.kind() == Kind::Map);
    let is_given = |path: &[&str]| node.path(path).is_some_and(|found| !found.is_empty());
    let labels_of =
        |name: &'static str, given: bool| labels.filter(|_| !given).map(|labels| (name, labels));
    let selector = labels_of("selector", is_given(&["spec", "selector"]));
    let own = labels_of("labels", is_given(&["metadata", "labels"]));
    d.builder.begin_like(node);
    for (key, child) in node.entries() {
        match key {
            "metadata" if child.kind() == Kind::Map => d.with_copy(key, child, own, &[], &[]),
            "spec" if child.kind() == Kind::Map => {
                let fills = [("replicas", Fill::Int(1))];
                d.with_copy(key, child, selector, &[("template", pod::template)], &fills)
            }
            _ => {
                d.builder.key(key, child.span().unwrap_or_default().key);
                d.builder.copy(child);
            }
        }
    }
    d.close(node);
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
    let rolling = [("partition", Fill::Int(0)), ("maxUnavailable", Fill::Int(1))];
    // The field is on by default since 1.37.
    let n_fills = if d.schema.minor() >= Minor::v1(37) { 2 } else { 1 };
    workload(
        d,
        node,
        "updateStrategy",
        &rolling[..n_fills],
        &[
            ("template", pod::template),
            ("volumeClaimTemplates", |d, node| d.list(node, claim_template)),
            ("persistentVolumeClaimRetentionPolicy", |d, node| d.map(node, &[], &RETENTION)),
            ("ordinals", |d, node| d.map(node, &[], &[("start", Fill::Int(0))])),
        ],
        &[
            ("persistentVolumeClaimRetentionPolicy", Fill::Map(&RETENTION)),
            ("podManagementPolicy", Fill::Str("OrderedReady")),
            ("replicas", Fill::Int(1)),
            ("revisionHistoryLimit", Fill::Int(10)),
        ],
    );
}

const RETENTION: [(&str, Fill<'static>); 2] =
    [("whenDeleted", Fill::Str("Retain")), ("whenScaled", Fill::Str("Retain"))];

/// The template of a claim names its kind, and has its phase.
fn claim_template(d: &mut Defaulter, node: Node<'_>) {
    const PENDING: [(&str, Fill<'static>); 1] = [("phase", Fill::Str("Pending"))];
    d.map(
        node,
        &[("spec", pod::claim_spec), ("status", |d, node| d.map(node, &[], &PENDING))],
        &[
            ("apiVersion", Fill::Str("v1")),
            ("kind", Fill::Str("PersistentVolumeClaim")),
            ("status", Fill::Map(&PENDING)),
        ],
    );
}

/// A job without labels has those of its template.
fn a_job(d: &mut Defaulter, node: Node<'_>) {
    let template = node.path(&["spec", "template", "metadata", "labels"]);
    let is_labelled = node.path(&["metadata", "labels"]).is_some_and(|labels| !labels.is_empty());
    let labels = template
        .filter(|labels| labels.kind() == Kind::Map && !labels.is_empty() && !is_labelled)
        .map(|labels| ("labels", labels));
    let metadata = node.get("metadata").filter(|metadata| metadata.kind() == Kind::Map);
    let Some(metadata) = metadata.filter(|_| labels.is_some()) else {
        return spec(d, node, job);
    };
    d.builder.begin_like(node);
    for (key, child) in node.entries() {
        match key {
            "metadata" => d.with_copy(key, metadata, labels, &[], &[]),
            _ => {
                d.builder.key(key, child.span().unwrap_or_default().key);
                if key == "spec" { job(d, child) } else { d.builder.copy(child) }
            }
        }
    }
    d.close(node);
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
    d.map(node, OF_JOB, &fills);
}

/// What is inside of a Job has its defaults in a CronJob, too.
const OF_JOB: &[(&str, Inner)] = &[
    ("template", pod::template),
    ("podFailurePolicy", |d, node| {
        d.map(node, &[("rules", |d, node| d.list(node, failure_rule))], &[]);
    }),
];

fn failure_rule(d: &mut Defaulter, node: Node<'_>) {
    let conditions: Inner =
        |d, node| d.list(node, |d, node| d.map(node, &[], &[("status", Fill::Str("True"))]));
    d.map(node, &[("onPodConditions", conditions)], &[]);
}

fn cron_job(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        &[("jobTemplate", |d, node| {
            // The job's own defaults are set when the job is made.
            d.map(node, &[("spec", |d, node| d.map(node, OF_JOB, &[]))], &[]);
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
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    let kind = match str_of(node, "type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let is_external = matches!(kind, "NodePort" | "LoadBalancer")
        || kind == "ClusterIP" && node.get("externalIPs").is_some_and(|ips| !ips.is_empty());
    let affinity = str_of(node, "sessionAffinity");
    let timeout = ["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
    let has_timeout = node.path(&timeout).is_some_and(|timeout| !timeout.is_null());
    let mut fills = vec![("sessionAffinity", Fill::Str("None")), ("type", Fill::Str("ClusterIP"))];
    if is_external {
        fills.push(("externalTrafficPolicy", Fill::Str("Cluster")));
    }
    if kind == "LoadBalancer" {
        fills.push(("allocateLoadBalancerNodePorts", Fill::Bool(true)));
    }
    if matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer") {
        fills.push(("internalTrafficPolicy", Fill::Str("Cluster")));
    }
    // Without affinity its configuration is dropped; with it three hours are filled in.
    let drops_config = matches!(affinity, "" | "None");
    let replaces_config = affinity == "ClientIP" && !has_timeout;
    d.builder.begin_like(node);
    for (key, child) in node.entries() {
        let is_replaced = child.is_null() && fills.iter().any(|(name, _)| *name == key)
            || key == "sessionAffinityConfig" && (drops_config || replaces_config);
        if is_replaced {
            continue;
        }
        d.builder.key(key, child.span().unwrap_or_default().key);
        if key == "ports" { d.list(child, service_port) } else { d.builder.copy(child) }
    }
    for (name, fill) in fills.iter().filter(|(name, _)| is_missing(node, name)) {
        d.fill(name, *fill);
    }
    if replaces_config {
        d.fill("sessionAffinityConfig", Fill::Map(&THREE_HOURS));
    }
    d.close(node);
}

const THREE_HOURS: [(&str, Fill<'static>); 1] =
    [("clientIP", Fill::Map(&[("timeoutSeconds", Fill::Int(10_800))]))];

fn service_port(d: &mut Defaulter, node: Node<'_>) {
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    let port = node.get("port").and_then(Node::as_i64).unwrap_or_default();
    d.map(node, &[], &[("protocol", Fill::Str("TCP")), ("targetPort", Fill::Int(port))]);
}

fn persistent_volume(d: &mut Defaulter, node: Node<'_>) {
    d.map(
        node,
        pod::VOLUME_SOURCES,
        &[
            ("persistentVolumeReclaimPolicy", Fill::Str("Retain")),
            ("volumeMode", Fill::Str("Filesystem")),
        ],
    );
}

/// Every namespace has its name as a label.
fn namespace(d: &mut Defaulter, node: Node<'_>) {
    const LABEL: &str = "kubernetes.io/metadata.name";
    d.map(
        node,
        &[("metadata", |d, node| {
            let name = str_of(node, "name");
            if name.is_empty() || node.kind() != Kind::Map {
                return d.builder.copy(node);
            }
            let labels = [(LABEL, Fill::Str(name))];
            if is_missing(node, "labels") {
                return d.map(node, &[], &[("labels", Fill::Map(&labels))]);
            }
            d.builder.begin_like(node);
            for (key, child) in node.entries() {
                d.builder.key(key, child.span().unwrap_or_default().key);
                if key == "labels" { d.map(child, &[], &labels) } else { d.builder.copy(child) }
            }
            d.close(node);
        })],
        &[],
    );
}
