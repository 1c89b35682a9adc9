//! Restricted checks on single fields.

use ironhull_model::Node;

use super::baseline::{added, forbid, names, values};
use super::profiles::missing;
use super::{Forbidden, Verdict};
use crate::text::{containers, plural, quoted, volumes as volume_names};
use crate::{Culprit, Pod, name, set};

pub(super) fn privilege_escalation<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits: Vec<Culprit<'a>> = pod
        .containers()
        .filter_map(|container| {
            let field = container.path(&["securityContext", "allowPrivilegeEscalation"]);
            match field.filter(|field| !field.is_null()) {
                Some(field) if field.as_bool() == Some(false) => None,
                Some(node) => Some(Culprit {
                    container: Some(name(container)),
                    node,
                    absent: &[],
                    values: Vec::new(),
                }),
                None => Some(missing(container, &["allowPrivilegeEscalation"])),
            }
        })
        .collect();
    forbid(culprits, "allowPrivilegeEscalation != false", |culprits| {
        format!(
            "{} must set securityContext.allowPrivilegeEscalation=false",
            containers(&names(culprits))
        )
    })
}

pub(super) fn privilege_escalation_1_25<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    if pod.is_windows() { None } else { privilege_escalation(pod) }
}

pub(super) fn capabilities<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let mut undropped = Vec::new();
    let mut adding = Vec::new();
    for container in pod.containers() {
        let drop = container.path(&["securityContext", "capabilities", "drop"]);
        let drops_all =
            drop.is_some_and(|drop| drop.items().any(|item| item.as_str() == Some("ALL")));
        if !drops_all {
            undropped.push(match drop.filter(|drop| !drop.is_null()) {
                Some(node) => Culprit {
                    container: Some(name(container)),
                    node,
                    absent: &[],
                    values: Vec::new(),
                },
                None => missing(container, &["capabilities", "drop"]),
            });
        }
        if let Some((node, values)) = added(container, &["NET_BIND_SERVICE"]) {
            adding.push(Culprit { container: Some(name(container)), node, absent: &[], values });
        }
    }
    let mut details = Vec::new();
    if !undropped.is_empty() {
        let who = containers(&names(&undropped));
        details.push(format!("{who} must set securityContext.capabilities.drop=[\"ALL\"]"));
    }
    if !adding.is_empty() {
        details.push(format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&names(&adding)),
            quoted(&values(&adding))
        ));
    }
    if details.is_empty() {
        return None;
    }
    undropped.extend(adding);
    Some(Forbidden {
        reason: "unrestricted capabilities".to_owned(),
        detail: details.join("; "),
        culprits: undropped,
    })
}

pub(super) fn capabilities_1_25<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    if pod.is_windows() { None } else { capabilities(pod) }
}

const ALLOWED_VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The other volume sources, in the order in which admission looks for them.
const RESTRICTED_VOLUMES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

pub(super) fn volumes<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let list = pod.spec.get("volumes").into_iter().flat_map(Node::items);
    let culprits: Vec<Culprit<'a>> = list
        .filter(|volume| !ALLOWED_VOLUMES.iter().any(|source| set(*volume, source).is_some()))
        .map(|volume| {
            let source = RESTRICTED_VOLUMES.iter().find(|source| set(volume, source).is_some());
            let values = vec![source.copied().unwrap_or("unknown").to_owned()];
            Culprit { container: None, node: volume, absent: &[], values }
        })
        .collect();
    forbid(culprits, "restricted volume types", |culprits| {
        let names: Vec<&str> = culprits.iter().map(|culprit| name(culprit.node)).collect();
        let types = values(culprits);
        format!(
            "{} {} {} {}",
            volume_names(&names),
            plural("uses", "use", names.len()),
            plural("restricted volume type", "restricted volume types", types.len()),
            quoted(&types)
        )
    })
}
