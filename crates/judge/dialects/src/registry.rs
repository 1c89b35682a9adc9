//! What the API server's registry makes of an object after mutating policies and before
//! validating ones: the strategies of its kinds
//! (`k8s.io/kubernetes/pkg/registry/…/strategy.go`, asked by
//! `k8s.io/apiserver/pkg/registry/rest`), and what a Service is allocated.
//!
//! A kind that is not named here keeps what was sent. For what the registry refuses
//! there is no verdict here.

use std::cmp::Ordering;

use ironhull_model::{Kind, Minor, Node, Value};
use serde_json::{Map, Value as Json, json};

use crate::estate::Estate;
use crate::plugins::{Changes, Guess, json_of};
use crate::request::{Operation, Request, User};

mod claims;
mod dropped;
mod jobs;
mod kinds;
mod others;
mod pods;
mod services;
mod subresources;

use kinds::{Generation, Status};

pub(crate) use kinds::counts;

/// What a strategy looks at beside the new object.
struct Prepared<'r> {
    minor: Minor,
    guess: Guess,
    /// What is there; none for a new object.
    old: Option<&'r Json>,
    user: Option<&'r User>,
}

/// An object, as the API server writes it, in the forms that validating policies may be
/// asked about: where there are two, what they differ in is the cluster's. None where the
/// registry does nothing: to what is stored already, and to what is made by way of a
/// subresource, such as a Binding.
pub(crate) fn prepared(estate: &Estate<'_>, request: &Request<'_>, written: &Value) -> Vec<Value> {
    if request.is_stored {
        return Vec::new();
    }
    let old = match (request.operation, request.old_object.value()) {
        (Operation::Create, _) if request.subresource.is_empty() => None,
        (Operation::Update, Some(old)) => Some(json_of(estate.written(request.kind, old).root())),
        _ => return Vec::new(),
    };
    let before = json_of(written.root());
    if !before.is_object() || !before["metadata"].is_object() {
        return Vec::new();
    }
    let minor = estate.world().base.minor;
    let made = |guess| {
        let mut new = before.clone();
        let about = Prepared { minor, guess, old: old.as_ref(), user: request.user };
        prepare(&mut new, &about, estate, request);
        let mut changes = Changes::default();
        between(&mut changes, "", &before, &new);
        match changes.is_empty() {
            true => written.clone(),
            false => estate.rewritten(request.kind, &changes.made(written)),
        }
    };
    let first = made(Guess::First);
    let mut forms = vec![first];
    let has_made_up = match request.subresource {
        "" => kinds::has_made_up(request.kind, &before),
        _ => subresources::has_made_up(request.kind),
    };
    if has_made_up {
        let second = made(Guess::Second);
        if second != forms[0] {
            forms.push(second);
        }
    }
    forms
}

fn prepare(new: &mut Json, about: &Prepared<'_>, estate: &Estate<'_>, request: &Request<'_>) {
    let (kind, subresource) = (request.kind, request.subresource);
    let rule = kinds::rule(estate, kind);
    if let Some(old) = about.old {
        keep(new, old);
    }
    if !subresource.is_empty() {
        subresources::restrict(new, about, kind, subresource);
        let counts = subresources::changes_specification(subresource);
        let number = if counts { rule.generation } else { Generation::Kept };
        return generation(new, about, number);
    }
    let is_wiped = match rule.status {
        Status::Kept => false,
        Status::Wiped => true,
        Status::KeptWhenNew => about.old.is_some(),
    };
    if is_wiped {
        let old = about.old.and_then(|old| old.get("status"));
        // What somebody wrote down as what is there need not be all of it.
        let old = old.filter(|old| !is_nothing(old) || about.is_stored());
        set(new, "status", old.cloned());
    }
    dropped::of_kind(new, about, kind);
    if let Some(strategy) = kinds::strategy(kind) {
        strategy(new, about);
    }
    let number = match rule.generation {
        Generation::CountsStrictly(parts) if !says_nothing(request, parts) => {
            Generation::Counts(parts)
        }
        other => other,
    };
    generation(new, about, number);
}

/// Whether something of what was sent is said to have nothing: to a strategy that compares
/// strictly that is not what is stored, which says nothing of it.
fn says_nothing(request: &Request<'_>, parts: &[&str]) -> bool {
    fn is_said(name: &str, node: Node<'_>) -> bool {
        match node.kind() {
            Kind::List if node.is_empty() => true,
            Kind::List => node.items().any(|item| is_said("", item)),
            Kind::Map => {
                name == "matchLabels" && node.is_empty()
                    || node.entries().any(|(name, child)| is_said(name, child))
            }
            _ => false,
        }
    }
    let sent = request.object.value().filter(|_| !request.is_mutated);
    sent.is_some_and(|sent| {
        parts.iter().any(|part| sent.root().get(part).is_some_and(|node| is_said(part, node)))
    })
}

impl Prepared<'_> {
    /// Whether what is there is known to be the API server's own.
    fn is_stored(&self) -> bool {
        self.old.is_some_and(|old| old["metadata"]["uid"].is_string())
    }
}

