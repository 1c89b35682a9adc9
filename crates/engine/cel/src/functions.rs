//! Functions at run time: one entry per name, choosing by the values' types. The
//! checker has made sure that an overload of the environment's minor fits.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::eval::EvalError;
use crate::value::{List, Moment, Opaque, Val, compare_numbers, equal, member};

mod convert;
mod lists;
mod network;
mod text;
mod time;

type Result<T> = std::result::Result<T, EvalError>;
type Function = for<'a> fn(&[Val<'a>]) -> Result<Val<'a>>;

/// Every function, (name, whether a method): its number is its place.
const TABLES: [&[(&str, bool, Function)]; 6] = [
    OPERATORS,
    convert::FUNCTIONS,
    lists::FUNCTIONS,
    text::FUNCTIONS,
    time::FUNCTIONS,
    network::FUNCTIONS,
];

const OPERATORS: &[(&str, bool, Function)] = &[
    ("orValue", true, |_| Err(no_overload())),
    ("or", true, |_| Err(no_overload())),
    ("_==_", false, |args| Ok(Val::Bool(comparable(args)? && equal(&args[0], &args[1])))),
    ("_!=_", false, |args| Ok(Val::Bool(!(comparable(args)? && equal(&args[0], &args[1]))))),
    ("_<_", false, |args| order(args, |order| order == Ordering::Less)),
    ("_<=_", false, |args| order(args, |order| order != Ordering::Greater)),
    ("_>_", false, |args| order(args, |order| order == Ordering::Greater)),
    ("_>=_", false, |args| order(args, |order| order != Ordering::Less)),
    ("@in", false, contains),
    ("_+_", false, add),
    ("_-_", false, subtract),
    ("_*_", false, |args| arithmetic(args, i64::checked_mul, u64::checked_mul, |a, b| a * b)),
    ("_/_", false, divide),
    ("_%_", false, modulo),
    ("-_", false, negate),
    ("optional.of", false, |args| Ok(Val::some(args[0].clone()))),
    ("optional.ofNonZeroValue", false, |args| {
        Ok(Val::Optional((!is_zero(&args[0])).then(|| Rc::new(args[0].clone()))))
    }),
    ("optional.none", false, |_| Ok(Val::Optional(None))),
    ("hasValue", true, |args| match &args[0] {
        Val::Optional(inner) => Ok(Val::Bool(inner.is_some())),
        _ => Err(no_overload()),
    }),
    ("value", true, |args| match &args[0] {
        Val::Optional(Some(inner)) => Ok(Val::clone(inner)),
        Val::Optional(None) => Err(EvalError::new("optional.none() dereference")),
        _ => Err(no_overload()),
    }),
    ("sign", false, |_| Err(no_overload())),
    ("unwrapOpt", true, unwrap),
    ("optional.unwrap", false, unwrap),
];

/// The values of those optionals that have one.
fn unwrap<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let mut values = Vec::new();
    for item in args[0].elements() {
        match item {
            Val::Optional(Some(inner)) => values.push(Val::clone(&inner)),
            Val::Optional(None) => {}
            _ => return Err(no_overload()),
        }
    }
    Ok(Val::list(values))
}

/// A value of a library's type cannot be compared with one of another type, and
/// a computed quantity only from the left; null equals neither.
fn comparable(args: &[Val<'_>]) -> Result<bool> {
    let (left, right) = (args[0].read(), args[1].read());
    let Val::Opaque(left) = &left else { return Ok(true) };
    match &right {
        Val::Null => Ok(false),
        Val::Opaque(right) if left.type_name() == right.type_name() => match &**right {
            Opaque::Quantity(quantity) if quantity.0.is_computed() => Err(no_overload()),
            _ => Ok(true),
        },
        _ => Err(no_overload()),
    }
}

fn no_overload() -> EvalError {
    EvalError::new("no such overload")
}

fn error(message: impl Into<String>) -> EvalError {
    EvalError::new(message)
}

fn entries() -> impl Iterator<Item = &'static (&'static str, bool, Function)> {
    TABLES.iter().copied().flatten()
}

/// The number of a function.
pub(crate) fn number(name: &str, method: bool) -> Option<u16> {
    entries()
        .position(|(known, is_method, _)| *known == name && *is_method == method)
        .map(|at| at as u16)
}

/// The name of a function.
pub(crate) fn name(function: u16) -> Option<&'static str> {
    flat(function).map(|(name, _, _)| *name)
}

