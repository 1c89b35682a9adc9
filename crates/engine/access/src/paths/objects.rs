//! Objects by their names, for rules that are limited to some.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ironhull_model::{Node, Object, World};
use ironhull_schema::Schema;

use super::known::token_of;
use super::tokens::{Asked, Tokens, account_of};
use crate::node::{Kind, held, is_mirror};
use crate::subject::NODE_PREFIX;
use crate::{Access, GROUP, Identity, Subject};

/// Namespace → account.
type Accounts = BTreeMap<String, String>;

/// Group, resource and kind of the workloads that can be rewritten.
const WORKLOADS: &[(&str, &str, &str)] = &[
    ("", "replicationcontrollers", "ReplicationController"),
    ("apps", "daemonsets", "DaemonSet"),
    ("apps", "deployments", "Deployment"),
    ("apps", "replicasets", "ReplicaSet"),
    ("apps", "statefulsets", "StatefulSet"),
    ("batch", "cronjobs", "CronJob"),
];

const ADMISSION: &str = "admissionregistration.k8s.io";
/// Likewise of what decides on admission.
const CONFIGURATIONS: &[(&str, &str)] = &[
    ("mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
    ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    ("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
    ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
];

/// The kinds that are looked up by name only.
pub(super) fn looks_at() -> impl Iterator<Item = (&'static str, &'static str)> {
    CONFIGURATIONS.iter().map(|(_, kind)| (ADMISSION, *kind))
}

/// Whether something is where a rule names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Presence {
    There,
    Absent,
    /// Its kind was not read completely.
    Unread,
}

/// By name.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Resource → name → namespaces.
    workloads: HashMap<&'static str, HashMap<String, BTreeSet<String>>>,
    /// Name → namespaces.
    pods: HashMap<String, BTreeSet<String>>,
    /// Name → namespaces, of pods whose containers hold Secrets.
    holding: HashMap<String, BTreeSet<String>>,
    /// Name → namespace → account, of pods whose token is in them.
    running: HashMap<String, BTreeMap<String, BTreeSet<String>>>,
    tokens: HashMap<String, Accounts>,
    /// Resource → names.
    configurations: HashMap<&'static str, HashSet<String>>,
    /// Of bindings, by namespace (none: of the cluster) and name, their index.
    bindings: HashMap<(Option<String>, String), usize>,
    /// Name of a RoleBinding → namespaces.
    role_bindings: HashMap<String, BTreeSet<String>>,
    /// Namespace → its Roles, by their index.
    roles: HashMap<String, Vec<u32>>,
    /// Node → accounts whose tokens its kubelet may have, and what must be so for it.
    nodes: BTreeMap<String, BTreeMap<Subject, Option<String>>>,
    /// Node → accounts whose token is in a pod there.
    inside: BTreeMap<String, BTreeSet<Subject>>,
    /// Node → namespaces with Secrets that pods there name → accounts whose tokens are in them.
    mounted: BTreeMap<String, BTreeMap<String, BTreeSet<Subject>>>,
    /// Account → nodes on which pods run as it.
    hosts: HashMap<Subject, BTreeSet<String>>,
    unread: HashSet<&'static str>,
}

impl Objects {
    pub(super) fn new(access: &Access<'_>, tokens: &Tokens<'_, '_>) -> Objects {
        let mut objects = Objects::default();
        let world = access.world();
        objects.read(world, tokens);
        for (index, binding) in access.bindings().iter().enumerate() {
            let namespace = binding.namespace.map(str::to_owned);
            let name = binding.object.thing.name.to_string();
            if let Some(namespace) = &namespace {
                let namespaces = objects.role_bindings.entry(name.clone()).or_default();
                namespaces.insert(namespace.clone());
            }
            objects.bindings.insert((namespace, name), index);
        }
        for kind in ["ClusterRoleBinding", "RoleBinding"] {
            objects.cover(world, GROUP, kind, kind);
        }
        for (index, role) in access.roles().iter().enumerate() {
            if &*role.object.thing.kind == "Role" {
                let roles = objects.roles.entry(role.object.thing.namespace.to_string());
                roles.or_default().push(index as u32);
            }
        }
        objects.relate(access, tokens);
        objects
    }

