//! `secrets/literal`: secret values written where anyone may read them. Objects
//! are masked when they are read, so the mask is what is found here.
//!
//! `secrets/shared`: secrets that stand in several places, told by their marks.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_model::{Kind, Node, Pointer, RepairStep, Severity, ThingRef, World};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules =
    &[("secrets/literal", literal, Looks::Own), ("secrets/shared", shared, Looks::Everywhere)];

/// A secret value: the object that holds it, and where.
type Place = (Arc<ThingRef>, Pointer);

fn shared(subject: &Subject<'_>) -> Answer {
    let mut by_mark: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (mark, place) in marks(subject.world) {
        by_mark.entry(mark).or_default().push(place);
    }
    if by_mark.is_empty() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for mut places in by_mark.into_values() {
        places.sort();
        let things: Vec<&Arc<ThingRef>> = places.iter().map(|(thing, _)| thing).collect();
        let Some(second) = things.iter().position(|thing| *thing != things[0]) else { continue };
        let others: Vec<String> =
            places[second..].iter().map(|(thing, _)| thing.to_string()).collect();
        let (thing, at) = &places[0];
        elements.push(Element {
            subject: Some(thing.clone()),
            name: at.to_string(),
            at: at.clone(),
            message: format!("the same secret stands in {}", others.join(", ")),
            related: places[second..].to_vec(),
            repair: vec![RepairStep::Ask {
                question: "who needs which credential? Give each its own, and rotate this one"
                    .to_owned(),
            }],
            ..Element::default()
        });
    }
    Answer::Elements(elements)
}

/// The marks of all secrets, which are facts of the objects that hold them.
fn marks(world: World<'_>) -> impl Iterator<Item = (String, Place)> {
    world.base.facts.iter().filter(|fact| fact.name == "secret").filter_map(|fact| {
        let field = |name| fact.value.root().get(name)?.as_str();
        let at = Pointer::parse(field("at")?)?;
        Some((field("mark")?.to_owned(), (fact.thing.clone(), at)))
    })
}

fn literal(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    if object.is("", "Secret") {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    let mut open = vec![object.root()];
    while let Some(node) = open.pop() {
        for child in node.items() {
            match child.kind() {
                Kind::Map | Kind::List => open.push(child),
                Kind::String => elements.extend(element(child)),
                _ => {}
            }
        }
    }
    elements.sort_by(|a, b| a.at.cmp(&b.at));
    Answer::Elements(elements)
}

/// Detectors that go by what a value stands under.
const BY_NAME: [&str; 3] = ["argument", "authorization", "name"];

fn element(node: Node<'_>) -> Option<Element> {
    let detector = ironhull_secrets::masked(node.as_str()?)?;
    let name = name(node);
    let at = node.pointer();
    Some(Element {
        name: format!("{name}{}", place(node)),
        message: format!("{name} holds a secret in plain text"),
        severity: Some(if BY_NAME.contains(&detector) {
            Severity::High
        } else {
            Severity::Critical
        }),
        repair: vec![RepairStep::Ask {
            question: format!(
                "which Secret or secret store holds {name}? Refer to it, and rotate the value: it is exposed"
            ),
        }],
        at,
        ..Element::default()
    })
}

/// The name that the value stands under: an env entry's, or its key.
fn name<'a>(node: Node<'a>) -> &'a str {
    let own = |node: Node<'a>| node.parent()?.get("name")?.as_str();
    // Of an entry of `env` even what is misspelt or of the wrong type.
    let up = std::iter::successors(Some(node), |node| node.parent()).take(4);
    let entry = up.clone().find(|node| {
        node.parent().is_some_and(|list| matches!(list.key(), Some("env" | "httpHeaders")))
    });
    if let Some(name) = entry.and_then(|entry| entry.get("name")?.as_str()) {
        return name;
    }
    let named = own(node);
    match node.key() {
        Some("value") => named.unwrap_or("value"),
        Some(key) => key,
        None => node.parent().and_then(Node::key).unwrap_or("item"),
    }
}

/// The containers' names on the way, so that elements differ.
fn place(node: Node<'_>) -> String {
    let containers = std::iter::successors(node.parent(), |node| node.parent())
        .filter(|node| {
            node.parent().and_then(Node::key).is_some_and(|key| key.ends_with("ontainers"))
        })
        .filter_map(|container| container.get("name")?.as_str());
    let index = node.index().map_or_else(String::new, |index| format!("[{index}]"));
    containers.fold(index, |place, name| format!("{place}@{name}"))
}
