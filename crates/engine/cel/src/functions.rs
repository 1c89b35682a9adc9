//! Functions at run time. A function either runs all its overloads alike (the
//! operators), or an overload is chosen by the types or the values; the libraries'
//! overloads stand in [`crate::library::functions`].

use std::cell::RefCell;

use crate::ast::{Call, Expr};
use crate::eval::EvalError;
use crate::library::functions::function;
use crate::library::regex::PatternCache;
use crate::library::registry::{Overload, registry};
use crate::types::Type;
use crate::value::Val;

mod authorizer;
mod convert;
mod join;
mod operators;
mod optional;

pub(crate) use operators::{contains, equal_result};

pub(crate) type Result<T> = std::result::Result<T, EvalError>;
/// A function of the evaluator's own.
pub(crate) type Direct = for<'a> fn(&[Val<'a>]) -> Result<Val<'a>>;

thread_local! {
    /// Patterns that were compiled on this thread and are no constants.
    static PATTERNS: RefCell<PatternCache> = RefCell::default();
}

/// Functions that run all their overloads alike.
pub(crate) fn of_function(name: &str) -> Option<Direct> {
    let own: Option<Direct> = match name {
        "size" => Some(convert::size),
        "type" => Some(|args| Ok(Val::Type(args[0].type_of()))),
        "dyn" => Some(|args| Ok(args[0].clone())),
        "matches" => Some(matches),
        "sort" => Some(|args| sorted("sort", args)),
        "@sortByAssociatedKeys" => Some(|args| sorted("@sortByAssociatedKeys", args)),
        _ => None,
    };
    own.or_else(|| operators::of_function(name))
}

/// Overloads that are not the libraries'.
pub(crate) fn of_overload(id: &str) -> Option<Direct> {
    convert::of_overload(id)
        .or_else(|| optional::of_overload(id))
        .or_else(|| authorizer::of_overload(id))
        .or_else(|| text(id))
}

fn text(id: &str) -> Option<Direct> {
    Some(match id {
        "contains_string" => |args| both(args, |text, part| text.contains(part)),
        "starts_with_string" => |args| both(args, |text, part| text.starts_with(part)),
        "string_jsonpatch_escapeKey_string" => |args| match args[0].as_str() {
            Some(key) => Ok(Val::str(key.replace('~', "~0").replace('/', "~1"))),
            None => Err(no_overload()),
        },
        "ends_with_string" => |args| both(args, |text, part| text.ends_with(part)),
        _ => return None,
    })
}

fn both<'a>(args: &[Val<'a>], holds: fn(&str, &str) -> bool) -> Result<Val<'a>> {
    match (args[0].as_str(), args[1].as_str()) {
        (Some(text), Some(part)) => Ok(Val::Bool(holds(text, part))),
        _ => Err(no_overload()),
    }
}

fn matches<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let Some(text) = args[0].as_str() else {
        return Err(operators::lacks("matches", &args[0]));
    };
    let pattern = args[1].as_str().ok_or_else(no_overload)?;
    let found = PATTERNS.with_borrow_mut(|patterns| patterns.get(pattern)).map_err(error)?;
    Ok(Val::Bool(found.is_match(text)))
}

fn sorted<'a>(name: &str, args: &[Val<'a>]) -> Result<Val<'a>> {
    if args[0].type_name() != "list" {
        return Err(operators::lacks(name, &args[0]));
    }
    if args.iter().any(Val::is_open) {
        return Ok(Val::Unknown);
    }
    let keys = args.get(1).unwrap_or(&args[0]);
    if keys.type_name() != "list" {
        return Err(EvalError::panic("internal error: interface conversion"));
    }
    crate::library::lists::sort_by(&args[0], keys).map(Val::from).map_err(error)
}

/// Conversions, whose constants are folded.
pub(crate) fn is_conversion(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "bytes"
            | "double"
            | "duration"
            | "dyn"
            | "int"
            | "string"
            | "timestamp"
            | "type"
            | "uint"
    )
}

/// A conversion of a constant.
pub(crate) fn converted<'a>(name: &str, arg: &Val<'a>) -> Result<Val<'a>> {
    let Some(function) = registry().number(name) else { return Err(no_overload()) };
    let call = Call { function, overload: None, stops: false, args: Box::default() };
    run(&call, u32::MAX, std::slice::from_ref(arg))
}

/// Whether an overload of two arguments is written for any number of them.
pub(crate) fn is_variadic(overload: &str) -> bool {
    overload == "string_format"
}

pub(crate) fn not_optional_element(value: &Val<'_>) -> String {
    let shown = value.go_display();
    format!("cannot initialize optional list element from non-optional value {shown}")
}

pub(crate) fn not_optional_entry(key: &Val<'_>, value: &Val<'_>) -> String {
    let (key, value) = (key.go_display(), value.go_display());
    format!("cannot initialize optional entry '{key}' from non-optional value {value}")
}

/// Functions that a masked member of a list or map says nothing to, or that see to it
/// themselves.
const LOOKS_AT_NO_MEMBER: [&str; 16] = [
    "@in",
    "_+_",
    "dyn",
    "first",
    "flatten",
    "hasValue",
    "last",
    "optional.of",
    "or",
    "orValue",
    "reverse",
    "size",
    "slice",
    "type",
    "value",
    "_[_]",
];