/// The number of the function that gives a type as a value.
pub(crate) fn type_constant(name: &str) -> Option<u16> {
    const TYPES: [&str; 13] = [
        "bool",
        "bytes",
        "double",
        "google.protobuf.Duration",
        "google.protobuf.Timestamp",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "type",
        "uint",
        "optional_type",
    ];
    TYPES.contains(&name).then(|| number(&format!("@type {name}"), false)).flatten()
}

pub(crate) fn is_or(function: u16) -> bool {
    function < 2
}

pub(crate) fn is_or_value(function: u16) -> bool {
    function == 0
}

/// Calls a function; gives its value and what it costs beyond the call itself.
pub(crate) fn call<'a>(function: u16, args: &[Val<'a>]) -> Result<(Val<'a>, u64)> {
    let Some((name, is_method, run)) = flat(function) else {
        return Err(error("unknown function"));
    };
    if args.iter().any(Val::is_unknown) {
        return Ok((Val::Unknown, 0));
    }
    let is_open = args.iter().any(|arg| matches!(arg, Val::List(list) if list.open));
    if !is_open && let Some(answer) = crate::library::dispatch::call(name, *is_method, args) {
        return answer.map_err(error);
    }
    match run(args) {
        Ok(value) => Ok((value, traversal(args))),
        // What is wrong with a text is not told.
        Err(failure) if failure.message.starts_with("strconv.") => {
            Err(error(format!("type conversion error from 'string' to '{name}'")))
        }
        Err(failure) if *name == "size" => Err(error(format!("{}: size", failure.message))),
        Err(failure) => Err(failure),
    }
}

fn flat(function: u16) -> Option<&'static (&'static str, bool, Function)> {
    let mut at = function as usize;
    for table in TABLES {
        if let Some(entry) = table.get(at) {
            return Some(entry);
        }
        at -= table.len();
    }
    None
}

/// A tenth of the text that a call passes.
fn traversal(args: &[Val<'_>]) -> u64 {
    args.iter().filter_map(Val::as_str).map(|text| text.len() as u64 / 10).sum()
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
        Val::Optional(inner) => inner.is_none(),
        other @ (Val::List(_) | Val::Map(_) | Val::Node(_)) => other.elements().is_empty(),
        _ => false,
    }
}

fn order<'a>(args: &[Val<'a>], holds: fn(Ordering) -> bool) -> Result<Val<'a>> {
    let order = compare(&args[0].read(), &args[1].read());
    match order {
        Some(order) => Ok(Val::Bool(holds(order))),
        None if matches!(
            (args[0].read(), args[1].read()),
            (Val::Double(_), _) | (_, Val::Double(_))
        ) =>
        {
            Ok(Val::Bool(false))
        }
        None => Err(no_overload()),
    }
}

/// Order of two values of comparable types.
pub(crate) fn compare(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Str(a), Val::Str(b)) => Some(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
        (Val::Bytes(a), Val::Bytes(b)) => Some(a.cmp(b)),
        (Val::Duration(a), Val::Duration(b)) => Some(a.cmp(b)),
        (Val::Time(a), Val::Time(b)) => match a.0.since(b.0) {
            Ok(nanos) => Some(nanos.cmp(&0)),
            Err(_) => Some(a.0.unix().cmp(&b.0.unix())),
        },
        _ => compare_numbers(a, b),
    }
}

fn contains<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let (wanted, container) = (args[0].read(), &args[1]);
    match container.type_name() {
        "map" => Ok(Val::Bool(member(container, &wanted).is_some())),
        "list" => {
            if container.elements().iter().any(|item| equal(item, &wanted)) {
                return Ok(Val::Bool(true));
            }
            let open = matches!(container, Val::List(list) if list.open);
            Ok(if open { Val::Unknown } else { Val::Bool(false) })
        }
        _ => Err(no_overload()),
    }
}

fn overflow(kind: &str) -> EvalError {
    error(format!("{kind} overflow"))
}

fn add<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].read(), args[1].read()) {
        (Val::Int(a), Val::Int(b)) => {
            a.checked_add(b).map(Val::Int).ok_or_else(|| overflow("integer"))
        }
        (Val::Uint(a), Val::Uint(b)) => {
            a.checked_add(b).map(Val::Uint).ok_or_else(|| overflow("unsigned integer"))
        }
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(a + b)),
        (Val::Str(a), Val::Str(b)) => Ok(Val::Str(Cow::Owned(format!("{a}{b}")))),
        (Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes([&*a, &*b].concat().into())),
        (Val::Duration(a), Val::Duration(b)) => {
            a.checked_add(b).map(Val::Duration).ok_or_else(|| overflow("duration"))
        }
        (Val::Time(a), Val::Duration(b)) | (Val::Duration(b), Val::Time(a)) => {
            a.0.add(b).map(|moment| Val::Time(Moment(moment))).map_err(error)
        }
        (a, b) if a.type_name() == "list" && b.type_name() == "list" => {
            let open = [&a, &b].iter().any(|list| matches!(list, Val::List(list) if list.open));
            let mut items = a.elements();
            items.extend(b.elements());
            Ok(Val::List(Rc::new(List { items, open })))
        }
        _ => Err(no_overload()),
    }
}

