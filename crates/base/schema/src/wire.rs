//! Objects as the API server's Go types write them: what is empty is left out where
//! the type says `omitempty`, and what the type always writes is there. Admission
//! sees objects in this form, so that `has(object.spec.hostPID)` is false for
//! `hostPID: false` in a file.
//!
//! The table is what `testbed/oracle/wire` prints of the newest minor's types.

use std::collections::HashMap;
use std::sync::LazyLock;

use ironhull_model::object::split_api_version;
use ironhull_model::{Builder, Kind, Minor, Node, Value, base64};

use crate::{FieldType, Schema, TypeId};

/// How a field is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// Left out when it is empty.
    Omitted,
    /// A struct, which is always there.
    Struct,
    /// A value that is always there; this one when nothing is said.
    Always(Zero),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Zero {
    Null,
    False,
    Number,
    Text(&'static str),
}

type Fields = Vec<(&'static str, Rule)>;

/// Rules by type.
static RULES: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let mut rules: HashMap<&str, Fields> = HashMap::new();
    let mut current = None;
    for line in include_str!("generated/wire.txt").lines().skip(1) {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if first == "T" {
            current = Some(rest);
            continue;
        }
        let rule = match rest {
            "-" => Rule::Omitted,
            "{}" => Rule::Struct,
            "null" => Rule::Always(Zero::Null),
            "false" => Rule::Always(Zero::False),
            "0" => Rule::Always(Zero::Number),
            text => Rule::Always(Zero::Text(text.trim_matches('"'))),
        };
        if let Some(name) = current {
            rules.entry(name).or_default().push((first, rule));
        }
    }
    rules
});

/// What was written otherwise before a minor: type, field, whether it was left out when
/// it was empty then. Compared with the types of `k8s.io/api` 1.34, 1.35 and 1.36.
const OLDER: [(&str, &str, Minor, bool); 2] = [
    ("io.k8s.api.apps.v1.ControllerRevision", "data", Minor::v1(37), true),
    ("io.k8s.api.resource.v1.ResourceSliceSpec", "devices", Minor::v1(35), false),
];

/// How a quantity is written, by how it may be written in a file, with at most so many
/// places after the point; none for what is none.
pub type Quantity = fn(&str, Option<i64>) -> Option<String>;

/// Lists of resources are rounded up to thousandths
/// (`k8s.io/kubernetes/pkg/apis/core/v1` `SetDefaults_ResourceList`).
const PLACES: i64 = 3;

/// The types that have such lists begin like this.
const OF_CORE: &str = "io.k8s.api.core.v1.";

/// The object as the API server holds it in memory; one of a kind that is not its
/// own comes back as it is. `value` has its defaults. Quantities are read in `engine/cel`.
pub fn written(schema: Schema, value: &Value, quantity: Quantity) -> Value {
    let root = value.root();
    let text = |name| root.get(name).and_then(Node::as_str);
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return value.clone();
    };
    let (group, version) = split_api_version(api_version);
    let Some(ty) = type_of(schema, group, version, kind) else { return value.clone() };
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    let is_secret = (group, kind) == ("", "Secret");
    let mut writer = Writer { schema, builder: &mut builder, keeps_unknown: true, quantity };
    writer.fields(ty, Some(root), is_secret);
    builder.finish()
}

/// Writes the metadata of a custom resource, without what metadata does not have.
pub(crate) fn metadata(schema: Schema, builder: &mut Builder, node: Node<'_>) {
    match schema.type_named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta") {
        Some(ty) => {
            // Metadata has none.
            let quantity: Quantity = |_, _| None;
            let mut writer = Writer { schema, builder, keeps_unknown: false, quantity };
            writer.fields(ty, Some(node), false);
        }
        None => builder.copy(node),
    }
}

/// The type of a kind; also of those that are only sent to subresources.
fn type_of(schema: Schema, group: &str, version: &str, kind: &str) -> Option<TypeId> {
    if let Some(info) = schema.kind(group, version, kind) {
        return Some(info.ty);
    }
    let package = match group {
        "" => "core",
        group => group.strip_suffix(".k8s.io").unwrap_or(group).split('.').next()?,
    };
    schema.type_named(&format!("io.k8s.api.{package}.{version}.{kind}"))
}

