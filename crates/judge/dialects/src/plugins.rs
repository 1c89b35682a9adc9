//! What the API server's other admission plugins make of a new object before a policy is
//! asked about it (`k8s.io/kubernetes/plugin/pkg/admission`). Of a pod: `LimitRanger`,
//! `ServiceAccount`, `AlwaysPullImages`, `Priority`, `DefaultTolerationSeconds`,
//! `ExtendedResourceToleration`, `RuntimeClass`, `PodTopologyLabels`. Of others:
//! `TaintNodesByCondition`, `DefaultStorageClass`, `StorageObjectInUseProtection`,
//! `DefaultIngressClass`. Which of them run its flags say, or they run by default. What
//! they refuse is not told here.
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
mod images;
mod limits;
mod objects;
mod open;
mod priority;
mod runtime;
mod servers;
mod tolerations;
mod topology;

use account::Account;
use limits::Ranges;
use runtime::Class;
use servers::{Plugin, View};
use topology::Topology;

pub(crate) use changes::{Changes, Guess, json_of};
pub(crate) use limits::AllRanges;
pub(crate) use objects::TEMPLATE_GENERATION;
pub(crate) use open::parts;
pub(crate) use servers::Server;
pub(crate) use tolerations::tolerate;
pub(crate) use topology::places_pods;

const PODS: Typed<'static> = Typed { group: "", version: "v1", name: "pods" };

impl Possible {
    /// The object.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Of an API server beside the first.
    fn of_another(mut self) -> Possible {
        if self.unknown.is_empty() {
            self.unknown = "which API server is asked: they run different admission plugins".into();
        }
        self
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
    let mut views = View::all(estate);
    let mut forms = views.next().map(|view| forms_of(view, request, sent)).unwrap_or_default();
    for other in views.map(|view| forms_of(view, request, sent)) {
        let as_sent = |of: &[Possible]| if of.is_empty() { sent.first().map(known) } else { None };
        forms.extend(as_sent(&forms));
        let new = as_sent(&other).into_iter().chain(other);
        let new = new.filter(|new| !forms.iter().any(|form| form.value == new.value));
        let new: Vec<Possible> = new.map(Possible::of_another).collect();
        forms.extend(new);
    }
    forms
}

/// Where nothing is unknown.
fn known(value: &Value) -> Possible {
    Possible { value: value.clone(), unknown: String::new() }
}

/// The same as one API server makes them.
fn forms_of(view: View<'_, '_>, request: &Request<'_>, sent: &[Value]) -> Vec<Possible> {
    if !request.subresource.is_empty() {
        let below = Below::of(request).zip(sent.first());
        return below
            .map(|(below, sent)| sent_below(view, request, below, sent))
            .unwrap_or_default();
    }
    let wiped = match request.operation {
        Operation::Create => sent.iter().map(wiped).collect::<Option<Vec<_>>>(),
        Operation::Update => None,
        Operation::Delete | Operation::Connect => return Vec::new(),
    };
    let forms = completed(view, request, wiped.as_deref().unwrap_or(sent));
    match (forms.is_empty(), wiped) {
        (true, Some(wiped)) => wiped.first().map(known).into_iter().collect(),
        _ => forms,
    }
}

/// What plugins make of an object that policies changed; none where that is nothing, and
/// where it hangs on an account that is not known.
pub(crate) fn again(estate: &Estate<'_>, request: &Request<'_>, object: &Value) -> Option<Value> {
    let is_open = |view| Account::of(view, request, object).unknown.is_some();
    if request.resource == PODS && View::all(estate).any(is_open) {
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
fn completed(view: View<'_, '_>, request: &Request<'_>, sent: &[Value]) -> Vec<Possible> {
    let Some(first) = sent.first() else { return Vec::new() };
    if request.resource != PODS {
        return objects::forms(view, request, first);
    }
    let spec = |value: &Value| value.root().get("spec").is_some_and(|spec| !spec.is_null());
    match request.operation {
        _ if !sent.iter().all(spec) => Vec::new(),
        Operation::Create => created(view, request, sent, first),
        _ => updated(view.server, request, first),
    }
}

/// The forms of what is sent to a subresource: `LimitRanger` sees what is resized, and
/// `PodTopologyLabels` where a pod is bound to.
fn sent_below(
    view: View<'_, '_>,
    request: &Request<'_>,
    below: Below,
    sent: &Value,
) -> Vec<Possible> {
    if below == Below::Binding {
        let topology = Topology::of(view, request, sent);
        return vec![known(&topology.given(sent.clone()))];
    }
    let ranges = Ranges::of(view, request);
    let mut forms = vec![known(&ranges.limited(sent, 0))];
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
    view: View<'_, '_>,
    request: &Request<'_>,
    sent: &[Value],
    first: &Value,
) -> Vec<Possible> {
    let account = Account::of(view, request, first);
    let topology = Topology::of(view, request, first);
    let ranges = Ranges::of(view, request);
    let plugins = Plugins { view, account: &account, ranges, topology };
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
fn updated(server: &Server, request: &Request<'_>, sent: &Value) -> Vec<Possible> {
    let Some(spec) = sent.root().get("spec") else { return Vec::new() };
    let mut changes = Changes::default();
    if server.runs(Plugin::AlwaysPullImages) {
        images::always_pull(&mut changes, spec, request.old_object.value());
    }
    tolerations::add(&mut changes, spec, server);
    let names = ["priority", "preemptionPolicy"].into_iter();
    for name in names.filter(|_| server.runs(Plugin::Priority)) {
        let old = request.old_object.value().and_then(|old| old.root().path(&["spec", name]));
        let known = spec.get(name).filter(|known| !known.is_null());
        if let (None, Some(Ok(old))) = (known, old.map(serde_json::to_value)) {
            changes.put(format!("/spec/{name}"), &old);
        }
    }
    vec![known(&changes.made(sent))]
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
    view: View<'p, 'a>,
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
        let View { estate, server } = self.view;
        if server.runs(Plugin::AlwaysPullImages) {
            images::always_pull(&mut changes, spec, None);
        }
        if server.runs(Plugin::Priority) {
            priority::prioritize(&mut changes, spec, estate);
        }
        tolerations::add(&mut changes, spec, server);
        let pod = Class::of(self.view, spec).given(changes.made(&pod));
        self.topology.given(pod)
    }
}
