//! What expressions of mutations give, as data: an object to merge, or the
//! operations of a JSON Patch. Errors are the API server's. It converts objects in
//! its own ways: lists and maps inside a list that an expression wrote stay values
//! of the language, which nothing takes.

use ironhull_model::{Builder, Kind, Node, Value, base64};

use crate::library::duration;
use crate::value::{Struct, Val};

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
/// document without `apiVersion` and `kind` unless it set them.
pub fn apply_configuration(value: &Val<'_>) -> Result<Value, String> {
    let Val::Struct(made) = value else {
        let ty = value.type_name();
        return Err(format!("unsupported return type from ApplyConfiguration expression: {ty}"));
    };
    check_type_names(made)?;
    let mut builder = Builder::new();
    let mut path = Vec::new();
    object(made, &mut builder, &mut Into::Typed(&mut path)).map_err(|problem| match problem {
        Problem::Key(_) => "invalid return type: *dynamic.ObjectVal".to_owned(),
        Problem::Type(found) => format!(
            "error applying patch: failed to convert patch object to typed object: .{}: \
             unexpected value of type {found}",
            path.join(".")
        ),
    })?;
    Ok(builder.finish())
}

/// What an expression of a mutation with patch type `JSONPatch` gave.
pub fn json_patch(value: &Val<'_>) -> Result<Vec<Operation>, String> {
    if !value.is_type("list") {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".to_owned());
    }
    value.elements().iter().map(operation).collect()
}

