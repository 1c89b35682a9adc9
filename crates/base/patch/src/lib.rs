//! Repairs applied to a value: what the object would be afterwards.
//!
//! The text of a file is edited elsewhere, by splices; this is the same change
//! to the document, and what the spliced text must parse to.

pub mod json_patch;

use std::borrow::Cow;

use ironhull_model::{Builder, Kind, Node, Pointer, RepairStep, Value};

/// A step that cannot be done to this value.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where.
    pub pointer: Pointer,
    /// Why.
    pub reason: &'static str,
}

enum Edit<'e> {
    Set(&'e Value),
    Append(&'e Value),
    Remove,
}

/// The value after the steps, in order. Steps that concern other objects or
/// people (`Create`, `Ask`) change nothing here. Parents that are missing are
/// created as maps; a container that becomes empty stays, empty.
pub fn apply(value: &Value, steps: &[RepairStep]) -> Result<Value, Refused> {
    let mut current = value.clone();
    for step in steps {
        let (pointer, edit) = match step {
            RepairStep::Set { pointer, value } => (pointer, Edit::Set(value)),
            RepairStep::Append { pointer, value } => (pointer, Edit::Append(value)),
            RepairStep::Remove { pointer } => (pointer, Edit::Remove),
            RepairStep::Create { .. } | RepairStep::Ask { .. } => continue,
        };
        let segments: Vec<String> = pointer.segments().map(Cow::into_owned).collect();
        let mut builder = if current.has_spans() { Builder::with_spans() } else { Builder::new() };
        rebuild(Some(current.root()), &segments, &edit, &mut builder)
            .map_err(|reason| Refused { pointer: pointer.clone(), reason })?;
        current = builder.finish();
    }
    Ok(current)
}

/// Writes `node` with the edit done below it.
fn rebuild(
    node: Option<Node<'_>>,
    segments: &[String],
    edit: &Edit<'_>,
    builder: &mut Builder,
) -> Result<(), &'static str> {
    let Some((first, rest)) = segments.split_first() else { return replace(node, edit, builder) };
    let node = node.filter(|node| !node.is_null());
    match node.map(|node| (node, node.kind())) {
        Some((node, Kind::Map)) => map(node, first, rest, edit, builder),
        Some((node, Kind::List)) => list(node, first, rest, edit, builder),
        Some(_) => Err("the way there is neither a map nor a list"),
        None if matches!(edit, Edit::Remove) => Err("there is nothing to remove"),
        None => {
            builder.begin_map(0);
            builder.key(first, 0);
            rebuild(None, rest, edit, builder)?;
            builder.end(0);
            Ok(())
        }
    }
}

fn replace(
    node: Option<Node<'_>>,
    edit: &Edit<'_>,
    builder: &mut Builder,
) -> Result<(), &'static str> {
    match (edit, node) {
        (Edit::Set(value), _) => builder.copy(value.root()),
        (Edit::Append(value), Some(node)) if node.kind() == Kind::List => {
            builder.begin_like(node);
            node.items().for_each(|item| builder.copy(item));
            builder.copy(value.root());
            builder.end(0);
        }
        (Edit::Append(value), node) if node.is_none_or(Node::is_null) => {
            builder.begin_list(0);
            builder.copy(value.root());
            builder.end(0);
        }
        (Edit::Append(_), _) => return Err("it is not a list"),
        (Edit::Remove, _) => return Err("the whole document cannot be removed"),
    }
    Ok(())
}

fn map(
    node: Node<'_>,
    name: &str,
    rest: &[String],
    edit: &Edit<'_>,
    builder: &mut Builder,
) -> Result<(), &'static str> {
    let found = node.get(name);
    let removes = rest.is_empty() && matches!(edit, Edit::Remove);
    if removes && found.is_none() {
        return Err("there is nothing to remove");
    }
    builder.begin_like(node);
    for (key, child) in node.entries() {
        if key == name && removes {
            continue;
        }
        builder.key(key, child.span().unwrap_or_default().key);
        if key == name {
            rebuild(Some(child), rest, edit, builder)?;
        } else {
            builder.copy(child);
        }
    }
    if found.is_none() {
        builder.key(name, 0);
        rebuild(None, rest, edit, builder)?;
    }
    builder.end(node.span().unwrap_or_default().end);
    Ok(())
}

fn list(
    node: Node<'_>,
    index: &str,
    rest: &[String],
    edit: &Edit<'_>,
    builder: &mut Builder,
) -> Result<(), &'static str> {
    let index: usize = index.parse().map_err(|_| "a list is indexed by numbers")?;
    if index >= node.len() {
        return Err("the list has no such item");
    }
    let removes = rest.is_empty() && matches!(edit, Edit::Remove);
    builder.begin_like(node);
    for (at, child) in node.items().enumerate() {
        match (at == index, removes) {
            (true, true) => {}
            (true, false) => rebuild(Some(child), rest, edit, builder)?,
            _ => builder.copy(child),
        }
    }
    builder.end(node.span().unwrap_or_default().end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::apply;
    use ironhull_model::{Pointer, RepairStep, Value};

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    fn pointer(text: &str) -> Pointer {
        Pointer::parse(text).unwrap()
    }

    #[test]
    fn steps_change_what_they_name_and_nothing_else() {
        let before = value(r#"{"a":[{"n":1},{"n":2}],"b":null,"c":{"x":1}}"#);
        let steps = [
            RepairStep::Set { pointer: pointer("/a/1/new/deep"), value: value("true") },
            RepairStep::Remove { pointer: pointer("/a/0") },
            RepairStep::Append { pointer: pointer("/b/list"), value: value("\"x\"") },
            RepairStep::Remove { pointer: pointer("/c/x") },
            RepairStep::Append { pointer: pointer("/a"), value: value("3") },
        ];
        let after = apply(&before, &steps).unwrap();
        assert_eq!(
            after.root().to_json(),
            r#"{"a":[{"n":2,"new":{"deep":true}},3],"b":{"list":["x"]},"c":{}}"#
        );
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let before = value(r#"{"a":1,"l":[]}"#);
        for bad in [
            RepairStep::Remove { pointer: pointer("/b") },
            RepairStep::Set { pointer: pointer("/a/b"), value: value("1") },
            RepairStep::Set { pointer: pointer("/l/0"), value: value("1") },
            RepairStep::Append { pointer: pointer("/a"), value: value("1") },
        ] {
            assert!(apply(&before, &[bad]).is_err());
        }
    }
}