struct Writer<'b> {
    schema: Schema,
    builder: &'b mut Builder,
    /// Whether fields that the type does not have stay.
    keeps_unknown: bool,
    quantity: Quantity,
}

impl Writer<'_> {
    /// A struct: its members, without the empty ones, and those always there.
    fn fields(&mut self, ty: TypeId, node: Option<Node<'_>>, is_secret: bool) {
        let name = self.schema.type_name(ty);
        let rules = RULES.get(name).map_or(&[][..], Vec::as_slice);
        let places = name.starts_with(OF_CORE).then_some(PLACES);
        match node {
            Some(node) if node.kind() == Kind::Map => self.builder.begin_like(node),
            Some(node) => return self.builder.copy(node),
            None => self.builder.begin_map(0),
        }
        for (key, child) in node.into_iter().flat_map(Node::entries) {
            let rule = rules.iter().find(|(name, _)| *name == key).map(|(_, rule)| *rule);
            let is_left_out = match rule {
                Some(Rule::Omitted) => is_zero(child),
                // A pointer that is null is left out.
                None => child.is_null(),
                Some(_) => false,
            };
            let field = self.schema.field(ty, key);
            let is_dropped = field.is_none() && !self.keeps_unknown;
            if is_left_out || is_dropped || is_secret && matches!(key, "data" | "stringData") {
                continue;
            }
            self.builder.key(key, child.span().unwrap_or_default().key);
            match field {
                Some(field) => self.value(&field.ty, child, places),
                None => self.builder.copy(child),
            }
        }
        if let Some(node) = node.filter(|_| is_secret) {
            self.secret(node);
        }
        for (name, rule) in rules {
            if node.is_none_or(|node| node.get(name).is_none()) {
                self.missing(ty, name, *rule);
            }
        }
        self.builder.end(node.and_then(Node::span).unwrap_or_default().end);
    }

    fn missing(&mut self, ty: TypeId, name: &str, rule: Rule) {
        let own = (self.schema.type_name(ty), name);
        let older = { OLDER.iter() }
            .find(|(ty, name, until, _)| (*ty, *name) == own && self.schema.minor() < *until);
        let rule = match older {
            Some((.., true)) => Rule::Omitted,
            Some((.., false)) => Rule::Always(Zero::Null),
            None => rule,
        };
        // A field that came later is not written by older minors.
        if rule == Rule::Omitted || self.schema.field(ty, name).is_none() {
            return;
        }
        self.builder.key(name, 0);
        match rule {
            Rule::Struct => match self.schema.field(ty, name).map(|field| &field.ty) {
                Some(FieldType::Type(inner)) => self.fields(*inner, None, false),
                _ => {
                    self.builder.begin_map(0);
                    self.builder.end(0);
                }
            },
            Rule::Always(Zero::False) => self.builder.bool(false, 0, 0),
            Rule::Always(Zero::Number) => self.builder.int(0, 0, 0),
            Rule::Always(Zero::Text(text)) => self.builder.str(text, 0, 0),
            _ => self.builder.null(0, 0),
        }
        self.builder.mark_defaulted();
    }

    /// `places` are those of quantities in lists of resources.
    fn value(&mut self, ty: &FieldType, node: Node<'_>, places: Option<i64>) {
        match ty {
            FieldType::Type(inner) => self.fields(*inner, Some(node), false),
            FieldType::List(item) if node.kind() == Kind::List => {
                self.builder.begin_like(node);
                node.items().for_each(|child| self.value(item, child, places));
                self.builder.end(node.span().unwrap_or_default().end);
            }
            FieldType::Map(item) if node.kind() == Kind::Map => {
                self.builder.begin_like(node);
                for (key, child) in node.entries() {
                    self.builder.key(key, child.span().unwrap_or_default().key);
                    match **item {
                        FieldType::Quantity => self.quantity(child, places),
                        _ => self.value(item, child, places),
                    }
                }
                self.builder.end(node.span().unwrap_or_default().end);
            }
            FieldType::Quantity => self.quantity(node, None),
            _ => self.builder.copy(node),
        }
    }

    fn quantity(&mut self, node: Node<'_>, places: Option<i64>) {
        let text = match node.kind() {
            Kind::Null => "0".to_owned(),
            Kind::String => node.as_str().unwrap_or_default().trim().to_owned(),
            _ => node.to_json(),
        };
        match (self.quantity)(&text, places) {
            Some(written) if node.as_str() != Some(&written) => {
                let span = node.span().unwrap_or_default();
                self.builder.str(&written, span.start, span.end);
            }
            _ => self.builder.copy(node),
        }
    }

    /// A Secret's `stringData` is only a way to write its `data`.
    fn secret(&mut self, secret: Node<'_>) {
        let members = |name| secret.get(name).into_iter().flat_map(Node::entries);
        let texts: Vec<(&str, Node<'_>)> = members("stringData").collect();
        let is_replaced = |key: &str| texts.iter().any(|(name, _)| *name == key);
        if members("data").next().is_none() && texts.is_empty() {
            return;
        }
        let start = secret.get("data").or(secret.get("stringData")).and_then(Node::span);
        self.builder.key("data", start.unwrap_or_default().key);
        self.builder.begin_map(start.unwrap_or_default().start);
        for (key, child) in members("data").filter(|(key, _)| !is_replaced(key)) {
            self.builder.key(key, child.span().unwrap_or_default().key);
            self.builder.copy(child);
        }
        for (key, child) in &texts {
            let span = child.span().unwrap_or_default();
            self.builder.key(key, span.key);
            let encoded = base64::encode(child.as_str().unwrap_or_default().as_bytes());
            self.builder.str(&encoded, span.start, span.end);
        }
        self.builder.end(start.unwrap_or_default().end);
    }
}

