//! Equality and order of values, and looking them up in maps.

use std::cmp::Ordering;
use std::rc::Rc;

use ironhull_model::Kind;

use super::{ListType, Opaque, Struct, Val};
use crate::eval::EvalError;
use crate::library::operand::{Operand, View};

/// Equality across numeric types; values of other types differ. None is the error
/// of a library's value that is compared with one of another type.
pub(crate) fn equal(a: &Val<'_>, b: &Val<'_>) -> Option<bool> {
    match (a.view(), b.view()) {
        (View::Null, View::Null) => return Some(true),
        (View::Null, _) | (_, View::Null) => return Some(false),
        (View::Bool(a), View::Bool(b)) => return Some(a == b),
        (View::String(a), View::String(b)) => return Some(a == b),
        (View::Bytes(a), View::Bytes(b)) => return Some(a == b),
        (View::Duration(a), View::Duration(b)) => return Some(a == b),
        (View::Timestamp(a), View::Timestamp(b)) => return Some(a == b),
        (View::Type(a), View::Type(b)) => return Some(a == b),
        (View::List, View::List) => {
            return match a {
                Val::List(list) if list.ty != ListType::Atomic => list.equals(b),
                _ => Some(lists_equal(a, b)),
            };
        }
        (View::Map, View::Map) => return Some(maps_equal(a, b)),
        (
            a @ (View::Int(_) | View::Uint(_) | View::Double(_)),
            b @ (View::Int(_) | View::Uint(_) | View::Double(_)),
        ) => return Some(compare_numbers(&a, &b) == Some(Ordering::Equal)),
        _ => {}
    }
    match (a, b) {
        (Val::Optional(a), Val::Optional(b)) => match (a, b) {
            (None, None) => Some(true),
            (Some(a), Some(b)) => equal(a, b),
            _ => Some(false),
        },
        (Val::Opaque(a), Val::Opaque(b)) => opaque_equal(a, b),
        (Val::Struct(a), Val::Struct(b)) => structs_equal(a, b),
        (Val::Variables(_), Val::Variables(_)) => Some(true),
        (Val::Variables(_), _) => None,
        (Val::Opaque(_), _) => None,
        _ => Some(false),
    }
}

/// Elements that cannot be compared do not make lists differ.
fn lists_equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::Node(a), Val::Node(b)) => a == b,
        (Val::List(a), Val::List(b)) => all_equal(a.items.iter(), b.items.iter()),
        _ => all_equal(a.elements().iter(), b.elements().iter()),
    }
}

fn all_equal<'v, 'a: 'v>(
    a: impl ExactSizeIterator<Item = &'v Val<'a>>,
    mut b: impl ExactSizeIterator<Item = &'v Val<'a>>,
) -> bool {
    a.len() == b.len()
        && a.into_iter().all(|a| b.next().is_some_and(|b| equal(a, b) != Some(false)))
}

fn maps_equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    if let (Val::Node(a), Val::Node(b)) = (a, b) {
        return a == b;
    }
    a.len() == b.len()
        && a.elements().iter().all(|key| match (member(a, key), member(b, key)) {
            (Some(a), Some(b)) => equal(&a, &b) != Some(false),
            _ => false,
        })
}

/// A map's value for a key.
pub(crate) fn member<'a>(map: &Val<'a>, key: &Val<'_>) -> Option<Val<'a>> {
    match map {
        Val::Node(node) => node.get(key.as_str()?).map(Val::part),
        Val::Map(entries) => {
            let found = entries.iter().find(|(known, _)| is_key(known, key));
            found.map(|(_, value)| value.clone())
        }
        _ => None,
    }
}

/// Whether a map's key is the one looked for: scalars only, numbers across types.
pub(crate) fn is_key(known: &Val<'_>, key: &Val<'_>) -> bool {
    !matches!(known.view(), View::List | View::Map) && equal(known, key) == Some(true)
}

