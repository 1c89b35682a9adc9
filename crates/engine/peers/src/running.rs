//! The programs of add-ons that run: which workload is which part, of which version,
//! and how much of it is up.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ironhull_model::{Node, Object, Pointer, Snapshot, World, image};
use ironhull_schema::{WORKLOAD_KINDS, template_path};

use crate::known::{Beside, Known, Part, Runs};
use crate::table::KNOWN;

/// By what a workload was recognised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// By the repository of its image.
    Image,
    /// By a label of the add-on beside the last segment of the repository.
    Label,
}

impl Signal {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Image => "image",
            Signal::Label => "label and image name",
        }
    }
}

/// How much of a workload is up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    /// It is not to run: scaled to zero, suspended, or no node is for it.
    Off,
    /// None of it is ready.
    Down,
    /// Some of it is ready.
    Partly,
    /// All of it is ready.
    Up,
    /// Nothing tells; a file has no status.
    Unknown,
}

/// A workload that is a part of an add-on.
#[derive(Clone, Debug)]
pub struct Running<'w> {
    /// Which part.
    pub part: &'static Part,
    /// The workload.
    pub object: &'w Arc<Object>,
    /// Where its image stands in the workload.
    pub at: Pointer,
    /// By what it was recognised.
    pub signal: Signal,
    /// Its version, from the image's tag or a label.
    pub version: Option<&'w str>,
    /// How much of it is up.
    pub state: State,
    /// How many of it are ready, and how many are to be; where that is counted.
    pub ready: Option<(u64, u64)>,
    /// The nodes that it is on none of, where it runs on nodes and all were read.
    pub absent: Vec<&'w str>,
}

impl Running<'_> {
    /// Whether it may be at work.
    pub fn works(&self) -> bool {
        matches!(self.state, State::Up | State::Partly | State::Unknown)
    }
}

/// Parts by the last segment of their images' repositories, and of Rancher's mirrors.
type Index = HashMap<Cow<'static, str>, Vec<(usize, &'static Part, &'static str)>>;

fn index() -> Index {
    let mut index = Index::new();
    for (known, part, end) in KNOWN.iter().enumerate().flat_map(|(at, known)| {
        let parts = known.parts.iter();
        parts.flat_map(move |part| part.images.iter().map(move |end| (at, part, *end)))
    }) {
        let names = image::mirrored(end).map(Cow::Owned).into_iter().chain([last(end).into()]);
        for name in names {
            index.entry(name).or_default().push((known, part, end));
        }
    }
    index
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// All parts that run, by the add-on's place in the table.
pub(crate) fn running(world: World<'_>) -> Vec<(usize, Running<'_>)> {
    let index = index();
    let mut found = Vec::new();
    for (group, kind) in WORKLOAD_KINDS {
        for object in world.of_kind(group, kind).filter(|object| object.is_judged()) {
            if !is_made(object) {
                of_workload(world, object, &index, &mut found);
            }
        }
    }
    found
}

/// Whether another workload made it, so that it is part of that.
fn is_made(object: &Object) -> bool {
    let owners = object.root().path(&["metadata", "ownerReferences"]);
    owners.into_iter().flat_map(Node::items).any(|owner| {
        let kind = owner.get("kind").and_then(Node::as_str).unwrap_or_default();
        WORKLOAD_KINDS.iter().any(|(_, workload)| *workload == kind)
    })
}

fn of_workload<'w>(
    world: World<'w>,
    object: &'w Arc<Object>,
    index: &Index,
    found: &mut Vec<(usize, Running<'w>)>,
) {
    let (group, kind) = (&*object.thing.group, &*object.thing.kind);
    let Some(template) = template_path(group, kind).and_then(|path| object.root().path(path))
    else {
        return;
    };
    let first = found.len();
    let containers = template.path(&["spec", "containers"]).into_iter().flat_map(Node::items);
    for container in containers {
        let Some(named) = container.get("image") else { continue };
        let parsed = image::parse(named.as_str().unwrap_or_default());
        let candidates = index.get(last(parsed.path)).map(Vec::as_slice).unwrap_or_default();
        let fits = candidates.iter().find_map(|(known, part, end)| {
            let is_labelled = is_labelled(&KNOWN[*known], object, template);
            let fits = runs_as(part.runs, kind)
                && part.beside.is_none_or(|beside| match beside {
                    Beside::Says(word) => says(container, word),
                    Beside::Label => is_labelled,
                    Beside::NodeLogs => sees_node_logs(template),
                });
            let signal = signal(end, &parsed, is_labelled);
            signal.filter(|_| fits).map(|signal| (*known, *part, signal))
        });
        let Some((known, part, signal)) = fits else { continue };
        if found[first..].iter().any(|(_, other)| std::ptr::eq(other.part, part)) {
            continue;
        }
        let (state, ready) = state(object);
        let running = Running {
            part,
            object,
            at: named.pointer(),
            signal,
            version: version(parsed.tag, object, template),
            state,
            ready,
            absent: absent(world, object),
        };
        found.push((known, running));
    }
}

fn runs_as(runs: Runs, kind: &str) -> bool {
    match runs {
        Runs::OnNodes => kind == "DaemonSet",
        Runs::Once => matches!(kind, "Job" | "CronJob" | "Pod"),
        Runs::AsServer => !matches!(kind, "DaemonSet" | "Job" | "CronJob"),
        Runs::Somehow => true,
    }
}

/// Whether a word is in a container's command or arguments, as it is or as a program's path.
fn says(container: Node<'_>, word: &str) -> bool {
    let words = ["command", "args"].into_iter().filter_map(|name| container.get(name));
    let mut words = words.flat_map(Node::items).filter_map(Node::as_str);
    words.any(|said| said == word || last(said) == word)
}

/// Whether a pod sees the folders of its node in which logs of containers are.
fn sees_node_logs(template: Node<'_>) -> bool {
    let volumes = template.path(&["spec", "volumes"]).into_iter().flat_map(Node::items);
    let mut paths = volumes.filter_map(|volume| volume.path(&["hostPath", "path"])?.as_str());
    paths.any(|path| {
        let path = path.trim_end_matches('/');
        ["", "/var", "/var/log", "/var/lib", "/var/lib/docker"].contains(&path)
            || path.starts_with("/var/log/")
            || path.starts_with("/var/lib/docker/")
    })
}

/// What tells that a repository is one that ends so.
fn signal(end: &str, image: &image::ImageRef<'_>, is_labelled: bool) -> Option<Signal> {
    let names_registry = end.split_once('/').is_some_and(|(first, _)| first.contains('.'));
    let is_of = match names_registry {
        true => image::is_of(&format!("{}/{}", image.registry, image.path), end),
        false => image::is_of(image.path, end),
    };
    match is_of && end.contains('/') {
        true => Some(Signal::Image),
        false => is_labelled.then_some(Signal::Label),
    }
}

/// Whether a workload or its pods have a label of an add-on.
fn is_labelled(known: &Known, object: &Object, template: Node<'_>) -> bool {
    known.labels.iter().any(|(key, value)| {
        let of_template = template.path(&["metadata", "labels", key]).and_then(Node::as_str);
        object.label(key) == Some(value) || of_template == Some(value)
    })
}

/// The version that a tag says, else a label of the workload or its pods. A tag that only
/// names a channel says none.
fn version<'w>(tag: Option<&'w str>, object: &'w Object, template: Node<'w>) -> Option<&'w str> {
    const LABEL: &str = "app.kubernetes.io/version";
    let says = |text: &&str| text.bytes().any(|byte| byte.is_ascii_digit());
    let of_template = || template.path(&["metadata", "labels", LABEL]).and_then(Node::as_str);
    tag.filter(says).or_else(|| object.label(LABEL).or_else(of_template).filter(says))
}

