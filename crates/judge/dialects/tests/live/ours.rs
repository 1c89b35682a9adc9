//! What our side answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_dialects::{
    Answer as Answered, Known, LeftOut, Operation, Place, Policies, Request, Typed, User, Verdict,
    dry_run_options,
};
use ironhull_model::{Change, Coverage, Minor, Object, Snapshot, Value, World};
use ironhull_schema::{Schema, crd, defaults};

use super::case::{Ask, Group};

/// What the API server and we say, in one form.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub denied: bool,
    pub code: u16,
    pub reason: String,
    /// One of these: which refusal is told first is chance.
    pub messages: Vec<String>,
    pub warnings: Vec<String>,
    pub audit: BTreeMap<String, String>,
    /// What came out of mutations; none where nothing is compared.
    pub object: Option<serde_json::Value>,
    /// Whether the registry completed it.
    pub is_prepared: bool,
}

/// A document as it is.
pub fn value(json: &serde_json::Value) -> Value {
    serde_json::from_str(&json.to_string()).unwrap()
}

fn object(json: &serde_json::Value, minor: Minor) -> Arc<Object> {
    let schema = Schema::of(minor);
    Arc::new(Object::new(defaults::apply(schema, &value(json)), None).unwrap())
}

/// Everything that is there before the cases.
pub fn snapshot(objects: &[serde_json::Value], minor: Minor) -> Snapshot {
    let mut snapshot = Snapshot::new(minor);
    snapshot.coverage = Coverage::Complete;
    snapshot.objects = objects.iter().map(|it| object(it, minor)).collect();
    snapshot.seal();
    snapshot
}

/// Answers the requests of a group; `stored` has what was there before each.
pub fn answers(
    base: &Snapshot,
    group: &Group,
    stored: &[Option<serde_json::Value>],
) -> Vec<Result<Answer, String>> {
    let overlay: Vec<Change> = group
        .policies
        .iter()
        .chain(&group.bindings)
        .map(|it| Change::Put(object(it, base.minor)))
        .collect();
    let world = World { base, overlay: &overlay };
    let policies = Policies::new(world);
    let asks = group.asks.iter().zip(stored);
    asks.map(|(ask, stored)| answer(&policies, ask, stored.as_ref())).collect()
}

/// Whether it is a mutating policy.
pub fn is_mutating(policy: &serde_json::Value) -> bool {
    policy["kind"] == "MutatingAdmissionPolicy"
}

/// Whether each mutating policy of a group is refused under a minor.
pub fn are_refused(group: &Group, minor: Minor) -> bool {
    let policies: Vec<_> = group.policies.iter().filter(|it| is_mutating(it)).cloned().collect();
    let snapshot = snapshot(&policies, minor);
    Policies::new(World::new(&snapshot)).refused().len() == policies.len()
}

fn typed(parts: &[String; 3]) -> Typed<'_> {
    Typed { group: &parts[0], version: &parts[1], name: &parts[2] }
}

