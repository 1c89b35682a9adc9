//! `LimitRanger`: requests and limits of containers that say none.

use std::collections::{BTreeMap, HashMap};

use ironhull_model::{Node, Object, Standing, Value, World};
use serde_json::{Map, Value as Json, json};

use super::servers::{Plugin, View};
use super::{Changes, json_of};
use crate::policy::{list, text};
use crate::request::Request;

/// What a pod is told by which LimitRanges gave it something.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Of more LimitRanges of one namespace that give different things it is not told what
/// comes out.
const MOST: usize = 4;

/// The containers that LimitRanges are for, in the order in which they get something.
pub(super) const CONTAINERS: [(&str, &str); 2] =
    [("containers", "container"), ("initContainers", "init container")];

/// The LimitRanges of a namespace.
#[derive(Debug)]
pub(crate) enum Ranges {
    /// What each gives.
    Known(Vec<Given>),
    /// They were not read.
    Unread,
}

/// What containers get of one LimitRange, by resource.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Given {
    limits: BTreeMap<String, Json>,
    requests: BTreeMap<String, Json>,
}

/// The LimitRanges of a world, by namespace.
#[derive(Debug)]
pub(crate) struct AllRanges {
    of: HashMap<String, Ranges>,
    /// Of namespaces that have none.
    other: Ranges,
}

impl AllRanges {
    pub(crate) fn new(world: World<'_>) -> AllRanges {
        if !world.base.coverage.is_complete("", "LimitRange") {
            return AllRanges { of: HashMap::new(), other: Ranges::Unread };
        }
        let mut all: Vec<_> = world.of_kind("", "LimitRange").collect();
        all.sort_by(|a, b| a.thing.name.cmp(&b.thing.name));
        let mut of: HashMap<String, Ranges> = HashMap::new();
        for range in all {
            let known = of.entry(range.thing.namespace.to_string());
            known.or_insert(Ranges::Known(Vec::new())).add(range);
        }
        AllRanges { of, other: Ranges::Known(Vec::new()) }
    }

    /// Those of a namespace, or of one that nobody says.
    fn of(&self, namespace: Option<&str>) -> &Ranges {
        match namespace {
            Some(namespace) => self.of.get(namespace).unwrap_or(&self.other),
            None if self.of.is_empty() => &self.other,
            None => &Ranges::Unread,
        }
    }
}

static NONE: Ranges = Ranges::Known(Vec::new());

impl Ranges {
    pub(super) fn of<'p>(view: View<'p, '_>, request: &Request<'_>) -> &'p Ranges {
        match view.server.runs(Plugin::LimitRanger) {
            true => view.estate.ranges().of(request.namespace()),
            false => &NONE,
        }
    }

    fn add(&mut self, range: &Object) {
        let Ranges::Known(known) = self else { return };
        if range.standing == Standing::Partial {
            *self = Ranges::Unread;
            return;
        }
        let given = Given::of(range);
        if given.is_nothing() || known.contains(&given) {
            return;
        }
        known.push(given);
        if known.len() > MOST {
            *self = Ranges::Unread;
        }
    }

    pub(crate) fn is_unread(&self) -> bool {
        matches!(self, Ranges::Unread)
    }

    /// In how many orders they are asked: the API server asks them in any, and what one
    /// gave the next ones leave. Each is the first in one of these orders and the last in
    /// another.
    pub(super) fn orders(&self) -> usize {
        match self {
            Ranges::Known(given) => given.len().max(1),
            Ranges::Unread => 1,
        }
    }

    /// A pod with what they give in one of the orders.
    pub(super) fn limited(&self, pod: &Value, order: usize) -> Value {
        let Ranges::Known(given) = self else { return pod.clone() };
        let (late, early) = given.split_at(order.min(given.len()));
        early.iter().chain(late).fold(pod.clone(), |pod, given| given.to(&pod))
    }
}

impl Given {
    /// Of several limits for containers, of which the API server takes one, the last
    /// counts.
    fn of(range: &Object) -> Given {
        let mut given = Given { limits: BTreeMap::new(), requests: BTreeMap::new() };
        let spec = range.root().get("spec");
        let limits = spec.into_iter().flat_map(|spec| list(spec, "limits"));
        for limit in limits.filter(|limit| text(*limit, "type") == "Container") {
            for (name, all) in
                [("default", &mut given.limits), ("defaultRequest", &mut given.requests)]
            {
                let said = limit.get(name).into_iter().flat_map(Node::entries);
                all.extend(said.map(|(key, node)| (key.to_owned(), json_of(node))));
            }
        }
        given
    }

    fn is_nothing(&self) -> bool {
        self.limits.is_empty() && self.requests.is_empty()
    }

    /// A pod with what is missing in its containers.
    fn to(&self, pod: &Value) -> Value {
        let root = pod.root();
        let Some(spec) = root.get("spec") else { return pod.clone() };
        let (mut changes, mut told) = (Changes::default(), Vec::new());
        for (list_name, shown) in CONTAINERS {
            for (index, container) in list(spec, list_name).enumerate() {
                let resources = container.get("resources").map(json_of);
                let mut resources = object(resources.unwrap_or_default());
                let name = text(container, "name");
                let mut is_changed = false;
                for (member, what, given) in
                    [("requests", "request", &self.requests), ("limits", "limit", &self.limits)]
                {
                    let set = fill(&mut resources, member, given);
                    if !set.is_empty() {
                        is_changed = true;
                        told.push(format!("{} {what} for {shown} {name}", set.join(", ")));
                    }
                }
                if is_changed {
                    let path = format!("/spec/{list_name}/{index}/resources");
                    changes.put(path, &Json::Object(resources));
                }
            }
        }
        if told.is_empty() {
            return pod.clone();
        }
        annotate(&mut changes, root, &told.join("; "));
        changes.made(pod)
    }
}

/// Puts what is missing into a list of resources; says what that is.
fn fill(
    resources: &mut Map<String, Json>,
    member: &str,
    given: &BTreeMap<String, Json>,
) -> Vec<String> {
    let mut own = object(resources.get(member).cloned().unwrap_or_default());
    let missing: Vec<_> = given.iter().filter(|(key, _)| !own.contains_key(*key)).collect();
    let set = missing.iter().map(|(key, _)| (*key).clone()).collect();
    let is_none = missing.is_empty();
    own.extend(missing.into_iter().map(|(key, value)| (key.clone(), value.clone())));
    if !is_none {
        resources.insert(member.to_owned(), Json::Object(own));
    }
    set
}

/// Says on a pod what it got.
pub(super) fn annotate(changes: &mut Changes, pod: Node<'_>, told: &str) {
    let told = format!("LimitRanger plugin set: {told}");
    let annotations = pod.path(&["metadata", "annotations"]);
    match annotations.filter(|annotations| !annotations.is_null()) {
        Some(_) => {
            let key = ANNOTATION.replace('/', "~1");
            changes.put(format!("/metadata/annotations/{key}"), &json!(told));
        }
        None => changes.put("/metadata/annotations", &json!({ANNOTATION: told})),
    }
}

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}
