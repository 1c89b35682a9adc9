//! Secrets in places where they do not belong: detecting them, and masking them
//! before anything else sees the object.
//!
//! Two kinds of detector: by *form* (tokens with a fixed prefix and alphabet,
//! private keys, passwords in connection strings) and by *name* (a literal under
//! a name such as `DB_PASSWORD`, in a field, an argument of a command, a header or a
//! configuration file).
//! Nothing here keeps or prints a value.

use std::collections::HashMap;

use ironhull_model::value::NodeId;
use ironhull_model::{Builder, Fact, Kind, Node, Object, Pointer};

mod argument;
mod comment;
mod copies;
mod form;
mod mark;
mod name;
mod settings;
pub mod shown;

pub use copies::{LAST_APPLIED, is_copy};
pub use form::by_form;
pub use mark::Salt;
pub use name::by_name;

/// What a masked value starts with.
const MASK: &str = "‹redacted:";

/// What stands for a value that was left out for a reason.
pub fn mask(detector: &str) -> String {
    format!("{MASK}{detector}›")
}

/// The detector that masked a text, if it was masked.
pub fn masked(text: &str) -> Option<&str> {
    text.strip_prefix(MASK)?.strip_suffix('›')
}

/// A secret that was masked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Where.
    pub pointer: Pointer,
    /// Which detector, such as `aws-access-key` or `name`.
    pub detector: &'static str,
    /// What equal values share, under the salt; none for what is too short to tell
    /// apart, or not secret by itself.
    pub mark: Option<String>,
}

impl Found {
    /// The fact that tells where it stands and what equal values share; none for
    /// what has no mark.
    pub fn fact(&self, object: &Object) -> Option<Fact> {
        let mut value = Builder::new();
        value.begin_map(0);
        for (key, text) in [("at", self.pointer.as_str()), ("mark", self.mark.as_deref()?)] {
            value.key(key, 0);
            value.str(text, 0, 0);
        }
        value.end(0);
        Some(Fact {
            thing: object.thing.clone(),
            name: "secret",
            value: value.finish(),
            source: "redaction".to_owned(),
        })
    }
}

/// Masks secret values in an object and says where they were. All values of a
/// `Secret` are masked; they are `Found` only when the object was written down
/// by hand, which the caller knows.
pub fn redact(object: &mut Object, salt: &Salt) -> Vec<Found> {
    let found = found_at(object, salt);
    if !found.is_empty() {
        let root = object.root();
        let mut builder =
            if object.value.has_spans() { Builder::with_spans() } else { Builder::new() };
        let masked: HashMap<NodeId, &str> =
            found.iter().map(|(id, found)| (*id, found.detector)).collect();
        copy(root, &masked, &mut builder);
        object.value = builder.finish();
    }
    found.into_iter().map(|(_, found)| found).collect()
}

/// The secret values of an object that is not masked, in the order of their places.
fn found_at(object: &Object, salt: &Salt) -> Vec<(NodeId, Found)> {
    let mut found = Vec::new();
    let is_secret = object.is("", "Secret");
    scan(object.root(), is_secret, salt, &mut found);
    let copies: Vec<_> =
        copies::of(object).filter_map(|copy| repeated(copy, is_secret, object, &found)).collect();
    for (copy, detector) in copies {
        push(Some(detector), copy, salt, &mut found);
        found.sort_by(|(_, a), (_, b)| a.pointer.cmp(&b.pointer));
    }
    found
}

/// The copy, if it holds data of a Secret or a value that was found in the object, and
/// by what that is known.
fn repeated<'o>(
    copy: Node<'o>,
    is_secret: bool,
    object: &Object,
    found: &[(NodeId, Found)],
) -> Option<(Node<'o>, &'static str)> {
    let text = copy.as_str().filter(|text| masked(text).is_none())?;
    if found.iter().any(|(id, _)| *id == copy.id()) {
        return None;
    }
    let is_packed = copies::is_packed(text);
    if is_secret && (is_packed || text.contains("\"data\"") || text.contains("\"stringData\"")) {
        return Some((copy, "secret-data"));
    }
    if is_packed {
        // What the object holds it holds too.
        return found.first().map(|(_, found)| (copy, found.detector));
    }
    let is_in = |id: NodeId| {
        let value = object.value.node(id).as_str().unwrap_or_default();
        value.len() >= LEAST_REPEATED && text.contains(value)
    };
    found.iter().find(|(id, _)| is_in(*id)).map(|(_, found)| (copy, found.detector))
}

/// Shorter values stand in many texts by chance.
const LEAST_REPEATED: usize = 4;

/// What the way to a node says about what is below it.
#[derive(Clone, Copy, Default)]
struct Above<'a> {
    /// It is data of a Secret.
    masked: bool,
    /// The name that all of it stands under.
    name: Option<&'a str>,
    /// It is a list of names with values, or an entry of one.
    entries: bool,
}

