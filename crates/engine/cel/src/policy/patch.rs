//! What expressions of mutations give, as data: an object to merge, or the
//! operations of a JSON Patch. Errors are the API server's. It converts objects in
//! its own ways: lists and maps inside a list that an expression wrote stay values
//! of the language, which nothing takes.

use ironhull_model::{Builder, Kind, Node, Value, base64};

use crate::library::duration;
use crate::value::{Struct, VARIABLES, Val};

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
    let mut builder = Builder::new();
    let mut into = Plain { is_json: false, path: Vec::new(), typed };
    object(made, &mut builder, &mut into).map_err(|problem| match problem {
        Problem::Key(_) => "invalid return type: *dynamic.ObjectVal".to_owned(),
        Problem::Type(found) | Problem::Number(found) => format!(
            "error applying patch: failed to convert patch object to typed object: .{}: \
             unexpected value of type {found}",
            into.path.join(".")
        ),
    })?;
    Ok(builder.finish())
}

/// An object as plain data, whatever its type's name; none if it is none.
pub(crate) fn plain(made: &Struct<'_>) -> Option<Value> {
    let mut builder = Builder::new();
    let mut into = Plain { is_json: false, path: Vec::new(), typed: &[] };
    object(made, &mut builder, &mut into).ok()?;
    Some(builder.finish())
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

const NULL: &str = "structpb.NullValue";

/// Why an object is no data.
enum Problem {
    /// A map's key that is no text.
    Key(String),
    /// A value of a Go type that nothing takes.
    Type(&'static str),
    /// A number that JSON does not have.
    Number(&'static str),
}

/// How an object becomes plain data.
struct Plain<'p> {
    /// JSON, whose numbers are floats; else what is merged by its schema.
    is_json: bool,
    /// The path to what is converted.
    path: Vec<String>,
    typed: &'p [&'p Value],
}

fn object(made: &Struct<'_>, builder: &mut Builder, into: &mut Plain<'_>) -> Result<(), Problem> {
    builder.begin_map(0);
    for (name, value) in made.fields() {
        builder.key(name, 0);
        let converted = inside(into, name, |into| field(value, builder, into));
        converted.map_err(|problem| match problem {
            Problem::Key(error) => Problem::Key(format!("fail to convert field {name:?}: {error}")),
            other => other,
        })?;
    }
    builder.end(0);
    Ok(())
}

/// Converts what is inside, of which the path is kept if that fails.
fn inside(
    into: &mut Plain<'_>,
    name: &str,
    convert: impl FnOnce(&mut Plain<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    into.path.push(name.to_owned());
    convert(into)?;
    into.path.pop();
    Ok(())
}

/// A field's value: lists and maps are converted one level deep.
fn field(value: &Val<'_>, builder: &mut Builder, into: &mut Plain<'_>) -> Result<(), Problem> {
    match value {
        Val::List(list) => {
            builder.begin_list(0);
            for item in &list.items {
                let convert = if list.joined { field } else { bare };
                convert(item, builder, into)?;
            }
            builder.end(0);
            Ok(())
        }
        Val::Map(entries) => {
            builder.begin_map(0);
            for (key, value) in entries.iter() {
                let Some(name) = key.as_str() else {
                    let (shown, ty) = (quoted_key(key), key.go_type(false));
                    return Err(Problem::Key(format!(
                        "map key {shown} is of type {ty}, not string"
                    )));
                };
                builder.key(name, 0);
                inside(into, name, |into| bare(value, builder, into))?;
            }
            builder.end(0);
            Ok(())
        }
        Val::Optional(Some(inner)) => field(inner, builder, into),
        Val::Node(node) => field_node(*node, builder, into),
        other => bare(other, builder, into),
    }
}

/// Part of a document as a field's value, in which a null stays a value of the
/// language, however deep.
fn field_node(node: Node<'_>, builder: &mut Builder, into: &mut Plain<'_>) -> Result<(), Problem> {
    match node.kind() {
        Kind::List => {
            builder.begin_list(0);
            node.items().try_for_each(|item| field_node(item, builder, into))?;
            builder.end(0);
            Ok(())
        }
        Kind::Map => {
            builder.begin_map(0);
            for (name, item) in node.entries() {
                builder.key(name, 0);
                inside(into, name, |into| field_node(item, builder, into))?;
            }
            builder.end(0);
            Ok(())
        }
        _ => bare(&Val::from_node(node), builder, into),
    }
}

/// What a value holds, as it is.
fn bare(value: &Val<'_>, builder: &mut Builder, into: &mut Plain<'_>) -> Result<(), Problem> {
    match value {
        Val::Struct(made) if !made.is_patch() => {
            // Inside, an object that is no data is an error that nobody looks at.
            return object(made, builder, into).map_err(|problem| match problem {
                Problem::Key(_) => Problem::Type("*types.Err"),
                other => other,
            });
        }
        Val::Node(node) if is_typed_aggregate(*node, into.typed) => {
            return Err(Problem::Type(value.go_type(true)));
        }
        Val::Node(node) if !into.is_json && !node.is_null() => {
            builder.copy(*node);
        }
        Val::Node(node) if node.is_null() => return Err(Problem::Type(NULL)),
        Val::Node(node) => copy_as_floats(*node, builder),
        Val::Type(name) => builder.str(name, 0, 0),
        Val::Optional(None) => builder.null(0, 0),
        Val::Optional(Some(inner)) => return bare(inner, builder, into),
        Val::Bool(value) => builder.bool(*value, 0, 0),
        Val::Str(text) => builder.str(text, 0, 0),
        Val::Int(value) if !into.is_json => builder.int(*value, 0, 0),
        Val::Int(value) => number(*value as f64, builder),
        Val::Uint(value) if !into.is_json => builder.uint(*value, 0, 0),
        Val::Uint(value) => number(*value as f64, builder),
        Val::Double(value) if !into.is_json => builder.float(*value, 0, 0),
        Val::Double(value) if value.is_finite() => number(*value, builder),
        Val::Double(value) => return Err(Problem::Number(infinite(*value))),
        Val::Bytes(bytes) if into.is_json => builder.str(&base64::encode(bytes), 0, 0),
        Val::List(list) if list.joined => {
            builder.begin_list(0);
            list.items.iter().try_for_each(|item| bare(item, builder, into))?;
            builder.end(0);
        }
        other => return Err(Problem::Type(other.go_native_type())),
    }
    Ok(())
}

/// A value as JSON by the language's own rules.
fn json(value: &Val<'_>, builder: &mut Builder, typed: &[&Value]) -> Result<(), String> {
    match value {
        Val::Struct(made) if !made.is_patch() => {
            let mut into = Plain { is_json: true, path: Vec::new(), typed };
            return object(made, builder, &mut into).map_err(|problem| match problem {
                Problem::Key(error) => error,
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

/// Whether a list or map is part of a document that the API server holds as values of
/// Go types. A request's options are kept as they came.
pub(crate) fn is_typed(node: Node<'_>, typed: &[&Value]) -> bool {
    typed.iter().any(|value| std::ptr::eq(*value, node.value()))
        && !node.pointer().as_str().starts_with("/options")
}

fn is_typed_aggregate(node: Node<'_>, typed: &[&Value]) -> bool {
    matches!(node.kind(), Kind::List | Kind::Map) && is_typed(node, typed)
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

/// A key that is no text as Go's `%q` shows it.
fn quoted_key(key: &Val<'_>) -> String {
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

fn infinite(value: f64) -> &'static str {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "NaN",
        (false, true) => "+Inf",
        (false, false) => "-Inf",
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

/// A number as JSON writes a float: whole ones are integers to whoever reads it.
fn number(value: f64, builder: &mut Builder) {
    if value.fract() == 0.0 && value.abs() < 9_223_372_036_854_775_808.0 {
        builder.int(value as i64, 0, 0);
    } else {
        builder.float(value, 0, 0);
    }
}

fn copy_as_floats(node: Node<'_>, builder: &mut Builder) {
    match node.kind() {
        Kind::List => {
            builder.begin_list(0);
            node.items().for_each(|item| copy_as_floats(item, builder));
            builder.end(0);
        }
        Kind::Map => {
            builder.begin_map(0);
            for (name, item) in node.entries() {
                builder.key(name, 0);
                copy_as_floats(item, builder);
            }
            builder.end(0);
        }
        Kind::Int | Kind::UInt | Kind::Float => {
            number(node.as_f64().unwrap_or_default(), builder);
        }
        _ => builder.copy(node),
    }
}
