//! Defaulting: the object as the API server would store it, so that file,
//! admission and live object are judged alike. What is filled in is marked and
//! has the span of its parent.
//!
//! The rules are those of the API machinery's `SetDefaults_*` functions, for the
//! kinds that people write; objects of other kinds are left as they are.

use ironhull_model::object::split_api_version;
use ironhull_model::{Builder, Kind, Node, Value};

use crate::Schema;

mod kinds;
mod pod;

/// What is filled in where a member is missing or null.
#[derive(Clone, Copy)]
enum Fill<'f> {
    Str(&'f str),
    Int(i64),
    Bool(bool),
    EmptyMap,
}

/// How a member that is there is defaulted further.
type Inner = fn(&mut Defaulter, Node<'_>);

/// The object with defaults. Unknown kinds come back unchanged.
pub fn apply(schema: Schema, value: &Value) -> Value {
    let root = value.root();
    let text = |name| root.get(name).and_then(Node::as_str);
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return value.clone();
    };
    let (group, _) = split_api_version(api_version);
    let Some(rule) = kinds::rule(group, kind) else { return value.clone() };
    let builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    let mut defaulter = Defaulter { builder, schema };
    rule(&mut defaulter, root);
    defaulter.builder.finish()
}

struct Defaulter {
    builder: Builder,
    #[expect(dead_code, reason = "defaults that differ by minor ask it")]
    schema: Schema,
}

impl Defaulter {
    /// Copies a map, defaulting the members named in `inner`, and fills in what
    /// is missing. Anything but a map is copied as it is.
    fn map(&mut self, node: Node<'_>, inner: &[(&str, Inner)], fills: &[(&str, Fill<'_>)]) {
        if node.kind() != Kind::Map {
            return self.builder.copy(node);
        }
        self.open(node, inner, fills);
        for (name, fill) in fills {
            if is_missing(node, name) {
                self.fill(name, *fill);
            }
        }
        self.close(node);
    }

    /// Starts a copy of a map: its members, without those that `fills` replaces.
    fn open(&mut self, node: Node<'_>, inner: &[(&str, Inner)], fills: &[(&str, Fill<'_>)]) {
        self.builder.begin_like(node);
        for (key, child) in node.entries() {
            if child.is_null() && fills.iter().any(|(name, _)| *name == key) {
                continue;
            }
            self.builder.key(key, child.span().unwrap_or_default().key);
            match inner.iter().find(|(name, _)| *name == key) {
                Some((_, inner)) if !child.is_null() => inner(self, child),
                _ => self.builder.copy(child),
            }
        }
    }

    fn close(&mut self, node: Node<'_>) {
        self.builder.end(node.span().unwrap_or_default().end);
    }

    fn fill(&mut self, name: &str, fill: Fill<'_>) {
        self.builder.key(name, 0);
        match fill {
            Fill::Str(text) => self.builder.str(text, 0, 0),
            Fill::Int(number) => self.builder.int(number, 0, 0),
            Fill::Bool(value) => self.builder.bool(value, 0, 0),
            Fill::EmptyMap => {
                self.builder.begin_map(0);
                self.builder.end(0);
            }
        }
        self.builder.mark_defaulted();
    }

    /// Fills in a member with what `build` writes.
    fn fill_with(&mut self, name: &str, build: impl FnOnce(&mut Builder)) {
        self.builder.key(name, 0);
        build(&mut self.builder);
        self.builder.mark_defaulted();
    }

    /// A list whose items are defaulted alike.
    fn list(&mut self, node: Node<'_>, item: Inner) {
        if node.kind() != Kind::List {
            return self.builder.copy(node);
        }
        self.builder.begin_like(node);
        node.items().for_each(|child| item(self, child));
        self.close(node);
    }
}

fn is_missing(node: Node<'_>, name: &str) -> bool {
    node.get(name).is_none_or(Node::is_null)
}

fn str_of<'a>(node: Node<'a>, name: &str) -> &'a str {
    node.get(name).and_then(Node::as_str).unwrap_or_default()
}
