//! What struct literals make: `Object{…}` and `JSONPatch{…}`.

use std::rc::Rc;

use super::{List, Val};
use crate::ast::JSON_PATCH;
use crate::eval::EvalError;

/// A value of a type with named fields, in the order in which they were written.
/// A field that is not here was not set.
#[derive(Clone, Debug)]
pub struct Struct<'a> {
    name: Box<str>,
    fields: Vec<(Box<str>, Val<'a>)>,
}

impl<'a> Struct<'a> {
    pub(crate) fn new(name: &str) -> Struct<'a> {
        Struct { name: name.into(), fields: Vec::new() }
    }

    /// A later field of the same name replaces the earlier.
    pub(crate) fn set(&mut self, name: &str, value: Val<'a>) {
        match self.fields.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name.into(), value)),
        }
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.fields.retain(|(known, _)| **known != *name);
    }

    /// The name of its type: `Object`, `Object.spec.template`, `JSONPatch`.
    pub fn type_name(&self) -> &str {
        &self.name
    }

    /// Its fields.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &Val<'a>)> {
        self.fields.iter().map(|(name, value)| (&**name, value))
    }

    /// A field; none if it was not set.
    pub fn field(&self, name: &str) -> Option<&Val<'a>> {
        self.fields.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }

    pub(crate) fn is_patch(&self) -> bool {
        *self.name == *JSON_PATCH
    }

    /// Checks the fields of a JSON patch; texts are then texts.
    pub(crate) fn check_patch(&mut self) -> Result<(), EvalError> {
        for (name, value) in &mut self.fields {
            match &**name {
                "value" => {}
                "op" | "path" | "from" => match native_text(value) {
                    Some(text) => *value = Val::str(text),
                    None => {
                        let found = value.go_native_type();
                        return Err(EvalError::new(format!(
                            "unexpected type {found} for JSONPatchType '{name}' field"
                        )));
                    }
                },
                _ => {
                    return Err(EvalError::new(format!("unexpected JSONPatchType field: {name}")));
                }
            }
        }
        Ok(())
    }

    /// A field of a JSON patch, of which texts that were not set are empty.
    pub(crate) fn patch_field(
        &self,
        name: &str,
        optional: bool,
    ) -> Result<Option<Val<'a>>, EvalError> {
        let found = self.field(name);
        match name {
            "op" | "path" | "from" => {
                let is_set = found.and_then(Val::as_str).is_some_and(|text| !text.is_empty());
                let text = || found.cloned().unwrap_or_else(|| Val::str(""));
                Ok((is_set || !optional).then(text))
            }
            "value" if optional => Ok(found.cloned()),
            "value" => Ok(Some(found.cloned().unwrap_or(Val::Null))),
            _ if optional => Err(EvalError::new(format!("unsupported field: {name}"))),
            _ => Err(EvalError::new(format!("unsupported indexer: {name}"))),
        }
    }

    /// What keeps an object from being converted to plain data: a map whose keys are
    /// no texts. Of objects inside nobody looks at such.
    pub(crate) fn problem(&self) -> Option<String> {
        self.fields.iter().find_map(|(name, value)| {
            let problem = bad_key(value)?;
            Some(format!("fail to convert field {name:?}: {problem}"))
        })
    }

    /// A field of an object as plain data.
    pub(crate) fn native_field(&self, name: &str) -> Option<Val<'a>> {
        self.field(name).map(Val::native)
    }
}

/// What a value holds, if that is text.
fn native_text(value: &Val<'_>) -> Option<String> {
    match value {
        Val::Type(name) => Some((*name).to_owned()),
        Val::Optional(Some(inner)) => native_text(inner),
        other => other.as_str().map(str::to_owned),
    }
}

/// What is wrong with a key of a map.
fn bad_key(value: &Val<'_>) -> Option<String> {
    match value {
        Val::List(list) if list.joined => list.items.iter().find_map(bad_key),
        Val::Map(entries) => {
            let (key, _) = entries.iter().find(|(key, _)| key.as_str().is_none())?;
            let (shown, ty) = (quoted(key), key.go_type(false));
            Some(format!("map key {shown} is of type {ty}, not string"))
        }
        Val::Optional(Some(inner)) => bad_key(inner),
        _ => None,
    }
}

/// A key that is no text as Go's `%q` shows it.
fn quoted(key: &Val<'_>) -> String {
    let code = match key.read() {
        Val::Int(value) => u32::try_from(value).ok(),
        Val::Uint(value) => u32::try_from(value).ok(),
        other => return format!("%!q({}={})", other.go_type(false), other.go_display()),
    };
    match code.and_then(char::from_u32) {
        Some(char) if char.is_ascii_control() => format!("'\\x{:02x}'", char as u32),
        Some(char) => format!("'{char}'"),
        None => "'\u{fffd}'".to_owned(),
    }
}

impl<'a> Val<'a> {
    /// As plain data: objects are maps. Lists and maps that an expression made are
    /// converted one level deep, as by the API server.
    fn native(&self) -> Val<'a> {
        match self {
            Val::Struct(made) if !made.is_patch() => {
                let fields =
                    made.fields().map(|(name, value)| (Val::str(name.to_owned()), value.native()));
                Val::Map(Rc::new(fields.collect()))
            }
            Val::List(list) => {
                let item = if list.joined { Val::native } else { Val::bare };
                let items = list.items.iter().map(item).collect();
                // Such lists are converted like those that were joined.
                Val::List(Rc::new(List { items, open: list.open, joined: true, ..List::default() }))
            }
            Val::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), value.bare()));
                Val::Map(Rc::new(entries.collect()))
            }
            Val::Type(name) => Val::str(*name),
            Val::Optional(None) => Val::Null,
            Val::Optional(Some(inner)) => inner.native(),
            other => other.clone(),
        }
    }

    /// What it holds, without looking into lists and maps.
    fn bare(&self) -> Val<'a> {
        match self {
            Val::Struct(_) => self.native(),
            Val::Optional(None) => Val::Null,
            Val::Type(name) => Val::str(*name),
            Val::Optional(Some(inner)) => inner.bare(),
            other => other.clone(),
        }
    }
}
