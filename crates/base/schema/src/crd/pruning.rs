//! Fields that no schema names: the API server drops them, and refuses them when
//! it decodes strictly.

use ironhull_model::{Builder, Kind, Node, NodeId, Value};

use super::structural::{Additional, Structural};

/// The unknown fields of a custom resource: where, and the path as the API server
/// writes it.
pub fn unknown_fields<'a>(schema: &Structural, root: Node<'a>) -> Vec<(Node<'a>, String)> {
    let mut found = Vec::new();
    prune(root, Some(schema), "", &mut found);
    found
}

/// The object without its unknown fields, as the API server validates it. Pointers
/// into it are those into the object.
pub fn pruned(root: Node<'_>, unknown: &[(Node<'_>, String)]) -> Value {
    let unknown: Vec<NodeId> = unknown.iter().map(|(node, _)| node.id()).collect();
    let mut builder = if root.value().has_spans() { Builder::with_spans() } else { Builder::new() };
    copy(&mut builder, root, &unknown);
    builder.finish()
}

fn copy(builder: &mut Builder, node: Node<'_>, unknown: &[NodeId]) {
    if !matches!(node.kind(), Kind::Map | Kind::List) {
        return builder.copy(node);
    }
    builder.begin_like(node);
    for child in node.items().filter(|child| !unknown.contains(&child.id())) {
        if let Some(key) = child.key() {
            builder.key(key, child.span().unwrap_or_default().key);
        }
        copy(builder, child, unknown);
    }
    builder.end(node.span().unwrap_or_default().end);
}

fn is_meta(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn prune<'a>(
    node: Node<'a>,
    schema: Option<&Structural>,
    path: &str,
    found: &mut Vec<(Node<'a>, String)>,
) {
    let keeps = schema.is_some_and(|schema| schema.preserve);
    match node.kind() {
        Kind::Map => {
            for (name, child) in node.entries() {
                let Some(schema) = schema else {
                    found.push((child, join(path, name)));
                    continue;
                };
                // The resource itself is an object with metadata, too.
                if (schema.embedded || path.is_empty()) && is_meta(name) {
                    continue;
                }
                let additional = match &schema.additional {
                    Additional::None => None,
                    Additional::Any => Some(None),
                    Additional::Schema(schema) => Some(Some(&**schema)),
                };
                if let Some(property) = schema.property(name) {
                    prune(child, Some(property), &join(path, name), found);
                } else if let Some(additional) = additional {
                    prune(child, additional, &join(path, name), found);
                } else if !keeps {
                    found.push((child, join(path, name)));
                }
            }
        }
        Kind::List => {
            let items = schema.and_then(|schema| schema.items.as_deref());
            if keeps && items.is_none() {
                return;
            }
            for (index, child) in node.items().enumerate() {
                prune(child, items, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}
