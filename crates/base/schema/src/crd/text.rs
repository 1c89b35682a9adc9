//! Values as the API server's messages write them.

use ironhull_model::{Kind, Node};

/// Text in quotes, as Go's `%q`.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                quoted.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A number as Go's `%v`.
pub(crate) fn number(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A value in a message: numbers and booleans as they are, text in quotes, the
/// rest as JSON with sorted keys.
pub fn value_text(node: Node<'_>) -> String {
    match node.kind() {
        Kind::String => quoted(node.as_str().unwrap_or_default()),
        Kind::Float => number(node.as_f64().unwrap_or_default()),
        _ => sorted_json(node),
    }
}

/// JSON with sorted keys.
pub fn sorted_json(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Map => {
            let mut members: Vec<(&str, Node<'_>)> = node.entries().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<String> = members
                .into_iter()
                .map(|(key, child)| format!("{}:{}", quoted(key), sorted_json(child)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Kind::List => {
            let items: Vec<String> = node.items().map(sorted_json).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Float => {
            let value = node.as_f64().unwrap_or_default();
            if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
                format!("{value}")
            } else {
                number(value)
            }
        }
        _ => node.to_json(),
    }
}

/// The body of a message about a repeated value.
pub(crate) fn duplicate(value: &str) -> String {
    format!("Duplicate value: {value}")
}