/// A computed quantity can only stand left.
fn opaque_equal(a: &Opaque, b: &Opaque) -> Option<bool> {
    match (a, b) {
        (Opaque::Quantity(_), Opaque::Quantity(b)) if b.0.is_computed() => None,
        (Opaque::Quantity(a), Opaque::Quantity(b)) => Some(a.0.compare(&b.0) == Ordering::Equal),
        // The reference compares none of the authorizer's values.
        (Opaque::Authz(_), Opaque::Authz(_)) => None,
        (Opaque::Ip(a), Opaque::Ip(b)) => Some(a == b),
        (Opaque::Semver(a), Opaque::Semver(b)) => Some(a.0.compare(&b.0) == Ordering::Equal),
        (a, b) => (a.type_name() == b.type_name()).then(|| a.text() == b.text()),
    }
}

fn structs_equal(a: &Struct<'_>, b: &Struct<'_>) -> Option<bool> {
    if a.type_name() != b.type_name() {
        return Some(false);
    }
    if !a.is_patch() {
        let same = a.fields().len() == b.fields().len()
            && a.fields()
                .all(|(name, value)| b.field(name).is_some_and(|other| deeply_equal(value, other)));
        return Some(same);
    }
    let text = |patch: &Struct<'_>, name: &str| {
        patch.field(name).and_then(Val::as_str).unwrap_or_default().to_owned()
    };
    if ["op", "path", "from"].iter().any(|name| text(a, name) != text(b, name)) {
        return Some(false);
    }
    match (a.field("value"), b.field("value")) {
        (None, None) => Some(true),
        (Some(a), Some(b)) => equal(a, b),
        _ => Some(false),
    }
}

/// Whether fields of objects are the same to Go: numbers of one type only, and no
/// lists, which hold functions, unless they are one.
fn deeply_equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::List(a), Val::List(b)) => Rc::ptr_eq(a, b),
        (Val::Map(a), Val::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| {
                    b.iter().any(|(known, other)| {
                        deeply_equal(key, known) && deeply_equal(value, other)
                    })
                })
        }
        (Val::Node(a), Val::Node(b)) if a.kind() == Kind::Map => b.kind() == Kind::Map && a == b,
        (Val::Optional(Some(a)), Val::Optional(Some(b))) => deeply_equal(a, b),
        _ => match (a.view(), b.view()) {
            (View::List | View::Map, _) => false,
            _ => a.type_name() == b.type_name() && equal(a, b) == Some(true),
        },
    }
}

/// Order of numbers of any type; none for NaN and for what is no number.
pub(crate) fn compare_numbers(a: &View<'_>, b: &View<'_>) -> Option<Ordering> {
    match (*a, *b) {
        (View::Int(a), View::Int(b)) => Some(a.cmp(&b)),
        (View::Uint(a), View::Uint(b)) => Some(a.cmp(&b)),
        (View::Double(a), View::Double(b)) => a.partial_cmp(&b),
        (View::Int(a), View::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (View::Uint(a), View::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (View::Int(a), View::Double(b)) => double_order(i128::from(a), b),
        (View::Uint(a), View::Double(b)) => double_order(i128::from(a), b),
        (View::Double(a), View::Int(b)) => double_order(i128::from(b), a).map(Ordering::reverse),
        (View::Double(a), View::Uint(b)) => double_order(i128::from(b), a).map(Ordering::reverse),
        _ => None,
    }
}

fn double_order(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b >= 1e20 {
        return Some(Ordering::Less);
    }
    if b <= -1e20 {
        return Some(Ordering::Greater);
    }
    (a as f64).partial_cmp(&b)
}

/// Fails for values that the reference cannot look up in a set or map.
pub(crate) fn hashable(value: &Val<'_>) -> Result<(), EvalError> {
    let name = match value {
        Val::Bytes(_) => "types.Bytes",
        Val::Opaque(opaque) if matches!(**opaque, Opaque::Semver(_)) => "cel.Semver",
        _ => return Ok(()),
    };
    let message = format!("internal error: runtime error: hash of unhashable type {name}");
    Err(EvalError::panic(message))
}
