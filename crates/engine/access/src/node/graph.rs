//! What the objects of a world say that a node needs: pods that are bound to it,
//! and what they, their claims and their volumes refer to.

use std::borrow::Cow;

use ironhull_model::{Node, Object, World};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Kind, Relation};

const CONTAINERS: &[&str] = &["initContainers", "containers", "ephemeralContainers"];

/// In a pod's volume, the paths to the names of Secrets that drivers read.
const VOLUME_SECRETS: &[&[&str]] = &[
    &["azureFile", "secretName"],
    &["cephfs", "secretRef", "name"],
    &["cinder", "secretRef", "name"],
    &["csi", "nodePublishSecretRef", "name"],
    &["flexVolume", "secretRef", "name"],
    &["iscsi", "secretRef", "name"],
    &["rbd", "secretRef", "name"],
    &["scaleIO", "secretRef", "name"],
    &["storageos", "secretRef", "name"],
];

/// In a PersistentVolume, references to Secrets that kubelets read, and whether
/// the claim's namespace stands in for one that is missing.
const PERSISTENT_SECRETS: &[(&[&str], bool)] = &[
    (&["cephfs", "secretRef"], true),
    (&["cinder", "secretRef"], false),
    (&["csi", "nodeExpandSecretRef"], false),
    (&["csi", "nodePublishSecretRef"], false),
    (&["csi", "nodeStageSecretRef"], false),
    (&["flexVolume", "secretRef"], true),
    (&["iscsi", "secretRef"], true),
    (&["rbd", "secretRef"], true),
    (&["scaleIO", "secretRef"], true),
    (&["storageos", "secretRef"], false),
];

struct Relations<'a> {
    found: FxHashSet<Relation<'a>>,
    /// The nodes whose pods use a claim.
    claims: FxHashMap<(&'a str, Cow<'a, str>), Vec<&'a str>>,
}

/// Every relation.
pub(super) fn relations(world: World<'_>) -> FxHashSet<Relation<'_>> {
    let mut relations = Relations { found: FxHashSet::default(), claims: FxHashMap::default() };
    for pod in world.of_kind("", "Pod") {
        relations.pod(pod);
    }
    for volume in world.of_kind("", "PersistentVolume") {
        relations.volume(volume);
    }
    let bound = [
        ("storage.k8s.io", "VolumeAttachment", Kind::Attachment),
        ("resource.k8s.io", "ResourceSlice", Kind::Slice),
        ("certificates.k8s.io", "PodCertificateRequest", Kind::CertificateRequest),
    ];
    for (group, kind, relation) in bound {
        for object in world.of_kind(group, kind) {
            if let Some(node) = text(object.root(), &["spec", "nodeName"]) {
                let thing = &object.thing;
                let name = Cow::Borrowed(&*thing.name);
                relations.found.insert((node, relation, &thing.namespace, name));
            }
        }
    }
    relations.found
}

impl<'a> Relations<'a> {
    fn pod(&mut self, pod: &'a Object) {
        let Some(spec) = pod.root().get("spec") else { return };
        let Some(node) = text(spec, &["nodeName"]) else { return };
        let namespace = &*pod.thing.namespace;
        self.found.insert((node, Kind::Pod, namespace, Cow::Borrowed(&pod.thing.name)));
        if is_mirror(pod) {
            return;
        }
        let mut add = |kind, name: Option<&'a str>| {
            if let Some(name) = name {
                self.found.insert((node, kind, namespace, Cow::Borrowed(name)));
            }
        };
        add(Kind::ServiceAccount, text(spec, &["serviceAccountName"]));
        for reference in items(spec, "imagePullSecrets") {
            add(Kind::Secret, text(reference, &["name"]));
        }
        for name in held(spec) {
            add(Kind::Secret, Some(name));
        }
        for list in CONTAINERS {
            for container in items(spec, list) {
                for source in items(container, "envFrom") {
                    add(Kind::ConfigMap, text(source, &["configMapRef", "name"]));
                }
                for variable in items(container, "env") {
                    add(Kind::ConfigMap, text(variable, &["valueFrom", "configMapKeyRef", "name"]));
                }
            }
        }
        for volume in items(spec, "volumes") {
            for path in VOLUME_SECRETS {
                add(Kind::Secret, text(volume, path));
            }
            add(Kind::ConfigMap, text(volume, &["configMap", "name"]));
            let sources = volume.get("projected").into_iter();
            for source in sources.flat_map(|projected| items(projected, "sources")) {
                add(Kind::ConfigMap, text(source, &["configMap", "name"]));
            }
        }
        for name in resource_claims(pod.root()) {
            add(Kind::ResourceClaim, Some(name));
        }
        for volume in items(spec, "volumes") {
            self.claim(pod, volume, node);
        }
    }

    fn claim(&mut self, pod: &'a Object, volume: Node<'a>, node: &'a str) {
        let namespace = &*pod.thing.namespace;
        let name = match volume.get("persistentVolumeClaim").filter(|claim| !claim.is_null()) {
            Some(claim) => text(claim, &["claimName"]).map(Cow::Borrowed),
            // A generic ephemeral volume's claim is called so.
            None => volume.get("ephemeral").filter(|node| !node.is_null()).map(|_| {
                let name = text(volume, &["name"]).unwrap_or_default();
                Cow::Owned(format!("{}-{name}", pod.thing.name))
            }),
        };
        let Some(name) = name else { return };
        self.found.insert((node, Kind::Claim, namespace, name.clone()));
        self.claims.entry((namespace, name)).or_default().push(node);
    }

    fn volume(&mut self, volume: &'a Object) {
        let Some(spec) = volume.root().get("spec") else { return };
        let Some(claim) = spec.get("claimRef") else { return };
        let namespace = text(claim, &["namespace"]).unwrap_or_default();
        let name = text(claim, &["name"]).unwrap_or_default();
        let Some(nodes) = self.claims.get(&(namespace, Cow::Borrowed(name))) else { return };
        for &node in nodes {
            self.found.insert((node, Kind::Volume, "", Cow::Borrowed(&volume.thing.name)));
            for (namespace, name) in secrets_of(spec, namespace) {
                self.found.insert((node, Kind::Secret, namespace, Cow::Borrowed(name)));
            }
        }
    }
}

