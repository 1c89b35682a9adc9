//! Objects as plain data. Lists and maps inside a list or map that an expression
//! wrote stay values of the language, which nothing takes.

use ironhull_model::{Builder, Kind, Node, Value, base64};

use crate::value::{Struct, Val};

const NULL: &str = "structpb.NullValue";

/// Why an object is no data.
pub(super) enum Problem {
    /// A value of a Go type that nothing takes.
    Type(&'static str),
    /// A number that JSON does not have.
    Number(&'static str),
}

/// How an object becomes plain data.
pub(super) struct Plain<'p> {
    /// JSON, whose numbers are floats; else what is merged by its schema.
    pub(super) is_json: bool,
    /// The path to what is converted.
    pub(super) path: Vec<String>,
    pub(super) typed: &'p [&'p Value],
}

pub(super) fn object(
    made: &Struct<'_>,
    builder: &mut Builder,
    into: &mut Plain<'_>,
) -> Result<(), Problem> {
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
                // Whoever asks has looked for other keys before.
                let name = key.as_str().unwrap_or_default();
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
            return match made.problem() {
                Some(_) => Err(Problem::Type("*types.Err")),
                None => object(made, builder, into),
            };
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

/// An object as plain data, whatever its type's name; none if it is none.
pub(crate) fn plain(made: &Struct<'_>) -> Option<Value> {
    if made.problem().is_some() {
        return None;
    }
    let mut builder = Builder::new();
    let mut into = Plain { is_json: false, path: Vec::new(), typed: &[] };
    object(made, &mut builder, &mut into).ok()?;
    Some(builder.finish())
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

pub(super) fn infinite(value: f64) -> &'static str {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "NaN",
        (false, true) => "+Inf",
        (false, false) => "-Inf",
    }
}

/// A number as JSON writes a float: whole ones are integers to whoever reads it.
pub(super) fn number(value: f64, builder: &mut Builder) {
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
