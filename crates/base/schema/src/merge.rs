//! Merging a part of an object into the object as server-side apply does
//! (`sigs.k8s.io/structured-merge-diff`): list-maps by their keys, sets by value, maps
//! by name; what is atomic may not be in the part, because the rest of it would go.
//!
//! Which fields of the API server's own kinds are sets, atomic or have defaults is
//! known of the newest minor. Custom resources are merged by what the API server
//! publishes of their definition.

use ironhull_model::object::split_api_version;
use ironhull_model::{Builder, Node, Value};

use crate::Schema;
use crate::crd::Structural;

mod atom;
mod check;
mod go;
mod walk;

use atom::Ref;
use check::Checker;

/// Merges a part into an object of the same kind.
///
/// # Errors
/// What the API server says: unknown fields, values of other types, atomic ones, a kind
/// that it has no schema of.
pub fn merge(schema: Schema, object: &Value, part: &Value) -> Result<Value, String> {
    let root = object.root();
    let text = |name| root.get(name).and_then(Node::as_str).unwrap_or_default();
    let (group, version) = split_api_version(text("apiVersion"));
    let info = schema.kind(group, version, text("kind"));
    let info =
        info.ok_or_else(|| format!("no schema of {} in {}", text("kind"), text("apiVersion")))?;
    // What is there is of the API server's own types already.
    parts(schema, Ref::Type(info.ty), object, part, false)
}

/// Merges a part into a custom resource; `definition` is the schema of its version.
///
/// # Errors
/// What the API server says, also of what is there: nobody has validated it yet.
pub fn merge_custom(
    schema: Schema,
    definition: &Structural,
    object: &Value,
    part: &Value,
) -> Result<Value, String> {
    parts(schema, Ref::resource(definition), object, part, true)
}

fn parts(
    schema: Schema,
    whole: Ref<'_>,
    object: &Value,
    part: &Value,
    is_custom: bool,
) -> Result<Value, String> {
    let wrong = Checker { schema, allows_duplicates: false }.check(whole, part.root());
    if let Some(wrong) = wrong {
        return Err(format!("failed to convert patch object to typed object: {wrong}"));
    }
    let mut atomic = Vec::new();
    check::atomic(schema, whole, part.root(), "", &mut atomic);
    if !atomic.is_empty() {
        return Err(format!(
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {}",
            atomic.join(", ")
        ));
    }
    let wrong = is_custom
        .then(|| Checker { schema, allows_duplicates: true }.check(whole, object.root()))
        .flatten();
    if let Some(wrong) = wrong {
        return Err(format!("failed to convert original object to typed object: {wrong}"));
    }
    let mut builder = if object.has_spans() { Builder::with_spans() } else { Builder::new() };
    walk::merge(schema, &mut builder, whole, Some(object.root()), Some(part.root()));
    Ok(builder.finish())
}

#[cfg(test)]
mod tests;
