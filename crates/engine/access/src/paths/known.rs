//! What a world says besides its RBAC that escalation needs.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_model::{Node, Object};
use ironhull_schema::{POD_KINDS, Schema};

use super::objects::{self, Objects};
use super::tokens::{Asked, Tokens, account_of};
use crate::node::held;
use crate::subject::{AUTHENTICATED, NODE_PREFIX, NODES};
use crate::{Access, Identity, Subject, grants};

/// Namespace → names of ServiceAccounts.
type Accounts = BTreeMap<String, BTreeSet<String>>;

/// The kinds besides roles and bindings that ways lead through.
pub fn looks_at() -> impl Iterator<Item = (&'static str, &'static str)> {
    let others = ["ServiceAccount", "Secret", "Namespace", "Node", "ConfigMap"];
    let of_core = others.into_iter().map(|kind| ("", kind));
    let of_volumes = [("", "PersistentVolume"), ("storage.k8s.io", "CSIDriver")];
    of_core.chain(POD_KINDS.iter().copied()).chain(of_volumes).chain(objects::looks_at())
}

/// Whether Pod Security lets a pod take its node.
pub(super) enum Privileged {
    Allowed,
    Forbidden,
    /// Nobody knows: what would have to be so.
    If(String),
}

#[derive(Debug)]
pub(super) struct Known<'a> {
    accounts: Accounts,
    /// Those whose token is in a pod.
    running: Accounts,
    /// Those whose token a kubelet may ask for.
    asked: Accounts,
    /// The namespaces of pods whose containers hold Secrets.
    holding: BTreeSet<String>,
    tokens: Accounts,
    pub(super) users: BTreeSet<Subject>,
    pub(super) groups: BTreeSet<Subject>,
    /// Namespace → its `enforce` label.
    namespaces: BTreeMap<&'a str, Option<&'a str>>,
    all_namespaces: bool,
    /// Whether a node of the control plane, or a pod of it, is there.
    pub(super) control_plane: bool,
    /// The nodes of the control plane that are there.
    pub(super) control_nodes: BTreeSet<&'a str>,
    /// Whether identities are mapped as EKS does.
    pub(super) aws_auth: bool,
    pub(super) objects: Objects,
}

fn add(accounts: &mut Accounts, namespace: &str, name: &str) {
    accounts.entry(namespace.to_owned()).or_default().insert(name.to_owned());
}

