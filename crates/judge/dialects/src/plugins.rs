//! What the API server's other admission plugins make of a new pod before a policy is
//! asked about it: `ServiceAccount`, `DefaultTolerationSeconds`, `Priority`
//! (`k8s.io/kubernetes/plugin/pkg/admission`).
//!
//! Some of it only a running API server decides, such as the end of the name of the
//! token's volume. Instead of leaving it out, the pod is made in several forms that
//! differ in exactly that: what all of them are answered alike is known.

use ironhull_model::{Node, Object, ThingRef, Value};
use ironhull_patch::json_patch::{self, Operation as Patch};
use serde_json::json;

use crate::estate::Estate;
use crate::policy::{list, text};
use crate::request::{Operation, Request, Typed};

/// Where the token of a ServiceAccount is mounted, and what its volume's name begins with.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_VOLUME: &str = "kube-api-access-";

/// How long a token is valid, in seconds.
const TOKEN_SECONDS: i64 = 3607;

/// The priorities of the classes that every API server has.
const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

const PODS: Typed<'static> = Typed { group: "", version: "v1", name: "pods" };

impl Possible {
    /// The object.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// One of two things that stand for what only a running cluster makes up. What does not
/// hang on it comes out alike for both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guess {
    /// Shown to people, so it looks made up.
    First,
    /// Unlike the first in every character.
    Second,
}

impl Guess {
    /// Both.
    pub(crate) const BOTH: [Guess; 2] = [Guess::First, Guess::Second];

    /// So many characters of those that the API server makes names of.
    pub(crate) fn end(self, n: usize) -> String {
        match self {
            Guess::First => "x".repeat(n),
            Guess::Second => "2b4c6d8f5g".chars().cycle().take(n).collect(),
        }
    }

    /// One of the two.
    pub(crate) fn of<T>(self, first: T, second: T) -> T {
        if self == Guess::First { first } else { second }
    }

    /// The uid of an object.
    pub(crate) fn uid(self) -> &'static str {
        self.of("00000000-0000-4000-8000-000000000000", "ffffffff-eeee-4ddd-9ccc-bbbbbbbbbbbb")
    }
}

/// One of the forms that a request's object may have.
#[derive(Clone, Debug)]
pub struct Possible {
    pub(crate) value: Value,
    /// What is not known, where it is answered otherwise than the first form.
    pub(crate) unknown: String,
}

/// Changes of a value, made together.
#[derive(Default)]
pub(crate) struct Changes(Vec<(String, Value)>);

impl Changes {
    /// Puts something at a pointer, in place of what is there.
    pub(crate) fn put(&mut self, path: impl Into<String>, value: &serde_json::Value) {
        // Every JSON is a value.
        if let Ok(value) = serde_json::from_value(value.clone()) {
            self.0.push((path.into(), value));
        }
    }

    /// Adds an item to the end of a list that may not be there.
    pub(crate) fn push(&mut self, of: Node<'_>, path: &str, item: &serde_json::Value) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_there = of.get(name).is_some_and(|list| !list.is_null())
            || self.0.iter().any(|(known, _)| known == path);
        if !is_there {
            self.put(path, &json!([]));
        }
        self.put(format!("{path}/-"), item);
    }

    /// The value with them.
    pub(crate) fn made(&self, value: &Value) -> Value {
        let patch = |(path, value): &'_ (String, Value)| (path.clone(), value.clone());
        let owned: Vec<_> = self.0.iter().map(patch).collect();
        let operations: Vec<Patch<'_>> = owned
            .iter()
            .map(|(path, value)| Patch { op: "add", path, from: "", value: Some(value) })
            .collect();
        match json_patch::apply(value, &operations) {
            Ok(Some(made)) => made,
            _ => value.clone(),
        }
    }
}

/// The forms that the object of a request may have when policies are asked; none where
/// it has the one that it was sent in. `sent` are those forms, one for each guess, or
/// one for both.
pub(crate) fn forms(estate: &Estate<'_>, request: &Request<'_>, sent: &[Value]) -> Vec<Possible> {
    let is_pod = request.resource == PODS && request.subresource.is_empty();
    let spec = |value: &Value| value.root().get("spec").is_some_and(|spec| !spec.is_null());
    if request.is_stored || !is_pod || !sent.iter().all(spec) {
        return Vec::new();
    }
    let Some(first) = sent.first() else { return Vec::new() };
    match request.operation {
        Operation::Create => {}
        Operation::Update => return updated(request, first),
        Operation::Delete | Operation::Connect => return Vec::new(),
    }
    let annotations = first.root().path(&["metadata", "annotations"]);
    if annotations.is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some()) {
        return Vec::new();
    }
    let account = Account::of(estate, request, first);
    let form = |guess: Guess, mounts: bool, pulls: &[String], unknown: String| {
        let sent = guess.of(Some(first), sent.get(1)).unwrap_or(first);
        Possible { value: admitted(estate, sent, guess, &account.name, mounts, pulls), unknown }
    };
    let made_up = || "what only a running cluster makes up, such as names and uids".to_owned();
    let mut forms = vec![form(Guess::First, account.mounts, &account.pulls, String::new())];
    if account.mounts || sent.len() > 1 {
        forms.push(form(Guess::Second, account.mounts, &account.pulls, made_up()));
    }
    if let Some(unknown) = &account.unknown {
        let mounts = account.mounts && account.is_explicit;
        let pulls = ["x".to_owned()];
        forms.push(form(Guess::First, mounts, &pulls, unknown.clone()));
    }
    forms
}

