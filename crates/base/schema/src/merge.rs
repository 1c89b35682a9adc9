//! Merging a part of an object into the object as server-side apply does
//! (`sigs.k8s.io/structured-merge-diff`): list-maps by their keys, sets by value, maps
//! by name; what is atomic may not be in the part, because the rest of it would go.
//!
//! Which fields are sets, atomic or have defaults is known of the newest minor.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ironhull_model::object::split_api_version;
use ironhull_model::{Builder, Kind, Node, Value};

use crate::{Field, FieldType, Schema, TypeId};

#[derive(Default)]
struct Rules {
    /// Types that are replaced as a whole.
    types: HashSet<&'static str>,
    /// The same of fields that are maps.
    maps: HashSet<(&'static str, &'static str)>,
    sets: HashSet<(&'static str, &'static str)>,
    defaults: HashMap<(&'static str, &'static str), Value>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules::default();
    for line in include_str!("generated/merge.txt").lines().skip(1) {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (mark, ty, field, value) = (word(), word(), word(), word());
        match mark {
            "A" => _ = rules.types.insert(ty),
            "M" => _ = rules.maps.insert((ty, field)),
            "S" => _ = rules.sets.insert((ty, field)),
            _ => {
                if let Ok(value) = serde_json::from_str(value) {
                    rules.defaults.insert((ty, field), value);
                }
            }
        }
    }
    rules
});