impl<'a> Known<'a> {
    pub(super) fn new(access: &Access<'a>) -> Known<'a> {
        let world = access.world();
        let tokens = Tokens::new(access);
        let mut known = Known {
            accounts: Accounts::new(),
            running: Accounts::new(),
            asked: Accounts::new(),
            holding: BTreeSet::new(),
            tokens: Accounts::new(),
            users: BTreeSet::new(),
            groups: BTreeSet::new(),
            namespaces: BTreeMap::new(),
            all_namespaces: world.base.coverage.is_complete("", "Namespace"),
            control_plane: false,
            control_nodes: BTreeSet::new(),
            aws_auth: false,
            objects: Objects::new(access, &tokens),
        };
        for subject in access.bindings().iter().flat_map(|binding| grants::named(binding.object)) {
            known.name(subject);
        }
        for account in world.of_kind("", "ServiceAccount") {
            add(&mut known.accounts, &account.thing.namespace, &account.thing.name);
        }
        let schema = Schema::of(world.base.minor);
        for object in POD_KINDS.iter().flat_map(|(group, kind)| world.of_kind(group, kind)) {
            known.run(schema, &tokens, object);
        }
        for secret in world.of_kind("", "Secret") {
            if let Some(account) = token_of(secret) {
                add(&mut known.tokens, &secret.thing.namespace, account);
            }
        }
        for namespace in world.of_kind("", "Namespace") {
            let level = namespace.label("pod-security.kubernetes.io/enforce");
            known.namespaces.insert(&namespace.thing.name, level);
        }
        known.control_nodes = world
            .of_kind("", "Node")
            .filter(|node| node.label("node-role.kubernetes.io/control-plane").is_some())
            .map(|node| &*node.thing.name)
            .collect();
        known.control_plane |= !known.control_nodes.is_empty();
        known.aws_auth = world
            .in_namespace("", "ConfigMap", "kube-system")
            .any(|config| &*config.thing.name == "aws-auth");
        known
    }

    fn name(&mut self, subject: Subject) {
        match subject {
            Subject::ServiceAccount(namespace, name) => add(&mut self.accounts, &namespace, &name),
            Subject::User(_) => _ = self.users.insert(subject),
            Subject::Group(_) => _ = self.groups.insert(subject),
        }
    }

    fn run(&mut self, schema: Schema, tokens: &Tokens<'_, '_>, object: &Object) {
        let thing = &object.thing;
        let Some(account) = account_of_pod(schema, object) else { return };
        add(&mut self.accounts, &thing.namespace, account);
        for inside in self.objects.accounts_inside(schema, tokens, object) {
            add(&mut self.running, &thing.namespace, &inside);
        }
        let pod = schema.pod_spec(&thing.group, &thing.kind, object.root());
        if pod.is_some_and(|pod| held(pod).next().is_some()) {
            self.holding.insert(thing.namespace.to_string());
        }
        if tokens.asked_by(&any_kubelet(), object) == Asked::Granted {
            add(&mut self.asked, &thing.namespace, account);
        }
        self.control_plane |=
            &*thing.namespace == "kube-system" && thing.name.starts_with("kube-apiserver-");
    }

    /// The namespaces of pods, of a name if any, whose containers hold Secrets.
    pub(super) fn holding<'k>(
        &'k self,
        name: Option<&str>,
    ) -> impl Iterator<Item = &'k String> + use<'k, 'a> {
        let named = name.map(|name| self.objects.holding(name));
        let all = named.is_none().then(|| self.holding.iter());
        named.into_iter().flatten().chain(all.into_iter().flatten())
    }

    pub(super) fn is_account(&self, subject: &Subject) -> bool {
        has(&self.accounts, subject)
    }

    pub(super) fn is_running(&self, subject: &Subject) -> bool {
        has(&self.running, subject)
    }

    pub(super) fn is_asked(&self, subject: &Subject) -> bool {
        has(&self.asked, subject)
    }

    pub(super) fn has_token(&self, subject: &Subject) -> bool {
        has(&self.tokens, subject)
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let named = self.users.iter().chain(&self.groups).cloned();
        let nodes = self.objects.nodes().map(|node| Subject::User(format!("{NODE_PREFIX}{node}")));
        let nodes = nodes.filter(|node| !self.users.contains(node));
        named.chain(nodes).chain(self.accounts(None))
    }

    /// The namespaces that are known.
    pub(super) fn namespaces(&self) -> BTreeSet<&str> {
        self.accounts.keys().map(String::as_str).chain(self.namespaces.keys().copied()).collect()
    }

    /// The ServiceAccounts of a namespace; none for all of them.
    pub(super) fn accounts<'k>(
        &'k self,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = Subject> + use<'k, 'a> {
        of(&self.accounts, namespace)
    }

    /// Those whose token is in a pod.
    pub(super) fn running<'k>(
        &'k self,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = Subject> + use<'k, 'a> {
        of(&self.running, namespace)
    }

    /// Those whose token a kubelet may ask for.
    pub(super) fn asked<'k>(
        &'k self,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = Subject> + use<'k, 'a> {
        of(&self.asked, namespace)
    }

    /// Those whose token stands in a Secret.
    pub(super) fn tokens<'k>(
        &'k self,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = Subject> + use<'k, 'a> {
        of(&self.tokens, namespace)
    }

    /// Whether a pod of the namespace can take its node.
    pub(super) fn privileged_pods(&self, namespace: &str) -> Privileged {
        match self.namespaces.get(namespace) {
            Some(None | Some("privileged")) => Privileged::Allowed,
            // A level that is misspelt counts as restricted.
            Some(Some(_)) => Privileged::Forbidden,
            None if self.all_namespaces => Privileged::Allowed,
            None => Privileged::If(format!(
                "if Pod Security does not forbid it in {namespace}, whose Namespace was not read"
            )),
        }
    }
}

/// The ServiceAccount that a pod, or those of a workload, run as.
pub(super) fn account_of_pod(schema: Schema, object: &Object) -> Option<&str> {
    let thing = &object.thing;
    Some(account_of(schema.pod_spec(&thing.group, &thing.kind, object.root())?))
}

/// What is a kubelet, on whichever node.
fn any_kubelet() -> Identity {
    Identity { user: String::new(), groups: vec![NODES.to_owned(), AUTHENTICATED.to_owned()] }
}

/// The ServiceAccount whose token a Secret holds.
pub(super) fn token_of(secret: &Object) -> Option<&str> {
    let kind = secret.root().get("type").and_then(Node::as_str);
    let is_token = kind == Some("kubernetes.io/service-account-token");
    secret.annotation("kubernetes.io/service-account.name").filter(|_| is_token)
}

fn has(accounts: &Accounts, subject: &Subject) -> bool {
    let Subject::ServiceAccount(namespace, name) = subject else { return false };
    accounts.get(namespace).is_some_and(|names| names.contains(name))
}

fn of<'k>(
    accounts: &'k Accounts,
    namespace: Option<&str>,
) -> impl Iterator<Item = Subject> + use<'k> {
    let wanted = namespace.map(str::to_owned);
    accounts
        .iter()
        .filter(move |(namespace, _)| wanted.as_deref().is_none_or(|wanted| wanted == *namespace))
        .flat_map(|(namespace, names)| names.iter().map(|name| Subject::account(namespace, name)))
}
