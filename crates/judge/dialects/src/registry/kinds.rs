//! What the registry does to objects of which kind.

use super::{Prepared, claims, dropped, jobs, others, pods, services};
use ironhull_model::Minor;
use ironhull_schema::crd;
use serde_json::Value as Json;

use crate::estate::Estate;
use crate::request::Typed;

/// What happens to the status that is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    /// It counts, or the kind has none.
    Kept,
    /// A new object has none, and what changes keeps its own.
    Wiped,
    /// Only of what is new it counts.
    KeptWhenNew,
}

/// What `metadata.generation` is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Generation {
    /// That of a new object is what is sent; it stays.
    Kept,
    /// One, and stays.
    First,
    /// One, and counts changes of these members.
    Counts(&'static [&'static str]),
    /// The same; a list that is said to have no items differs from none.
    CountsStrictly(&'static [&'static str]),
    /// One, and counts changes of anything but metadata, whatever they mean.
    CountsAll,
    /// What is sent counts when new; then changes of these members are counted.
    CountsLater(&'static [&'static str]),
    /// It depends on the version of the API server.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) status: Status,
    pub(super) generation: Generation,
}

use Generation::{Counts, CountsLater, CountsStrictly, First, Kept};
use Status::{KeptWhenNew, Wiped};

const SPEC: Generation = Counts(&["spec"]);
const OF_SLICE: Generation = Counts(&["addressType", "endpoints", "ports", "metadata.labels"]);
const NO_STATUS: Status = Status::Kept;

/// The kinds that the registry changes, by group. Of those that have `generation` the
/// number is set whatever the minor, but where [`of_minor`] says otherwise.
const KINDS: &[(&str, &str, Status, Generation)] = &[
    ("", "Namespace", Wiped, Kept),
    ("", "Node", KeptWhenNew, Kept),
    ("", "PersistentVolume", Wiped, Kept),
    ("", "PersistentVolumeClaim", Wiped, Kept),
    ("", "Pod", Wiped, SPEC),
    ("", "PodTemplate", NO_STATUS, Counts(&["template"])),
    ("", "ReplicationController", Wiped, SPEC),
    ("", "ResourceQuota", Wiped, Kept),
    ("", "Service", Wiped, Kept),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", NO_STATUS, SPEC),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", NO_STATUS, SPEC),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
        NO_STATUS,
        CountsStrictly(&["webhooks"]),
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", Wiped, SPEC),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", NO_STATUS, SPEC),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        NO_STATUS,
        CountsStrictly(&["webhooks"]),
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition", Wiped, SPEC),
    ("apiregistration.k8s.io", "APIService", Wiped, Kept),
    ("apps", "DaemonSet", Wiped, SPEC),
    ("apps", "Deployment", Wiped, Counts(&["spec", "metadata.annotations"])),
    ("apps", "ReplicaSet", Wiped, SPEC),
    ("apps", "StatefulSet", Wiped, SPEC),
    ("autoscaling", "HorizontalPodAutoscaler", Wiped, SPEC),
    ("batch", "CronJob", Wiped, SPEC),
    ("batch", "Job", Wiped, SPEC),
    ("certificates.k8s.io", "CertificateSigningRequest", Wiped, Kept),
    ("certificates.k8s.io", "PodCertificateRequest", Wiped, Kept),
    ("discovery.k8s.io", "EndpointSlice", NO_STATUS, OF_SLICE),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", Wiped, SPEC),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", Wiped, SPEC),
    ("internal.apiserver.k8s.io", "StorageVersion", Wiped, Kept),
    ("lifecycle.k8s.io", "Eviction", Wiped, SPEC),
    ("lifecycle.k8s.io", "EvictionRequest", Wiped, SPEC),
    ("networking.k8s.io", "Ingress", Wiped, SPEC),
    ("networking.k8s.io", "IngressClass", NO_STATUS, SPEC),
    ("networking.k8s.io", "NetworkPolicy", NO_STATUS, CountsStrictly(&["spec"])),
    ("networking.k8s.io", "ServiceCIDR", Wiped, Kept),
    ("policy", "PodDisruptionBudget", Wiped, SPEC),
    ("resource.k8s.io", "DeviceClass", NO_STATUS, SPEC),
    ("resource.k8s.io", "DeviceTaintRule", Wiped, SPEC),
    ("resource.k8s.io", "ResourceClaim", Wiped, Kept),
    ("resource.k8s.io", "ResourcePoolStatusRequest", Wiped, Kept),
    ("resource.k8s.io", "ResourceSlice", NO_STATUS, SPEC),
    ("scheduling.k8s.io", "CompositePodGroup", Wiped, Kept),
    ("scheduling.k8s.io", "PodGroup", Wiped, Kept),
    ("scheduling.k8s.io", "PriorityClass", NO_STATUS, First),
    ("storage.k8s.io", "CSIDriver", NO_STATUS, CountsLater(&["spec"])),
    ("storage.k8s.io", "CSINode", Wiped, Kept),
    ("storage.k8s.io", "VolumeAttachment", Wiped, Kept),
    ("storagemigration.k8s.io", "StorageVersionMigration", Wiped, Kept),
];

