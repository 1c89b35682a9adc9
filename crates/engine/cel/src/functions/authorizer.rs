//! The authorizer's functions. A check makes the question, which the evaluator asks.

use super::{Direct, Result, error, no_overload};
use crate::authz::{Authz, Check, Decision, Resource, Subject, Target};
use crate::library::format::Format;
use crate::value::{Opaque, Val};

pub(super) fn of_overload(id: &str) -> Option<Direct> {
    Some(match id {
        "authorizer_path" => path,
        "authorizer_group" => |args| match (authz(&args[0]), args[1].as_str()) {
            (Some(Authz::Authorizer(subject)), Some(group)) => {
                made(Authz::Group(subject.clone(), group.into()))
            }
            _ => Err(no_overload()),
        },
        "authorizer_serviceaccount" => service_account,
        "groupcheck_resource" => resource,
        "resourcecheck_subresource" => |args| with(args, |check, text| check.subresource = text),
        "resourcecheck_namespace" => |args| with(args, |check, text| check.namespace = text),
        "resourcecheck_name" => |args| with(args, |check, text| check.name = text),
        "authorizer_fieldselector" => |args| with(args, |check, text| check.field_selector = text),
        "authorizer_labelselector" => |args| with(args, |check, text| check.label_selector = text),
        "pathcheck_check" | "resourcecheck_check" => check,
        "decision_allowed" => |args| decided(args, |decision| Val::Bool(decision.allowed)),
        "decision_errored" => |args| decided(args, |decision| Val::Bool(decision.error.is_some())),
        "decision_reason" => |args| decided(args, |decision| Val::str(decision.reason.to_string())),
        "decision_error" => |args| {
            decided(args, |decision| {
                Val::str(decision.error.clone().unwrap_or_default().into_string())
            })
        },
        _ => return None,
    })
}

fn authz<'v>(value: &'v Val<'_>) -> Option<&'v Authz> {
    match value {
        Val::Opaque(opaque) => match &**opaque {
            Opaque::Authz(authz) => Some(authz),
            _ => None,
        },
        _ => None,
    }
}

fn made<'a>(authz: Authz) -> Result<Val<'a>> {
    Ok(Val::opaque(Opaque::Authz(authz)))
}

fn path<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (authz(&args[0]), args[1].as_str()) {
        (Some(Authz::Authorizer(_)), Some(path)) if path.trim().is_empty() => {
            Err(error("path must not be empty"))
        }
        (Some(Authz::Authorizer(subject)), Some(path)) => {
            made(Authz::Path(subject.clone(), path.into()))
        }
        _ => Err(no_overload()),
    }
}

fn service_account<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let (Some(Authz::Authorizer(_)), Some(namespace), Some(name)) =
        (authz(&args[0]), args[1].as_str(), args[2].as_str())
    else {
        return Err(no_overload());
    };
    if !Format::Dns1123Subdomain.validate(name).is_empty() {
        return Err(error("Invalid service account name"));
    }
    if !Format::Dns1123Label.validate(namespace).is_empty() {
        return Err(error("Invalid service account namespace"));
    }
    made(Authz::Authorizer(Subject::ServiceAccount(namespace.into(), name.into())))
}

fn resource<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (authz(&args[0]), args[1].as_str()) {
        (Some(Authz::Group(..)), Some(resource)) if resource.trim().is_empty() => {
            Err(error("resource must not be empty"))
        }
        (Some(Authz::Group(subject, group)), Some(resource)) => {
            let resource =
                Resource { group: group.clone(), resource: resource.into(), ..Resource::default() };
            made(Authz::Resource(subject.clone(), resource))
        }
        _ => Err(no_overload()),
    }
}

/// A resource check with one thing more said.
fn with<'a>(args: &[Val<'a>], set: fn(&mut Resource, Box<str>)) -> Result<Val<'a>> {
    match (authz(&args[0]), args[1].as_str()) {
        (Some(Authz::Resource(subject, resource)), Some(text)) => {
            let mut resource = resource.clone();
            set(&mut resource, text.into());
            made(Authz::Resource(subject.clone(), resource))
        }
        _ => Err(no_overload()),
    }
}

fn check<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let (subject, target) = match authz(&args[0]) {
        Some(Authz::Path(subject, path)) => (subject, Target::Path(path.clone())),
        Some(Authz::Resource(subject, resource)) => (subject, Target::Resource(resource.clone())),
        _ => return Err(no_overload()),
    };
    let verb = args[1].as_str().ok_or_else(no_overload)?.into();
    made(Authz::Check(Box::new(Check { subject: subject.clone(), target, verb })))
}

fn decided<'a>(args: &[Val<'a>], of: fn(&Decision) -> Val<'a>) -> Result<Val<'a>> {
    match authz(&args[0]) {
        Some(Authz::Decision(decision)) => Ok(of(decision)),
        _ => Err(no_overload()),
    }
}
