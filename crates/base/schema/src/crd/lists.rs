//! Uniqueness of the items of sets and list-maps, and what embedded objects need.

use ironhull_model::{Kind, Node};

use super::structural::{Additional, Structural};
use super::text::{duplicate, quoted, sorted_json, value_text};
use super::validation::{Problem, ProblemKind};

/// A path with `[index]` and `[key]`, empty at the root.
fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn key(path: &str, name: &str) -> String {
    format!("{path}[{name}]")
}

pub(super) fn check(schema: &Structural, node: Node<'_>, path: &str, problems: &mut Vec<Problem>) {
    match node.kind() {
        Kind::Map => {
            if schema.embedded {
                embedded(node, path, problems);
            }
            for (name, member) in node.entries() {
                if let Some(property) = schema.property(name) {
                    check(property, member, &child(path, name), problems);
                } else if let Additional::Schema(schema) = &schema.additional {
                    check(schema, member, &key(path, name), problems);
                }
            }
        }
        Kind::List => {
            match schema.list_type.as_str() {
                "set" => set(node, path, problems),
                "map" => list_map(schema, node, path, problems),
                _ => {}
            }
            for (index, item) in node.items().enumerate() {
                if let Some(items) = &schema.items {
                    check(items, item, &format!("{path}[{index}]"), problems);
                }
            }
        }
        _ => {}
    }
}

/// The second one of equal values, once for each value.
fn repeated<T: PartialEq>(values: &[T]) -> Vec<usize> {
    (1..values.len())
        .filter(|&at| values[..at].iter().filter(|earlier| **earlier == values[at]).count() == 1)
        .collect()
}

fn set(node: Node<'_>, path: &str, problems: &mut Vec<Problem>) {
    let items: Vec<Node<'_>> = node.items().collect();
    // An integer and a float are different, though they may read alike.
    let is_float = |item: &Node<'_>| item.kind() == Kind::Float;
    let texts: Vec<(bool, String)> =
        items.iter().map(|item| (is_float(item), value_text(*item))).collect();
    for at in repeated(&texts) {
        let body = duplicate(&texts[at].1);
        problems.push(Problem::new(items[at], ProblemKind::Other, format!("{path}[{at}]"), body));
    }
}

fn list_map(schema: &Structural, node: Node<'_>, path: &str, problems: &mut Vec<Problem>) {
    let items: Vec<Node<'_>> = node.items().collect();
    let wrong = items.iter().position(|item| !matches!(item.kind(), Kind::Map | Kind::Null));
    if let Some(at) = wrong {
        let body = format!(
            "Invalid value: {}: must be an object for an array of list-type map",
            value_text(items[at])
        );
        problems.push(Problem::new(items[at], ProblemKind::Other, format!("{path}[{at}]"), body));
        return;
    }
    let keys: Vec<String> = items
        .iter()
        .map(|item| {
            let mut names: Vec<&String> = schema.list_keys.iter().collect();
            names.sort();
            let members: Vec<String> = names
                .into_iter()
                .filter_map(|name| {
                    Some(format!("{}:{}", quoted(name), sorted_json(item.get(name)?)))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        })
        .collect();
    for at in repeated(&keys) {
        let body = duplicate(&keys[at]);
        problems.push(Problem::new(items[at], ProblemKind::Other, format!("{path}[{at}]"), body));
    }
}

/// An embedded object names its kind.
fn embedded(node: Node<'_>, path: &str, problems: &mut Vec<Problem>) {
    for name in ["apiVersion", "kind"] {
        let at = child(path, name);
        match node.get(name) {
            None => {
                let body = "Required value".to_owned();
                problems.push(Problem::new(node, ProblemKind::Blocking, at, body));
            }
            Some(member) => {
                let detail = match member.as_str() {
                    None => "must be a string",
                    Some("") => "must not be empty",
                    Some(_) => continue,
                };
                let body = format!("Invalid value: {}: {detail}", value_text(member));
                problems.push(Problem::new(member, ProblemKind::Other, at, body));
            }
        }
    }
}