/// Whether masked members of its arguments make what a function gives unknown.
pub(crate) fn looks_inside(function: &str) -> bool {
    !LOOKS_AT_NO_MEMBER.contains(&function)
}

/// Runs a call with values for its arguments.
pub(crate) fn run<'a>(call: &Call, minor: u32, args: &[Val<'a>]) -> Result<Val<'a>> {
    let Some(function) = registry().functions.get(call.function as usize) else {
        return Err(no_overload());
    };
    let is_unknown = |arg: &Val<'_>| match function.looks_inside {
        true => arg.hides(),
        false => arg.is_unknown(),
    };
    if args.iter().any(is_unknown) {
        return Ok(Val::Unknown);
    }
    if let Some(single) = function.single {
        return single(args);
    }
    // A constant pattern was compiled before; then only the text is looked at.
    let is_compiled = matches!(call.args.get(1), Some(Expr::Const(_)));
    if is_compiled && matches!(function.name, "find" | "findAll") && args[0].as_str().is_none() {
        return Err(no_overload());
    }
    let fits = |overload: &Overload| {
        overload.arguments.len() == args.len()
            && (!function.guarded
                || overload
                    .arguments
                    .iter()
                    .zip(args)
                    .all(|(declared, value)| fits(declared, value)))
    };
    let chosen = match call.overload {
        Some(number) => registry().overloads.get(number as usize).filter(|known| fits(known)),
        None if minor == u32::MAX => {
            let numbers = function.overloads.iter();
            numbers.map(|number| &registry().overloads[*number as usize]).find(|o| fits(o))
        }
        None => registry().of_minor(call.function, minor).map(|(_, o)| o).find(|o| fits(o)),
    };
    match chosen {
        Some(overload)
            if overload.id.starts_with("list_flatten") && args[0].type_name() != "list" =>
        {
            Err(not_flat(args))
        }
        Some(_) if function.name == "join" && join::is_mixed(&args[0]) => join::mixed(args, minor),
        Some(overload) => apply(overload, args),
        None => {
            let types: Vec<&str> = args.iter().map(|arg| arg.type_name()).collect();
            Err(error(format!("no such overload: {}({})", function.name, types.join(", "))))
        }
    }
}

/// `flatten` names the types that it does not take.
fn not_flat(args: &[Val<'_>]) -> EvalError {
    let shown = |value: &Val<'_>| match value.type_of() {
        "list" => "list(dyn)",
        "map" => "map(dyn, dyn)",
        name => name,
    };
    let depth = args.get(1).map_or("", shown);
    error(format!("no such overload: {}.flatten({depth})", shown(&args[0])))
}

fn apply<'a>(overload: &Overload, args: &[Val<'a>]) -> Result<Val<'a>> {
    if let Some(direct) = overload.direct {
        return direct(args);
    }
    if args.iter().any(Val::is_open) {
        return of_open_list(overload, args);
    }
    let Some(run) = function::<Val<'a>>(overload.id) else { return Err(no_overload()) };
    PATTERNS.with_borrow_mut(|patterns| run(args, patterns)).map(Val::from).map_err(error)
}

/// Of a list that is not known completely only what is found is known.
fn of_open_list<'a>(overload: &Overload, args: &[Val<'a>]) -> Result<Val<'a>> {
    if overload.id == "list_includes_dyn_dyn" {
        return contains(&args[1], &args[0]);
    }
    Ok(Val::Unknown)
}

/// Whether a value may be an argument: of a list the first element tells, of a
/// map the first entry.
fn fits(declared: &Type, value: &Val<'_>) -> bool {
    match declared {
        Type::Dyn | Type::Var(_) => true,
        Type::Null => value.is_type("null_type"),
        Type::Bool => value.is_type("bool"),
        Type::Int => value.is_type("int"),
        Type::Uint => value.is_type("uint"),
        Type::Double => value.is_type("double"),
        Type::String => value.as_str().is_some(),
        Type::Bytes => value.is_type("bytes"),
        Type::Duration => matches!(value, Val::Duration(_)),
        Type::Timestamp => matches!(value, Val::Time(_)),
        Type::Optional(_) => matches!(value, Val::Optional(_)),
        Type::Type(_) => matches!(value, Val::Type(_)),
        Type::Object(name) | Type::Opaque(name) => value.is_type(name),
        Type::List(item) => {
            value.is_type("list") && value.first().is_none_or(|(_, first)| fits(item, &first))
        }
        Type::Map(key, item) => {
            value.is_type("map")
                && value
                    .first()
                    .is_none_or(|(first_key, first)| fits(key, &first_key) && fits(item, &first))
        }
    }
}

pub(crate) fn no_overload() -> EvalError {
    EvalError::new("no such overload")
}

fn error(message: impl Into<String>) -> EvalError {
    let message = message.into();
    if message.starts_with("internal error") {
        EvalError::panic(message)
    } else {
        EvalError::new(message)
    }
}