/// How much of a workload is up, and how many are ready of how many.
fn state(object: &Object) -> (State, Option<(u64, u64)>) {
    let root = object.root();
    let Some(status) = root.get("status") else {
        let is_off = root.path(&["spec", "replicas"]).and_then(Node::as_u64) == Some(0);
        return (if is_off { State::Off } else { State::Unknown }, None);
    };
    let count = |name: &str| status.get(name).and_then(Node::as_u64).unwrap_or(0);
    let counted = |ready: u64, wanted: u64| {
        let state = match (ready, wanted) {
            (_, 0) => State::Off,
            (0, _) => State::Down,
            (ready, wanted) if ready < wanted => State::Partly,
            _ => State::Up,
        };
        (state, Some((ready, wanted)))
    };
    match &*object.thing.kind {
        "DaemonSet" => counted(count("numberReady"), count("desiredNumberScheduled")),
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            let wanted = root.path(&["spec", "replicas"]).and_then(Node::as_u64).unwrap_or(1);
            counted(count("readyReplicas"), wanted)
        }
        "CronJob" => {
            let suspended = root.path(&["spec", "suspend"]).and_then(Node::as_bool);
            (if suspended == Some(true) { State::Off } else { State::Up }, None)
        }
        "Job" => match (count("succeeded"), count("active")) {
            (0, 0) => (State::Down, None),
            _ => (State::Up, None),
        },
        _ => {
            let conditions = status.get("conditions").into_iter().flat_map(Node::items);
            let text = |node: Node<'_>, name: &str, is: &str| {
                node.get(name).and_then(Node::as_str) == Some(is)
            };
            let mut ready = conditions.filter(|condition| text(*condition, "type", "Ready"));
            let is_ready = ready.any(|condition| text(condition, "status", "True"));
            (if is_ready { State::Up } else { State::Down }, None)
        }
    }
}

/// The nodes that none of a `DaemonSet`'s pods is on, where all nodes and pods were read.
fn absent<'w>(world: World<'w>, object: &'w Object) -> Vec<&'w str> {
    if &*object.thing.kind != "DaemonSet" || !knows_nodes(world.base) {
        return Vec::new();
    }
    let pods = world.in_namespace("", "Pod", &object.thing.namespace).filter(|pod| {
        let owners = pod.root().path(&["metadata", "ownerReferences"]);
        owners.into_iter().flat_map(Node::items).any(|owner| {
            let is = |name: &str, text: &str| owner.get(name).and_then(Node::as_str) == Some(text);
            is("kind", "DaemonSet") && is("name", &object.thing.name)
        })
    });
    let on: BTreeSet<&str> =
        pods.filter_map(|pod| pod.root().path(&["spec", "nodeName"])?.as_str()).collect();
    let nodes = world.of_kind("", "Node").map(|node| &*node.thing.name);
    nodes.filter(|name| !on.contains(name)).collect()
}

fn knows_nodes(snapshot: &Snapshot) -> bool {
    ["Node", "Pod"].into_iter().all(|kind| snapshot.coverage.is_complete("", kind))
}