/// The Secrets that the containers of a pod hold: variables and files of theirs.
pub(crate) fn held(pod: Node<'_>) -> impl Iterator<Item = &str> {
    let containers = CONTAINERS.iter().flat_map(move |list| items(pod, list));
    let of_variables = containers.flat_map(|container| {
        let all = items(container, "envFrom").map(|it| text(it, &["secretRef", "name"]));
        let one = |it| text(it, &["valueFrom", "secretKeyRef", "name"]);
        all.chain(items(container, "env").map(one))
    });
    let of_files = items(pod, "volumes").flat_map(|volume| {
        let sources = volume.get("projected").into_iter();
        let sources = sources.flat_map(|projected| items(projected, "sources"));
        let projected = sources.map(|source| text(source, &["secret", "name"]));
        std::iter::once(text(volume, &["secret", "secretName"])).chain(projected)
    });
    of_variables.chain(of_files).flatten()
}

/// Whether a pod is the kubelet's own word of one that it runs from a file.
pub(crate) fn is_mirror(pod: &Object) -> bool {
    pod.annotation("kubernetes.io/config.mirror").is_some()
}

fn secrets_of<'a>(spec: Node<'a>, claim: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let azure = spec.get("azureFile").and_then(|azure| {
        let namespace = text(azure, &["secretNamespace"]).unwrap_or(claim);
        Some((namespace, text(azure, &["secretName"])?))
    });
    let others = PERSISTENT_SECRETS.iter().filter_map(move |&(path, of_claim)| {
        let reference = spec.path(path)?;
        let fallback = if of_claim { claim } else { "" };
        let namespace = text(reference, &["namespace"]).unwrap_or(fallback);
        Some((namespace, text(reference, &["name"])?))
    });
    azure.into_iter().chain(others)
}

/// The names of the ResourceClaims of a pod that exist.
fn resource_claims(pod: Node<'_>) -> impl Iterator<Item = &str> {
    let status = pod.get("status");
    let claims = pod.get("spec").into_iter().flat_map(|spec| items(spec, "resourceClaims"));
    let named = claims.filter_map(move |claim| {
        if let Some(name) = claim.get("resourceClaimName").and_then(Node::as_str) {
            return Some(name);
        }
        claim.get("resourceClaimTemplateName").filter(|node| !node.is_null())?;
        let own = claim.get("name").and_then(Node::as_str)?;
        let made = items(status?, "resourceClaimStatuses")
            .find(|made| made.get("name").and_then(Node::as_str) == Some(own))?;
        made.get("resourceClaimName")?.as_str()
    });
    let extended = status
        .and_then(|status| text(status, &["extendedResourceClaimStatus", "resourceClaimName"]));
    named.chain(extended)
}

fn items<'a>(node: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> + use<'a> {
    node.get(name).into_iter().flat_map(Node::items)
}

/// A string that is not empty.
fn text<'a>(node: Node<'a>, path: &[&str]) -> Option<&'a str> {
    node.path(path)?.as_str().filter(|text| !text.is_empty())
}
