//! Values as YAML text that reads back as the same value.

use ironhull_model::{Kind, Node};

use crate::resolve::{Resolved, resolve};

/// A whole document in block style, with a final line break.
pub fn to_yaml(node: Node<'_>) -> String {
    let mut text = String::new();
    for line in lines(None, node) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The lines of `key: value`, or of a value alone, in block style.
pub(super) fn lines(key: Option<&str>, value: Node<'_>) -> Vec<String> {
    let prefix = key.map_or_else(String::new, |key| format!("{}:", key_text(key, false)));
    let nests = matches!(value.kind(), Kind::Map | Kind::List) && !value.is_empty();
    if !nests {
        let space = if prefix.is_empty() { "" } else { " " };
        return vec![format!("{prefix}{space}{}", flow(value, false))];
    }
    let mut out = Vec::new();
    let indent = if key.is_some() {
        out.push(prefix);
        "  "
    } else {
        ""
    };
    match value.kind() {
        Kind::Map => {
            for (name, child) in value.entries() {
                out.extend(
                    lines(Some(name), child).into_iter().map(|line| format!("{indent}{line}")),
                );
            }
        }
        _ => {
            // Kubernetes' habit: a sequence stands at its key's indentation.
            for child in value.items() {
                for (at, line) in lines(None, child).into_iter().enumerate() {
                    out.push(format!("{}{line}", if at == 0 { "- " } else { "  " }));
                }
            }
        }
    }
    out
}

/// A value on one line, in YAML's flow style or as JSON.
pub(super) fn flow(node: Node<'_>, json: bool) -> String {
    if json {
        return node.to_json();
    }
    match node.kind() {
        Kind::String => scalar(node.as_str().unwrap_or_default()),
        Kind::List => {
            let items: Vec<String> = node.items().map(|item| flow(item, false)).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Map => {
            let members: Vec<String> = node
                .entries()
                .map(|(key, item)| format!("{}: {}", key_text(key, false), flow(item, false)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        _ => node.to_json(),
    }
}

/// A key, quoted where it must be.
pub(super) fn key_text(key: &str, json: bool) -> String {
    if json { quoted(key) } else { scalar(key) }
}

/// A string, plain where it reads back as the same string anywhere.
fn scalar(text: &str) -> String {
    let plain = !text.is_empty()
        && resolve(text) == Resolved::Str
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | ' ' | ':')
        })
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/'))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.starts_with("...")
        && !text.chars().next().is_some_and(|c| c.is_ascii_digit() && text.contains('-'));
    if plain { text.to_owned() } else { quoted(text) }
}

/// Double-quoted, with JSON's escapes.
fn quoted(text: &str) -> String {
    let mut builder = ironhull_model::Builder::new();
    builder.str(text, 0, 0);
    builder.finish().root().to_json()
}