/// Whether Go's encoder takes a value for empty.
fn is_zero(node: Node<'_>) -> bool {
    match node.kind() {
        Kind::Null => true,
        Kind::Bool => node.as_bool() == Some(false),
        Kind::Int | Kind::UInt | Kind::Float => node.as_f64() == Some(0.0),
        Kind::String => node.as_str() == Some(""),
        Kind::List | Kind::Map => node.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use ironhull_model::{Minor, Value};

    use super::written;
    use crate::Schema;

    fn check(object: &str, expected: &str) {
        let value: Value = serde_json::from_str(object).unwrap();
        let quantity = |text: &str, places: Option<i64>| {
            let places = places.map_or(String::new(), |places| format!(", {places}"));
            (text != "x").then(|| format!("<{text}{places}>"))
        };
        let got = written(Schema::of(Minor::NEWEST), &value, quantity);
        assert_eq!(got.root().to_json(), expected);
    }

    #[test]
    fn empty_members_go_and_structs_stay() {
        check(
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{}},"data":{}}"#,
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#,
        );
        check(
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"hostPID":false,"hostUsers":false,"containers":[{"name":"c","tty":false}]}}"#,
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"hostUsers":false,"containers":[{"name":"c","resources":{}}]},"status":{}}"#,
        );
        check(
            r#"{"apiVersion":"example.dev/v1","kind":"Widget","spec":{"a":""}}"#,
            r#"{"apiVersion":"example.dev/v1","kind":"Widget","spec":{"a":""}}"#,
        );
    }

    #[test]
    fn quantities_are_texts_in_their_own_form() {
        check(
            r#"{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"a"},"spec":{"limits":[{"type":"Pod","max":{"cpu":1,"memory":" 1Gi ","x":"x","y":0.5}}]}}"#,
            r#"{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"a"},"spec":{"limits":[{"type":"Pod","max":{"cpu":"<1, 3>","memory":"<1Gi, 3>","x":"x","y":"<0.5, 3>"}}]}}"#,
        );
        check(
            r#"{"apiVersion":"storage.k8s.io/v1","kind":"CSIStorageCapacity","metadata":{"name":"a"},"storageClassName":"s","capacity":"1u"}"#,
            r#"{"apiVersion":"storage.k8s.io/v1","kind":"CSIStorageCapacity","metadata":{"name":"a"},"storageClassName":"s","capacity":"<1u>"}"#,
        );
    }

    #[test]
    fn text_of_secrets_becomes_data() {
        check(
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"x":"a"},"data":{"x":"Yg==","y":"Yw=="}}"#,
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"y":"Yw==","x":"YQ=="}}"#,
        );
    }
}
