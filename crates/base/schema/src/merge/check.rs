//! What is wrong with a value by its schema, before anything is merged.

use std::collections::HashSet;

use ironhull_model::{Kind, Node};

use super::atom::{Atom, List, Map, Ref, Relation, Scalar};
use super::go;
use crate::Schema;

/// Checks values against a schema.
pub(super) struct Checker {
    pub(super) schema: Schema,
    /// Whether items of sets and list-maps may be repeated.
    pub(super) allows_duplicates: bool,
}

/// A place, and what is wrong there.
type Wrong = (String, String);

impl Checker {
    /// What is wrong with a value, in the API server's words.
    pub(super) fn check(&self, of: Ref<'_>, node: Node<'_>) -> Option<String> {
        let mut found = Vec::new();
        self.value(of, node, "", &mut found);
        let told: Vec<String> = found
            .into_iter()
            .map(|(path, error)| if path.is_empty() { error } else { format!("{path}: {error}") })
            .collect();
        match told.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("errors:\n  {}", several.join("\n  "))),
        }
    }

    fn value(&self, of: Ref<'_>, node: Node<'_>, path: &str, found: &mut Vec<Wrong>) {
        let Atom { map, scalar, list } = of.atom(self.schema).of(node);
        let wrong = match (map, scalar, list) {
            (Some(map), ..) => match node.kind() {
                Kind::Map => return self.members(map, node, path, found),
                Kind::Null => None,
                _ => Some(format!("expected map, got &{{{}}}", go::plain(node))),
            },
            (_, Some(scalar), _) => wrong_scalar(scalar, node),
            (.., Some(list)) => match node.kind() {
                Kind::List => return self.items(list, node, path, found),
                Kind::Null => None,
                _ => Some(format!("expected list, got &{{{}}}", go::plain(node))),
            },
            _ => Some("schema error: invalid atom: inlined".to_owned()),
        };
        found.extend(wrong.map(|wrong| (path.to_owned(), wrong)));
    }

    /// The first unknown field ends it.
    fn members(&self, map: Map<'_>, node: Node<'_>, path: &str, found: &mut Vec<Wrong>) {
        for (key, child) in node.entries() {
            let path = format!("{path}.{key}");
            let Some(member) = map.member(self.schema, key) else {
                found.push((path, "field not declared in schema".to_owned()));
                return;
            };
            self.value(member, child, &path, found);
        }
    }

    fn items(&self, list: List<'_>, node: Node<'_>, path: &str, found: &mut Vec<Wrong>) {
        let mut seen = HashSet::new();
        for (index, child) in node.items().enumerate() {
            let place = match list.relation {
                Relation::Atomic => format!("[{index}]"),
                _ => match identity(self.schema, list, child) {
                    Ok(identity) => identity,
                    Err(error) => {
                        found.push((path.to_owned(), format!("element {index}: {error}")));
                        return;
                    }
                },
            };
            if !seen.insert(place.clone()) && !self.allows_duplicates {
                found.push((path.to_owned(), format!("duplicate entries for key {place}")));
            }
            self.value(list.items, child, &format!("{path}{place}"), found);
        }
    }
}

fn wrong_scalar(scalar: Scalar, node: Node<'_>) -> Option<String> {
    let kind = node.kind();
    let is_number = matches!(kind, Kind::Int | Kind::UInt | Kind::Float);
    let fits = match scalar {
        _ if kind == Kind::Null => true,
        Scalar::Number => is_number,
        Scalar::Text => kind == Kind::String,
        Scalar::Boolean => kind == Kind::Bool,
        Scalar::Any => is_number || matches!(kind, Kind::String | Kind::Bool),
    };
    (!fits).then(|| match scalar {
        Scalar::Number => {
            format!("expected numeric (int or float), got {}", go::type_name(node))
        }
        Scalar::Text => {
            format!("expected string, got &value.valueUnstructured{{Value:{}}}", go::syntax(node))
        }
        Scalar::Boolean => format!("expected boolean, got &{{{}}}", go::plain(node)),
        Scalar::Any => format!("expected any scalar, got &{{{}}}", go::plain(node)),
    })
}

/// What makes an item of a set or list-map the same as another, as it stands in paths.
///
/// # Errors
/// What the API server says of an item that has none.
pub(super) fn identity(schema: Schema, list: List<'_>, item: Node<'_>) -> Result<String, String> {
    let Relation::Keys(keys) = list.relation else {
        let wrong = match item.kind() {
            Kind::Map => "associative list without keys has an element that's a map type",
            Kind::List => "not supported: associative list with lists as elements",
            Kind::Null => "associative list without keys has an element that's an explicit null",
            _ => return Ok(format!("[={}]", go::key(item))),
        };
        return Err(wrong.to_owned());
    };
    match item.kind() {
        Kind::Map => {}
        Kind::Null => {
            return Err("associative list with keys may not have a null element".to_owned());
        }
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    }
    let names = keys.names();
    let map = list.items.atom(schema).map;
    let default = |name: &str| map.and_then(|map| map.default_of(schema, name));
    let mut found: Vec<(&str, String)> = names
        .iter()
        .filter_map(|name| Some((*name, go::key(item.get(name).or_else(|| default(name))?))))
        .collect();
    if found.is_empty() {
        let quoted: Vec<String> = names.iter().map(|name| crate::crd::quoted(name)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and \
             doesn't have default values for any key fields)",
            quoted.join(" ")
        ));
    }
    found.sort();
    let pairs: Vec<String> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(format!("[{}]", pairs.join(",")))
}

/// Where a part holds something that is replaced as a whole.
pub(super) fn atomic(
    schema: Schema,
    of: Ref<'_>,
    node: Node<'_>,
    path: &str,
    found: &mut Vec<String>,
) {
    let atom = of.atom(schema);
    match (node.kind(), atom.map, atom.list) {
        (Kind::Map, Some(map), _) => {
            if map.is_atomic {
                found.push(path.to_owned());
            }
            for (key, child) in node.entries() {
                if let Some(field) = map.field(schema, key) {
                    atomic(schema, field, child, &format!("{path}.{key}"), found);
                }
            }
        }
        (Kind::List, _, Some(list)) => {
            if matches!(list.relation, Relation::Atomic) {
                found.push(path.to_owned());
            }
            for (index, child) in node.items().enumerate() {
                atomic(schema, list.items, child, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}
