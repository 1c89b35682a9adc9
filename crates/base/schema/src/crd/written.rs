//! Custom resources as the API server holds them when admission is asked.

use ironhull_model::{Builder, Kind, Node, Value};

use super::structural::Structural;
use super::{defaults, pruning};
use crate::{Schema, wire};

/// A custom resource that was sent, as the API server holds it: without unknown
/// fields and nulls that are no values, with its defaults, its metadata (and that of
/// objects inside of it) as their type is written.
pub fn written(of: Schema, definition: &Structural, value: &Value) -> Value {
    let unknown = pruning::unknown_fields(definition, value.root());
    let pruned = (!unknown.is_empty()).then(|| pruning::pruned(value.root(), &unknown));
    let known = pruned.as_ref().unwrap_or(value);
    let filled = defaults::apply(definition, known);
    let filled = filled.as_ref().unwrap_or(known);
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    copy(of, &mut builder, Some(definition), filled.root(), true);
    builder.finish()
}

/// A custom resource after admission changed it: its defaults are filled in again, and
/// nothing else is done to it.
pub fn refilled(definition: &Structural, value: &Value) -> Value {
    defaults::refill(definition, value).unwrap_or_else(|| value.clone())
}

fn copy(
    of: Schema,
    builder: &mut Builder,
    schema: Option<&Structural>,
    node: Node<'_>,
    is_object: bool,
) {
    let is_embedded = |schema: Option<&Structural>| schema.is_some_and(|schema| schema.embedded);
    match node.kind() {
        Kind::Map => {
            builder.begin_like(node);
            for (name, child) in node.entries() {
                builder.key(name, child.span().unwrap_or_default().key);
                if is_object && name == "metadata" {
                    wire::metadata(of, builder, child);
                    continue;
                }
                let member = schema.and_then(|schema| schema.member(name));
                copy(of, builder, member, child, is_embedded(member));
            }
        }
        Kind::List => {
            builder.begin_like(node);
            let items = schema.and_then(|schema| schema.items.as_deref());
            node.items().for_each(|child| copy(of, builder, items, child, is_embedded(items)));
        }
        _ => return builder.copy(node),
    }
    builder.end(node.span().unwrap_or_default().end);
}
