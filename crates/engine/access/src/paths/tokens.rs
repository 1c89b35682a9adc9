//! Which pods hold a token that the API server takes, and of which a kubelet may ask for
//! one (plugin/pkg/admission/noderestriction of Kubernetes).
//!
//! A kubelet asks for tokens of the ServiceAccounts of its pods. Where NodeRestriction is
//! on, since 1.33 only for audiences that the pod names, by a projected token or through
//! the driver of a volume, or that a rule with the verb
//! `request-serviceaccounts-token-audience` names. None is the API server's own.

use std::collections::{HashMap, HashSet};

use ironhull_model::{Minor, Node, Object, World};
use ironhull_process::command;
use ironhull_schema::Schema;

use crate::{Access, Identity, Question};

/// Feature gate ServiceAccountNodeAudienceRestriction: beta in 1.32, on since 1.33.
const RESTRICTED_SINCE: Minor = Minor::v1(33);
const GATE: &str = "ServiceAccountNodeAudienceRestriction";
const ADMISSION: &str = "NodeRestriction";
const ASK: &str = "request-serviceaccounts-token-audience";
/// The Service of the API server, by whose name its audience is mostly called.
const SERVICE: &str = "kubernetes.default.svc";

/// The CSI drivers that stand in for volumes of Kubernetes' own (csi-translation-lib).
const STAND_INS: &[(&str, &str)] = &[
    ("awsElasticBlockStore", "ebs.csi.aws.com"),
    ("azureDisk", "disk.csi.azure.com"),
    ("azureFile", "file.csi.azure.com"),
    ("cinder", "cinder.csi.openstack.org"),
    ("gcePersistentDisk", "pd.csi.storage.gke.io"),
    ("portworxVolume", "pxd.portworx.com"),
    ("vsphereVolume", "csi.vsphere.vmware.com"),
];

/// Whether a kubelet may have a token with which the API server is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Granted,
    /// Nobody knows: what would have to be so.
    If(String),
    Refused,
}

/// What the flags of the API server say.
#[derive(Debug, Default)]
struct Server {
    /// The audiences whose tokens it takes; none where that was not read.
    audiences: Option<Vec<String>>,
    admission: Option<Vec<String>>,
    gate: Option<bool>,
}

/// Tokens of a world.
#[derive(Debug)]
pub(super) struct Tokens<'i, 'a> {
    access: &'i Access<'a>,
    schema: Schema,
    server: Server,
    is_restricted: bool,
    /// ServiceAccounts, by namespace and name, whose tokens are not mounted by themselves.
    unmounted: HashSet<(&'a str, &'a str)>,
    /// CSI driver → the audiences of the tokens that it is given.
    drivers: HashMap<&'a str, Vec<&'a str>>,
    /// Claim, by namespace and name → the driver of its volume.
    claims: HashMap<(&'a str, &'a str), &'a str>,
}

impl<'i, 'a> Tokens<'i, 'a> {
    pub(super) fn new(access: &'i Access<'a>) -> Tokens<'i, 'a> {
        let world = access.world();
        let server = Server::of(world);
        let is_on = |list: &Vec<String>| list.iter().any(|name| name == ADMISSION);
        let is_restricted = server.admission.as_ref().is_none_or(is_on)
            && server.gate.unwrap_or(world.base.minor >= RESTRICTED_SINCE);
        let accounts = world.of_kind("", "ServiceAccount").filter(|account| {
            let mounts = account.root().get("automountServiceAccountToken");
            mounts.and_then(Node::as_bool) == Some(false)
        });
        let drivers = world.of_kind("storage.k8s.io", "CSIDriver").map(|driver| {
            let asked = driver.root().path(&["spec", "tokenRequests"]);
            let asked = asked.into_iter().flat_map(Node::items);
            (&*driver.thing.name, asked.map(|one| text(one, &["audience"])).collect())
        });
        let claims = world.of_kind("", "PersistentVolume").filter_map(|volume| {
            let spec = volume.root().get("spec")?;
            let (there, name) = (&["claimRef", "namespace"], &["claimRef", "name"]);
            Some(((text(spec, there), text(spec, name)), driver_of(spec)?))
        });
        Tokens {
            access,
            schema: Schema::of(world.base.minor),
            server,
            is_restricted,
            unmounted: { accounts }
                .map(|account| (&*account.thing.namespace, &*account.thing.name))
                .collect(),
            drivers: drivers.collect(),
            claims: claims.collect(),
        }
    }

    /// Whether who is in a pod, or in those of a workload, has a token of its account.
    pub(super) fn are_inside(&self, object: &Object) -> bool {
        let thing = &object.thing;
        let pod = self.schema.pod_spec(&thing.group, &thing.kind, object.root());
        pod.is_some_and(|pod| {
            self.is_mounted_by_itself(object, pod)
                || named(pod).any(|audience| self.is_taken(audience) == Some(true))
        })
    }

