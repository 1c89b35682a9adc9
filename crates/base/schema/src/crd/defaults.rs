//! Defaults of a schema, filled in before judging; nulls that are no values are
//! dropped, as the API server does.

use ironhull_model::{Builder, Kind, Node, Value};

use super::structural::Structural;

/// The object with defaults and without unknown fields' influence; none when it
/// stays as it is.
pub fn apply(schema: &Structural, value: &Value) -> Option<Value> {
    filled(Some(schema), value, Nulls::Drop)
}

/// The object with defaults, and with the nulls that have none; none when it stays as
/// it is.
pub(super) fn refill(schema: &Structural, value: &Value) -> Option<Value> {
    filled(Some(schema), value, Nulls::Keep)
}

fn filled(schema: Option<&Structural>, value: &Value, nulls: Nulls) -> Option<Value> {
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    copy(&mut builder, schema, value.root(), nulls);
    let after = builder.finish();
    (after != *value).then_some(after)
}

/// What becomes of nulls that are no values and have no default.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Drop,
    Keep,
}

fn replaces_null(schema: Option<&Structural>) -> bool {
    schema.is_some_and(|schema| !schema.nullable)
}

fn copy(builder: &mut Builder, schema: Option<&Structural>, node: Node<'_>, nulls: Nulls) {
    let span = node.span().unwrap_or_default();
    match node.kind() {
        Kind::Map => {
            builder.begin_like(node);
            for (name, child) in node.entries() {
                let member = schema.and_then(|schema| schema.member(name));
                let default = member.and_then(|member| member.default.as_ref());
                let is_kept = nulls == Nulls::Keep && default.is_none();
                if child.is_null() && replaces_null(member) && !is_kept {
                    // One with a default is filled in below, in place of a property.
                    let is_property = schema.is_some_and(|schema| schema.property(name).is_some());
                    if let (Some(default), false) = (default, is_property) {
                        fill(builder, name, default, member, nulls);
                    }
                    continue;
                }
                builder.key(name, child.span().unwrap_or_default().key);
                copy(builder, member, child, nulls);
            }
            for (name, property) in schema.into_iter().flat_map(|schema| &schema.properties) {
                let Some(default) = &property.default else { continue };
                let given = node.get(name);
                if given.is_none() || given.is_some_and(Node::is_null) && !property.nullable {
                    fill(builder, name, default, Some(property), nulls);
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
                        copy(builder, items, default.root(), nulls);
                        builder.mark_defaulted();
                    }
                    _ => copy(builder, items, child, nulls),
                }
            }
            builder.end(span.end);
        }
        _ => builder.copy(node),
    }
}

fn fill(
    builder: &mut Builder,
    name: &str,
    default: &Value,
    schema: Option<&Structural>,
    nulls: Nulls,
) {
    builder.key(name, 0);
    copy(builder, schema, default.root(), nulls);
    builder.mark_defaulted();
}
