//! What the API server's other admission plugins, those that are on by default, make of a
//! new object before a policy is asked about it (`k8s.io/kubernetes/plugin/pkg/admission`).
//! Of a pod: `LimitRanger`, `ServiceAccount`, `Priority`, `DefaultTolerationSeconds`,
//! `RuntimeClass`, `PodTopologyLabels`. Of others: `TaintNodesByCondition`,
//! `DefaultStorageClass`, `StorageObjectInUseProtection`, `DefaultIngressClass`.
//! For what they refuse there is no verdict here.
//!
//! Some of it only a running API server decides, such as the end of the name of the
//! token's volume. Instead of leaving it out, the pod is made in several forms that
//! differ in exactly that: what all of them are answered alike is known.

use ironhull_model::Value;
use serde_json::json;

use crate::estate::Estate;
use crate::policy::list;
use crate::request::{Operation, Request, Typed};

mod account;
mod changes;
mod classes;
mod limits;
mod objects;
mod open;
mod priority;
mod runtime;
mod tolerations;
mod topology;

use account::Account;
use limits::Ranges;
use runtime::Class;
use topology::Topology;

pub(crate) use changes::{Changes, Guess, json_of};
pub(crate) use limits::AllRanges;
pub(crate) use objects::TEMPLATE_GENERATION;
pub(crate) use open::parts;
pub(crate) use topology::places_pods;

const PODS: Typed<'static> = Typed { group: "", version: "v1", name: "pods" };

impl Possible {
    /// The object.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// One of the forms that a request's object may have.
#[derive(Clone, Debug)]
pub struct Possible {
    pub(crate) value: Value,
    /// What is not known, where it is answered otherwise than the first form.
    pub(crate) unknown: String,
}

/// What is sent to a subresource of pods that plugins add to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Below {
    Resize,
    Binding,
}

impl Below {
    fn of(request: &Request<'_>) -> Option<Below> {
        let is_of_pods = request.resource == PODS && !request.is_stored;
        match (request.subresource, request.operation) {
            _ if !is_of_pods => None,
            ("resize", Operation::Update) => Some(Below::Resize),
            ("binding", Operation::Create) => Some(Below::Binding),
            _ => None,
        }
    }
}

/// Whether it is about a new pod, which plugins add to.
fn is_new_pod(request: &Request<'_>) -> bool {
    request.resource == PODS
        && request.subresource.is_empty()
        && request.operation == Operation::Create
        && !request.is_stored
}

/// The forms that the object of a request may have when policies are asked; none where
/// it has the one that it was sent in. `sent` are those forms, one for each guess, or
/// one for both.
pub(crate) fn forms(estate: &Estate<'_>, request: &Request<'_>, sent: &[Value]) -> Vec<Possible> {
    if request.is_stored {
        return Vec::new();
    }
    if !request.subresource.is_empty() {
        let below = Below::of(request).zip(sent.first());
        return below
            .map(|(below, sent)| sent_below(estate, request, below, sent))
            .unwrap_or_default();
    }
    let wiped = match request.operation {
        Operation::Create => sent.iter().map(wiped).collect::<Option<Vec<_>>>(),
        Operation::Update => None,
        Operation::Delete | Operation::Connect => return Vec::new(),
    };
    let forms = completed(estate, request, wiped.as_deref().unwrap_or(sent));
    match (forms.is_empty(), wiped) {
        (true, Some(mut wiped)) => {
            let form = |value| Possible { value, unknown: String::new() };
            wiped.drain(..).take(1).map(form).collect()
        }
        _ => forms,
    }
}

/// What plugins make of an object that policies changed; none where that is nothing, and
/// where it hangs on an account that is not known.
pub(crate) fn again(estate: &Estate<'_>, request: &Request<'_>, object: &Value) -> Option<Value> {
    if request.resource == PODS && Account::of(estate, request, object).unknown.is_some() {
        return None;
    }
    let forms = forms(estate, request, std::slice::from_ref(object));
    Some(forms.into_iter().next()?.value).filter(|completed| completed != object)
}

/// What nobody but the API server says of a new object
/// (`k8s.io/apiserver/pkg/registry/rest/meta.go`).
const WIPED: [&str; 5] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

/// A new object without that; none where it has nothing of it.
fn wiped(sent: &Value) -> Option<Value> {
    let metadata = sent.root().get("metadata")?;
    let mut changes = Changes::default();
    for name in WIPED.into_iter().filter(|name| metadata.get(name).is_some()) {
        changes.drop(format!("/metadata/{name}"));
    }
    (!changes.is_empty()).then(|| changes.made(sent))
}

/// The forms of an object that plugins make; none where they make nothing of it.
fn completed(estate: &Estate<'_>, request: &Request<'_>, sent: &[Value]) -> Vec<Possible> {
    let Some(first) = sent.first() else { return Vec::new() };
    if request.resource != PODS {
        return objects::forms(estate, request, first);
    }
    let spec = |value: &Value| value.root().get("spec").is_some_and(|spec| !spec.is_null());
    match request.operation {
        _ if !sent.iter().all(spec) => Vec::new(),
        Operation::Create => created(estate, request, sent, first),
        _ => updated(request, first),
    }
}

