//! Label keys, label values and selectors, as the API machinery validates them.

use ironhull_model::Node;

use super::{Reason, Refusals};

/// Checks a `LabelSelector`.
pub(super) fn selector(selector: Node<'_>, refusals: &mut Refusals) {
    let equal = selector.get("matchLabels");
    for (key, value) in equal.into_iter().flat_map(Node::entries) {
        let at = selector.pointer().join("matchLabels");
        if !is_key(key) {
            refusals.add(Reason::Invalid, at.clone(), format!("{key:?} is no label key"));
        }
        if !value.as_str().is_none_or(is_value) {
            let message = format!("{} is no label value", value.to_json());
            refusals.add(Reason::Invalid, at, message);
        }
    }
    for expression in selector.get("matchExpressions").into_iter().flat_map(Node::items) {
        requirement(expression, refusals);
    }
}

fn requirement(expression: Node<'_>, refusals: &mut Refusals) {
    let at = expression.pointer();
    let text = |name| expression.get(name).and_then(Node::as_str).unwrap_or_default();
    let values = expression.get("values");
    let n_values = values.map_or(0, Node::len);
    match text("operator") {
        "In" | "NotIn" if n_values == 0 => {
            let message = format!("must be specified when operator is {}", text("operator"));
            refusals.add(Reason::Required, at.join("values"), message);
        }
        "Exists" | "DoesNotExist" if n_values > 0 => {
            let message = format!("may not be specified when operator is {}", text("operator"));
            refusals.add(Reason::Forbidden, at.join("values"), message);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            let message = format!("{other:?} is none of In, NotIn, Exists, DoesNotExist");
            refusals.add(Reason::Invalid, at.join("operator"), message);
        }
    }
    if !is_key(text("key")) {
        let message = format!("{:?} is no label key", text("key"));
        refusals.add(Reason::Invalid, at.join("key"), message);
    }
    for value in values.into_iter().flat_map(Node::items) {
        if !value.as_str().is_none_or(is_value) {
            let message = format!("{} is no label value", value.to_json());
            refusals.add(Reason::Invalid, value.pointer(), message);
        }
    }
}

/// `IsQualifiedName`: a name of at most 63 characters, with an optional DNS
/// subdomain before a slash.
fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_name(key),
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
    }
}

fn is_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= 63 && name.bytes().all(inner) && ends_well(name, u8::is_ascii_alphanumeric)
}

fn is_subdomain(name: &str) -> bool {
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        label.bytes().all(|byte| lower(&byte) || byte == b'-') && ends_well(label, lower)
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn ends_well(text: &str, outer: impl Fn(&u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(&outer) && bytes.last().is_some_and(&outer)
}

/// `IsValidPortName`.
pub(super) fn is_port_name(name: &str) -> bool {
    name.len() <= 15
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}
