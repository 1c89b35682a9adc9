//! `join` of lists whose first element alone was known to be a string.

use super::{Result, error};
use crate::value::Val;

/// The only minor whose strings library converts what it joins.
const CONVERTS: u32 = 28;

/// Whether an element is no string.
pub(super) fn is_mixed(list: &Val<'_>) -> bool {
    !list.is_open() && list.any(|item| item.as_str().is_none())
}

/// Joins such a list, or says what cannot be joined.
pub(super) fn mixed<'a>(args: &[Val<'a>], minor: u32) -> Result<Val<'a>> {
    let separator = args.get(1).and_then(Val::as_str).unwrap_or_default();
    let mut joined = String::new();
    for (at, item) in args[0].elements().iter().enumerate() {
        if at > 0 {
            joined.push_str(separator);
        }
        match item.as_str() {
            Some(text) => joined.push_str(text),
            None if minor == CONVERTS => joined.push_str(&converted(item)?),
            None => return Err(error(format!("join: invalid input: {}", item.go_display()))),
        }
    }
    Ok(Val::str(joined))
}

fn converted(value: &Val<'_>) -> Result<String> {
    let value = value.read();
    Err(error(match &value {
        Val::Opaque(opaque) => return Ok(opaque.text()),
        Val::Str(text) => return Ok(text.to_string()),
        Val::Optional(Some(inner)) => return converted(inner),
        Val::Optional(None) => "optional.none() dereference".to_owned(),
        Val::Int(_) | Val::Uint(_) => {
            format!("unsupported type conversion from '{}' to string", value.type_name())
        }
        Val::Double(_) => cannot("Double"),
        Val::Bytes(_) => cannot("Bytes"),
        Val::Null => cannot("'null_type'"),
        Val::Duration(_) => cannot("'Duration'"),
        Val::Time(_) => cannot("'Timestamp'"),
        Val::Type(_) => "type conversion not supported for 'type'".to_owned(),
        other => cannot(other.type_name()),
    }))
}

fn cannot(from: &str) -> String {
    format!("type conversion error from {from} to 'string'")
}
