//! Defaults of a schema, filled in before judging; nulls that are no values are
//! dropped, as the API server does.

use ironhull_model::{Builder, Kind, Node, Value};

use super::structural::Structural;

/// The object with defaults and without unknown fields' influence; none when it
/// stays as it is.
pub fn apply(schema: &Structural, value: &Value) -> Option<Value> {
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    copy(&mut builder, Some(schema), value.root());
    let after = builder.finish();
    (after != *value).then_some(after)
}

fn replaces_null(schema: Option<&Structural>) -> bool {
    schema.is_some_and(|schema| !schema.nullable)
}

fn copy(builder: &mut Builder, schema: Option<&Structural>, node: Node<'_>) {
    let span = node.span().unwrap_or_default();
    match node.kind() {
        Kind::Map => {
            builder.begin_like(node);
            for (name, child) in node.entries() {
                let member = schema.and_then(|schema| schema.member(name));
                let default = member.and_then(|member| member.default.as_ref());
                if child.is_null() && replaces_null(member) {
                    // One with a default is filled in below, in place of a property.
                    let is_property = schema.is_some_and(|schema| schema.property(name).is_some());
                    if let (Some(default), false) = (default, is_property) {
                        fill(builder, name, default, member);
                    }
                    continue;
                }
                builder.key(name, child.span().unwrap_or_default().key);
                copy(builder, member, child);
            }
            for (name, property) in schema.into_iter().flat_map(|schema| &schema.properties) {
                let Some(default) = &property.default else { continue };
                let given = node.get(name);
                if given.is_none() || given.is_some_and(Node::is_null) && !property.nullable {
                    fill(builder, name, default, Some(property));
                }
            }
            builder.end(span.end);
        }
        Kind::List => {
            let items = schema.and_then(|schema| schema.items.as_deref());
            builder.begin_like(node);
            for child in node.items() {
                match items.and_then(|items| items.default.as_ref()) {
                    Some(default) if child.is_null() && replaces_null(items) => {
                        copy(builder, items, default.root());
                        builder.mark_defaulted();
                    }
                    _ => copy(builder, items, child),
                }
            }
            builder.end(span.end);
        }
        _ => builder.copy(node),
    }
}

fn fill(builder: &mut Builder, name: &str, default: &Value, schema: Option<&Structural>) {
    builder.key(name, 0);
    copy(builder, schema, default.root());
    builder.mark_defaulted();
}