fn answer(
    policies: &Policies<'_>,
    ask: &Ask,
    stored: Option<&serde_json::Value>,
) -> Result<Answer, String> {
    let sent = &ask.sent;
    let mut groups = ask.groups.clone();
    groups.push("cases".to_owned());
    groups.push("system:authenticated".to_owned());
    let user = User { name: ask.user.clone(), groups, ..User::default() };
    let operation = Operation::parse(sent.operation).unwrap();
    let options = match operation {
        Operation::Connect => value(&serde_json::Value::Null),
        operation => dry_run_options(operation),
    };
    let body = sent.body.as_ref().map(|body| {
        let schema = Schema::of(policies.estate().world().base.minor);
        defaults::apply(schema, &value(body))
    });
    let stored = stored.map(value);
    let known = |value: &'_ Option<Value>| value.is_some();
    let object = match &body {
        Some(body) if sent.sees_object => Known::Some(body),
        _ => Known::None,
    };
    let old_object = match &stored {
        Some(stored) if sent.sees_old => Known::Some(stored),
        _ => Known::None,
    };
    assert!(!sent.sees_old || known(&stored), "{}: nothing was stored", ask.name);
    let request = Request {
        operation,
        user: Some(&user),
        resource: typed(&sent.resource),
        subresource: sent.subresource,
        kind: typed(&sent.kind),
        place: sent.namespace.as_deref().map_or(Place::Cluster, Place::In),
        name: &sent.name,
        object,
        old_object,
        dry_run: Some(operation != Operation::Connect),
        options: Some(&options),
        left_out: LeftOut::Nothing,
        is_stored: false,
        is_mutated: false,
        is_prepared: false,
    };
    let forms = policies.forms(&request);
    let Answered { mutated, decision, prepared } = policies.answer(&request, &forms);
    if let Some(doubt) = mutated.doubts.first() {
        return Err(format!("unknown: {doubt:?}"));
    }
    if let Some(status) = &mutated.status {
        let message = format!("{} {} {}", status.code, status.reason, status.message);
        return Ok(Answer {
            denied: true,
            code: status.code,
            reason: status.reason.clone(),
            messages: vec![message],
            warnings: Vec::new(),
            audit: BTreeMap::new(),
            object: None,
            is_prepared: false,
        });
    }
    let changed = mutated.object.as_ref().filter(|_| !mutated.applied.is_empty());
    if decision.verdict == Verdict::Unknown || !decision.doubts.is_empty() {
        return Err(format!("unknown: {:?}", decision.doubts));
    }
    let mut request = request;
    if let Some(object) = changed {
        request.object = Known::Some(object);
    }
    let first = decision.status.as_ref();
    let minor = policies.estate().world().base.minor;
    let messages = decision.denials.iter().map(|denial| {
        let status = denial.status(&request);
        format!("{} {} {}", status.code, status.reason, status.message)
    });
    Ok(Answer {
        denied: decision.verdict == Verdict::Denied,
        code: first.map_or(0, |status| status.code),
        reason: first.map_or_else(String::new, |status| status.reason.clone()),
        messages: messages.collect(),
        warnings: decision.warnings.clone(),
        audit: in_order(decision.audit),
        object: prepared
            .as_ref()
            .or(changed)
            .filter(|_| decision.verdict == Verdict::Allowed && sent.subresource.is_empty())
            .map(|object| comparable(&stored_form(policies, object), prepared.is_some(), minor)),
        is_prepared: prepared.is_some(),
    })
}

/// A message in which what the API server tells in the order of Go's maps is in order.
pub fn settled(message: &str) -> String {
    let parts = |text: &str, by: &str| -> String {
        let mut parts: Vec<&str> = text.split(by).collect();
        parts.sort_unstable();
        parts.join(by)
    };
    if let Some((before, errors)) = message.split_once("errors:\n  ") {
        return format!("{before}errors:\n  {}", parts(errors, "\n  "));
    }
    match message.split_once("arrays, maps or structs: ") {
        Some((before, paths)) => {
            format!("{before}arrays, maps or structs: {}", parts(paths, ", "))
        }
        None => message.to_owned(),
    }
}

/// A custom resource without what no schema has, which is not stored.
fn stored_form(policies: &Policies<'_>, object: &Value) -> Value {
    let text = |name| object.root().get(name).and_then(ironhull_model::Node::as_str).unwrap();
    let (group, version) = ironhull_model::object::split_api_version(text("apiVersion"));
    let definitions = crd::Definitions::<crd::Structural>::new(policies.estate().world());
    let mut stored = object.clone();
    // The first version is the stored one.
    for version in [version, "v1"] {
        if let Some(definition) = definitions.of(group, version, text("kind")) {
            let schema = definition.made(|schema| schema);
            let unknown = crd::unknown_fields(schema, stored.root());
            stored = crd::pruned(stored.root(), &unknown);
        }
    }
    stored
}

