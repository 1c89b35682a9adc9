//! Evidence: what a rule read on the branch that decided, without the way there.

use ironhull_model::{Evidence, Fact, Kind, Node, Object, Place, Pointer};

use super::Judge;
pub(super) use crate::left_out::Reads;
use crate::left_out::same;

/// More than this is no proof that a person reads.
const MOST: usize = 8;
/// Longer values are cut.
const LONGEST: usize = 120;

impl<'a> Reads<'a> {
    /// The scalars and absences that were read, and containers of which nothing
    /// inside was read; nodes outside the world's objects and the facts that were
    /// asked (parameters) are left out.
    pub(super) fn evidence(
        &self,
        judge: &Judge<'a>,
        subject: &Object,
        facts: &[&Fact],
    ) -> Vec<Evidence> {
        let told = |node: Node<'a>, absent: Option<String>| {
            if std::ptr::eq(node.value(), &raw const subject.value) {
                return Some(evidence(subject, node, absent));
            }
            if let Some(object) = judge.owner_of(node) {
                return Some(evidence(object, node, absent));
            }
            let is_it = |fact: &&&Fact| std::ptr::eq(node.value(), &raw const fact.value);
            facts.iter().find(is_it).map(|fact| of_fact(fact, node, absent))
        };
        let mut all = Vec::new();
        for (parent, name) in &self.absent {
            all.extend(told(*parent, Some(name.clone())));
        }
        for node in &self.present {
            let inner = matches!(node.kind(), Kind::Map | Kind::List)
                && (self.present.iter().any(|other| is_below(*other, *node))
                    || self
                        .absent
                        .iter()
                        .any(|(other, _)| same(*other, *node) || is_below(*other, *node)));
            if !inner {
                all.extend(told(*node, None));
            }
        }
        all.sort_by(|a, b| {
            (a.thing != subject.thing, a.fact, &a.pointer, &a.absent).cmp(&(
                b.thing != subject.thing,
                b.fact,
                &b.pointer,
                &b.absent,
            ))
        });
        all.truncate(MOST);
        all
    }
}

fn is_below(node: Node<'_>, ancestor: Node<'_>) -> bool {
    std::ptr::eq(node.value(), ancestor.value())
        && std::iter::successors(node.parent(), |node| node.parent())
            .any(|node| node.id() == ancestor.id())
}

/// One piece of evidence at a node.
pub(super) fn evidence(object: &Object, node: Node<'_>, absent: Option<String>) -> Evidence {
    let value = absent.is_none().then(|| cut(node.to_json()));
    Evidence {
        thing: object.thing.clone(),
        fact: None,
        pointer: node.pointer(),
        value,
        absent,
        defaulted: node.is_defaulted(),
        place: place(object, node),
    }
}

/// One piece of evidence in a fact.
fn of_fact(fact: &Fact, node: Node<'_>, absent: Option<String>) -> Evidence {
    Evidence {
        thing: fact.thing.clone(),
        fact: Some(fact.name),
        pointer: node.pointer(),
        value: absent.is_none().then(|| cut(node.to_json())),
        absent,
        defaulted: false,
        place: None,
    }
}

/// Evidence at a pointer; for one that does not exist its nearest ancestor and
/// the missing name.
pub fn evidence_at(object: &Object, pointer: &Pointer) -> Evidence {
    let (node, absent) = nearest(object, pointer);
    evidence(object, node, absent)
}

/// The node at a pointer; else its nearest ancestor that exists, and the name
/// that is missing there.
pub fn nearest<'a>(object: &'a Object, pointer: &Pointer) -> (Node<'a>, Option<String>) {
    let mut node = object.root();
    for segment in pointer.segments() {
        match node.child(&segment) {
            Some(child) => node = child,
            None => return (node, Some(segment.into_owned())),
        }
    }
    (node, None)
}

fn cut(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}

/// Where a node stands; a member's place starts at its key.
pub fn place(object: &Object, node: Node<'_>) -> Option<Place> {
    let (origin, span) = (object.origin?, node.span()?);
    Some(Place { source: origin.source, start: span.key, end: span.end.max(span.key) })
}
