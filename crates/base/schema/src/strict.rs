//! Strict decoding: fields that the API server does not know, and values of the
//! wrong type. Repeated keys are told by the YAML parser.

use ironhull_model::{Kind, Node, Pointer};

use crate::tables::{FieldType, TypeId};
use crate::{Schema, tables};

/// One thing that strict decoding refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StrictError {
    /// Where.
    pub pointer: Pointer,
    /// What, in the API server's words where those are stable.
    pub message: String,
}

/// Everything that strict decoding refuses in an object of a known kind; none for
/// kinds without schema.
pub fn check(schema: Schema, root: Node<'_>) -> Option<Vec<StrictError>> {
    let api_version = root.get("apiVersion")?.as_str()?;
    let (group, version) = ironhull_model::object::split_api_version(api_version);
    let info = schema.kind(group, version, root.get("kind")?.as_str()?)?;
    let mut errors = Vec::new();
    object(schema, info.ty, root, "", &mut errors);
    Some(errors)
}

fn object(schema: Schema, ty: TypeId, node: Node<'_>, path: &str, errors: &mut Vec<StrictError>) {
    for (name, child) in node.entries() {
        let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match schema.field(ty, name) {
            Some(field) => value(schema, &field.ty, child, &full, errors),
            None => {
                let mut message = format!("unknown field \"{full}\"");
                let known = tables::fields(ty).iter().map(|field| field.name);
                let mut known = known;
                let nearest = known.find(|known| known.eq_ignore_ascii_case(name));
                if let Some(nearest) = nearest {
                    message += &format!("; field names are case-sensitive: {nearest}");
                }
                errors.push(StrictError { pointer: child.pointer(), message });
            }
        }
    }
}

fn value(
    schema: Schema,
    ty: &FieldType,
    node: Node<'_>,
    path: &str,
    errors: &mut Vec<StrictError>,
) {
    let kind = node.kind();
    if kind == Kind::Null || node.is_defaulted() {
        return;
    }
    let integral = || {
        matches!(kind, Kind::Int | Kind::UInt)
            || node.as_f64().is_some_and(|number| number.fract() == 0.0)
    };
    let fits = match ty {
        FieldType::Any => return,
        FieldType::String | FieldType::Bytes | FieldType::Time => kind == Kind::String,
        FieldType::Integer => integral(),
        FieldType::Number => matches!(kind, Kind::Int | Kind::UInt | Kind::Float),
        FieldType::Boolean => kind == Kind::Bool,
        FieldType::IntOrString => kind == Kind::String || integral(),
        FieldType::Quantity => matches!(kind, Kind::String | Kind::Int | Kind::UInt | Kind::Float),
        FieldType::List(item) => {
            if kind == Kind::List {
                for (index, child) in node.items().enumerate() {
                    value(schema, item, child, &format!("{path}[{index}]"), errors);
                }
                return;
            }
            false
        }
        FieldType::Map(item) => {
            if kind == Kind::Map {
                for (key, child) in node.entries() {
                    value(schema, item, child, &format!("{path}.{key}"), errors);
                }
                return;
            }
            false
        }
        FieldType::Type(ty) => {
            if kind == Kind::Map {
                object(schema, *ty, node, path, errors);
                return;
            }
            false
        }
    };
    if !fits {
        let message = format!("{path} must be {}, not {}", wanted(ty), article(kind));
        errors.push(StrictError { pointer: node.pointer(), message });
    }
}

fn wanted(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::String | FieldType::Bytes | FieldType::Time => "a string",
        FieldType::Integer => "an integer",
        FieldType::Number => "a number",
        FieldType::Boolean => "a boolean",
        FieldType::IntOrString => "an integer or a string",
        FieldType::Quantity => "a quantity",
        FieldType::List(_) => "a list",
        FieldType::Map(_) | FieldType::Type(_) => "a map",
        FieldType::Any => "anything",
    }
}

fn article(kind: Kind) -> String {
    match kind {
        Kind::Int | Kind::UInt => "an integer".to_owned(),
        Kind::Bool => "a boolean".to_owned(),
        kind => format!("a {kind}"),
    }
}