/// What nobody changes of an object's metadata.
fn keep(new: &mut Json, old: &Json) {
    let old = &old["metadata"];
    for name in ["uid", "resourceVersion", "deletionGracePeriodSeconds"] {
        if is_nothing(&new["metadata"][name]) {
            set(&mut new["metadata"], name, old.get(name).cloned());
        }
    }
    for name in ["creationTimestamp", "deletionTimestamp"] {
        if !is_nothing(&old[name]) {
            new["metadata"][name] = old[name].clone();
        }
    }
}

/// The number of an object's intentions: it counts their changes.
fn generation(new: &mut Json, about: &Prepared<'_>, rule: Generation) {
    if rule == Generation::Unknown {
        return set(&mut new["metadata"], "generation", None);
    }
    let Some(old) = about.old else {
        if !matches!(rule, Generation::Kept | Generation::CountsLater(_)) {
            new["metadata"]["generation"] = json!(1);
        }
        return;
    };
    let known = old["metadata"]["generation"].as_i64();
    let Some(before) = known.or(about.is_stored().then_some(0)) else {
        return set(&mut new["metadata"], "generation", None);
    };
    let differs = |name: &str| !is_alike(&new[name], &old[name]);
    let is_changed = match rule {
        Generation::Kept | Generation::First | Generation::Unknown => false,
        // Strictly it differs anyway.
        Generation::CountsStrictly(_) => true,
        Generation::Counts(parts) | Generation::CountsLater(parts) => {
            parts.iter().any(|part| match part.split_once('.') {
                Some((outer, inner)) => !is_alike(&new[outer][inner], &old[outer][inner]),
                None => differs(part),
            })
        }
        Generation::CountsAll => {
            let all = new.as_object().into_iter().chain(old.as_object()).flat_map(Map::keys);
            { all }
                .filter(|name| !["apiVersion", "kind", "metadata"].contains(&&***name))
                .any(|name| new.get(name) != old.get(name))
        }
    };
    let number = before + i64::from(is_changed);
    set(&mut new["metadata"], "generation", (number > 0).then(|| json!(number)));
}

/// Whether two values, as the API server writes them, are one to the API machinery: a list
/// without items is as good as none, and quantities are numbers.
pub(crate) fn is_alike(a: &Json, b: &Json) -> bool {
    let is_none = |value: &Json| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    match (a, b) {
        (Json::Object(own), Json::Object(others)) => {
            own.iter().all(|(key, value)| is_alike(value, others.get(key).unwrap_or(&Json::Null)))
                && others.iter().all(|(key, value)| own.contains_key(key) || is_none(value))
        }
        (Json::Array(own), Json::Array(others)) => {
            own.len() == others.len() && own.iter().zip(others).all(|(a, b)| is_alike(a, b))
        }
        (a, b) if a == b || is_none(a) && is_none(b) => true,
        (a, b) => amount(a).zip(amount(b)).is_some_and(|(a, b)| {
            ironhull_cel::compare_quantities(&a, &b).is_some_and(Ordering::is_eq)
        }),
    }
}

/// What may be a quantity.
fn amount(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(members) => members.values().all(is_nothing),
        Json::Array(items) => items.is_empty(),
        Json::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Sets a member, or takes it away.
fn set(of: &mut Json, name: &str, value: Option<Json>) {
    match (of, value) {
        (of @ (Json::Null | Json::Object(_)), Some(value)) => of[name] = value,
        (Json::Object(members), None) => _ = members.remove(name),
        _ => {}
    }
}

fn text<'j>(of: &'j Json, name: &str) -> &'j str {
    of.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn items<'j>(of: &'j Json, name: &str) -> &'j [Json] {
    of.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn items_mut<'j>(of: &'j mut Json, name: &str) -> std::slice::IterMut<'j, Json> {
    of.get_mut(name).and_then(Json::as_array_mut).map_or([].iter_mut(), |all| all.iter_mut())
}

/// The changes that make one value of another, where they differ: what is left alone
/// stays in its place.
fn between(changes: &mut Changes, path: &str, before: &Json, after: &Json) {
    match (before, after) {
        (before, after) if before == after => {}
        (Json::Object(before), Json::Object(after)) => {
            let at = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            for (key, own) in before {
                match after.get(key) {
                    Some(other) => between(changes, &at(key), own, other),
                    None => changes.drop(at(key)),
                }
            }
            let is_new = |key: &str, other: &Json| !before.contains_key(key) && !other.is_null();
            for (key, other) in after.iter().filter(|(key, other)| is_new(key, other)) {
                changes.put(at(key), other);
            }
        }
        (Json::Array(before), Json::Array(after)) if before.len() <= after.len() => {
            for (index, (own, other)) in before.iter().zip(after).enumerate() {
                between(changes, &format!("{path}/{index}"), own, other);
            }
            for other in &after[before.len()..] {
                changes.put(format!("{path}/-"), other);
            }
        }
        _ => changes.replace(path, after),
    }
}
