//! What was not read of an object: expressions that look at it are unknown, in controls
//! and in admission policies alike.

use ironhull_cel::{Part, Trace};
use ironhull_model::{Node, Object, Standing, Value};

/// What an evaluation read, in places.
#[derive(Clone, Default, Debug)]
pub struct Reads<'a> {
    /// Nodes whose content was looked at.
    pub present: Vec<Node<'a>>,
    /// Members that were looked for and are not there.
    pub absent: Vec<(Node<'a>, String)>,
}

impl<'a> Trace<'a> for Reads<'a> {
    fn read(&mut self, node: Node<'a>) {
        if !self.present.iter().any(|known| same(*known, node)) {
            self.present.push(node);
        }
    }

    fn absent(&mut self, parent: Node<'a>, name: &str) {
        if !self.absent.iter().any(|(known, missing)| same(*known, parent) && missing == name) {
            self.absent.push((parent, name.to_owned()));
        }
    }
}

/// Whether two are one place of one document.
pub(crate) fn same(a: Node<'_>, b: Node<'_>) -> bool {
    std::ptr::eq(a.value(), b.value()) && a.id() == b.id()
}

/// How much of an object was left out when it was read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LeftOut {
    /// Nothing.
    #[default]
    Nothing,
    /// All but its metadata.
    AllButMetadata,
    /// Of a Secret of a cluster its data, and whether it may change: that is told only
    /// together with the values.
    Values,
}

impl LeftOut {
    /// What was left out of an object.
    pub fn of(object: &Object) -> LeftOut {
        match object.standing {
            Standing::Partial => LeftOut::AllButMetadata,
            Standing::Live if object.is("", "Secret") && object.root().get("data").is_none() => {
                LeftOut::Values
            }
            _ => LeftOut::Nothing,
        }
    }

    /// Whether a member of the object that is missing may be there.
    pub fn may_have(self) -> Option<fn(&str) -> bool> {
        match self {
            LeftOut::Nothing => None,
            LeftOut::AllButMetadata => {
                Some(|name| !matches!(name, "apiVersion" | "kind" | "metadata"))
            }
            LeftOut::Values => Some(|name| matches!(name, "data" | "stringData" | "immutable")),
        }
    }

    /// A document of such an object, as expressions see it; none where it is whole.
    pub fn part(self, document: &Value) -> Option<Part<'_>> {
        self.may_have().map(|may_have| Part { node: document.root(), may_have })
    }
}

/// What an expression read and nobody knows: members that may be there, what is known in
/// part only, and what is masked.
pub fn unread(parts: &[Part<'_>], reads: &Reads<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    let of = |node: Node<'_>| parts.iter().find(|part| part.is_of(node));
    for (parent, name) in &reads.absent {
        if of(*parent).is_some_and(|part| (part.may_have)(name)) {
            let root = thing(parent.value().root());
            let own = || format!("/{name} of {root}, which was not read");
            note(&mut missing, added_by(*parent).unwrap_or_else(own));
        }
    }
    for node in &reads.present {
        let root = thing(node.value().root());
        if is_masked(*node) {
            note(&mut missing, format!("{} of {root}, which is masked", node.pointer()));
        } else if of(*node).is_some() {
            let own = || format!("the whole of {root}, of which only a part was read");
            note(&mut missing, added_by(*node).unwrap_or_else(own));
        }
    }
    if missing.is_empty() {
        let with_masked = reads.present.iter().filter(|node| holds_masked(**node));
        missing.extend(with_masked.map(|node| {
            format!("what is masked in {} of {}", node.pointer(), thing(node.value().root()))
        }));
    }
    missing
}

/// What is not known that an expression read, or may have read where it read nothing of
/// what is known to be missing: a variable may have done so before.
pub fn missing(unknown: &[&str], parts: &[Part<'_>], reads: &Reads<'_>) -> String {
    let mut missing = unread(parts, reads);
    if missing.is_empty() {
        missing.extend(unknown.iter().map(|what| (*what).to_owned()));
        for part in parts {
            let own = || format!("what was not read of {}", thing(part.node.value().root()));
            note(&mut missing, added_by(part.node).unwrap_or_else(own));
        }
    }
    if missing.is_empty() {
        return "what is masked".to_owned();
    }
    missing.join(", ")
}

fn note(missing: &mut Vec<String>, what: String) {
    if !missing.contains(&what) {
        missing.push(what);
    }
}

/// Which objects that were not read plugins of the API server add something of at a place
/// (`ironhull-dialects`); none at the root, of a document that was not read as a whole.
fn added_by(place: Node<'_>) -> Option<String> {
    place.parent()?;
    let root = place.value().root();
    let text = |path: &[&str]| root.path(path).and_then(Node::as_str);
    let pointer = place.pointer();
    match (text(&["kind"]), pointer.as_str()) {
        (Some("PersistentVolumeClaim"), _) => return Some("the default StorageClass".to_owned()),
        (Some("Ingress"), _) => return Some("the default IngressClass".to_owned()),
        (_, "/metadata" | "/metadata/labels") => {
            // A Binding names it elsewhere than a pod.
            let name = text(&["spec", "nodeName"]).or(text(&["target", "name"]));
            return Some(format!("Node {}", name.unwrap_or_default()));
        }
        _ => {}
    }
    let is_of_class =
        ["/spec", "/spec/nodeSelector", "/spec/tolerations"].contains(&pointer.as_str());
    Some(match (is_of_class, text(&["metadata", "namespace"])) {
        (true, _) => match text(&["spec", "runtimeClassName"]) {
            Some(class) => format!("RuntimeClass {class}"),
            None => {
                "what PodNodeSelector or PodTolerationRestriction of the API server sets".into()
            }
        },
        (false, Some(namespace)) => format!("LimitRanges of namespace {namespace}"),
        (false, None) => "LimitRanges of the pod's namespace".to_owned(),
    })
}

/// Whether a text was masked.
pub fn is_masked(node: Node<'_>) -> bool {
    node.as_str().is_some_and(|text| ironhull_secrets::masked(text).is_some())
}

/// Whether a text in it was masked.
pub fn holds_masked(node: Node<'_>) -> bool {
    node.items().any(|child| is_masked(child) || holds_masked(child))
}

/// `Widget shop/big`.
pub fn thing(root: Node<'_>) -> String {
    let text = |path: &[&str]| root.path(path).and_then(Node::as_str).unwrap_or_default();
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    match text(&["metadata", "namespace"]) {
        "" => format!("{kind} {name}"),
        namespace => format!("{kind} {namespace}/{name}"),
    }
}