fn subtract<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].read(), args[1].read()) {
        (Val::Duration(a), Val::Duration(b)) => {
            a.checked_sub(b).map(Val::Duration).ok_or_else(|| overflow("duration"))
        }
        (Val::Time(a), Val::Duration(b)) => {
            a.0.subtract(b).map(|moment| Val::Time(Moment(moment))).map_err(error)
        }
        (Val::Time(a), Val::Time(b)) => a.0.since(b.0).map(Val::Duration).map_err(error),
        _ => arithmetic(args, i64::checked_sub, u64::checked_sub, |a, b| a - b),
    }
}

fn arithmetic<'a>(
    args: &[Val<'a>],
    int: fn(i64, i64) -> Option<i64>,
    uint: fn(u64, u64) -> Option<u64>,
    double: fn(f64, f64) -> f64,
) -> Result<Val<'a>> {
    match (args[0].read(), args[1].read()) {
        (Val::Int(a), Val::Int(b)) => int(a, b).map(Val::Int).ok_or_else(|| overflow("integer")),
        (Val::Uint(a), Val::Uint(b)) => {
            uint(a, b).map(Val::Uint).ok_or_else(|| overflow("unsigned integer"))
        }
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(double(a, b))),
        _ => Err(no_overload()),
    }
}

fn divide<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    if matches!(args[1].read(), Val::Int(0) | Val::Uint(0)) {
        return Err(error("division by zero"));
    }
    arithmetic(args, i64::checked_div, u64::checked_div, |a, b| a / b)
}

fn modulo<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match (args[0].read(), args[1].read()) {
        (Val::Int(_), Val::Int(0)) | (Val::Uint(_), Val::Uint(0)) => Err(error("modulus by zero")),
        (Val::Int(a), Val::Int(b)) => {
            a.checked_rem(b).map(Val::Int).ok_or_else(|| overflow("integer"))
        }
        (Val::Uint(a), Val::Uint(b)) => Ok(Val::Uint(a % b)),
        _ => Err(no_overload()),
    }
}

fn negate<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].read() {
        Val::Int(value) => value.checked_neg().map(Val::Int).ok_or_else(|| overflow("integer")),
        Val::Double(value) => Ok(Val::Double(-value)),
        Val::Duration(nanos) => {
            nanos.checked_neg().map(Val::Duration).ok_or_else(|| overflow("duration"))
        }
        _ => Err(no_overload()),
    }
}

/// `sortBy`: the elements ordered by their keys, stably.
#[expect(clippy::needless_pass_by_value, reason = "callers are done with the list")]
pub(crate) fn sorted_by<'a>(elements: Vec<Val<'a>>, keys: &[Val<'a>]) -> Result<Val<'a>> {
    let keys: Vec<Val<'a>> = keys.iter().map(Val::read).collect();
    if keys.windows(2).any(|pair| compare(&pair[0], &pair[1]).is_none()) {
        return Err(no_overload());
    }
    let mut order: Vec<usize> = (0..elements.len()).collect();
    order.sort_by(|a, b| compare(&keys[*a], &keys[*b]).unwrap_or(Ordering::Equal));
    Ok(Val::list(order.into_iter().map(|at| elements[at].clone()).collect()))
}

fn int(value: &Val<'_>) -> Result<i64> {
    match value.read() {
        Val::Int(value) => Ok(value),
        _ => Err(no_overload()),
    }
}

fn string<'v>(value: &'v Val<'_>) -> Result<&'v str> {
    value.as_str().ok_or_else(no_overload)
}

fn opaque<'v>(value: &'v Val<'_>) -> Result<&'v Opaque> {
    match value {
        Val::Opaque(opaque) => Ok(opaque),
        _ => Err(no_overload()),
    }
}

/// Shortens the closures of the tables.
fn owned<'a>(text: String) -> Val<'a> {
    Val::Str(Cow::Owned(text))
}
