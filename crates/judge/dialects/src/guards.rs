//! What guards the namespaces of a cluster: admission policies in force, webhooks and
//! Pod Security, where each is asked, and the holes in it. Nothing is evaluated; what a
//! guard really stops, only a canary shows.

use std::fmt;
use std::sync::Arc;

use ironhull_model::{Node, Object, ThingRef, World};
use ironhull_process::command;
use ironhull_pss::policy::Policy as PodSecurity;

use crate::estate::Estate;
use crate::matching::Match;
use crate::policy::{Action, Binding, FailurePolicy, Flavour, GROUP, Policy, list, text};

/// Kinds of webhook configurations, with what their webhooks do.
const WEBHOOKS: [(&str, Effect); 2] = [
    ("MutatingWebhookConfiguration", Effect::Changes),
    ("ValidatingWebhookConfiguration", Effect::Denies),
];

/// What a guard does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// It refuses.
    Denies,
    /// It changes objects.
    Changes,
    /// It only warns.
    Warns,
    /// It only writes to the audit log.
    Audits,
}

impl Effect {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Denies => "denies",
            Effect::Changes => "changes",
            Effect::Warns => "warns",
            Effect::Audits => "audits",
        }
    }
}

/// Where a guard does not hold although it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hole {
    /// An error, or no answer, admits.
    FailsOpen,
    /// What would answer is missing.
    NoService(ThingRef),
    /// What would answer is not running.
    NoEndpoint(ThingRef),
    /// Whoever labels an object decides whether it is asked about.
    ByLabel,
    /// It is asked only where so many conditions hold.
    Conditions(usize),
    /// No binding puts it in force.
    Unbound,
    /// Its rules, if any, are for what the API server asks no webhook about.
    NeverCalled,
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hole::FailsOpen => f.write_str("fails open"),
            Hole::NoService(service) => write!(f, "{service} is missing"),
            Hole::NoEndpoint(service) => write!(f, "{service} has no ready endpoint"),
            Hole::ByLabel => f.write_str("objects choose by their labels"),
            Hole::Conditions(1) => f.write_str("only where a condition holds"),
            Hole::Conditions(n) => write!(f, "only where {n} conditions hold"),
            Hole::Unbound => f.write_str("no binding puts it in force"),
            Hole::NeverCalled => f.write_str("no rule has it called"),
        }
    }
}

/// One guard: a binding of a policy, or a webhook.
#[derive(Debug)]
pub struct Guard<'a> {
    /// The policy, or the webhook's configuration.
    pub object: &'a Arc<Object>,
    /// The binding's or the webhook's name; empty for a policy without binding.
    pub name: &'a str,
    /// What it does; a binding may warn and audit.
    pub effects: Vec<Effect>,
    /// What it is asked about: `create, update pods`.
    pub asked: String,
    /// Its holes, but for the namespaces that it is not asked about.
    pub holes: Vec<Hole>,
    /// All of them match what it is asked about.
    matches: Vec<Match<'a>>,
}

/// All guards of a world but Pod Security, which labels of each namespace order; in the
/// order in which the API server asks them.
pub fn guards(world: World<'_>) -> Vec<Guard<'_>> {
    let mut guards = Vec::new();
    for (flavour, (kind, effect)) in
        [Flavour::Mutating, Flavour::Validating].into_iter().zip(WEBHOOKS)
    {
        for object in world.of_kind(GROUP, flavour.kind()) {
            guards.extend(of_policy(world, object, flavour));
        }
        for object in world.of_kind(GROUP, kind) {
            let webhooks = list(object.root(), "webhooks");
            guards.extend(webhooks.map(|webhook| of_webhook(world, object, webhook, effect)));
        }
    }
    guards
}

impl Guard<'_> {
    /// The policy's kind, or `mutating webhook` or `validating webhook`.
    pub fn kind(&self) -> &'static str {
        let is = |kind: &str| &*self.object.thing.kind == kind;
        match Flavour::ALL.into_iter().find(|flavour| is(flavour.kind())) {
            Some(flavour) => flavour.kind(),
            None if is(WEBHOOKS[0].0) => "mutating webhook",
            None => "validating webhook",
        }
    }

    /// Whether it is asked about what is in a namespace; none is not known.
    pub fn covers(&self, estate: &Estate<'_>, namespace: &str) -> Option<bool> {
        if self.is_of_cluster(estate) || self.holes.contains(&Hole::NeverCalled) {
            return Some(false);
        }
        let mut known = Some(true);
        for wanted in self.matches.iter().filter_map(Match::namespace_selector) {
            match estate.namespace_selects(wanted, namespace) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => known = None,
            }
        }
        known
    }

    /// Whether its rules are for what is in no namespace only.
    pub fn is_of_cluster(&self, estate: &Estate<'_>) -> bool {
        self.matches.iter().any(|it| !it.is_for_namespaces(&estate.kinds()))
    }
}