fn scan(root: Node<'_>, is_secret: bool, salt: &Salt, found: &mut Vec<(NodeId, Found)>) {
    let mut stack = vec![(root, Above::default())];
    while let Some((node, above)) = stack.pop() {
        match node.kind() {
            Kind::Map => {
                // `{name: DB_PASSWORD, value: …}` names its value as a member does.
                let named = node.get("name").and_then(Node::as_str);
                let is_entry = named.is_some() && above.entries;
                for (key, child) in node.entries() {
                    let in_data = is_secret && matches!(key, "data" | "stringData");
                    // In an entry of `env` a misspelt `value` is the value still.
                    let is_value = key == "value" || is_entry && !refers(key, child);
                    let name = if is_value { named } else { above.name };
                    let masked = above.masked || in_data;
                    if let Some(detector) = wrong_type(child).filter(|_| masked) {
                        push(Some(detector), child, salt, found);
                    } else if child.kind() == Kind::String {
                        let detector = detect(name.unwrap_or(key), child, masked);
                        // Options of a program are often a variable: `JAVA_OPTS`.
                        let key = if is_entry && is_value { "env" } else { key };
                        let detector = detector.or_else(|| in_command(child, key, None));
                        push(detector, child, salt, found);
                    } else {
                        let below = name.filter(|_| is_value || above.name.is_some());
                        let entries = matches!(key, "env" | "httpHeaders");
                        stack.push((child, Above { masked, name: below, entries }));
                    }
                }
            }
            Kind::List => {
                let mut before = None;
                for child in node.items() {
                    if let Some(detector) = wrong_type(child).filter(|_| above.masked) {
                        push(Some(detector), child, salt, found);
                    } else if child.kind() == Kind::String {
                        let detector = detect(above.name.unwrap_or(""), child, above.masked);
                        let key = node.key().unwrap_or_default();
                        let detector = detector.or_else(|| in_command(child, key, before));
                        push(detector, child, salt, found);
                    } else {
                        stack.push((child, above));
                    }
                    before = child.as_str();
                }
            }
            _ => {}
        }
    }
    found.sort_by(|(_, a), (_, b)| a.pointer.cmp(&b.pointer));
}

/// What masks data of a Secret that is no text. The API server refuses it, as strict
/// decoding in `base/schema` does, which therefore knows these masks.
fn wrong_type(node: Node<'_>) -> Option<&'static str> {
    match node.kind() {
        Kind::Bool => Some("secret-bool"),
        Kind::Int | Kind::UInt => Some("secret-integer"),
        Kind::Float => Some("secret-float"),
        _ => None,
    }
}

/// Whether a member of an entry refers to a value instead of being one, or is its name.
fn refers(key: &str, child: Node<'_>) -> bool {
    key == "name"
        || child.kind() == Kind::Map && child.entries().any(|(key, _)| key.ends_with("Ref"))
}

/// A secret in an argument of a command.
fn in_command(node: Node<'_>, key: &str, before: Option<&str>) -> Option<&'static str> {
    let text = node.as_str().filter(|text| masked(text).is_none())?;
    matches!(key, "args" | "command" | "env").then(|| argument::in_argument(before, text)).flatten()
}

fn push(
    detector: Option<&'static str>,
    node: Node<'_>,
    salt: &Salt,
    found: &mut Vec<(NodeId, Found)>,
) {
    found.extend(detector.map(|detector| {
        (node.id(), Found { pointer: node.pointer(), detector, mark: mark::of(node, salt) })
    }));
}

fn detect(name: &str, node: Node<'_>, masked: bool) -> Option<&'static str> {
    let text = node.as_str().filter(|text| self::masked(text).is_none())?;
    if masked {
        return (!text.is_empty()).then_some("secret-data");
    }
    by_form(text)
        .or_else(|| by_name(name, text).then_some("name"))
        .or_else(|| settings::hold_secret(text, name.contains('.')).then_some("name"))
        .or_else(|| argument::in_header(name, text))
}

fn copy(node: Node<'_>, masked: &HashMap<NodeId, &str>, builder: &mut Builder) {
    match node.kind() {
        Kind::Map | Kind::List => {
            builder.begin_like(node);
            for child in node.items() {
                if let Some(key) = child.key() {
                    builder.key(key, child.span().unwrap_or_default().key);
                }
                copy(child, masked, builder);
            }
            builder.end(node.span().unwrap_or_default().end);
        }
        _ => match masked.get(&node.id()) {
            Some(detector) => {
                let span = node.span().unwrap_or_default();
                builder.str(&mask(detector), span.start, span.end);
            }
            None => builder.copy(node),
        },
    }
}

#[cfg(test)]
mod tests;
