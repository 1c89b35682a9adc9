//! The fields of a control file that hold no expressions.

use super::{Applies, Kind, Mapping, Minor, Node, Reader, Standard, Surface};
use ironhull_model::version::ParseMinorError;
use ironhull_schema::Schema;

/// `catalogue:` and items of standards: item → whole, or `{part: …}`.
pub(super) fn mappings(reader: &mut Reader<'_, '_>, field: &'static str) -> Vec<Mapping> {
    let Some(node) = reader.get(field) else { return Vec::new() };
    items(reader, node)
}

fn items(reader: &mut Reader<'_, '_>, node: Node<'_>) -> Vec<Mapping> {
    let mut mappings = Vec::new();
    match node.kind() {
        Kind::List => {
            for item in node.items() {
                match item.kind() {
                    Kind::Map => mappings.extend(items(reader, item)),
                    _ => mappings.push(Mapping { item: item.display().into(), part: None }),
                }
            }
        }
        Kind::Map => {
            for (key, item) in node.entries() {
                let part = item.get("part").and_then(Node::as_str);
                if part.is_none() && item.as_str() != Some("whole") {
                    reader.wrong(item, format!("{key}: write whole, or {{part: which part}}"));
                }
                mappings.push(Mapping { item: key.into(), part: part.map(Into::into) });
            }
        }
        _ => mappings.push(Mapping { item: node.display().into(), part: None }),
    }
    mappings
}

/// `standards: {aks: […], cis: {"1.12": […]}, pss: {item: {part: …}}}`.
pub(super) fn standards(reader: &mut Reader<'_, '_>) -> Vec<Standard> {
    let Some(node) = reader.get("standards") else { return Vec::new() };
    let mut standards = Vec::new();
    for (name, item) in node.entries() {
        let versioned =
            item.kind() == Kind::Map && item.items().all(|inner| inner.kind() == Kind::List);
        if versioned {
            for (version, list) in item.entries() {
                let items = items(reader, list);
                standards.push(Standard {
                    name: name.into(),
                    version: Some(version.into()),
                    items,
                });
            }
        } else {
            let items = items(reader, item);
            standards.push(Standard { name: name.into(), version: None, items });
        }
    }
    standards
}

pub(super) fn surface(reader: &mut Reader<'_, '_>) -> Option<Surface> {
    let text = reader.required_str("surface")?;
    let found = Surface::ALL.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let names: Vec<&str> = Surface::ALL.iter().map(|(name, _)| *name).collect();
        reader.wrong(reader.node(), format!("surface {text:?} is none of {}", names.join(", ")));
    }
    found.map(|(_, surface)| *surface)
}

pub(super) fn applies(reader: &mut Reader<'_, '_>) -> Option<Applies> {
    let node = reader.required("applies")?;
    match node.as_str() {
        Some("pods") => return Some(Applies::Pods),
        Some("any") => return Some(Applies::Any),
        Some("cluster") => return Some(Applies::Cluster),
        Some("namespaces") => {
            return Some(Applies::Kinds(vec![("".into(), "Namespace".into())]));
        }
        _ => {}
    }
    let names: Vec<&str> = match node.as_str() {
        Some(name) => vec![name],
        None => node.items().filter_map(Node::as_str).collect(),
    };
    let kinds: Vec<_> = names.iter().flat_map(|name| kinds_of(reader, node, name)).collect();
    if kinds.is_empty() {
        reader.wrong(node, "applies names no kind");
        return None;
    }
    Some(Applies::Kinds(kinds))
}

/// `Kind` in whichever group has it, or `group/Kind`.
pub(super) fn kinds_of(
    reader: &mut Reader<'_, '_>,
    node: Node<'_>,
    name: &str,
) -> Vec<(Box<str>, Box<str>)> {
    if let Some((group, kind)) = name.rsplit_once('/') {
        let group = if group == "core" { "" } else { group };
        return vec![(group.into(), kind.into())];
    }
    match Schema::of(Minor::NEWEST).preferred_group(name) {
        Some(group) => vec![(group.into(), name.into())],
        None => {
            reader
                .wrong(node, format!("no kind {name:?}; write group/{name} if it is a custom one"));
            Vec::new()
        }
    }
}

/// `kubernetes: ">=1.25"`, also `"<1.30"` and both with a comma between.
pub(super) fn minors(reader: &mut Reader<'_, '_>) -> Option<(Option<Minor>, Option<Minor>)> {
    let Some(text) = reader.str("kubernetes") else { return Some((None, None)) };
    let (mut from, mut until) = (None, None);
    for term in text.split(',').map(str::trim) {
        let parsed: Result<(), ParseMinorError> =
            match (term.strip_prefix(">="), term.strip_prefix('<')) {
                (Some(version), _) => version.trim().parse().map(|minor| from = Some(minor)),
                (_, Some(version)) => version.trim().parse().map(|minor| until = Some(minor)),
                _ => {
                    reader.wrong(
                        reader.node(),
                        format!("kubernetes: {term:?} is neither >=1.N nor <1.N"),
                    );
                    return None;
                }
            };
        if let Err(error) = parsed {
            reader.wrong(reader.node(), error.to_string());
            return None;
        }
    }
    Some((from, until))
}
