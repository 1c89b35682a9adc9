//! `ServiceAccount`: a pod's account, its token and its Secrets for pulling images.

use ironhull_model::{Node, ThingRef, Value};
use serde_json::json;

use super::servers::{Plugin, View};
use super::{Changes, Guess};
use crate::policy::{list, text};
use crate::request::Request;

/// Where the token of a ServiceAccount is mounted, and what its volume's name begins with.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_VOLUME: &str = "kube-api-access-";

/// How long a token is valid, in seconds.
const TOKEN_SECONDS: i64 = 3607;

/// What a node says of itself is not changed: a pod that only mirrors it has no account.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// What a pod gets of its ServiceAccount.
#[derive(Default)]
pub(super) struct Account {
    /// Empty for a pod that has none.
    pub(super) name: String,
    pub(super) mounts: bool,
    /// Whether the pod itself says whether the token is mounted.
    pub(super) is_explicit: bool,
    /// The names of Secrets for pulling images.
    pub(super) pulls: Vec<String>,
    /// What is not known, if the ServiceAccount is not.
    pub(super) unknown: Option<String>,
}

impl Account {
    pub(super) fn of(view: View<'_, '_>, request: &Request<'_>, pod: &Value) -> Account {
        let annotations = pod.root().path(&["metadata", "annotations"]);
        let is_mirror = annotations.is_some_and(|all| all.get(MIRROR).is_some());
        if is_mirror || !view.server.runs(Plugin::ServiceAccount) {
            return Account::default();
        }
        let spec = pod.root().get("spec");
        let said = |name| spec.map(|spec| text(spec, name)).filter(|name| !name.is_empty());
        let name = said("serviceAccountName").or(said("serviceAccount")).unwrap_or("default");
        let world = view.estate.world();
        let is_complete = world.base.coverage.is_complete("", "ServiceAccount");
        let found = request
            .namespace()
            .and_then(|namespace| world.get(&ThingRef::new("", "ServiceAccount", namespace, name)));
        let root = found.map(|found| found.root());
        let automount = |node: Option<Node<'_>>| {
            node.and_then(|node| node.get("automountServiceAccountToken")).and_then(Node::as_bool)
        };
        let explicit = automount(spec);
        let pulls = root.into_iter().flat_map(|root| list(root, "imagePullSecrets"));
        let is_unknown = found.is_none() && !(is_complete && request.namespace().is_some());
        Account {
            name: name.to_owned(),
            mounts: explicit.or(automount(root)).unwrap_or(true),
            is_explicit: explicit.is_some(),
            pulls: pulls.map(|secret| text(secret, "name").to_owned()).collect(),
            unknown: is_unknown.then(|| match request.namespace() {
                Some(namespace) => format!("ServiceAccount {namespace}/{name}"),
                None => format!("ServiceAccount {name}"),
            }),
        }
    }
}

/// Mounts the token of the ServiceAccount in every container.
pub(super) fn mount(changes: &mut Changes, spec: Node<'_>, guess: Guess) {
    let mut names = list(spec, "volumes").map(|volume| text(volume, "name"));
    let known = names.find(|name| name.starts_with(TOKEN_VOLUME));
    let name = known.map_or_else(|| format!("{TOKEN_VOLUME}{}", guess.end(5)), str::to_owned);
    let mount = json!({"mountPath": TOKEN_PATH, "name": name, "readOnly": true});
    let mut is_needed = false;
    for kind in ["initContainers", "containers"] {
        for (index, container) in list(spec, kind).enumerate() {
            let mut mounts = list(container, "volumeMounts");
            if mounts.any(|mount| text(mount, "mountPath") == TOKEN_PATH) {
                continue;
            }
            is_needed = true;
            changes.push(container, &format!("/spec/{kind}/{index}/volumeMounts"), &mount);
        }
    }
    if known.is_none() && is_needed {
        changes.push(
            spec,
            "/spec/volumes",
            &json!({"name": name, "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}],
                    "name": "kube-root-ca.crt"}},
                {"downwardAPI": {"items": [{"path": "namespace",
                    "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
            ]}}),
        );
    }
}
