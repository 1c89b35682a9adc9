//! Custom resources: their definitions' schemas, read from objects of the input;
//! defaulting, unknown fields and validation by them, with the API server's words.
//!
//! Rules (`x-kubernetes-validations`) are read here and run by `judge/controls`.

use std::collections::HashMap;
use std::sync::Arc;

use ironhull_model::{Code, Diagnostic, Node, Object, Standing, Value};

use crate::removed;
use crate::unknown::Alike;

mod defaults;
mod definitions;
mod format;
mod lists;
mod pruning;
mod structural;
pub(crate) mod text;
mod validation;
mod values;
mod written;

pub use defaults::apply as apply_defaults;
pub use definitions::{Definition, Definitions};
pub use pruning::{pruned, unknown_fields};
pub use structural::{Additional, Rule, Structural};
pub use text::{quoted, sorted_json, value_text};
pub use validation::{Matcher, Problem, ProblemKind, validate};
pub use written::{refilled, written};

/// The group of definitions.
pub const GROUP: &str = "apiextensions.k8s.io";
/// Their kind.
pub const KIND: &str = "CustomResourceDefinition";

/// What a definition says about one version of its kind.
#[derive(Debug)]
pub struct Served<'a> {
    /// The schema as it is written; none when there is none.
    pub schema: Option<Node<'a>>,
    /// Whether unknown fields are kept (definitions of v1beta1 only).
    pub keeps_unknown: bool,
}

/// Finds the version of a kind in a definition; none when the definition is of
/// another kind, or does not have the version.
pub fn served<'a>(
    definition: Node<'a>,
    group: &str,
    version: &str,
    kind: &str,
) -> Option<Served<'a>> {
    let spec = definition.get("spec")?;
    let text = |node: Node<'a>, path: &[&str]| node.path(path).and_then(Node::as_str);
    if text(spec, &["group"]) != Some(group) || text(spec, &["names", "kind"]) != Some(kind) {
        return None;
    }
    let of_all = spec.path(&["validation", "openAPIV3Schema"]);
    let keeps_unknown = definition.get("apiVersion").and_then(Node::as_str)
        == Some("apiextensions.k8s.io/v1beta1")
        && spec.get("preserveUnknownFields").and_then(Node::as_bool) != Some(false);
    let found = spec
        .get("versions")
        .into_iter()
        .flat_map(Node::items)
        .find(|item| item.get("name").and_then(Node::as_str) == Some(version));
    match found {
        Some(found) => {
            let schema = found.path(&["schema", "openAPIV3Schema"]).or(of_all);
            Some(Served { schema, keeps_unknown })
        }
        None if text(spec, &["version"]) == Some(version) => {
            Some(Served { schema: of_all, keeps_unknown })
        }
        None => None,
    }
}

/// Whether a kind is none of the API server's own: of no version that it has or had.
pub fn is_custom(group: &str, kind: &str) -> bool {
    let known = crate::tables::kinds(kind).any(|info| info.group == group);
    group.contains('.') && group != "ironhull.dev" && !known && !removed::is_known(group, kind)
}

/// Fills in the defaults of custom resources whose definitions are among the
/// objects; tells once per kind which definitions are missing.
pub fn complete(objects: &mut [Arc<Object>]) -> Vec<Diagnostic> {
    let mut definitions: Vec<Arc<Object>> = Vec::new();
    let mut custom = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        if object.is(GROUP, KIND) {
            definitions.push(object.clone());
        } else if is_custom(&object.thing.group, &object.thing.kind) {
            custom.push(index);
        }
    }
    let mut missing = Alike::default();
    let mut schemas: HashMap<(String, String, String), Option<Structural>> = HashMap::new();
    for index in custom {
        let object = &objects[index];
        let (group, version, kind) = (&object.thing.group, &object.version, &object.thing.kind);
        let name = (group.to_string(), version.to_string(), kind.to_string());
        let schema = schemas.entry(name).or_insert_with(|| {
            let mut served =
                definitions.iter().filter_map(|crd| served(crd.root(), group, version, kind));
            served.next()?.schema.map(Structural::read)
        });
        match schema {
            Some(schema) => {
                // A default is none where it was not read what is there.
                if object.standing != Standing::Partial
                    && let Some(value) = defaults::apply(schema, &object.value)
                {
                    let object = with_value(object, value);
                    objects[index] = Arc::new(object);
                }
            }
            None => missing.add(object),
        }
    }
    missing.told(missing_definition)
}

fn with_value(object: &Object, value: Value) -> Object {
    Object {
        thing: object.thing.clone(),
        version: object.version.clone(),
        value,
        origin: object.origin,
        standing: object.standing,
    }
}

fn missing_definition(first: &Object, more: String) -> Diagnostic {
    let message = format!(
        "the definition of {} in {} is not in the input: {}{more} not validated",
        first.thing.kind,
        first.api_version(),
        first.thing,
    );
    Diagnostic::note(Code::NoDefinition, message).help(
        "add the CustomResourceDefinition to the input to have its custom resources validated",
    )
}

#[cfg(test)]
mod tests;
