//! Operators: what the left value's type offers decides, as in cel-go, and so does
//! what an error says.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Direct, Result, error, no_overload};
use crate::eval::EvalError;
use crate::library::operand::{Operand, View};
use crate::value::{List, ListType, Moment, Val, compare_numbers, equal, hashable, member};

pub(super) fn of_function(name: &str) -> Option<Direct> {
    Some(match name {
        "!_" => |args| match args[0].view() {
            View::Bool(value) => Ok(Val::Bool(!value)),
            _ => Err(no_overload()),
        },
        "-_" => negate,
        "_+_" => add,
        "_-_" => subtract,
        "_*_" => |args| arithmetic("_*_", args, i64::checked_mul, u64::checked_mul, |a, b| a * b),
        "_/_" => divide,
        "_%_" => modulo,
        "_<_" => |args| order("_<_", args, |order| order == Ordering::Less),
        "_<=_" => |args| order("_<=_", args, |order| order != Ordering::Greater),
        "_>_" => |args| order("_>_", args, |order| order == Ordering::Greater),
        "_>=_" => |args| order("_>=_", args, |order| order != Ordering::Less),
        "@in" => |args| contains(&args[0], &args[1]),
        _ => return None,
    })
}

/// The error of an operator that a value's type does not have. Types with methods
/// of their own are asked for one of that name and say less.
pub(super) fn lacks(function: &str, value: &Val<'_>) -> EvalError {
    match value.view() {
        View::String(_) | View::Duration(_) | View::Timestamp(_) => no_overload(),
        _ => error(format!("no such overload: {function}")),
    }
}

fn order<'a>(name: &str, args: &[Val<'a>], holds: fn(Ordering) -> bool) -> Result<Val<'a>> {
    let (a, b) = (args[0].view(), args[1].view());
    let nan = || error("NaN values cannot be ordered");
    let ordered = match (a, b) {
        (View::Double(value), _) if value.is_nan() => return Err(nan()),
        (View::Double(_) | View::Int(_) | View::Uint(_), View::Double(value)) if value.is_nan() => {
            return Err(nan());
        }
        (
            View::Double(_) | View::Int(_) | View::Uint(_),
            View::Double(_) | View::Int(_) | View::Uint(_),
        )
        | (View::Bool(_), View::Bool(_))
        | (View::String(_), View::String(_))
        | (View::Bytes(_), View::Bytes(_))
        | (View::Duration(_), View::Duration(_))
        | (View::Timestamp(_), View::Timestamp(_)) => compare(&args[0], &args[1]),
        (
            View::Double(_)
            | View::Int(_)
            | View::Uint(_)
            | View::Bool(_)
            | View::String(_)
            | View::Bytes(_)
            | View::Duration(_)
            | View::Timestamp(_),
            _,
        ) => return Err(no_overload()),
        _ => return Err(lacks(name, &args[0])),
    };
    ordered.map(|order| Val::Bool(holds(order))).ok_or_else(no_overload)
}

/// Order of two values of comparable types.
pub(crate) fn compare(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a.view(), b.view()) {
        (View::String(a), View::String(b)) => Some(a.cmp(b)),
        (View::Bool(a), View::Bool(b)) => Some(a.cmp(&b)),
        (View::Bytes(a), View::Bytes(b)) => Some(a.cmp(b)),
        (View::Duration(a), View::Duration(b)) => Some(a.cmp(&b)),
        (View::Timestamp(a), View::Timestamp(b)) => Some(a.cmp(&b)),
        (a, b) => compare_numbers(&a, &b),
    }
}

/// `value in container`.
pub(crate) fn contains<'a>(wanted: &Val<'_>, container: &Val<'_>) -> Result<Val<'a>> {
    match container.view() {
        View::Map => {
            if matches!(container, Val::Map(_)) {
                hashable(wanted)?;
            }
            Ok(Val::Bool(member(container, wanted).is_some()))
        }
        View::List => {
            if container.any(|item| equal(wanted, item) == Some(true)) {
                return Ok(Val::Bool(true));
            }
            let is_unknown = container.is_open() || container.hides() || wanted.hides();
            Ok(if is_unknown { Val::Unknown } else { Val::Bool(false) })
        }
        _ => Err(no_overload()),
    }
}

/// `==`; the error of values that cannot be compared.
pub(crate) fn equal_result(a: &Val<'_>, b: &Val<'_>) -> Result<bool> {
    equal(a, b).ok_or_else(|| match a {
        Val::List(list) if list.ty != ListType::Atomic => no_scalars(),
        _ => no_overload(),
    })
}

fn overflow(kind: &str) -> EvalError {
    error(format!("{kind} overflow"))
}