/// The forms of what is sent to a subresource: `LimitRanger` sees what is resized, and
/// `PodTopologyLabels` where a pod is bound to.
fn sent_below(
    estate: &Estate<'_>,
    request: &Request<'_>,
    below: Below,
    sent: &Value,
) -> Vec<Possible> {
    let known = |value| Possible { value, unknown: String::new() };
    if below == Below::Binding {
        let topology = Topology::of(estate, request, sent);
        return vec![known(topology.given(sent.clone()))];
    }
    let ranges = Ranges::of(estate, request);
    let mut forms = vec![known(ranges.limited(sent, 0))];
    forms.extend(in_other_orders(ranges, request, &forms[0].value, |order| {
        ranges.limited(sent, order)
    }));
    forms
}

/// The other forms of a pod, by the order in which LimitRanges are asked.
fn in_other_orders(
    ranges: &Ranges,
    request: &Request<'_>,
    first: &Value,
    form: impl Fn(usize) -> Value,
) -> Vec<Possible> {
    let namespace = request.namespace().unwrap_or_default();
    let unknown = format!("in which order the API server asks the LimitRanges of {namespace}");
    let others = (1..ranges.orders()).map(form).filter(|other| other != first);
    others.map(|value| Possible { value, unknown: unknown.clone() }).collect()
}

/// The forms of a new pod.
fn created(
    estate: &Estate<'_>,
    request: &Request<'_>,
    sent: &[Value],
    first: &Value,
) -> Vec<Possible> {
    let account = Account::of(estate, request, first);
    let topology = Topology::of(estate, request, first);
    let ranges = Ranges::of(estate, request);
    let plugins = Plugins { estate, account: &account, ranges, topology };
    let form = |guess: Guess, given: Given<'_>, unknown: String| {
        let sent = guess.of(Some(first), sent.get(1)).unwrap_or(first);
        Possible { value: plugins.admitted(sent, guess, given), unknown }
    };
    let own = Given { mounts: account.mounts, pulls: &account.pulls, order: 0 };
    let mut forms = vec![form(Guess::First, own, String::new())];
    let is_unread = plugins.ranges.is_unread();
    if account.mounts || sent.len() > 1 || is_unread {
        let mut made_up = "what only a running cluster makes up, such as names and uids".to_owned();
        if is_unread {
            made_up.push_str(", or what LimitRanges that were not read set");
        }
        forms.push(form(Guess::Second, own, made_up));
    }
    if let Some(unknown) = &account.unknown {
        let mounts = account.mounts && account.is_explicit;
        let given = Given { mounts, pulls: &["x".to_owned()], order: 0 };
        forms.push(form(Guess::First, given, unknown.clone()));
    }
    forms.extend(in_other_orders(ranges, request, &forms[0].value, |order| {
        form(Guess::First, Given { order, ..own }, String::new()).value
    }));
    forms
}

/// A pod that is changed keeps its priority, and gets its tolerations again.
fn updated(request: &Request<'_>, sent: &Value) -> Vec<Possible> {
    let Some(spec) = sent.root().get("spec") else { return Vec::new() };
    let mut changes = Changes::default();
    tolerations::tolerate(&mut changes, spec);
    for name in ["priority", "preemptionPolicy"] {
        let old = request.old_object.value().and_then(|old| old.root().path(&["spec", name]));
        let known = spec.get(name).filter(|known| !known.is_null());
        if let (None, Some(Ok(old))) = (known, old.map(serde_json::to_value)) {
            changes.put(format!("/spec/{name}"), &old);
        }
    }
    vec![Possible { value: changes.made(sent), unknown: String::new() }]
}

/// What a form of a pod is given.
#[derive(Clone, Copy)]
struct Given<'a> {
    mounts: bool,
    pulls: &'a [String],
    /// Of LimitRanges.
    order: usize,
}

/// What the plugins look up.
struct Plugins<'p, 'a> {
    estate: &'p Estate<'a>,
    account: &'p Account,
    ranges: &'p Ranges,
    topology: Topology<'a>,
}

impl Plugins<'_, '_> {
    /// A pod as the plugins leave it, asked in their order (`AllOrderedPlugins`).
    fn admitted(&self, pod: &Value, guess: Guess, given: Given<'_>) -> Value {
        let pod = self.ranges.limited(pod, given.order);
        let Some(spec) = pod.root().get("spec") else { return pod };
        let mut changes = Changes::default();
        if self.ranges.is_unread() && guess == Guess::Second {
            limits::annotate(&mut changes, pod.root(), "cpu request for container x");
        }
        let names = ["serviceAccountName", "serviceAccount"].into_iter();
        for name in names.filter(|_| !self.account.name.is_empty()) {
            changes.put(format!("/spec/{name}"), &json!(self.account.name));
        }
        if given.mounts {
            account::mount(&mut changes, spec, guess);
        }
        if list(spec, "imagePullSecrets").next().is_none() && !given.pulls.is_empty() {
            let named: Vec<_> = given.pulls.iter().map(|name| json!({"name": name})).collect();
            changes.put("/spec/imagePullSecrets", &json!(named));
        }
        priority::prioritize(&mut changes, spec, self.estate);
        tolerations::tolerate(&mut changes, spec);
        let pod = Class::of(self.estate, spec).given(changes.made(&pod));
        self.topology.given(pod)
    }
}
