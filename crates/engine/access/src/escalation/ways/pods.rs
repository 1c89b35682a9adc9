//! Pods, what makes them, and the nodes that run them.

use super::super::{Gives, Name, Way, What};
use super::{CHANGE, CORE, by_workload, cluster, here, named, new, way, what};
use crate::usage::LAST_BY_GET;

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

/// Each, in the order in which they are tried.
pub(super) static WAYS: &[Way] = &[
    way(
        "nodes-proxy",
        "run commands in every container through the kubelet",
        &[named(cluster(&[what(&["get", "create"], CORE, &["nodes/proxy"])]), Name::Object)],
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
        &[named(here(&[what(CHANGE, CORE, &["namespaces"])]), Name::Place), new(RUN_PODS)],
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
        &[Gives::RunningAccounts, Gives::HeldSecrets, Gives::Pods],
    )),
    by_workload(way(
        "exec",
        "run commands in a running container",
        &[named(here(&[what(&["create"], CORE, &["pods/exec", "pods/attach"])]), Name::Object)],
        &[Gives::RunningAccounts, Gives::HeldSecrets, Gives::Pods],
    )),
    Way {
        until: Some(LAST_BY_GET),
        ..by_workload(way(
            "exec-by-get",
            "run commands in a running container over WebSocket, which asked only for get before 1.35",
            &[named(here(&[what(&["get"], CORE, &["pods/exec", "pods/attach"])]), Name::Object)],
            &[Gives::RunningAccounts, Gives::HeldSecrets, Gives::Pods],
        ))
    },
    by_workload(way(
        "debug-pods",
        "add a container of one's own to a running pod",
        &[named(here(&[what(CHANGE, CORE, &["pods/ephemeralcontainers"])]), Name::Object)],
        &[Gives::RunningAccounts, Gives::HeldSecrets, Gives::Pods, Gives::NodesByPod],
    )),
];