fn operation(value: &Val<'_>) -> Result<Operation, String> {
    let Val::Struct(made) = value else { return Err(not_an_operation()) };
    if !made.is_patch() {
        return Err(not_an_operation());
    }
    let text = |name| made.field(name).and_then(Val::as_str).unwrap_or_default().to_owned();
    let value = match made.field("value") {
        None => None,
        Some(value) => {
            if let Val::Struct(object) = value {
                check_type_names(object)?;
            }
            let mut builder = Builder::new();
            json(value, &mut builder).map_err(|error| {
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

fn not_an_operation() -> String {
    "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch".to_owned()
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

/// Why an object is no data.
enum Problem {
    /// A map's key that is no text.
    Key(String),
    /// A value of a Go type that nothing takes.
    Type(&'static str),
}

/// What an object becomes.
enum Into<'p> {
    /// JSON whose numbers are floats.
    Json,
    /// What is merged by its schema; the path to what is converted.
    Typed(&'p mut Vec<String>),
}

fn object(made: &Struct<'_>, builder: &mut Builder, into: &mut Into<'_>) -> Result<(), Problem> {
    builder.begin_map(0);
    for (name, value) in made.fields() {
        builder.key(name, 0);
        inside(into, name, |into| field(value, builder, into))?;
    }
    builder.end(0);
    Ok(())
}

/// Converts what is inside, of which the path is kept if that fails.
fn inside(
    into: &mut Into<'_>,
    name: &str,
    convert: impl FnOnce(&mut Into<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    if let Into::Typed(path) = into {
        path.push(name.to_owned());
    }
    convert(into)?;
    if let Into::Typed(path) = into {
        path.pop();
    }
    Ok(())
}

/// A field's value: lists and maps are converted one level deep.
fn field(value: &Val<'_>, builder: &mut Builder, into: &mut Into<'_>) -> Result<(), Problem> {
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
                    let (shown, ty) = (key.go_display(), key.go_type(false));
                    return Err(Problem::Key(format!(
                        "map key {shown:?} is of type {ty}, not string"
                    )));
                };
                builder.key(name, 0);
                inside(into, name, |into| bare(value, builder, into))?;
            }
            builder.end(0);
            Ok(())
        }
        Val::Optional(Some(inner)) => field(inner, builder, into),
        other => bare(other, builder, into),
    }
}

/// What a value holds, as it is.
fn bare(value: &Val<'_>, builder: &mut Builder, into: &mut Into<'_>) -> Result<(), Problem> {
    match value {
        Val::Struct(made) if !made.is_patch() => return object(made, builder, into),
        Val::Node(node) if matches!(into, Into::Typed(_)) => builder.copy(*node),
        Val::Node(node) => copy_as_floats(*node, builder),
        Val::Optional(None) => builder.null(0, 0),
        Val::Optional(Some(inner)) => return bare(inner, builder, into),
        Val::Bool(value) => builder.bool(*value, 0, 0),
        Val::Str(text) => builder.str(text, 0, 0),
        Val::Int(value) if matches!(into, Into::Typed(_)) => builder.int(*value, 0, 0),
        Val::Int(value) => number(*value as f64, builder),
        Val::Uint(value) if matches!(into, Into::Typed(_)) => builder.uint(*value, 0, 0),
        Val::Uint(value) => number(*value as f64, builder),
        Val::Double(value) if matches!(into, Into::Typed(_)) => builder.float(*value, 0, 0),
        Val::Double(value) => number(*value, builder),
        Val::Bytes(bytes) if matches!(into, Into::Json) => {
            builder.str(&base64::encode(bytes), 0, 0)
        }
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
fn json(value: &Val<'_>, builder: &mut Builder) -> Result<(), String> {
    match value {
        Val::Struct(made) if !made.is_patch() => {
            return object(made, builder, &mut Into::Json).map_err(|problem| match problem {
                Problem::Key(error) => error,
                Problem::Type(found) => format!("proto: invalid type: {found}"),
            });
        }
        Val::Node(node) => return json_node(*node, builder),
        Val::Null => builder.null(0, 0),
        Val::Bool(value) => builder.bool(*value, 0, 0),
        Val::Int(value) if is_safe(value.unsigned_abs()) => number(*value as f64, builder),
        Val::Int(value) => builder.str(&value.to_string(), 0, 0),
        Val::Uint(value) if is_safe(*value) => number(*value as f64, builder),
        Val::Uint(value) => builder.str(&value.to_string(), 0, 0),
        Val::Double(value) => number(*value, builder),
        Val::Str(text) => builder.str(text, 0, 0),
        Val::Bytes(bytes) => builder.str(&base64::encode(bytes), 0, 0),
        Val::Duration(nanos) => builder.str(&duration::format(*nanos), 0, 0),
        Val::Time(moment) => builder.str(&moment.0.format(), 0, 0),
        Val::Optional(None) => return Err("optional.none() dereference".to_owned()),
        Val::Optional(Some(inner)) => return json(inner, builder),
        Val::List(list) => {
            builder.begin_list(0);
            list.items.iter().try_for_each(|item| json(item, builder))?;
            builder.end(0);
        }
        Val::Map(entries) => {
            builder.begin_map(0);
            for (key, value) in entries.iter() {
                let Some(name) = key.as_str() else { return Err(no_key(key)) };
                builder.key(name, 0);
                json(value, builder)?;
            }
            builder.end(0);
        }
        other => return Err(no_json(other)),
    }
    Ok(())
}

fn json_node(node: Node<'_>, builder: &mut Builder) -> Result<(), String> {
    match node.kind() {
        Kind::List => {
            builder.begin_list(0);
            node.items().try_for_each(|item| json_node(item, builder))?;
            builder.end(0);
            Ok(())
        }
        Kind::Map => {
            builder.begin_map(0);
            for (name, item) in node.entries() {
                builder.key(name, 0);
                json_node(item, builder)?;
            }
            builder.end(0);
            Ok(())
        }
        _ => json(&Val::from_node(node).read(), builder),
    }
}

fn no_key(key: &Val<'_>) -> String {
    match key {
        Val::Int(_) => "unsupported type conversion from 'int' to string".to_owned(),
        other => format!("type conversion error from '{}' to 'string'", other.type_name()),
    }
}

fn no_json(value: &Val<'_>) -> String {
    match value {
        Val::Struct(_) => "cannot convert to native type: *structpb.Value".to_owned(),
        other => format!("type conversion error from '{}' to '*structpb.Value'", other.type_name()),
    }
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