fn of_policy<'a>(world: World<'a>, object: &'a Arc<Object>, flavour: Flavour) -> Vec<Guard<'a>> {
    let Some(policy) = Policy::read(object) else { return Vec::new() };
    let constraints = object.root().path(&["spec", "matchConstraints"]);
    let rules = constraints.into_iter().flat_map(|node| list(node, "resourceRules"));
    let asked = asked(rules);
    let guard = |binding: Option<&Binding<'a>>| {
        let resources = binding.and_then(|it| it.object.root().path(&["spec", "matchResources"]));
        let both = [constraints, resources].into_iter().flatten();
        let mut holes = Vec::new();
        if binding.is_none() {
            holes.push(Hole::Unbound);
        }
        if policy.failure == FailurePolicy::Ignore {
            holes.push(Hole::FailsOpen);
        }
        holes.extend(by_label(both.clone()));
        holes.extend(conditions(policy.conditions.len()));
        Guard {
            object,
            name: binding.map_or("", |binding| binding.name),
            effects: binding.map(|binding| effects(binding, flavour)).unwrap_or_default(),
            asked: asked.clone(),
            holes,
            matches: both.map(|node| Match::read(Some(node))).collect(),
        }
    };
    let bindings = world.of_kind(GROUP, flavour.binding_kind());
    let mut guards: Vec<Guard<'a>> = bindings
        .filter_map(|binding| Binding::read(binding, flavour))
        .filter(|binding| binding.policy == policy.name)
        .map(|binding| guard(Some(&binding)))
        .collect();
    if guards.is_empty() {
        guards.push(guard(None));
    }
    guards
}

fn effects(binding: &Binding<'_>, flavour: Flavour) -> Vec<Effect> {
    if flavour == Flavour::Mutating {
        return vec![Effect::Changes];
    }
    let of = |action: &Action| match action {
        Action::Deny => Effect::Denies,
        Action::Warn => Effect::Warns,
        Action::Audit => Effect::Audits,
    };
    binding.actions.iter().map(of).collect()
}

fn of_webhook<'a>(
    world: World<'a>,
    object: &'a Arc<Object>,
    webhook: Node<'a>,
    effect: Effect,
) -> Guard<'a> {
    let mut holes = Vec::new();
    if !Match::is_ever_called(webhook) {
        holes.push(Hole::NeverCalled);
    }
    if text(webhook, "failurePolicy") == "Ignore" {
        holes.push(Hole::FailsOpen);
    }
    holes.extend(backend(world, webhook));
    holes.extend(by_label([webhook].into_iter()));
    holes.extend(conditions(list(webhook, "matchConditions").count()));
    Guard {
        object,
        name: text(webhook, "name"),
        effects: vec![effect],
        asked: asked(list(webhook, "rules")),
        holes,
        matches: vec![Match::of_webhook(webhook)],
    }
}

