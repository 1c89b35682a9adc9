//! What expressions of mutations give, as data: an object to merge, or the
//! operations of a JSON Patch. Errors are the API server's. They are asked of values
//! that are [`Val::is_complete`]; of others nothing is known.

use ironhull_model::{Builder, Kind, Node, Value, base64};

use crate::library::duration;
use crate::value::{Struct, VARIABLES, Val};

mod plain;

use plain::{Plain, Problem, infinite, number, object};
pub(crate) use plain::{is_typed, plain};

/// One operation of a JSON Patch.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`; the API server applies
    /// nothing else.
    pub op: String,
    /// A JSON pointer.
    pub path: String,
    /// A JSON pointer; empty when there is none.
    pub from: String,
    /// The value; none when it was not set.
    pub value: Option<Value>,
}

/// What an expression of a mutation with patch type `ApplyConfiguration` gave, as a
/// document without `apiVersion` and `kind` unless it set them. `typed` are the
/// documents of [`crate::Context::typed`]: of their lists and maps the API server
/// takes none inside other lists and maps.
pub fn apply_configuration(value: &Val<'_>, typed: &[&Value]) -> Result<Value, String> {
    let Val::Struct(made) = value else {
        let ty = value.type_name();
        return Err(format!("unsupported return type from ApplyConfiguration expression: {ty}"));
    };
    check_type_names(made)?;
    if made.is_patch() || made.problem().is_some() {
        return Err("invalid return type: *dynamic.ObjectVal".to_owned());
    }
    let mut builder = Builder::new();
    let mut into = Plain { is_json: false, path: Vec::new(), typed };
    object(made, &mut builder, &mut into).map_err(|problem| match problem {
        Problem::Type(found) | Problem::Number(found) => format!(
            "error applying patch: failed to convert patch object to typed object: .{}: \
             unexpected value of type {found}",
            into.path.join(".")
        ),
    })?;
    Ok(builder.finish())
}

/// What an expression of a mutation with patch type `JSONPatch` gave. Of the documents
/// `typed`, which are those of [`crate::Context::typed`], the API server makes no JSON.
pub fn json_patch(value: &Val<'_>, typed: &[&Value]) -> Result<Vec<Operation>, String> {
    if !value.is_type("list") {
        return Err(NO_PATCH.to_owned());
    }
    value.elements().iter().map(|item| operation(item, typed)).collect()
}

fn operation(value: &Val<'_>, typed: &[&Value]) -> Result<Operation, String> {
    let Val::Struct(made) = value else { return Err(not_an_operation(value)) };
    if !made.is_patch() {
        return Err(not_an_operation(value));
    }
    let text = |name| made.field(name).and_then(Val::as_str).unwrap_or_default().to_owned();
    let value = match made.field("value") {
        None => None,
        Some(value) => {
            if let Val::Struct(object) = value {
                check_type_names(object)?;
            }
            let mut builder = Builder::new();
            json(value, &mut builder, typed).map_err(|error| {
                format!(
                    "JSONPath valueExpression evaluated to a type that could not marshal to \
                     JSON: {error}"
                )
            })?;
            Some(builder.finish())
        }
    };
    Ok(Operation { op: text("op"), path: text("path"), from: text("from"), value })
}

fn not_an_operation(value: &Val<'_>) -> String {
    let from = match value.read() {
        Val::Int(_) => "unsupported type conversion from 'int' to *mutation.JSONPatchVal",
        Val::Uint(_) => "unsupported type conversion from 'uint' to *mutation.JSONPatchVal",
        Val::Str(_) => "unsupported native conversion from string to '*mutation.JSONPatchVal'",
        Val::Bool(_) => "type conversion error from bool to '*mutation.JSONPatchVal'",
        Val::Double(_) => "type conversion error from Double to '*mutation.JSONPatchVal'",
        other if other.is_type("list") => {
            "type conversion error from list to '*mutation.JSONPatchVal'"
        }
        other => {
            let ty = other.type_name();
            return format!(
                "{NO_PATCH} of JSONPatch: type conversion error from '{ty}' to \
                 '*mutation.JSONPatchVal'"
            );
        }
    };
    format!("{NO_PATCH} of JSONPatch: {from}")
}

/// Objects are named by their path from the root.
fn check_type_names(root: &Struct<'_>) -> Result<(), String> {
    let mut problems = Vec::new();
    let mut path = root.type_name().to_owned();
    object_names(root, &mut path, &mut problems);
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("type mismatch: {}", problems.join("\n")))
}

fn object_names(made: &Struct<'_>, path: &mut String, problems: &mut Vec<String>) {
    if made.is_patch() {
        return;
    }
    if made.type_name() != path {
        problems.push(format!(
            "unexpected type name {:?}, expected {path:?}, which matches field name path from \
             root Object type",
            made.type_name()
        ));
    }
    let length = path.len();
    for (name, value) in made.fields() {
        path.push('.');
        path.push_str(name);
        value_names(value, path, problems);
        path.truncate(length);
    }
}

