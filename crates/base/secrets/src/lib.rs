//! Secrets in places where they do not belong: detecting them, and masking them
//! before anything else sees the object.
//!
//! Two kinds of detector: by *form* (tokens with a fixed prefix and alphabet,
//! private keys, passwords in connection strings) and by *name* (a literal under
//! a name such as `DB_PASSWORD`). Nothing here keeps or prints a value.

use std::collections::HashMap;

use ironhull_model::value::NodeId;
use ironhull_model::{Builder, Fact, Kind, Node, Object, Pointer};

mod form;
mod mark;
mod name;
pub mod shown;

pub use form::by_form;
pub use mark::Salt;
pub use name::by_name;

/// What a masked value starts with.
const MASK: &str = "‹redacted:";

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
    scan(object.root(), object.is("", "Secret"), salt, &mut found);
    found
}

fn scan(root: Node<'_>, is_secret: bool, salt: &Salt, found: &mut Vec<(NodeId, Found)>) {
    let mut stack = vec![(root, false)];
    while let Some((node, masked)) = stack.pop() {
        match node.kind() {
            Kind::Map => {
                // `{name: DB_PASSWORD, value: …}` names its value as a member does.
                let named = node.get("name").and_then(Node::as_str);
                for (key, child) in node.entries() {
                    let in_data = is_secret && matches!(key, "data" | "stringData");
                    let name = if key == "value" { named.unwrap_or(key) } else { key };
                    if child.kind() == Kind::String {
                        push(detect(name, child, masked || in_data), child, salt, found);
                    } else {
                        stack.push((child, masked || in_data));
                    }
                }
            }
            Kind::List => {
                for child in node.items() {
                    if child.kind() == Kind::String {
                        push(detect("", child, masked), child, salt, found);
                    } else {
                        stack.push((child, masked));
                    }
                }
            }
            _ => {}
        }
    }
    found.sort_by(|(_, a), (_, b)| a.pointer.cmp(&b.pointer));
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
    by_form(text).or_else(|| by_name(name, text).then_some("name"))
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
        Kind::String => match masked.get(&node.id()) {
            Some(detector) => {
                let span = node.span().unwrap_or_default();
                builder.str(&format!("{MASK}{detector}›"), span.start, span.end);
            }
            None => builder.copy(node),
        },
        _ => builder.copy(node),
    }
}

#[cfg(test)]
mod tests {
    use super::{MASK, redact};
    use ironhull_model::Object;

    fn object(json: &str) -> Object {
        Object::new(serde_json::from_str(json).unwrap(), None).unwrap()
    }

    #[test]
    fn values_are_masked_and_places_told() {
        let mut pod = object(
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","env":[
            {"name":"DB_PASSWORD","value":"hunter2!"},{"name":"LOG_LEVEL","value":"debug"},
            {"name":"URL","value":"postgres://app:s3cr3t@db/app"}],
            "args":["--token=ghp_0123456789abcdefghijABCDEFGHIJ012345"]}]}}"#,
        );
        let salt = super::Salt::new(b"test");
        let found = redact(&mut pod, &salt);
        let told: Vec<_> =
            found.iter().map(|found| (found.pointer.as_str(), found.detector)).collect();
        assert_eq!(
            told,
            [
                ("/spec/containers/0/args/0", "github-token"),
                ("/spec/containers/0/env/0/value", "name"),
                ("/spec/containers/0/env/2/value", "password-in-url"),
            ]
        );
        let json = pod.root().to_json();
        assert!(!json.contains("hunter2") && !json.contains("s3cr3t") && !json.contains("ghp_"));
        assert!(json.contains("debug") && json.contains(MASK));
        assert_eq!(redact(&mut pod, &salt), [], "masking is idempotent");
    }

    #[test]
    fn every_value_of_a_secret_is_masked() {
        let mut secret = object(
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"k":"eA=="},"stringData":{"plain":"y","empty":""}}"#,
        );
        assert_eq!(redact(&mut secret, &super::Salt::new(b"test")).len(), 2);
        assert_eq!(
            secret.root().path(&["data", "k"]).unwrap().as_str().and_then(super::masked),
            Some("secret-data")
        );
        assert!(!secret.root().to_json().contains("eA=="));
    }
}