/// An object without what only the API server sets.
pub fn comparable(object: &Value, is_prepared: bool, minor: Minor) -> serde_json::Value {
    let schema = Schema::of(minor);
    let object = ironhull_schema::wire::written(
        schema,
        &defaults::apply(schema, object),
        ironhull_cel::written_quantity,
    );
    let mut json: serde_json::Value = serde_json::from_str(&object.root().to_json()).unwrap();
    let mut names = vec!["uid", "creationTimestamp", "managedFields", "resourceVersion", "name"];
    if !is_prepared {
        names.push("generation");
        json.as_object_mut().unwrap().remove("status");
    }
    for name in names {
        json["metadata"].as_object_mut().unwrap().remove(name);
    }
    if json["kind"] == "Pod" {
        made_up(&mut json);
    }
    if is_prepared && json["kind"] == "PersistentVolumeClaim" {
        // A default that comes when it is read again.
        json["status"]["phase"] = "Pending".into();
    }
    allocated(&mut json, is_prepared);
    json
}

/// Puts one thing in place of what the cluster gives.
fn allocated(json: &mut serde_json::Value, is_prepared: bool) {
    let is_service = json["kind"] == "Service" && json["apiVersion"] == "v1";
    if is_service && !is_prepared {
        for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            json["spec"].as_object_mut().unwrap().remove(name);
        }
    }
    fn settle(at: &str, value: &mut serde_json::Value) {
        const TIMES: [&str; 2] = ["lastTransitionTime", "lastPhaseTransitionTime"];
        match value {
            serde_json::Value::Object(members) => {
                members.iter_mut().for_each(|(key, value)| settle(key, value));
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| settle(at, item)),
            serde_json::Value::String(text) => {
                let is_address = at.starts_with("clusterIP") && text != "None";
                if is_address || TIMES.contains(&at) || at.ends_with("controller-uid") {
                    at.clone_into(text);
                }
            }
            value if at.ends_with("odePort") && !value.is_null() => *value = 1.into(),
            _ => {}
        }
    }
    let is_told = json["apiVersion"] != "example.dev/v1" && json["apiVersion"] != "example.dev/v2";
    if is_prepared && is_told {
        settle("", json);
        emptied(json);
        if json["status"].as_object().is_some_and(serde_json::Map::is_empty) {
            json.as_object_mut().unwrap().remove("status");
        }
    }
}

/// Lists that have nothing are none once they were stored.
fn emptied(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) if items.is_empty() => *value = serde_json::Value::Null,
        serde_json::Value::Array(items) => items.iter_mut().for_each(emptied),
        serde_json::Value::Object(members) => members.values_mut().for_each(emptied),
        _ => {}
    }
}

/// Puts what we guess in place of the end of the name that the API server gives to the
/// token's volume.
fn made_up(pod: &mut serde_json::Value) {
    let settle = |item: &mut serde_json::Value| {
        if let Some(name) = item["name"].as_str().filter(|it| it.starts_with("kube-api-access-")) {
            let named = name[.."kube-api-access-".len()].to_owned() + "xxxxx";
            item["name"] = named.into();
        }
    };
    let spec = &mut pod["spec"];
    spec["volumes"].as_array_mut().into_iter().flatten().for_each(settle);
    for kind in ["containers", "initContainers"] {
        for container in spec[kind].as_array_mut().into_iter().flatten() {
            container["volumeMounts"].as_array_mut().into_iter().flatten().for_each(settle);
        }
    }
}

/// Bindings are asked in any order, so what they audit is in any order.
pub fn in_order(mut audit: BTreeMap<String, String>) -> BTreeMap<String, String> {
    const KEY: &str = "validation.policy.admission.k8s.io/validation_failure";
    if let Some(told) = audit.get_mut(KEY) {
        let inner = told.trim_start_matches('[').trim_end_matches(']');
        let mut items: Vec<&str> =
            inner.split("},{").map(|it| it.trim_matches(['{', '}'])).collect();
        items.sort_unstable();
        *told = items.join("\n");
    }
    audit
}

/// Warnings of several policies come in any order.
pub fn sorted(texts: &[String]) -> Vec<&String> {
    let mut sorted: Vec<&String> = texts.iter().collect();
    sorted.sort();
    sorted
}