    fn read(&mut self, world: World<'_>, tokens: &Tokens<'_, '_>) {
        let schema = Schema::of(world.base.minor);
        for &(group, resource, kind) in WORKLOADS {
            let names = self.workloads.entry(resource).or_default();
            for object in world.of_kind(group, kind) {
                let namespaces = names.entry(object.thing.name.to_string()).or_default();
                namespaces.insert(object.thing.namespace.to_string());
            }
            self.cover(world, group, kind, resource);
        }
        for secret in world.of_kind("", "Secret") {
            if let Some(account) = token_of(secret) {
                let accounts = self.tokens.entry(secret.thing.name.to_string()).or_default();
                accounts.insert(secret.thing.namespace.to_string(), account.to_owned());
            }
        }
        for pod in world.of_kind("", "Pod") {
            let (namespace, name) = (pod.thing.namespace.to_string(), pod.thing.name.to_string());
            let accounts = self.accounts_inside(schema, tokens, pod);
            if !accounts.is_empty() {
                let places = self.running.entry(name.clone()).or_default();
                places.insert(namespace.clone(), accounts);
            }
            if pod.root().get("spec").is_some_and(|spec| held(spec).next().is_some()) {
                self.holding.entry(name.clone()).or_default().insert(namespace.clone());
            }
            self.pods.entry(name).or_default().insert(namespace);
        }
        self.cover(world, "", "Pod", "pods");
        for &(resource, kind) in CONFIGURATIONS {
            for object in world.of_kind(ADMISSION, kind) {
                let names = self.configurations.entry(resource).or_default();
                names.insert(object.thing.name.to_string());
            }
            self.cover(world, ADMISSION, kind, resource);
        }
    }

    /// The accounts whose token is in a pod, or in those of a workload: its own, and those of
    /// token Secrets that its containers hold.
    pub(super) fn accounts_inside(
        &self,
        schema: Schema,
        tokens: &Tokens<'_, '_>,
        object: &Object,
    ) -> BTreeSet<String> {
        let thing = &object.thing;
        let Some(pod) = schema.pod_spec(&thing.group, &thing.kind, object.root()) else {
            return BTreeSet::new();
        };
        let own = tokens.are_inside(object).then(|| account_of(pod));
        let held = held(pod).filter_map(|secret| self.tokens.get(secret)?.get(&*thing.namespace));
        own.into_iter().chain(held.map(String::as_str)).map(str::to_owned).collect()
    }

    fn cover(&mut self, world: World<'_>, group: &str, kind: &str, resource: &'static str) {
        if !world.base.coverage.is_complete(group, kind) {
            self.unread.insert(resource);
        }
    }

    /// What kubelets may ask for because of the pods on their nodes.
    fn relate(&mut self, access: &Access<'_>, tokens: &Tokens<'_, '_>) {
        let schema = Schema::of(access.world().base.minor);
        for pod in access.world().of_kind("", "Pod").filter(|pod| !is_mirror(pod)) {
            let field = |name| pod.root().path(&["spec", name]).and_then(Node::as_str);
            let both = field("nodeName").zip(field("serviceAccountName"));
            let Some((node, account)) =
                both.filter(|(node, it)| !node.is_empty() && !it.is_empty())
            else {
                continue;
            };
            let subject = Subject::account(&pod.thing.namespace, account);
            self.hosts.entry(subject.clone()).or_default().insert(node.to_owned());
            let inside = self.accounts_inside(schema, tokens, pod);
            let inside = inside.iter().map(|name| Subject::account(&pod.thing.namespace, name));
            self.inside.entry(node.to_owned()).or_default().extend(inside);
            let kubelet = Identity::of(&Subject::User(format!("{NODE_PREFIX}{node}")));
            let condition = match tokens.asked_by(&kubelet, pod) {
                Asked::Granted => None,
                Asked::If(condition) => Some(condition),
                Asked::Refused => continue,
            };
            self.ask(node, subject, condition);
        }
        for (node, namespace, secret) in access.nodes().related(Kind::Secret) {
            let mounted = self.mounted.entry(node.to_owned()).or_default();
            let mounted = mounted.entry(namespace.to_owned()).or_default();
            let token = self.tokens.get(secret).and_then(|accounts| accounts.get(namespace));
            if let Some(account) = token {
                let account = Subject::account(namespace, account);
                mounted.insert(account.clone());
                self.ask(node, account, None);
            }
        }
    }

    fn ask(&mut self, node: &str, account: Subject, condition: Option<String>) {
        let known = self.nodes.entry(node.to_owned()).or_default();
        match known.get(&account) {
            Some(None) => {}
            Some(Some(_)) if condition.is_some() => {}
            _ => _ = known.insert(account, condition),
        }
    }

    fn presence(&self, resource: &str, is_there: bool) -> Presence {
        match is_there {
            true => Presence::There,
            false if self.unread.contains(resource) => Presence::Unread,
            false => Presence::Absent,
        }
    }

    /// Whether a workload is in a namespace.
    pub(super) fn workload(&self, resource: &str, namespace: &str, name: &str) -> Presence {
        let is_there = self.workloads(resource, name).any(|own| own == namespace);
        self.presence(resource, is_there)
    }