/// What was otherwise before a minor.
fn of_minor(rule: Rule, kind: Typed<'_>, minor: Minor) -> Rule {
    match (kind.group, kind.name) {
        ("autoscaling", "HorizontalPodAutoscaler") if minor < Minor::v1(37) => {
            Rule { generation: Kept, ..rule }
        }
        ("networking.k8s.io", "ServiceCIDR") if minor < Minor::v1(36) => {
            Rule { status: Status::Kept, ..rule }
        }
        // Pods began to count in alpha; whether a cluster's do is its own affair.
        ("", "Pod") if minor < Minor::v1(34) => Rule { generation: Generation::Unknown, ..rule },
        _ => rule,
    }
}

pub(super) fn rule(estate: &Estate<'_>, kind: Typed<'_>) -> Rule {
    if let Some(has_status) = estate.has_status(kind) {
        let status = if has_status { Wiped } else { Status::Kept };
        return Rule { status, generation: Generation::CountsAll };
    }
    let own = of_kind(kind.group, kind.name);
    of_minor(
        own.unwrap_or(Rule { status: Status::Kept, generation: Kept }),
        kind,
        estate.world().base.minor,
    )
}

fn of_kind(group: &str, kind: &str) -> Option<Rule> {
    let (.., status, generation) =
        KINDS.iter().find(|(its, name, ..)| (*its, *name) == (group, kind))?;
    Some(Rule { status: *status, generation: *generation })
}

/// Whether an object of a kind has a generation, whatever it is; and a status always.
pub(crate) fn counts(group: &str, kind: &str) -> (bool, bool) {
    if crd::is_custom(group, kind) {
        return (true, false);
    }
    let rule = of_kind(group, kind);
    (
        rule.is_some_and(|rule| rule.generation != Kept),
        rule.is_some_and(|rule| rule.status != Status::Kept),
    )
}

/// What else the registry does to objects of a kind.
pub(super) fn strategy(kind: Typed<'_>) -> Option<fn(&mut Json, &Prepared<'_>)> {
    Some(match (kind.group, kind.name) {
        ("", "Namespace") => others::namespace,
        ("", "Node") => others::node,
        ("", "PersistentVolume") => claims::volume,
        ("", "PersistentVolumeClaim") => claims::claim,
        ("", "Pod") => pods::pod,
        ("", "PodTemplate") => |new, about| dropped::of_template(new, about, &["template"]),
        ("", "Service") => services::service,
        ("", "ServiceAccount") => others::account,
        ("", "ReplicationController") | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet") => {
            |new, about| dropped::of_template(new, about, &["spec", "template"])
        }
        ("apps", "DaemonSet") => others::daemon_set,
        ("batch", "CronJob") => jobs::cron_job,
        ("batch", "Job") => jobs::job,
        ("certificates.k8s.io", "CertificateSigningRequest") => others::signing_request,
        ("discovery.k8s.io", "EndpointSlice") => others::endpoint_slice,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => others::definition,
        ("apiregistration.k8s.io", "APIService") => others::api_service,
        _ => return None,
    })
}

/// Whether the registry makes something up of an object that only a running cluster knows.
pub(super) fn has_made_up(kind: Typed<'_>, object: &Json) -> bool {
    match (kind.group, kind.name) {
        ("", "Pod") => {
            let is_said = |name: &str| !super::is_nothing(&object["spec"][name]);
            is_said("schedulingGates") || is_said("resources")
        }
        ("", "Service" | "PersistentVolume")
        | ("batch", "Job")
        | ("apiregistration.k8s.io", "APIService")
        | ("certificates.k8s.io", "CertificateSigningRequest") => true,
        _ => false,
    }
}
