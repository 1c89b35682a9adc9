//! Admission, traffic and where pods run.

use super::super::{Gives, Name, Way};
use super::{CHANGE, CORE, WRITE, cluster, here, named, way, what};
use crate::usage::LAST_BY_GET;

const ADMISSION: &str = "admissionregistration.k8s.io";

/// Each, in the order in which they are tried.
pub(super) static WAYS: &[Way] = &[
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
];