fn value_names(value: &Val<'_>, path: &mut String, problems: &mut Vec<String>) {
    match value {
        Val::Struct(made) => object_names(made, path, problems),
        Val::List(list) if !list.joined => {
            list.items.iter().for_each(|item| value_names(item, path, problems));
        }
        Val::Map(entries) => {
            entries.iter().for_each(|(_, value)| value_names(value, path, problems));
        }
        // What is looked into is what the optional holds; the optional is no object.
        Val::Optional(Some(inner)) if !matches!(**inner, Val::Struct(_)) => {
            value_names(inner, path, problems);
        }
        _ => {}
    }
}

const NO_PATCH: &str = "type mismatch: JSONPatchType.expression should evaluate to array";

/// A value as JSON by the language's own rules.
fn json(value: &Val<'_>, builder: &mut Builder, typed: &[&Value]) -> Result<(), String> {
    match value {
        Val::Struct(made) if !made.is_patch() => {
            if let Some(problem) = made.problem() {
                return Err(problem);
            }
            let mut into = Plain { is_json: true, path: Vec::new(), typed };
            return object(made, builder, &mut into).map_err(|problem| match problem {
                Problem::Type(found) => format!("proto: invalid type: {found}"),
                Problem::Number(found) => not_finite(found),
            });
        }
        Val::Node(node) => return json_node(*node, builder, typed),
        Val::Null => builder.null(0, 0),
        Val::Bool(value) => builder.bool(*value, 0, 0),
        Val::Int(value) if is_safe(value.unsigned_abs()) => number(*value as f64, builder),
        Val::Int(value) => builder.str(&value.to_string(), 0, 0),
        Val::Uint(value) if is_safe(*value) => number(*value as f64, builder),
        Val::Uint(value) => builder.str(&value.to_string(), 0, 0),
        Val::Double(value) if value.is_finite() => number(*value, builder),
        Val::Double(value) => return Err(not_finite(infinite(*value))),
        Val::Str(text) => builder.str(text, 0, 0),
        Val::Bytes(bytes) => builder.str(&base64::encode(bytes), 0, 0),
        Val::Duration(nanos) => builder.str(&duration::format(*nanos), 0, 0),
        Val::Time(moment) => builder.str(&moment.0.format(), 0, 0),
        Val::Optional(None) => return Err("optional.none() dereference".to_owned()),
        Val::Optional(Some(inner)) => return json(inner, builder, typed),
        Val::List(list) => {
            builder.begin_list(0);
            // Of joined lists the API server converts what the items hold.
            let typed = if list.joined { &[] } else { typed };
            list.items.iter().try_for_each(|item| json(item, builder, typed))?;
            builder.end(0);
        }
        Val::Map(entries) => {
            builder.begin_map(0);
            for (key, value) in entries.iter() {
                let Some(name) = key.as_str() else { return Err(no_key(key)) };
                builder.key(name, 0);
                json(value, builder, typed)?;
            }
            builder.end(0);
        }
        other => return Err(no_json(other)),
    }
    Ok(())
}

fn json_node(node: Node<'_>, builder: &mut Builder, typed: &[&Value]) -> Result<(), String> {
    match node.kind() {
        Kind::List if is_typed(node, typed) => Err(no_conversion("'list(dyn)'")),
        Kind::Map if is_typed(node, typed) => Err(no_conversion("'map(dyn, dyn)'")),
        Kind::List => {
            builder.begin_list(0);
            node.items().try_for_each(|item| json_node(item, builder, typed))?;
            builder.end(0);
            Ok(())
        }
        Kind::Map => {
            builder.begin_map(0);
            for (name, item) in node.entries() {
                builder.key(name, 0);
                json_node(item, builder, typed)?;
            }
            builder.end(0);
            Ok(())
        }
        _ => json(&Val::from_node(node).read(), builder, typed),
    }
}

fn no_key(key: &Val<'_>) -> String {
    match key.read() {
        Val::Int(_) => "unsupported type conversion from 'int' to string".to_owned(),
        Val::Uint(_) => "unsupported type conversion from 'uint' to string".to_owned(),
        Val::Bool(_) => "type conversion error from bool to 'string'".to_owned(),
        Val::Double(_) => "type conversion error from Double to 'string'".to_owned(),
        other => format!("type conversion error from '{}' to 'string'", other.type_name()),
    }
}

fn no_conversion(from: &str) -> String {
    format!("type conversion error from {from} to '*structpb.Value'")
}

fn no_json(value: &Val<'_>) -> String {
    match value {
        Val::Struct(_) => "cannot convert to native type: *structpb.Value".to_owned(),
        Val::Type(_) => "type conversion not supported for 'type'".to_owned(),
        Val::Variables(_) => format!("disallowed conversion from {VARIABLES:?} to \"\""),
        Val::Opaque(_) => {
            // The authorizer's types have their whole names.
            let name = value.type_name();
            let short = ["kubernetes.", "net."]
                .iter()
                .find_map(|prefix| name.strip_prefix(prefix).filter(|rest| !rest.contains('.')));
            no_conversion(&format!("'{}'", short.unwrap_or(name)))
        }
        other => no_conversion(&format!("'{}'", other.type_name())),
    }
}

fn not_finite(found: &str) -> String {
    format!(
        "json: error calling MarshalJSON for type *structpb.Value: proto: \
         google.protobuf.Value.number_value: invalid {found} value"
    )
}

/// Whether a float holds it exactly.
fn is_safe(magnitude: u64) -> bool {
    magnitude < 1 << 53
}
