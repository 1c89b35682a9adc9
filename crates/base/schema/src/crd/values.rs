//! What a schema says about one scalar: types, formats, allowed values, bounds.

use ironhull_model::{Kind, Node};

use super::structural::Structural;
use super::text::{number, quoted, sorted_json, value_text};
use super::validation::{Problem, blocking, invalid, whole};

/// The types that a schema names.
pub(super) fn types(schema: &Structural) -> Vec<&str> {
    match (schema.int_or_string, schema.ty.as_str()) {
        (true, _) => vec!["integer", "string"],
        (false, "") => Vec::new(),
        (false, ty) => vec![ty],
    }
}

/// The format, if the API server knows it for this type.
pub(super) fn known_format(schema: &Structural) -> Option<&str> {
    let format = schema.format.as_str();
    let known = match types(schema)[..] {
        [] | ["string"] => TEXT_FORMATS.contains(&&*format.replace('-', "")),
        ["integer"] => matches!(format, "int32" | "int64"),
        ["number"] => matches!(format, "float" | "double"),
        _ => false,
    };
    known.then_some(format)
}

const TEXT_FORMATS: &[&str] = &[
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8sshortname",
    "k8slongname",
];

/// That a value is none of those that are allowed.
pub(super) fn allowed(schema: &Structural, node: Node<'_>, path: &str) -> Option<Problem> {
    if schema.allowed.is_empty() || schema.allowed.iter().any(|value| is_one(value.root(), node)) {
        return None;
    }
    let values: Vec<String> = schema
        .allowed
        .iter()
        .map(|value| {
            let root = value.root();
            quoted(&root.as_str().map_or_else(|| sorted_json(root), str::to_owned))
        })
        .collect();
    let body =
        format!("Unsupported value: {}: supported values: {}", value_text(node), values.join(", "));
    Some(blocking(node, path, body))
}

/// Whether a value is one of an enum: itself, or as the enum's type once Go converted it,
/// which cuts numbers and takes integers for letters.
fn is_one(allowed: Node<'_>, node: Node<'_>) -> bool {
    let is_number = matches!(node.kind(), Kind::Int | Kind::Float);
    match (allowed.kind(), node.as_i64()) {
        (Kind::Int, _) if is_number => {
            let cut = node.as_i64().or_else(|| Some(node.as_f64()? as i64));
            cut == allowed.as_i64()
        }
        (Kind::Float, _) if is_number => node.as_f64() == allowed.as_f64(),
        (Kind::String, Some(number)) => {
            let letter = u32::try_from(number).ok().and_then(char::from_u32);
            let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
            allowed.as_str().is_some_and(|text| text.chars().eq([letter]))
        }
        _ => allowed == node,
    }
}

/// What is wrong with a number: its range, and the bounds.
pub(super) fn numbers(schema: &Structural, node: Node<'_>, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let value = node.as_f64().unwrap_or_default();
    let bounds = &schema.bounds;
    let is_int = node.as_i64().is_some();
    // Bounds of integers are cut to integers.
    let bound = |bound: f64| if is_int { bound.trunc() } else { bound };
    if schema.ty == "integer" {
        let whole_value = match node.as_i64() {
            Some(value) => Some(value),
            None => value.to_string().parse::<i64>().ok(),
        };
        let is_32 = schema.format == "int32";
        let fits = whole_value.is_some_and(|value| !is_32 || i32::try_from(value).is_ok());
        if !fits {
            let format = match schema.format.as_str() {
                format @ ("int32" | "int64") => format!("with format {format}"),
                _ => "(default format)".to_owned(),
            };
            let message = format!("Checked value must be of type integer {format} in {path}");
            problems.push(whole(node, &message));
        }
    }
    let mut fail = |message: String| {
        let message = format!("{path} in body should be {message}");
        problems.push(invalid(node, path, &value_text(node), &message));
    };
    if let Some(factor) = bounds.multiple_of.map(bound) {
        let is_multiple = if is_int {
            factor >= 1.0 && node.as_i64().is_some_and(|value| value % factor as i64 == 0)
        } else {
            let multiple = if factor < 1.0 { 1.0 / factor * value } else { value / factor };
            multiple.fract() == 0.0
        };
        if !is_multiple {
            fail(format!("a multiple of {}", number(factor)));
        }
    }
    if let Some(least) = bounds.minimum.map(bound) {
        if bounds.exclusive_minimum && value <= least {
            fail(format!("greater than {}", number(least)));
        } else if value < least {
            fail(format!("greater than or equal to {}", number(least)));
        }
    }
    if let Some(most) = bounds.maximum.map(bound) {
        if bounds.exclusive_maximum && value >= most {
            fail(format!("less than {}", number(most)));
        } else if value > most {
            fail(format!("less than or equal to {}", number(most)));
        }
    }
    problems
}
