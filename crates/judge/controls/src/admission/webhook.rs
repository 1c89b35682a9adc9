//! Whether the API server calls a webhook about a request, as far as that can be told of a
//! request of which only who sends it and what it is about is known
//! (`k8s.io/apiserver/pkg/admission/plugin/webhook/generic`).

use std::borrow::Cow;

use ironhull_cel::policy::{Compiler, Inputs, MATCH_CONDITIONS_BUDGET, Use, evaluate};
use ironhull_cel::{Context, Program, Val};
use ironhull_model::{Node, ThingRef, World, selector};

use super::{Asked, Rule, by_name, is_empty};
use crate::host::namespace_labels;

/// A request that somebody sends.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'p> {
    /// `CREATE` or `UPDATE`.
    pub operation: &'static str,
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Plural resource.
    pub resource: &'static str,
    /// Empty for the resource itself.
    pub subresource: &'static str,
    /// The kind of what is sent.
    pub kind: &'static str,
    /// The members of such an object beside its metadata.
    pub members: &'static [&'static str],
    /// The namespace; empty for what is in none.
    pub namespace: &'p str,
    /// Who sends it.
    pub user: &'p str,
    /// The user's groups beside `system:authenticated`.
    pub groups: &'p [&'p str],
    /// Labels of the object.
    pub labels: &'p [(&'p str, &'p str)],
    /// Whether it has no others.
    pub has_no_other_labels: bool,
}

/// Whether a webhook is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Called {
    /// It is not.
    No,
    /// It is, or the API server refuses by itself, since its conditions fail.
    Yes,
    /// That cannot be told here: what is missing.
    Unknown(String),
}

/// Whether a webhook that fails closed is called about a request.
pub fn called(webhook: Node<'_>, probe: &Probe<'_>, world: World<'_>) -> Called {
    let asks = [called_somewhere(webhook, probe, world), selects_namespace(webhook, probe, world)];
    let is = |wanted: fn(&Called) -> bool| asks.iter().find(|called| wanted(called)).cloned();
    is(|called| *called == Called::No)
        .or_else(|| is(|called| matches!(called, Called::Unknown(_))))
        .unwrap_or(Called::Yes)
}

/// Whether it is called, if its selector of namespaces selects the request's.
pub fn called_somewhere(webhook: Node<'_>, probe: &Probe<'_>, world: World<'_>) -> Called {
    let asked = probe.asked();
    let mut rules = webhook.get("rules").into_iter().flat_map(Node::items).map(Rule::read);
    if !rules.any(|rule| rule.covers(&asked)) {
        return Called::No;
    }
    match selects_object(webhook, probe) {
        Called::No => Called::No,
        Called::Yes => conditions(webhook, probe, world),
        unknown => match conditions(webhook, probe, world) {
            Called::No => Called::No,
            _ => unknown,
        },
    }
}

impl Probe<'_> {
    /// What rules look at.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            operation: self.operation,
            group: self.group,
            version: self.version,
            resource: self.resource,
            subresource: self.subresource,
            name: "",
            is_in_namespace: !self.namespace.is_empty(),
        }
    }
}

fn told(known: Option<bool>, what: impl FnOnce() -> String) -> Called {
    match known {
        Some(true) => Called::Yes,
        Some(false) => Called::No,
        None => Called::Unknown(what()),
    }
}

/// What is in no namespace no selector of namespaces takes out.
fn selects_namespace(webhook: Node<'_>, probe: &Probe<'_>, world: World<'_>) -> Called {
    let selector = webhook.get("namespaceSelector").filter(|selector| !is_empty(*selector));
    let (Some(selector), false) = (selector, probe.namespace.is_empty()) else {
        return Called::Yes;
    };
    let name = probe.namespace;
    let found = world.get(&ThingRef::new("", "Namespace", "", name));
    if found.is_none() && !world.base.coverage.is_complete("", "Namespace") {
        return told(by_name(selector, name), || format!("the labels of namespace {name}"));
    }
    let labels = found.and_then(|object| object.root().path(&["metadata", "labels"]));
    let labels = namespace_labels(name, labels);
    told(Some(selector::selects(selector, Some(labels.root()))), String::new)
}

fn selects_object(webhook: Node<'_>, probe: &Probe<'_>) -> Called {
    let selector = webhook.get("objectSelector").filter(|selector| !is_empty(*selector));
    let Some(selector) = selector else { return Called::Yes };
    let what = || format!("the labels of the {} that are sent", probe.resource);
    if !probe.has_no_other_labels {
        return told(selector::selects_knowing(selector, probe.labels), what);
    }
    let labels = labels_of(probe);
    told(Some(selector::selects(selector, Some(labels.root()))), what)
}

fn labels_of(probe: &Probe<'_>) -> ironhull_model::Value {
    let mut builder = ironhull_model::Builder::new();
    builder.begin_map(0);
    for (key, value) in probe.labels {
        builder.key(key, 0);
        builder.str(value, 0, 0);
    }
    builder.end(0);
    builder.finish()
}

