//! Defaulting: the object as the API server would store it, so that file,
//! admission and live object are judged alike. What is filled in is marked and
//! has the span of its parent.
//!
//! The rules are those of the API machinery's `SetDefaults_*` functions, for the
//! kinds that people write; objects of other kinds are left as they are.

use ironhull_model::object::split_api_version;
use ironhull_model::{Builder, Kind, Node, Value};

use crate::{Schema, nulls};

mod apis;
mod kinds;
mod other;
mod pod;

/// What is filled in where a member is missing or null.
#[derive(Clone, Copy)]
enum Fill<'f> {
    Str(&'f str),
    Int(i64),
    Bool(bool),
    EmptyMap,
    Map(&'f [(&'f str, Fill<'f>)]),
    /// A list of texts.
    List(&'f [&'f str]),
    /// A list of maps.
    Maps(&'f [&'f [(&'f str, Fill<'f>)]]),
}

impl Fill<'_> {
    fn write(self, builder: &mut Builder) {
        match self {
            Fill::Str(text) => builder.str(text, 0, 0),
            Fill::Int(number) => builder.int(number, 0, 0),
            Fill::Bool(value) => builder.bool(value, 0, 0),
            Fill::EmptyMap => write_map(builder, &[]),
            Fill::Map(members) => write_map(builder, members),
            Fill::List(texts) => {
                builder.begin_list(0);
                texts.iter().for_each(|text| builder.str(text, 0, 0));
                builder.end(0);
            }
            Fill::Maps(maps) => {
                builder.begin_list(0);
                maps.iter().for_each(|members| write_map(builder, members));
                builder.end(0);
            }
        }
    }
}

/// Writes `{key: value, …}`.
fn write_map(builder: &mut Builder, members: &[(&str, Fill<'_>)]) {
    builder.begin_map(0);
    for (key, fill) in members {
        builder.key(key, 0);
        fill.write(builder);
    }
    builder.end(0);
}

/// How a member that is there is defaulted further.
type Inner = fn(&mut Defaulter, Node<'_>);

/// The object with defaults and without null members. Unknown kinds come back unchanged.
pub fn apply(schema: Schema, value: &Value) -> Value {
    match nulls::without(schema, value) {
        Some(value) => defaulted(schema, &value),
        None => defaulted(schema, value),
    }
}

fn defaulted(schema: Schema, value: &Value) -> Value {
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
        fill.write(&mut self.builder);
        self.builder.mark_defaulted();
    }

    /// Fills in a member with what `build` writes.
    fn fill_with(&mut self, name: &str, build: impl FnOnce(&mut Builder)) {
        self.builder.key(name, 0);
        build(&mut self.builder);
        self.builder.mark_defaulted();
    }

    /// Copies a member that is a map like [`Defaulter::map`], and fills in one more
    /// member, which is a copy of another node, in place of one that is missing or empty.
    fn with_copy(
        &mut self,
        name: &str,
        node: Node<'_>,
        copied: Option<(&str, Node<'_>)>,
        inner: &[(&str, Inner)],
        fills: &[(&str, Fill<'_>)],
    ) {
        self.builder.key(name, node.span().unwrap_or_default().key);
        self.builder.begin_like(node);
        for (key, child) in node.entries() {
            let is_filled = child.is_null() && fills.iter().any(|(name, _)| *name == key);
            if is_filled || copied.is_some_and(|(copied, _)| copied == key) {
                continue;
            }
            self.builder.key(key, child.span().unwrap_or_default().key);
            match inner.iter().find(|(name, _)| *name == key) {
                Some((_, inner)) if !child.is_null() => inner(self, child),
                _ => self.builder.copy(child),
            }
        }
        for (name, fill) in fills.iter().filter(|(name, _)| is_missing(node, name)) {
            self.fill(name, *fill);
        }
        if let Some((name, source)) = copied {
            self.fill_with(name, |builder| builder.copy(source));
        }
        self.close(node);
    }

    /// A member that is a map: what is given, and the members of `sources` that it
    /// does not have, the earlier ones first.
    fn merged(&mut self, name: &str, given: Option<Node<'_>>, sources: &[Node<'_>]) {
        self.builder.key(name, given.and_then(Node::span).unwrap_or_default().key);
        match given {
            Some(given) => self.builder.begin_like(given),
            None => self.builder.begin_map(0),
        }
        let mut known: Vec<&str> = Vec::new();
        for (key, child) in given.into_iter().flat_map(Node::entries) {
            known.push(key);
            self.builder.key(key, child.span().unwrap_or_default().key);
            self.builder.copy(child);
        }
        for (key, child) in sources.iter().flat_map(|source| source.entries()) {
            if !known.contains(&key) {
                known.push(key);
                self.fill_with(key, |builder| builder.copy(child));
            }
        }
        match given {
            Some(given) => self.close(given),
            None => {
                self.builder.end(0);
                self.builder.mark_defaulted();
            }
        }
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
