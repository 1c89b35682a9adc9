//! Evidence: what a rule read on the branch that decided, without the way there.

use ironhull_cel::Trace;
use ironhull_model::{Evidence, Kind, Node, Object, Place, Pointer};

use super::Judge;

/// More than this is no proof that a person reads.
const MOST: usize = 8;
/// Longer values are cut.
const LONGEST: usize = 120;

/// Collects what an evaluation reads.
#[derive(Default)]
pub(super) struct Reads<'a> {
    present: Vec<Node<'a>>,
    absent: Vec<(Node<'a>, String)>,
}

impl<'a> Trace<'a> for Reads<'a> {
    fn read(&mut self, node: Node<'a>) {
        let seen = |known: &Node<'a>| same(*known, node);
        if !self.present.iter().any(seen) {
            self.present.push(node);
        }
    }

    fn absent(&mut self, parent: Node<'a>, name: &str) {
        if !self.absent.iter().any(|(known, missing)| same(*known, parent) && missing == name) {
            self.absent.push((parent, name.to_owned()));
        }
    }
}

fn same(a: Node<'_>, b: Node<'_>) -> bool {
    std::ptr::eq(a.value(), b.value()) && a.id() == b.id()
}

impl<'a> Reads<'a> {
    /// The scalars and absences that were read, and containers of which nothing
    /// inside was read; nodes outside the world's objects (parameters) are left out.
    pub(super) fn evidence(&self, judge: &Judge<'a>, subject: &Object) -> Vec<Evidence> {
        let owner = |node: Node<'a>| {
            let own = std::ptr::eq(node.value(), &raw const subject.value);
            if own { Some(subject) } else { judge.owner_of(node) }
        };
        let mut all = Vec::new();
        for (parent, name) in &self.absent {
            if let Some(object) = owner(*parent) {
                all.push(evidence(object, *parent, Some(name.clone())));
            }
        }
        for node in &self.present {
            let inner = matches!(node.kind(), Kind::Map | Kind::List)
                && (self.present.iter().any(|other| is_below(*other, *node))
                    || self
                        .absent
                        .iter()
                        .any(|(other, _)| same(*other, *node) || is_below(*other, *node)));
            if let Some(object) = (!inner).then(|| owner(*node)).flatten() {
                all.push(evidence(object, *node, None));
            }
        }
        all.sort_by(|a, b| {
            (a.thing != subject.thing, &a.pointer, &a.absent).cmp(&(
                b.thing != subject.thing,
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
        pointer: node.pointer(),
        value,
        absent,
        defaulted: node.is_defaulted(),
        place: place(object, node),
    }
}

/// Evidence at a pointer; for one that does not exist its nearest ancestor and
/// the missing name.
pub(super) fn evidence_at(object: &Object, pointer: &Pointer) -> Evidence {
    let (node, absent) = nearest(object, pointer);
    evidence(object, node, absent)
}

/// The node at a pointer; else its nearest ancestor that exists, and the name
/// that is missing there.
pub(super) fn nearest<'a>(object: &'a Object, pointer: &Pointer) -> (Node<'a>, Option<String>) {
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
pub(super) fn place(object: &Object, node: Node<'_>) -> Option<Place> {
    let (origin, span) = (object.origin?, node.span()?);
    Some(Place { source: origin.source, start: span.key, end: span.end.max(span.key) })
}