/// Whether whoever answers for a webhook is there, as far as that is known.
fn backend(world: World<'_>, webhook: Node<'_>) -> Option<Hole> {
    let service = webhook.path(&["clientConfig", "service"])?;
    let (namespace, name) = (text(service, "namespace"), text(service, "name"));
    let thing = ThingRef::new("", "Service", namespace, name);
    let coverage = &world.base.coverage;
    let Some(found) = world.get(&thing) else {
        return coverage.is_complete("", "Service").then_some(Hole::NoService(thing));
    };
    // The API server asks its name, whoever that is of.
    if found.root().path(&["spec", "type"]).and_then(Node::as_str) == Some("ExternalName") {
        return None;
    }
    if !coverage.is_complete("discovery.k8s.io", "EndpointSlice") {
        return None;
    }
    let is_ready = |endpoint: Node<'_>| {
        let ready = endpoint.path(&["conditions", "ready"]).and_then(Node::as_bool);
        ready.unwrap_or(true)
    };
    let mut slices = world
        .of_kind("discovery.k8s.io", "EndpointSlice")
        .filter(|slice| *slice.thing.namespace == *namespace)
        .filter(|slice| slice.label("kubernetes.io/service-name") == Some(name));
    let answers = slices.any(|slice| list(slice.root(), "endpoints").any(is_ready));
    (!answers).then_some(Hole::NoEndpoint(thing))
}

fn by_label<'a>(mut nodes: impl Iterator<Item = Node<'a>>) -> Option<Hole> {
    nodes.any(|node| selecting(node, "objectSelector").is_some()).then_some(Hole::ByLabel)
}

fn conditions(n: usize) -> Option<Hole> {
    (n > 0).then_some(Hole::Conditions(n))
}

/// A selector that does not select everything.
fn selecting<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.get(name).filter(|selector| selector.entries().any(|(_, part)| !part.is_empty()))
}

/// Rules in words: `create, update pods, deployments.apps`.
fn asked<'a>(rules: impl Iterator<Item = Node<'a>>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for rule in rules {
        let strings = |name| list(rule, name).filter_map(Node::as_str);
        let operations: Vec<String> = strings("operations").map(str::to_lowercase).collect();
        let operations = match operations.iter().any(|operation| operation == "*") {
            true => "everything to".to_owned(),
            false => operations.join(", "),
        };
        let resources: Vec<String> = strings("resources")
            .flat_map(|resource| strings("apiGroups").map(move |group| full(resource, group)))
            .collect();
        let part = format!("{operations} {}", resources.join(", "));
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join("; ")
}

fn full(resource: &str, group: &str) -> String {
    match (resource, group) {
        ("*" | "*/*", "*") => "everything".to_owned(),
        (resource, "" | "*") => resource.to_owned(),
        (resource, group) => match resource.split_once('/') {
            Some((resource, sub)) => format!("{resource}.{group}/{sub}"),
            None => format!("{resource}.{group}"),
        },
    }
}

/// What Pod Security does in a namespace by its labels; none where no label says
/// anything, so that the API server's own configuration decides.
pub fn pod_security(namespace: &Object) -> Option<PodSecurity> {
    let labels = namespace.root().path(&["metadata", "labels"]);
    let says = |mode: &str| {
        let key = format!("pod-security.kubernetes.io/{mode}");
        labels.is_some_and(|labels| labels.get(&key).is_some())
    };
    ["enforce", "audit", "warn"]
        .into_iter()
        .any(says)
        .then(|| PodSecurity::of_labels(labels, PodSecurity::PRIVILEGED).0)
}

/// What Pod Security enforces where a namespace's labels say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unlabelled {
    /// The `privileged` level: the API server's pods are there, and name no configuration.
    Privileged,
    /// What a configuration of the API server says, which was not read, if it has one.
    Unread,
}

/// What holds for namespaces without labels, told by how the API server is started.
pub fn unlabelled(world: World<'_>) -> Unlabelled {
    let mut servers = command::api_servers(world).peekable();
    let is_there = servers.peek().is_some();
    match is_there && servers.all(|command| command.flag(ADMISSION_CONFIGURATION).is_none()) {
        true => Unlabelled::Privileged,
        false => Unlabelled::Unread,
    }
}

/// The flag that names an AdmissionConfiguration, with which Pod Security has other defaults.
const ADMISSION_CONFIGURATION: &str = "admission-control-config-file";
