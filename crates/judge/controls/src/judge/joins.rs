//! Finding the objects that a rule is joined with. Every index is built once,
//! when the first subject asks, and shared by the controls that join alike.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use ironhull_cel::Val;
use ironhull_model::{Kind, Minor, Node, Object, World, selector};
use ironhull_schema::{Schema, Scope};

use crate::control::{Control, Join, Related};

/// Objects by namespace and key.
#[derive(Debug, Default)]
struct Index<'a> {
    by_key: HashMap<Box<str>, Vec<&'a Arc<Object>>>,
    /// Those that no key finds (selectors without `matchLabels`), by namespace.
    rest: HashMap<Box<str>, Vec<&'a Arc<Object>>>,
}

/// The indices of all controls.
#[derive(Debug, Default)]
pub(super) struct Joins<'a> {
    indices: Vec<OnceLock<Index<'a>>>,
    /// By the join's address which index it uses, and whether the world has all
    /// objects of its kinds.
    of: HashMap<usize, (usize, bool)>,
}

/// What a join found, and whether that is all there is.
pub(super) struct Joined<'a> {
    pub(super) objects: Vec<&'a Arc<Object>>,
    pub(super) complete: bool,
}

impl<'a> Joins<'a> {
    pub(super) fn new(world: World<'a>, controls: &[&Control]) -> Joins<'a> {
        Joins::of(world, controls.iter().flat_map(|control| &control.related))
    }

    fn of<'r>(world: World<'a>, related: impl IntoIterator<Item = &'r Related>) -> Joins<'a> {
        let coverage = &world.base.coverage;
        let (mut by_name, mut of) = (HashMap::new(), HashMap::new());
        for related in related {
            let next = by_name.len();
            let index = *by_name.entry(name(related)).or_insert(next);
            let complete =
                related.kinds.iter().all(|(group, kind)| coverage.is_complete(group, kind));
            of.insert(address(related), (index, complete));
        }
        Joins { indices: by_name.iter().map(|_| OnceLock::new()).collect(), of }
    }

    /// The objects related to a subject. `value` is what the join compares with;
    /// none for [`Join::All`].
    pub(super) fn find(
        &self,
        world: World<'a>,
        related: &'a Related,
        subject: &'a Object,
        value: Option<&Val<'_>>,
    ) -> Joined<'a> {
        let namespace = match related.in_namespace {
            true if subject.is("", "Namespace") => &*subject.thing.name,
            true => &*subject.thing.namespace,
            false => "",
        };
        let (index, complete) = match self.of.get(&address(related)) {
            Some((index, complete)) => (self.indices.get(*index), *complete),
            None => (None, false),
        };
        let Some(value) = value else {
            let objects = match related.in_namespace {
                true => in_namespace(world, related, namespace).collect(),
                false => candidates(world, related).collect(),
            };
            return Joined { objects, complete };
        };
        let Some(index) = index.map(|index| index.get_or_init(|| build(world, related))) else {
            return Joined { objects: Vec::new(), complete };
        };
        // A list that may go on names more than it has.
        let is_whole = !value.is_open();
        let made;
        let value = match value.node() {
            Some(node) => node,
            None => {
                made = value.to_value();
                made.root()
            }
        };
        let get = |key: &str| index.by_key.get(&*keyed(namespace, key)).map_or(&[][..], |v| v);
        match &related.join {
            Join::All => Joined { objects: Vec::new(), complete },
            Join::By { paths, .. } => {
                let keys = keys(value);
                let objects: Vec<_> = keys.iter().flat_map(|key| get(key)).copied().collect();
                // Names are unique among the objects of a kind in a namespace: what was
                // found of each kind is all that has them.
                let is =
                    |path: &Vec<Box<str>>, name| path.iter().map(|of| &**of).eq(["metadata", name]);
                let by_name = paths.last().is_some_and(|path| is(path, "name"));
                let in_one = related.in_namespace
                    || matches!(paths.as_slice(), [namespace, _] if is(namespace, "namespace"))
                    || related.kinds.iter().all(is_cluster_scoped);
                let is_known = |key: &String| {
                    related.kinds.iter().all(|(group, kind)| {
                        world.base.coverage.is_complete(group, kind)
                            || get(key).iter().any(|object| object.is(group, kind))
                    })
                };
                // Nothing equals one of no values.
                let found = keys.is_empty() || by_name && in_one && keys.iter().all(is_known);
                Joined { objects, complete: is_whole && (complete || found) }
            }
            Join::SelectedBy(_) => {
                let pairs = pairs(value);
                let narrowest = pairs.iter().map(|pair| get(pair)).min_by_key(|list| list.len());
                let all = index.rest.get(namespace).map_or(&[][..], |list| list);
                let objects = narrowest.unwrap_or(all).iter().copied();
                let selected =
                    objects.filter(|object| selector::selects(value, labels(world, object)));
                Joined { objects: selected.collect(), complete }
            }
            Join::Selecting { path, .. } => {
                let rest = index.rest.get(namespace).into_iter().flatten();
                let found = plain_pairs(value);
                let found = found.iter().flat_map(|pair| get(pair)).chain(rest).copied();
                let selecting = found.filter(|object| {
                    at(world, object, path).is_some_and(|node| selector::selects(node, Some(value)))
                });
                Joined { objects: selecting.collect(), complete }
            }
        }
    }
}

/// Whether objects of a kind stand in no namespace, in whichever minor has it.
fn is_cluster_scoped((group, kind): &(Box<str>, Box<str>)) -> bool {
    let schema = Schema::of(Minor::NEWEST);
    schema.kind_any_version(group, kind).is_some_and(|info| info.scope == Scope::Cluster)
}

