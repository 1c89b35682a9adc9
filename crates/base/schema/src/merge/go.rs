//! Values as Go's `fmt` writes them in the messages of a merge.

use ironhull_model::{Kind, Node};

use crate::crd::quoted;
use crate::crd::text::number;

fn scalar(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Float => number(node.as_f64().unwrap_or_default()),
        _ => node.to_json(),
    }
}

fn sorted<'a>(node: Node<'a>) -> Vec<(&'a str, Node<'a>)> {
    let mut members: Vec<_> = node.entries().collect();
    members.sort_by_key(|(key, _)| *key);
    members
}

/// As a key or an item of a set is written.
pub(super) fn key(node: Node<'_>) -> String {
    match node.kind() {
        Kind::String => quoted(node.as_str().unwrap_or_default()),
        Kind::List => format!("[{}]", node.items().map(key).collect::<Vec<_>>().join(",")),
        Kind::Map => {
            sorted(node).into_iter().map(|(name, child)| format!("{name}={}", key(child))).collect()
        }
        _ => scalar(node),
    }
}

/// `%v`.
pub(super) fn plain(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "<nil>".to_owned(),
        Kind::String => node.as_str().unwrap_or_default().to_owned(),
        Kind::List => format!("[{}]", node.items().map(plain).collect::<Vec<_>>().join(" ")),
        Kind::Map => {
            let members = sorted(node).into_iter();
            let members: Vec<String> =
                members.map(|(name, child)| format!("{name}:{}", plain(child))).collect();
            format!("map[{}]", members.join(" "))
        }
        _ => scalar(node),
    }
}

/// `%#v`.
pub(super) fn syntax(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "interface {}(nil)".to_owned(),
        Kind::String => quoted(node.as_str().unwrap_or_default()),
        Kind::List => {
            let items: Vec<String> = node.items().map(syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Kind::Map => {
            let members = sorted(node).into_iter();
            let members: Vec<String> = members
                .map(|(name, child)| format!("{}:{}", quoted(name), syntax(child)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", members.join(", "))
        }
        _ => scalar(node),
    }
}

/// `%T`.
pub(super) fn type_name(node: Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Null => "<nil>",
        Kind::Bool => "bool",
        Kind::Int => "int64",
        Kind::UInt => "uint64",
        Kind::Float => "float64",
        Kind::String => "string",
        Kind::List => "[]interface {}",
        Kind::Map => "map[string]interface {}",
    }
}