fn add<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].view(), args[1].view()) {
        (View::Int(a), View::Int(b)) => {
            a.checked_add(b).map(Val::Int).ok_or_else(|| overflow("integer"))
        }
        (View::Uint(a), View::Uint(b)) => {
            a.checked_add(b).map(Val::Uint).ok_or_else(|| overflow("unsigned integer"))
        }
        (View::Double(a), View::Double(b)) => Ok(Val::Double(a + b)),
        (View::String(a), View::String(b)) => Ok(Val::str([a, b].concat())),
        (View::Bytes(a), View::Bytes(b)) => Ok(Val::Bytes([a, b].concat().into())),
        (View::Duration(a), View::Duration(b)) => {
            a.checked_add(b).map(Val::Duration).ok_or_else(|| overflow("integer"))
        }
        (View::Timestamp(a), View::Duration(b)) | (View::Duration(b), View::Timestamp(a)) => {
            a.add(b).map(|moment| Val::Time(Moment(moment))).map_err(error)
        }
        (View::List, View::List) => match &args[0] {
            Val::List(list) if list.ty != ListType::Atomic => {
                list.with(&args[1]).map(|list| Val::List(Rc::new(list))).ok_or_else(no_scalars)
            }
            _ => Ok(concatenated(&args[0], &args[1])),
        },
        (
            View::Int(_)
            | View::Uint(_)
            | View::Double(_)
            | View::String(_)
            | View::Bytes(_)
            | View::Duration(_)
            | View::Timestamp(_)
            | View::List,
            _,
        ) => Err(no_overload()),
        _ => Err(lacks("_+_", &args[0])),
    }
}

fn no_scalars() -> EvalError {
    error("listSet operations are only supported on lists of scalar values")
}

fn concatenated<'a>(a: &Val<'a>, b: &Val<'a>) -> Val<'a> {
    let open = a.is_open() || b.is_open();
    let (n_a, n_b) = (a.len(), b.len());
    if !open && n_a == 0 {
        return b.clone();
    }
    if !open && n_b == 0 {
        return a.clone();
    }
    let mut items = Vec::with_capacity(n_a + n_b);
    a.each(|item| items.push(item));
    b.each(|item| items.push(item));
    Val::List(Rc::new(List { items, open, joined: true, ..List::default() }))
}

fn subtract<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].view(), args[1].view()) {
        (View::Duration(a), View::Duration(b)) => {
            a.checked_sub(b).map(Val::Duration).ok_or_else(|| overflow("integer"))
        }
        (View::Timestamp(a), View::Duration(b)) => {
            a.subtract(b).map(|moment| Val::Time(Moment(moment))).map_err(error)
        }
        (View::Timestamp(a), View::Timestamp(b)) => a.since(b).map(Val::Duration).map_err(error),
        (View::Duration(_) | View::Timestamp(_), _) => Err(no_overload()),
        _ => arithmetic("_-_", args, i64::checked_sub, u64::checked_sub, |a, b| a - b),
    }
}

fn arithmetic<'a>(
    name: &str,
    args: &[Val<'a>],
    int: fn(i64, i64) -> Option<i64>,
    uint: fn(u64, u64) -> Option<u64>,
    double: fn(f64, f64) -> f64,
) -> Result<Val<'a>> {
    match (args[0].view(), args[1].view()) {
        (View::Int(a), View::Int(b)) => int(a, b).map(Val::Int).ok_or_else(|| overflow("integer")),
        (View::Uint(a), View::Uint(b)) => {
            uint(a, b).map(Val::Uint).ok_or_else(|| overflow("unsigned integer"))
        }
        (View::Double(a), View::Double(b)) => Ok(Val::Double(double(a, b))),
        (View::Int(_) | View::Uint(_) | View::Double(_), _) => Err(no_overload()),
        _ => Err(lacks(name, &args[0])),
    }
}

fn divide<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].view(), args[1].view()) {
        (View::Int(_), View::Int(0)) | (View::Uint(_), View::Uint(0)) => {
            Err(error("division by zero"))
        }
        _ => arithmetic("_/_", args, i64::checked_div, u64::checked_div, |a, b| a / b),
    }
}

fn modulo<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].view(), args[1].view()) {
        (View::Int(_), View::Int(0)) | (View::Uint(_), View::Uint(0)) => {
            Err(error("modulus by zero"))
        }
        (View::Int(a), View::Int(b)) => {
            a.checked_rem(b).map(Val::Int).ok_or_else(|| overflow("integer"))
        }
        (View::Uint(a), View::Uint(b)) => Ok(Val::Uint(a % b)),
        (View::Int(_) | View::Uint(_), _) => Err(no_overload()),
        _ => Err(lacks("_%_", &args[0])),
    }
}

fn negate<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].view() {
        View::Int(value) => value.checked_neg().map(Val::Int).ok_or_else(|| overflow("integer")),
        View::Double(value) => Ok(Val::Double(-value)),
        View::Duration(nanos) => {
            nanos.checked_neg().map(Val::Duration).ok_or_else(|| overflow("integer"))
        }
        View::Bool(_) => Err(no_overload()),
        _ => Err(lacks("-_", &args[0])),
    }
}
