//! Who asks a case's request, and about which resource.

use ironhull_access::{Identity, Subject};
use ironhull_model::Object;
use ironhull_schema::Scope;

use crate::kinds::Kinds;
use crate::request::{Place, Typed, User, place_of};

/// Everybody who is known is in it.
const AUTHENTICATED: &str = "system:authenticated";
/// Who is in it is not known.
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The user of a name with the groups that it is said to be in and those that everybody
/// like it is in, in the order of the API server's authenticators.
pub(super) fn user(name: &str, groups: &[&str]) -> User {
    let own = Identity::of(&Subject::user(name)).groups;
    let is_said_unknown = groups.contains(&UNAUTHENTICATED);
    let (last, first): (Vec<String>, Vec<String>) =
        own.into_iter().partition(|group| matches!(&**group, AUTHENTICATED | UNAUTHENTICATED));
    let last = last.into_iter().filter(|group| group != AUTHENTICATED || !is_said_unknown);
    let mut all: Vec<String> = Vec::new();
    for group in first.into_iter().chain(groups.iter().map(|it| (*it).to_owned())).chain(last) {
        if !all.contains(&group) {
            all.push(group);
        }
    }
    User { name: name.to_owned(), groups: all, ..User::default() }
}

/// What a request is about.
pub(super) struct Asked<'a> {
    pub(super) resource: Typed<'a>,
    pub(super) subresource: &'a str,
    pub(super) place: Place<'a>,
}

/// The resource that a case names (`pods/exec`, `deployments.apps/scale`), else that of
/// its object's kind; or why there is none.
pub(super) fn asked<'a>(
    kinds: &Kinds<'a>,
    written: &'a str,
    thing: &'a Object,
    target: &'a str,
) -> Result<Asked<'a>, String> {
    let own = &thing.thing;
    let of_kind = kinds.served(&own.group, &thing.version, &own.kind);
    let of_kind = of_kind
        .map(|(name, scope)| (Typed { group: &own.group, version: &thing.version, name }, scope));
    let (full, subresource) = written.split_once('/').unwrap_or((written, ""));
    let (resource, scope) = match (full, of_kind) {
        ("", Some(found)) => found,
        ("", None) => return Err(format!("nobody says what resource a {} is of", own.kind)),
        (full, of_kind) => named(kinds, full, of_kind)?,
    };
    let is_own = of_kind.is_some_and(|(of_kind, _)| of_kind == resource);
    if subresource.is_empty() && !is_own {
        return Err(format!("a {} is not of the resource {full}", own.kind));
    }
    let place = match (scope, &*own.namespace) {
        _ if is_own => place_of(scope, thing),
        (Scope::Cluster, _) if (resource.group, resource.name) == ("", "namespaces") => {
            Place::In(if target.is_empty() { &own.name } else { target })
        }
        (Scope::Cluster, _) => Place::Cluster,
        (Scope::Namespaced, "") => Place::Unsaid,
        (Scope::Namespaced, namespace) => Place::In(namespace),
    };
    Ok(Asked { resource, subresource, place })
}

/// The resource of a name, with its group where it is said.
fn named<'a>(
    kinds: &Kinds<'a>,
    full: &str,
    of_kind: Option<(Typed<'a>, Scope)>,
) -> Result<(Typed<'a>, Scope), String> {
    let (name, group) = match full.split_once('.') {
        Some((name, group)) => (name, Some(group)),
        None => (full, None),
    };
    let is_meant =
        |found: &Typed<'_>| found.name == name && group.is_none_or(|group| found.group == group);
    if let Some(found) = of_kind.filter(|(resource, _)| is_meant(resource)) {
        return Ok(found);
    }
    let found = kinds.resources(name);
    let meant: Vec<_> = found.into_iter().filter(|(resource, _)| is_meant(resource)).collect();
    match &*meant {
        [one] => Ok(*one),
        [] => Err(format!(
            "there is no resource {full}; it is PLURAL or PLURAL.GROUP, and that of a custom \
             resource needs its definition among the objects"
        )),
        several => {
            let all: Vec<String> = several
                .iter()
                .map(|(resource, _)| match resource.group {
                    "" => "the core group".to_owned(),
                    group => format!("{name}.{group}"),
                })
                .collect();
            Err(format!("{full} is a resource of several groups: {}", all.join(", ")))
        }
    }
}