/// A pod that is changed keeps its priority, and gets its tolerations again.
fn updated(request: &Request<'_>, sent: &Value) -> Vec<Possible> {
    let Some(spec) = sent.root().get("spec") else { return Vec::new() };
    let mut changes = Changes::default();
    tolerate(&mut changes, spec);
    for name in ["priority", "preemptionPolicy"] {
        let old = request.old_object.value().and_then(|old| old.root().path(&["spec", name]));
        let known = spec.get(name).filter(|known| !known.is_null());
        if let (None, Some(Ok(old))) = (known, old.map(serde_json::to_value)) {
            changes.put(format!("/spec/{name}"), &old);
        }
    }
    vec![Possible { value: changes.made(sent), unknown: String::new() }]
}

/// What a pod gets of its ServiceAccount.
struct Account {
    name: String,
    mounts: bool,
    /// Whether the pod itself says whether the token is mounted.
    is_explicit: bool,
    /// The names of Secrets for pulling images.
    pulls: Vec<String>,
    /// What is not known, if the ServiceAccount is not.
    unknown: Option<String>,
}

impl Account {
    fn of(estate: &Estate<'_>, request: &Request<'_>, pod: &Value) -> Account {
        let spec = pod.root().get("spec");
        let said = |name| spec.map(|spec| text(spec, name)).filter(|name| !name.is_empty());
        let name = said("serviceAccountName").or(said("serviceAccount")).unwrap_or("default");
        let world = estate.world();
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

/// A pod as the plugins leave it.
fn admitted(
    estate: &Estate<'_>,
    pod: &Value,
    guess: Guess,
    account: &str,
    mounts: bool,
    pulls: &[String],
) -> Value {
    let Some(spec) = pod.root().get("spec") else { return pod.clone() };
    let mut changes = Changes::default();
    for name in ["serviceAccountName", "serviceAccount"] {
        changes.put(format!("/spec/{name}"), &json!(account));
    }
    if mounts {
        mount(&mut changes, spec, guess);
    }
    if list(spec, "imagePullSecrets").next().is_none() && !pulls.is_empty() {
        let named: Vec<_> = pulls.iter().map(|name| json!({"name": name})).collect();
        changes.put("/spec/imagePullSecrets", &json!(named));
    }
    tolerate(&mut changes, spec);
    prioritize(&mut changes, spec, estate);
    changes.made(pod)
}

/// Mounts the token of the ServiceAccount in every container.
fn mount(changes: &mut Changes, spec: Node<'_>, guess: Guess) {
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

/// Lets a pod stay five minutes on a node that is not ready or not reached.
fn tolerate(changes: &mut Changes, spec: Node<'_>) {
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_tolerated = list(spec, "tolerations").any(|it| {
            ["", taint].contains(&text(it, "key"))
                && ["", "NoExecute"].contains(&text(it, "effect"))
        });
        if !is_tolerated {
            let toleration = json!({"key": taint, "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300});
            changes.push(spec, "/spec/tolerations", &toleration);
        }
    }
}

/// Gives a pod the priority of its class, as far as the class is known; what is missing
/// then is told where it is read.
fn prioritize(changes: &mut Changes, spec: Node<'_>, estate: &Estate<'_>) {
    let classes = || estate.world().of_kind("scheduling.k8s.io", "PriorityClass");
    let is_default = |class: &&std::sync::Arc<Object>| {
        class.root().get("globalDefault").and_then(Node::as_bool) == Some(true)
    };
    let name = text(spec, "priorityClassName");
    let number = |class: Node<'_>| class.get("value").and_then(Node::as_i64).unwrap_or(0);
    let class = match name {
        // Of several defaults the one that matters least counts.
        "" => classes().filter(is_default).min_by_key(|class| number(class.root())),
        name => classes().find(|class| *class.thing.name == *name),
    };
    let system = SYSTEM_CLASSES.into_iter().find(|(class, _)| *class == name);
    let coverage = &estate.world().base.coverage;
    let is_none = name.is_empty() && coverage.is_complete("scheduling.k8s.io", "PriorityClass");
    let (priority, policy) = match (class, system) {
        (Some(class), _) => (number(class.root()), text(class.root(), "preemptionPolicy")),
        (None, Some((_, priority))) => (priority, ""),
        (None, None) if is_none => (0, ""),
        (None, None) => return,
    };
    let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
    if let Some(class) = class.filter(|_| name.is_empty()) {
        changes.put("/spec/priorityClassName", &json!(&*class.thing.name));
    }
    changes.put("/spec/priority", &json!(priority));
    changes.put("/spec/preemptionPolicy", &json!(policy));
}
