//! Optional values.

use super::{Direct, Result, error, no_overload};
use crate::value::Val;

pub(super) fn of_overload(id: &str) -> Option<Direct> {
    Some(match id {
        "optional_of" => |args| Ok(Val::some(args[0].clone())),
        "optional_ofNonZeroValue" => |args| {
            let value = &args[0];
            Ok(if is_zero(value) { Val::Optional(None) } else { Val::some(value.clone()) })
        },
        "optional_none" => |_| Ok(Val::Optional(None)),
        "optional_hasValue" => |args| match &args[0] {
            Val::Optional(inner) => Ok(Val::Bool(inner.is_some())),
            _ => Err(no_overload()),
        },
        "optional_value" => |args| match &args[0] {
            Val::Optional(Some(inner)) => Ok(Val::clone(inner)),
            Val::Optional(None) => Err(error("optional.none() dereference")),
            _ => Err(no_overload()),
        },
        "optional_unwrap" | "optional_unwrapOpt" => unwrap,
        _ => return None,
    })
}

/// The values of those optionals that have one.
fn unwrap<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let mut values = Vec::new();
    for item in args[0].elements() {
        match item {
            Val::Optional(Some(inner)) => values.push(Val::clone(&inner)),
            Val::Optional(None) => {}
            other => return Err(error(format!("value {} is not optional", other.go_display()))),
        }
    }
    Ok(if args[0].is_open() { Val::open_list(values) } else { Val::list(values) })
}

fn is_zero(value: &Val<'_>) -> bool {
    match value.read() {
        Val::Null => true,
        Val::Bool(value) => !value,
        Val::Int(value) => value == 0,
        Val::Uint(value) => value == 0,
        Val::Double(value) => value == 0.0,
        Val::Str(text) => text.is_empty(),
        Val::Bytes(bytes) => bytes.is_empty(),
        Val::Duration(nanos) => nanos == 0,
        Val::Time(moment) => moment.0.is_zero(),
        other @ (Val::List(_) | Val::Map(_) | Val::Node(_)) => other.is_empty(),
        Val::Struct(made) => !made.is_patch() && made.fields().len() == 0,
        _ => false,
    }
}
