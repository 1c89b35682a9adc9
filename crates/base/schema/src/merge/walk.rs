//! Merging two values of which nothing is wrong.

use std::collections::{HashMap, HashSet, VecDeque};

use ironhull_model::{Builder, Kind, Node};

use super::atom::{List, Map, Ref, Relation};
use super::check::identity;
use crate::Schema;

/// Writes what comes of two values, of which one may be missing.
pub(super) fn merge(
    schema: Schema,
    builder: &mut Builder,
    of: Ref<'_>,
    left: Option<Node<'_>>,
    right: Option<Node<'_>>,
) {
    let (Some(l), Some(r)) = (left, right) else {
        if let Some(node) = right.or(left) {
            builder.copy(node);
        }
        return;
    };
    let atom = of.atom(schema).of(r);
    let wanted = match (atom.map, atom.scalar, atom.list) {
        (Some(map), ..) if !map.is_atomic => Kind::Map,
        (None, None, Some(list)) if !matches!(list.relation, Relation::Atomic) => Kind::List,
        _ => return builder.copy(r),
    };
    // A null is a map or a list of nothing, beside which the other stays.
    let filled = |node: Node<'_>| node.kind() == wanted && !node.is_empty();
    match (filled(l), filled(r)) {
        (true, true) => {}
        (true, false) => return builder.copy(l),
        _ => return builder.copy(r),
    }
    if let Some(map) = atom.map {
        members(schema, builder, map, l, r);
    } else if let Some(list) = atom.list {
        items(schema, builder, list, l, r);
    }
}

fn members(schema: Schema, builder: &mut Builder, map: Map<'_>, left: Node<'_>, right: Node<'_>) {
    builder.begin_like(left);
    for (key, child) in left.entries() {
        builder.key(key, child.span().unwrap_or_default().key);
        let member = map.member(schema, key).unwrap_or(Ref::Untyped);
        merge(schema, builder, member, Some(child), right.get(key));
    }
    for (key, child) in right.entries().filter(|(key, _)| left.get(key).is_none()) {
        builder.key(key, 0);
        builder.copy(child);
    }
    builder.end(left.span().unwrap_or_default().end);
}

/// The items of a list with what makes them the same as others.
struct Items<'a> {
    nodes: Vec<Node<'a>>,
    keys: Vec<String>,
    /// The item of each key; none of a repeated one, which is not merged.
    by_key: HashMap<String, Option<Node<'a>>>,
}

impl<'a> Items<'a> {
    fn new(schema: Schema, list: List<'_>, node: Node<'a>) -> Items<'a> {
        let nodes: Vec<Node<'a>> = node.items().collect();
        let key = |item: &Node<'a>| identity(schema, list, *item).unwrap_or_default();
        let keys: Vec<String> = nodes.iter().map(key).collect();
        let mut by_key = HashMap::new();
        for (key, node) in keys.iter().zip(&nodes) {
            by_key.entry(key.clone()).and_modify(|known| *known = None).or_insert(Some(*node));
        }
        Items { nodes, keys, by_key }
    }

    /// What is merged with an item of that key.
    fn at(&self, key: &str) -> Option<Node<'a>> {
        self.by_key.get(key).copied().flatten()
    }
}

/// The order is the object's, in which the part's items that are there too stand in
/// the part's order.
fn items(schema: Schema, builder: &mut Builder, list: List<'_>, left: Node<'_>, right: Node<'_>) {
    let (ls, rs) = (Items::new(schema, list, left), Items::new(schema, list, right));
    let mut shared: VecDeque<&String> =
        rs.keys.iter().filter(|key| ls.by_key.contains_key(*key)).collect();
    let mut next = shared.pop_front();
    let mut merged: HashSet<&String> = HashSet::new();
    builder.begin_like(left);
    let (mut l, mut r) = (0, 0);
    while l < ls.nodes.len() || r < rs.nodes.len() {
        if l < ls.nodes.len() && r < rs.nodes.len() {
            let key = &ls.keys[l];
            if *key == rs.keys[r] {
                merged.insert(key);
                merge(schema, builder, list.items, ls.at(key), Some(rs.nodes[r]));
                (l, r) = (l + 1, r + 1);
                next = shared.pop_front();
                continue;
            }
            if rs.by_key.contains_key(key) && next.is_some_and(|next| next != key) {
                l += 1;
                continue;
            }
        }
        if l < ls.nodes.len() {
            let key = &ls.keys[l];
            if !rs.by_key.contains_key(key) {
                builder.copy(ls.nodes[l]);
                l += 1;
                continue;
            }
            if merged.contains(key) {
                l += 1;
            }
        }
        if r < rs.nodes.len() {
            let key = &rs.keys[r];
            merged.insert(key);
            merge(schema, builder, list.items, ls.at(key), Some(rs.nodes[r]));
            r += 1;
            if next == Some(key) {
                next = shared.pop_front();
            }
        }
    }
    builder.end(left.span().unwrap_or_default().end);
}