fn address(related: &Related) -> usize {
    std::ptr::from_ref(related) as usize
}

/// What makes two joins use one index.
fn name(related: &Related) -> String {
    let how = match &related.join {
        Join::All => String::new(),
        Join::By { paths, .. } => {
            let paths: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
            format!("by {}", paths.join(" "))
        }
        Join::SelectedBy(_) => "labels".to_owned(),
        Join::Selecting { path, .. } => format!("selector {}", path.join(".")),
    };
    format!("{:?} {} {} {how}", related.kinds, related.unowned, related.in_namespace)
}

fn candidates<'a>(world: World<'a>, related: &'a Related) -> impl Iterator<Item = &'a Arc<Object>> {
    let of_kind = related.kinds.iter().flat_map(move |(group, kind)| world.of_kind(group, kind));
    of_kind.filter(|object| !related.unowned || !is_owned(object))
}

fn in_namespace<'a>(
    world: World<'a>,
    related: &'a Related,
    namespace: &'a str,
) -> impl Iterator<Item = &'a Arc<Object>> {
    let kinds = related.kinds.iter();
    let of_kind = kinds.flat_map(move |(group, kind)| world.in_namespace(group, kind, namespace));
    of_kind.filter(|object| !related.unowned || !is_owned(object))
}

/// Whether another object made it: a pod of a ReplicaSet, a Job of a CronJob.
fn is_owned(object: &Object) -> bool {
    object.is_given()
        && object
            .root()
            .path(&["metadata", "ownerReferences"])
            .is_some_and(|owners| !owners.is_empty())
}

fn build<'a>(world: World<'a>, related: &'a Related) -> Index<'a> {
    let mut index = Index::default();
    for object in candidates(world, related) {
        let namespace = if related.in_namespace { &*object.thing.namespace } else { "" };
        let mut add = |key: &str| {
            let list = index.by_key.entry(keyed(namespace, key)).or_default();
            if !list.last().is_some_and(|last| Arc::ptr_eq(last, object)) {
                list.push(object);
            }
        };
        match &related.join {
            Join::All => {}
            Join::By { paths, .. } => match paths.as_slice() {
                [path] => {
                    let found = at(world, object, path);
                    found.map(keys).into_iter().flatten().for_each(|key| add(&key));
                }
                paths => {
                    let found = paths.iter().map(|path| at(world, object, path));
                    let all: Vec<String> =
                        found.map(|node| node.map_or_else(String::new, key)).collect();
                    add(&all.join("/"));
                }
            },
            Join::SelectedBy(_) => {
                let labels = labels(world, object);
                labels.map(plain_pairs).into_iter().flatten().for_each(|pair| add(&pair));
                index.rest.entry(namespace.into()).or_default().push(object);
            }
            Join::Selecting { path, .. } => match at(world, object, path).map(pairs) {
                None => {}
                // Its first pair must be among the labels, so that one is enough.
                Some(pairs) => match pairs.first() {
                    Some(pair) => add(pair),
                    None => index.rest.entry(namespace.into()).or_default().push(object),
                },
            },
        }
    }
    index
}

fn keyed(namespace: &str, key: &str) -> Box<str> {
    format!("{namespace}\0{key}").into()
}

/// The node at a path from the object, its pod or its template's metadata.
fn at<'a>(world: World<'a>, object: &'a Object, path: &[Box<str>]) -> Option<Node<'a>> {
    let schema = Schema::of(world.base.minor);
    let (group, kind, root) = (&*object.thing.group, &*object.thing.kind, object.root());
    let (start, rest) = match path.split_first() {
        Some((first, rest)) if &**first == "pod" => (schema.pod_spec(group, kind, root)?, rest),
        Some((first, rest)) if &**first == "meta" => (schema.pod_meta(group, kind, root)?, rest),
        _ => (root, path),
    };
    let found = rest.iter().try_fold(start, |node, name| node.get(name))?;
    (!found.is_null()).then_some(found)
}

/// The labels of the pods that an object makes, or its own.
fn labels<'a>(world: World<'a>, object: &'a Object) -> Option<Node<'a>> {
    let (group, kind) = (&*object.thing.group, &*object.thing.kind);
    let root = object.root();
    match ironhull_schema::template_path(group, kind) {
        Some(_) => Schema::of(world.base.minor).pod_meta(group, kind, root)?.get("labels"),
        None => root.path(&["metadata", "labels"]),
    }
}

/// A value as the texts that equal values share; a list as those of its items.
fn keys(node: Node<'_>) -> Vec<String> {
    match node.kind() {
        Kind::List => node.items().map(key).collect(),
        Kind::Null => Vec::new(),
        _ => vec![key(node)],
    }
}

fn key(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Map => plain_pairs(node).join("\u{1}"),
        _ => node.display(),
    }
}

/// The `key=value` pairs that a selector asks for.
fn pairs(selector: Node<'_>) -> Vec<String> {
    let structured = ["matchLabels", "matchExpressions"]
        .iter()
        .any(|name| selector.get(name).is_some_and(|node| node.kind() != Kind::String));
    match (structured, selector.get("matchLabels")) {
        (true, labels) => labels.map_or_else(Vec::new, plain_pairs),
        (false, _) => plain_pairs(selector),
    }
}

/// The members of a map as sorted `key=value` pairs.
fn plain_pairs(map: Node<'_>) -> Vec<String> {
    let mut pairs: Vec<String> =
        map.entries().map(|(key, value)| format!("{key}={}", value.display())).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests;