/// One condition that is false takes the request out, whatever the others say; an error
/// refuses it, since the webhook fails closed.
fn conditions(webhook: Node<'_>, probe: &Probe<'_>, world: World<'_>) -> Called {
    let list = || webhook.get("matchConditions").into_iter().flat_map(Node::items);
    let compiler = Compiler::of_webhook(world.base.minor);
    let text = |node: Node<'_>| node.get("expression").and_then(Node::as_str).map(str::to_owned);
    let programs: Vec<Option<Program>> = list()
        .map(|node| compiler.compile(Use::Condition, &text(node).unwrap_or_default()).ok())
        .collect();
    if programs.is_empty() {
        return Called::Yes;
    }
    let bindings = inputs(probe).bindings();
    let mut budget = MATCH_CONDITIONS_BUDGET;
    let mut answer = Called::Yes;
    for (program, node) in programs.iter().zip(list()) {
        // What does not compile fails whenever it is asked.
        let Some(program) = program else { continue };
        let mut context = Context::new();
        context.host = Some(&Nobody);
        match evaluate(program, &bindings, &mut context, &mut budget) {
            Ok(Val::Bool(false)) => return Called::No,
            Ok(Val::Unknown) => {
                let name = node.get("name").and_then(Node::as_str).unwrap_or_default();
                answer = Called::Unknown(format!(
                    "what match condition {name} says of {} to {}",
                    probe.operation.to_lowercase(),
                    probe.shown()
                ));
            }
            Ok(_) | Err(_) => {}
        }
    }
    answer
}

/// An authorizer that knows nothing.
struct Nobody;

impl ironhull_cel::Host for Nobody {
    fn call<'v>(&self, _: usize, _: &[Val<'v>]) -> Result<Val<'v>, ironhull_cel::EvalError> {
        Err(ironhull_cel::EvalError::new("no such host function"))
    }
}

impl Probe<'_> {
    /// `pods/status of kube-system`.
    pub fn shown(&self) -> String {
        let sub = if self.subresource.is_empty() { "" } else { "/" };
        let resource = format!("{}{sub}{}", self.resource, self.subresource);
        match self.namespace {
            "" => resource,
            namespace => format!("{resource} of {namespace}"),
        }
    }
}

fn inputs<'p>(probe: &Probe<'p>) -> Inputs<'p> {
    let object = object(probe);
    let old_object = match probe.operation {
        "CREATE" => Val::Null,
        _ => object.clone(),
    };
    Inputs {
        object,
        old_object,
        // Conditions of webhooks see none.
        namespace_object: Val::Null,
        request: request(probe),
        params: Val::Null,
        request_resource: Some(ironhull_cel::Resource {
            group: probe.group.into(),
            resource: probe.resource.into(),
            subresource: probe.subresource.into(),
            namespace: probe.namespace.into(),
            ..ironhull_cel::Resource::default()
        }),
        n_variables: 0,
    }
}

fn text<'v>(text: &'v str) -> Val<'v> {
    Val::Str(Cow::Borrowed(text))
}

fn map<'v>(members: Vec<(&'v str, Val<'v>)>) -> Val<'v> {
    let members = members.into_iter().map(|(key, value)| (text(key), value));
    Val::Map(members.collect::<Vec<_>>().into())
}

/// The object as far as it is known: what kind it is, and where.
fn object<'p>(probe: &Probe<'p>) -> Val<'p> {
    let api_version = match probe.group {
        "" => text(probe.version),
        group => Val::Str(format!("{group}/{}", probe.version).into()),
    };
    let unknown = ["annotations", "creationTimestamp", "generation", "managedFields", "uid"];
    let unknown = unknown.into_iter().chain(["name", "ownerReferences", "resourceVersion"]);
    let mut metadata: Vec<_> = unknown.map(|name| (name, Val::Unknown)).collect();
    if !probe.namespace.is_empty() {
        metadata.push(("namespace", text(probe.namespace)));
    }
    match probe.has_no_other_labels {
        false => metadata.push(("labels", Val::Unknown)),
        true if probe.labels.is_empty() => {}
        true => {
            let labels = probe.labels.iter().map(|(key, value)| (*key, text(value)));
            metadata.push(("labels", map(labels.collect())));
        }
    }
    let members = probe.members.iter().map(|name| (*name, Val::Unknown));
    let known = [("apiVersion", api_version), ("kind", text(probe.kind))];
    let known = known.into_iter().chain([("metadata", map(metadata))]);
    map(known.chain(members).collect())
}

/// The request, as the API server fills it in for match conditions.
fn request<'p>(probe: &Probe<'p>) -> Val<'p> {
    let typed = |last, name| {
        map(vec![
            ("group", text(probe.group)),
            ("version", text(probe.version)),
            (last, text(name)),
        ])
    };
    let groups = probe.groups.iter().copied().chain(["system:authenticated"]).map(text);
    let user = [("username", text(probe.user)), ("groups", Val::list(groups.collect()))];
    let user = user.into_iter().chain(["uid", "extra"].map(|name| (name, Val::Unknown)));
    let mut members = vec![
        ("uid", text("")),
        ("kind", typed("kind", probe.kind)),
        ("resource", typed("resource", probe.resource)),
        ("requestKind", typed("kind", probe.kind)),
        ("requestResource", typed("resource", probe.resource)),
        ("name", Val::Unknown),
        ("operation", text(probe.operation)),
        ("userInfo", map(user.collect())),
        ("object", Val::Null),
        ("oldObject", Val::Null),
        ("dryRun", Val::Bool(false)),
        ("options", Val::Unknown),
    ];
    let given = [
        ("subResource", probe.subresource),
        ("requestSubResource", probe.subresource),
        ("namespace", probe.namespace),
    ];
    members.extend(
        given.into_iter().filter(|(_, it)| !it.is_empty()).map(|(key, it)| (key, text(it))),
    );
    map(members)
}
