//! Secrets in places where they do not belong: detecting them, and masking them
//! before anything else sees the object.
//!
//! Two kinds of detector: by *form* (tokens with a fixed prefix and alphabet,
//! private keys, passwords in connection strings) and by *name* (a literal under
//! a name such as `DB_PASSWORD`, in a field, an argument of a command or a header).
//! Nothing here keeps or prints a value.

use std::collections::HashMap;

use ironhull_model::value::NodeId;
use ironhull_model::{Builder, Fact, Kind, Node, Object, Pointer};

mod argument;
mod comment;
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
    let is_secret = object.is("", "Secret");
    scan(object.root(), is_secret, salt, &mut found);
    let copy = object.root().path(&["metadata", "annotations", LAST_APPLIED]);
    if let Some((copy, detector)) = copy.and_then(|copy| repeated(copy, is_secret, object, &found))
    {
        push(Some(detector), copy, salt, &mut found);
        found.sort_by(|(_, a), (_, b)| a.pointer.cmp(&b.pointer));
    }
    found
}

/// Where `kubectl apply` keeps a copy of what was applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The copy, if it holds data of a Secret or a value that was found in the object, and
/// by what that is known.
fn repeated<'o>(
    copy: Node<'o>,
    is_secret: bool,
    object: &Object,
    found: &[(NodeId, Found)],
) -> Option<(Node<'o>, &'static str)> {
    let text = copy.as_str()?;
    if found.iter().any(|(id, _)| *id == copy.id()) {
        return None;
    }
    if is_secret && (text.contains("\"data\"") || text.contains("\"stringData\"")) {
        return Some((copy, "secret-data"));
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
                    if child.kind() == Kind::String {
                        let masked = above.masked || in_data;
                        let detector = detect(name.unwrap_or(key), child, masked);
                        let detector = detector.or_else(|| in_command(child, key, None));
                        push(detector, child, salt, found);
                    } else {
                        let below = name.filter(|_| is_value || above.name.is_some());
                        let masked = above.masked || in_data;
                        let entries = matches!(key, "env" | "httpHeaders");
                        stack.push((child, Above { masked, name: below, entries }));
                    }
                }
            }
            Kind::List => {
                let mut before = None;
                for child in node.items() {
                    if child.kind() == Kind::String {
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

    /// `kubectl get -o yaml` into a file takes the copy along.
    #[test]
    fn a_copy_of_what_was_applied_is_masked_with_it() {
        let last = |object: &str| {
            format!(
                r#""annotations":{{"kubectl.kubernetes.io/last-applied-configuration":{}}}"#,
                serde_json::Value::from(object)
            )
        };
        let salt = super::Salt::new(b"test");
        let copied = last(r#"{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}"#);
        let mut secret = object(&format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"a",{copied}}}}}"#
        ));
        assert_eq!(redact(&mut secret, &salt).len(), 1);
        assert!(!secret.root().to_json().contains("aHVudGVyMg"));
        assert_eq!(redact(&mut secret, &salt), [], "masking is idempotent");
        let copied =
            last(r#"{"kind":"Pod","spec":{"env":[{"name":"DB_PASSWORD","value":"hunter2!"}]}}"#);
        let pod = |env: &str| {
            object(&format!(
                r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a",{copied}}},"spec":{{"containers":[{{"name":"c","env":[{env}]}}]}}}}"#
            ))
        };
        let mut with = pod(r#"{"name":"DB_PASSWORD","value":"hunter2!"}"#);
        assert_eq!(redact(&mut with, &salt).len(), 2);
        assert!(!with.root().to_json().contains("hunter2"));
        let plain = last(r#"{"apiVersion":"apps/v1","kind":"Secret"}"#);
        let mut trimmed = object(&format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"a",{plain}}}}}"#
        ));
        assert_eq!(redact(&mut trimmed, &salt), [], "what holds nothing stays");
    }

    /// The places where a pod with this container holds secrets.
    fn places(container: &str) -> Vec<String> {
        let mut pod = object(&format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"}},"spec":{{"containers":[{{"name":"c",{container}}}]}}}}"#
        ));
        let found = redact(&mut pod, &super::Salt::new(b"test"));
        let json = pod.root().to_json();
        assert!(!json.contains("hunter2"), "{json}");
        let short = |found: super::Found| found.pointer.as_str().replace("/spec/containers/0/", "");
        found.into_iter().map(short).collect()
    }

    #[test]
    fn arguments_and_headers_are_masked() {
        assert_eq!(
            places(
                r#""command":["app","--token","hunter2"],"args":["--password=hunter2","-e","DB_PASSWORD=hunter2","--password=$(A)"]"#
            ),
            ["args/0", "args/2", "command/2"]
        );
        assert_eq!(places(r#""args":"--password=hunter2""#), ["args"]);
        assert_eq!(
            places(
                r#""livenessProbe":{"httpGet":{"port":1,"httpHeaders":[{"name":"Authorization","value":"Bearer hunter2"},{"name":"Accept","value":"text/html"}]}}"#
            ),
            ["livenessProbe/httpGet/httpHeaders/0/value"]
        );
    }

    #[test]
    fn what_stands_in_the_wrong_place_is_masked_too() {
        for (entry, places_of) in [
            (r#"{"name":"PASSWORD","value":["hunter2"]}"#, "env/0/value/0"),
            (r#"{"name":"PASSWORD","value":{"a":{"b":"hunter2"}}}"#, "env/0/value/a/b"),
            (r#"{"name":"PASSWORD","valeu":"hunter2"}"#, "env/0/valeu"),
            (r#"{"name":"PASSWORD","valeu":["hunter2"]}"#, "env/0/valeu/0"),
            (r#"{"name":"PASSWORD","valueFrom":"hunter2"}"#, "env/0/valueFrom"),
            (r#""PASSWORD=hunter2""#, "env/0"),
        ] {
            assert_eq!(places(&format!(r#""env":[{entry}]"#)), [places_of], "{entry}");
        }
        for entry in [
            r#"{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"database","key":"password"}}}"#,
            r#"{"name":"PASSWORD","valeuFrom":{"secretKeyRef":{"name":"database","key":"password"}}}"#,
            r#"{"name":"LEVEL","valeu":"debug"}"#,
        ] {
            assert!(places(&format!(r#""env":[{entry}]"#)).is_empty(), "{entry}");
        }
        assert!(places(r#""volumeMounts":[{"name":"password","mountPath":"words"}]"#).is_empty());
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