    /// Whether a kubelet may ask for a token of the account of a pod, or of those of a
    /// workload, that runs on its node.
    pub(super) fn asked_by(&self, kubelet: &Identity, object: &Object) -> Asked {
        let thing = &object.thing;
        let Some(pod) = self.schema.pod_spec(&thing.group, &thing.kind, object.root()) else {
            return Asked::Refused;
        };
        if !self.is_restricted || self.are_inside(object) {
            return Asked::Granted;
        }
        let audiences = || named(pod).chain(self.of_drivers(object, pod));
        let account = account_of(pod);
        if audiences().any(|audience| self.is_taken(audience) == Some(true))
            || self.is_allowed(kubelet, &thing.namespace, account)
        {
            return Asked::Granted;
        }
        match audiences().find(|audience| self.is_taken(audience).is_none()) {
            Some(audience) => {
                Asked::If(format!("if the API server takes tokens for the audience {audience}"))
            }
            None => Asked::Refused,
        }
    }

    /// Whether the API server takes a token for an audience; none where nobody knows.
    fn is_taken(&self, audience: &str) -> Option<bool> {
        let host = audience.strip_prefix("https://").unwrap_or(audience);
        match &self.server.audiences {
            _ if audience.is_empty() => Some(true),
            Some(all) => Some(all.iter().any(|own| own == audience)),
            None if host.starts_with(SERVICE) => Some(true),
            None => None,
        }
    }

    /// Whether admission adds the token; what the API server has was admitted already.
    fn is_mounted_by_itself(&self, object: &Object, pod: Node<'_>) -> bool {
        let thing = &object.thing;
        let is_admitted =
            &*thing.kind == "Pod" && object.root().path(&["metadata", "uid"]).is_some();
        let said = pod.get("automountServiceAccountToken").and_then(Node::as_bool);
        let of_account = || !self.unmounted.contains(&(&*thing.namespace, account_of(pod)));
        !is_admitted && said.unwrap_or_else(of_account)
    }

    /// The audiences of the tokens that drivers of a pod's volumes are given.
    fn of_drivers<'s>(
        &'s self,
        object: &'s Object,
        pod: Node<'s>,
    ) -> impl Iterator<Item = &'s str> + use<'s, 'i, 'a> {
        let namespace = &*object.thing.namespace;
        let driver = move |volume: Node<'s>| {
            let claim = |name: &str| self.claims.get(&(namespace, name)).copied();
            if let Some(own) = child(volume, "persistentVolumeClaim") {
                return claim(text(own, &["claimName"]));
            }
            if child(volume, "ephemeral").is_some() {
                return claim(&format!("{}-{}", object.thing.name, text(volume, &["name"])));
            }
            driver_of(volume)
        };
        let drivers = items(pod, "volumes").filter_map(driver);
        drivers.filter_map(|driver| self.drivers.get(driver)).flatten().copied()
    }

    /// Whether rules let a kubelet ask for an audience of the API server's.
    fn is_allowed(&self, kubelet: &Identity, namespace: &str, account: &str) -> bool {
        let own = self.server.audiences.iter().flatten().map(String::as_str);
        own.chain([""]).any(|audience| {
            let asked = Question {
                name: account,
                namespace: Some(namespace),
                ..Question::new(ASK, "", audience)
            };
            self.access.can(kubelet, &asked)
        })
    }
}

impl Server {
    fn of(world: World<'_>) -> Server {
        let Some(server) = command::api_servers(world).next() else { return Server::default() };
        let list = |name| server.list(name);
        let own = list("api-audiences");
        let is_none = own.as_ref().is_some_and(Vec::is_empty);
        let audiences = if is_none { list("service-account-issuer") } else { own };
        let gates = list("feature-gates").unwrap_or_default();
        let mut gates = gates.iter().filter_map(|gate| gate.split_once('='));
        let gate = gates.rfind(|(name, _)| *name == GATE);
        Server {
            audiences: audiences.filter(|all| !all.is_empty()),
            admission: list("enable-admission-plugins"),
            gate: gate.map(|(_, value)| value.eq_ignore_ascii_case("true")),
        }
    }
}

/// The audiences of the tokens that a pod projects.
fn named(pod: Node<'_>) -> impl Iterator<Item = &str> {
    let sources = items(pod, "volumes").filter_map(|volume| child(volume, "projected"));
    sources
        .flat_map(|projected| items(projected, "sources"))
        .filter_map(|source| child(source, "serviceAccountToken"))
        .map(|token| text(token, &["audience"]))
}

/// The CSI driver of a volume of a pod, or of a PersistentVolume.
fn driver_of(volume: Node<'_>) -> Option<&str> {
    if let Some(csi) = child(volume, "csi") {
        return Some(text(csi, &["driver"]));
    }
    let stand_in = STAND_INS.iter().find(|(field, _)| child(volume, field).is_some());
    stand_in.map(|(_, driver)| *driver)
}

/// The ServiceAccount that a pod runs as.
pub(super) fn account_of(pod: Node<'_>) -> &str {
    match text(pod, &["serviceAccountName"]) {
        "" => "default",
        name => name,
    }
}

/// What is not null.
fn child<'n>(node: Node<'n>, name: &str) -> Option<Node<'n>> {
    node.get(name).filter(|child| !child.is_null())
}

fn items<'n>(node: Node<'n>, name: &str) -> impl Iterator<Item = Node<'n>> + use<'n> {
    node.get(name).into_iter().flat_map(Node::items)
}

/// A string; empty where there is none.
fn text<'n>(node: Node<'n>, path: &[&str]) -> &'n str {
    node.path(path).and_then(Node::as_str).unwrap_or_default()
}