/// How a value is merged.
#[derive(Clone, Copy)]
enum Shape<'s> {
    /// As a whole.
    Leaf,
    /// A list, replaced as a whole.
    AtomicList(&'s FieldType),
    /// A list of different values.
    Set,
    /// A list of items with keys.
    ListMap(&'s FieldType, &'s [&'static str]),
    /// A map, replaced as a whole.
    AtomicMap(&'s FieldType),
    /// A map.
    Map(&'s FieldType),
    /// A type with fields.
    Fields(TypeId),
}

/// Merges a part into an object of the same kind.
///
/// # Errors
/// What the API server says: unknown fields, atomic ones, a kind that it has no schema of.
pub fn merge(schema: Schema, object: &Value, part: &Value) -> Result<Value, String> {
    let root = object.root();
    let text = |name| root.get(name).and_then(Node::as_str).unwrap_or_default();
    let (group, version) = split_api_version(text("apiVersion"));
    let info = schema.kind(group, version, text("kind"));
    let info =
        info.ok_or_else(|| format!("no schema of {} in {}", text("kind"), text("apiVersion")))?;
    let whole = Shape::Fields(info.ty);
    let merger = Merger { schema };
    let mut undeclared = Vec::new();
    merger.undeclared(whole, part.root(), "", &mut undeclared);
    if !undeclared.is_empty() {
        let text = match undeclared.as_slice() {
            [one] => one.clone(),
            several => format!("errors:\n  {}", several.join("\n  ")),
        };
        return Err(format!("failed to convert patch object to typed object: {text}"));
    }
    let mut atomic = Vec::new();
    merger.atomic(whole, part.root(), "", &mut atomic);
    if !atomic.is_empty() {
        return Err(format!(
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {}",
            atomic.join(", ")
        ));
    }
    let mut builder = if object.has_spans() { Builder::with_spans() } else { Builder::new() };
    merger.merge(&mut builder, whole, Some(root), Some(part.root()));
    Ok(builder.finish())
}

/// How a value of a type is merged where its field says nothing else.
fn shape(ty: &FieldType) -> Shape<'_> {
    match ty {
        FieldType::List(item) => Shape::AtomicList(item),
        FieldType::Map(item) => Shape::Map(item),
        FieldType::Type(ty) => Shape::Fields(*ty),
        _ => Shape::Leaf,
    }
}

struct Merger {
    schema: Schema,
}

impl Merger {
    fn shape_of(&self, owner: TypeId, field: &'static Field) -> Shape<'static> {
        let key = (self.schema.type_name(owner), field.name);
        match &field.ty {
            FieldType::List(_) if RULES.sets.contains(&key) => Shape::Set,
            FieldType::List(item) if !field.keys.is_empty() => Shape::ListMap(item, &field.keys),
            FieldType::Map(item) if RULES.maps.contains(&key) => Shape::AtomicMap(item),
            ty => shape(ty),
        }
    }

    fn is_atomic(&self, ty: TypeId) -> bool {
        RULES.types.contains(self.schema.type_name(ty))
    }

    /// Fields that the schema does not have.
    fn undeclared(&self, of: Shape<'_>, node: Node<'_>, path: &str, found: &mut Vec<String>) {
        match of {
            Shape::Fields(ty) if node.kind() == Kind::Map => {
                for (key, child) in node.entries() {
                    let path = format!("{path}.{key}");
                    match self.schema.field(ty, key) {
                        Some(field) => {
                            self.undeclared(self.shape_of(ty, field), child, &path, found);
                        }
                        None => found.push(format!("{path}: field not declared in schema")),
                    }
                }
            }
            Shape::Map(item) | Shape::AtomicMap(item) => {
                for (key, child) in node.entries() {
                    self.undeclared(shape(item), child, &format!("{path}.{key}"), found);
                }
            }
            Shape::ListMap(item, _) | Shape::AtomicList(item) if node.kind() == Kind::List => {
                for (index, child) in node.items().enumerate() {
                    let place = match of {
                        Shape::ListMap(item, keys) => key_text(&self.keys(item, keys, child), keys),
                        _ => format!("[{index}]"),
                    };
                    self.undeclared(shape(item), child, &format!("{path}{place}"), found);
                }
            }
            _ => {}
        }
    }

    /// Where the part holds something that is replaced as a whole.
    fn atomic(&self, of: Shape<'_>, node: Node<'_>, path: &str, found: &mut Vec<String>) {
        match (of, node.kind()) {
            (Shape::Fields(ty), Kind::Map) => {
                if self.is_atomic(ty) {
                    found.push(path.to_owned());
                }
                for (key, child) in node.entries() {
                    if let Some(field) = self.schema.field(ty, key) {
                        let path = format!("{path}.{key}");
                        self.atomic(self.shape_of(ty, field), child, &path, found);
                    }
                }
            }
            (Shape::AtomicMap(_), Kind::Map) => found.push(path.to_owned()),
            (Shape::AtomicList(item) | Shape::ListMap(item, _), Kind::List) => {
                if matches!(of, Shape::AtomicList(_)) {
                    found.push(path.to_owned());
                }
                for (index, child) in node.items().enumerate() {
                    self.atomic(shape(item), child, &format!("{path}[{index}]"), found);
                }
            }
            _ => {}
        }
    }

    /// Writes what comes of two values, of which one may be missing.
    fn merge(
        &self,
        builder: &mut Builder,
        of: Shape<'_>,
        left: Option<Node<'_>>,
        right: Option<Node<'_>>,
    ) {
        let (Some(l), Some(r)) = (left, right) else {
            if let Some(node) = right.or(left) {
                builder.copy(node);
            }
            return;
        };
        let is_empty = l.is_empty() && r.is_empty();
        match of {
            Shape::Fields(_) | Shape::Map(_) if is_kind(l, r, Kind::Map) && !is_empty => {
                self.map(builder, of, l, r);
            }
            Shape::Set | Shape::ListMap(..) if is_kind(l, r, Kind::List) && !is_empty => {
                self.list(builder, of, l, r);
            }
            _ => builder.copy(r),
        }
    }

    fn map(&self, builder: &mut Builder, of: Shape<'_>, left: Node<'_>, right: Node<'_>) {
        let inner = |key: &str| match of {
            Shape::Fields(ty) => match self.schema.field(ty, key) {
                Some(field) => self.shape_of(ty, field),
                None => Shape::Leaf,
            },
            Shape::Map(item) => shape(item),
            _ => Shape::Leaf,
        };
        builder.begin_like(left);
        for (key, child) in left.entries() {
            builder.key(key, child.span().unwrap_or_default().key);
            self.merge(builder, inner(key), Some(child), right.get(key));
        }
        for (key, child) in right.entries().filter(|(key, _)| left.get(key).is_none()) {
            builder.key(key, 0);
            builder.copy(child);
        }
        builder.end(left.span().unwrap_or_default().end);
    }

    /// The order is the object's, in which the part's items that are there too stand
    /// in the part's order.
    fn list(&self, builder: &mut Builder, of: Shape<'_>, left: Node<'_>, right: Node<'_>) {
        let key = |node: Node<'_>| match of {
            Shape::ListMap(item, keys) => key_text(&self.keys(item, keys, node), keys),
            _ => node.to_json(),
        };
        let inner = match of {
            Shape::ListMap(item, _) => shape(item),
            _ => Shape::Leaf,
        };
        let (ls, rs): (Vec<_>, Vec<_>) = (left.items().collect(), right.items().collect());
        let lk: Vec<String> = ls.iter().map(|node| key(*node)).collect();
        let rk: Vec<String> = rs.iter().map(|node| key(*node)).collect();
        let in_left = |key: &String| lk.iter().position(|known| known == key);
        let mut shared: std::collections::VecDeque<&String> =
            rk.iter().filter(|key| in_left(key).is_some()).collect();
        let mut next = shared.pop_front();
        let mut merged: HashSet<&String> = HashSet::new();
        builder.begin_like(left);
        let (mut l, mut r) = (0, 0);
        while l < ls.len() || r < rs.len() {
            if l < ls.len() && r < rs.len() {
                if lk[l] == rk[r] {
                    merged.insert(&rk[r]);
                    self.merge(builder, inner, Some(ls[l]), Some(rs[r]));
                    (l, r) = (l + 1, r + 1);
                    next = shared.pop_front();
                    continue;
                }
                if rk.contains(&lk[l]) && next.is_some_and(|next| *next != lk[l]) {
                    l += 1;
                    continue;
                }
            }
            if l < ls.len() {
                if !rk.contains(&lk[l]) {
                    builder.copy(ls[l]);
                    l += 1;
                    continue;
                }
                if merged.contains(&lk[l]) {
                    l += 1;
                }
            }
            if r < rs.len() {
                merged.insert(&rk[r]);
                let other = in_left(&rk[r]).map(|at| ls[at]);
                self.merge(builder, inner, other, Some(rs[r]));
                if next.is_some_and(|next| *next == rk[r]) {
                    next = shared.pop_front();
                }
                r += 1;
            }
        }
        builder.end(left.span().unwrap_or_default().end);
    }

    /// The values of an item's keys, with their defaults.
    fn keys(&self, item: &FieldType, keys: &[&'static str], node: Node<'_>) -> Vec<String> {
        let default = |key: &'static str| {
            let FieldType::Type(ty) = item else { return "null".to_owned() };
            let known = RULES.defaults.get(&(self.schema.type_name(*ty), key));
            known.map_or_else(|| "null".to_owned(), |value| value.root().to_json())
        };
        keys.iter().map(|key| node.get(key).map_or_else(|| default(key), Node::to_json)).collect()
    }
}

fn is_kind(left: Node<'_>, right: Node<'_>, kind: Kind) -> bool {
    left.kind() == kind && right.kind() == kind
}

/// `[name="a"]`.
fn key_text(values: &[String], keys: &[&'static str]) -> String {
    let pairs: Vec<String> =
        keys.iter().zip(values).map(|(key, value)| format!("{key}={value}")).collect();
    format!("[{}]", pairs.join(","))
}