    /// The namespaces that have a workload of this name.
    pub(super) fn workloads<'o>(
        &'o self,
        resource: &str,
        name: &str,
    ) -> impl Iterator<Item = &'o str> + use<'o> {
        let names = self.workloads.get(resource).and_then(|names| names.get(name));
        names.into_iter().flatten().map(String::as_str)
    }

    /// Whether a resource is one whose objects make pods by what they say.
    pub(super) fn is_workload(&self, resource: &str) -> bool {
        self.workloads.contains_key(resource)
    }

    /// Whether a pod is in a namespace.
    pub(super) fn pod(&self, namespace: &str, name: &str) -> Presence {
        let is_there = self.pods(name).any(|own| own == namespace);
        self.presence("pods", is_there)
    }

    /// The namespaces that have a pod of this name.
    pub(super) fn pods<'o>(&'o self, name: &str) -> impl Iterator<Item = &'o str> + use<'o> {
        self.pods.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The namespaces of the pods of this name whose containers hold Secrets.
    pub(super) fn holding<'o>(&'o self, name: &str) -> impl Iterator<Item = &'o String> + use<'o> {
        self.holding.get(name).into_iter().flatten()
    }

    /// Namespaces and accounts of the pods of this name whose token is in them.
    pub(super) fn running<'o>(
        &'o self,
        name: &str,
    ) -> impl Iterator<Item = (&'o str, &'o str)> + use<'o> {
        let places = self.running.get(name).into_iter().flatten();
        places.flat_map(|(namespace, accounts)| {
            accounts.iter().map(|account| (&**namespace, &**account))
        })
    }

    /// Likewise of the Secrets of this name that hold a token.
    pub(super) fn tokens<'o>(
        &'o self,
        name: &str,
    ) -> impl Iterator<Item = (&'o str, &'o str)> + use<'o> {
        pairs(self.tokens.get(name))
    }

    /// Whether a policy, its binding or the configuration of a webhook may be there.
    pub(super) fn may_be_configured(&self, resource: &str, name: &str) -> bool {
        let names = self.configurations.get(resource);
        let is_there = names.is_some_and(|names| names.contains(name));
        self.presence(resource, is_there) != Presence::Absent
    }

    /// The index of a binding.
    pub(super) fn binding(&self, namespace: Option<&str>, name: &str) -> Option<usize> {
        self.bindings.get(&(namespace.map(str::to_owned), name.to_owned())).copied()
    }

    /// The namespaces that have a RoleBinding of this name.
    pub(super) fn role_bindings<'o>(
        &'o self,
        name: &str,
    ) -> impl Iterator<Item = &'o str> + use<'o> {
        self.role_bindings.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The accounts whose tokens a kubelet may have, in a namespace if any, and what must be
    /// so for it.
    pub(super) fn on_node<'o>(
        &'o self,
        node: &str,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = (&'o Subject, Option<&'o str>)> + use<'o> {
        let there = namespace.map(str::to_owned);
        let accounts = self.nodes.get(node).into_iter().flatten().filter(move |(account, _)| {
            let own =
                matches!(account, Subject::ServiceAccount(own, _) if there.as_ref() == Some(own));
            own || there.is_none()
        });
        accounts.map(|(account, condition)| (account, condition.as_deref()))
    }

    /// The namespaces with Secrets that pods on a node (none: on any) name, in one if any, and
    /// the accounts whose tokens are in them.
    pub(super) fn mounted<'o>(
        &'o self,
        node: Option<&str>,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = (&'o str, &'o BTreeSet<Subject>)> + use<'o> {
        let there = namespace.map(str::to_owned);
        let of_one = node.map(|node| self.mounted.get(node));
        let of_all = of_one.is_none().then(|| self.mounted.values());
        let nodes = of_one.flatten().into_iter().chain(of_all.into_iter().flatten());
        let mounted = nodes.flatten().map(|(namespace, tokens)| (&**namespace, tokens));
        mounted.filter(move |(own, _)| there.as_deref().is_none_or(|there| there == *own))
    }

    /// The accounts whose token is in a pod of a node.
    pub(super) fn running_on<'o>(
        &'o self,
        node: &str,
    ) -> impl Iterator<Item = &'o Subject> + use<'o> {
        self.inside.get(node).into_iter().flatten()
    }

    /// The Roles of a namespace, by their index.
    pub(super) fn roles(&self, namespace: &str) -> impl Iterator<Item = u32> {
        self.roles.get(namespace).into_iter().flatten().copied()
    }

    /// The nodes on which pods run as an account.
    pub(super) fn hosts(&self, account: &Subject) -> impl Iterator<Item = &str> {
        self.hosts.get(account).into_iter().flatten().map(String::as_str)
    }

    /// The nodes on which pods run.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }
}

fn pairs(accounts: Option<&Accounts>) -> impl Iterator<Item = (&str, &str)> {
    let both = accounts.into_iter().flatten();
    both.map(|(namespace, account)| (&**namespace, &**account))
}

/// The pod that the name in a request to a proxy is about: `SCHEME:POD:PORT`.
pub(super) fn proxied(name: &str) -> &str {
    let mut parts = name.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (_, Some(pod), Some(_)) | (Some(pod), _, None) => pod,
        _ => name,
    }
}
