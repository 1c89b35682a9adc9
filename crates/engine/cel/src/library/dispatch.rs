//! Calls by name: the overload that fits the values decides.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use super::cost::Call;
use super::declarations::{Declarations, DeclaredType, Overload};
use super::functions::function;
use super::operand::{Operand, View};
use super::regex::PatternCache;
use crate::value::Val;

thread_local! {
    /// Patterns that were compiled on this thread.
    static PATTERNS: RefCell<PatternCache> = RefCell::default();
}

/// Calls the library function of that name and tells what the call costs beyond
/// the one unit of any call; none when the function is the evaluator's own.
/// Values that fit no overload are an error, as is what the function refuses.
pub(crate) fn call<'a>(
    name: &str,
    is_method: bool,
    arguments: &[Val<'a>],
) -> Option<Result<(Val<'a>, u64), String>> {
    if name == "string" && !matches!(arguments, [Val::Opaque(_)]) {
        return None;
    }
    let overloads = overloads().get(name)?;
    let mut known = false;
    for overload in overloads {
        if overload.is_method != is_method || overload.arguments.len() != arguments.len() {
            continue;
        }
        let Some(call) = function::<Val<'a>>(overload.id) else { continue };
        known = true;
        if overload.arguments.iter().zip(arguments).all(|(declared, value)| fits(declared, value)) {
            let made = PATTERNS.with_borrow_mut(|patterns| call(arguments, patterns));
            return Some(made.map(Val::from).and_then(|value| {
                let cost = cost(name, overload.id, arguments, &value)?;
                Ok((value, cost))
            }));
        }
    }
    known.then(|| {
        let types: Vec<&str> = arguments.iter().map(Val::type_name).collect();
        Err(match name {
            // Functions that are bound once for all overloads do not name themselves.
            "sort" | "@sortByAssociatedKeys" => "no such overload".into(),
            name => format!("no such overload: {name}({})", types.join(", ")),
        })
    })
}

fn cost<'a>(
    function: &str,
    overload: &str,
    arguments: &[Val<'a>],
    result: &Val<'a>,
) -> Result<u64, String> {
    let arguments: Vec<Option<Val<'a>>> = arguments.iter().cloned().map(Some).collect();
    let call = Call { function, overload, arguments: &arguments, result: Some(result) };
    Ok(call.cost()?.saturating_sub(1))
}

fn overloads() -> &'static HashMap<&'static str, Vec<Overload>> {
    static OVERLOADS: OnceLock<HashMap<&'static str, Vec<Overload>>> = OnceLock::new();
    OVERLOADS.get_or_init(|| {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for overload in Declarations::of_minor(u32::MAX).overloads {
            by_name.entry(overload.function).or_default().push(overload);
        }
        by_name
    })
}

/// Whether a value may be an argument: of a list the first element tells, of a
/// map the first entry.
fn fits(declared: &DeclaredType, value: &Val<'_>) -> bool {
    if declared.is_parameter() || declared.name == "dyn" {
        return true;
    }
    if declared.name != value.type_name() {
        return false;
    }
    match value.view() {
        View::List => {
            let first = value.items().and_then(|items| items.into_iter().next());
            first.is_none_or(|item| fits(&declared.parameters[0], &item))
        }
        View::Map => {
            let first = value.entries().and_then(|entries| entries.into_iter().next());
            first.is_none_or(|(key, value)| {
                fits(&declared.parameters[0], &key) && fits(&declared.parameters[1], &value)
            })
        }
        _ => true,
    }
}
