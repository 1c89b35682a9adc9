//! What was not read of an object: expressions that look at it are unknown.

use ironhull_cel::Part;
use ironhull_model::{Node, Object, Standing, Value};

use crate::expression::Reads;

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
    fn may_have(self) -> Option<fn(&str) -> bool> {
        match self {
            LeftOut::Nothing => None,
            LeftOut::AllButMetadata => {
                Some(|name| !matches!(name, "apiVersion" | "kind" | "metadata"))
            }
            LeftOut::Values => Some(|name| matches!(name, "data" | "stringData" | "immutable")),
        }
    }

    /// A document of such an object, as expressions see it; none where it is whole.
    pub(crate) fn part(self, document: &Value) -> Option<Part<'_>> {
        self.may_have().map(|may_have| Part { document, may_have })
    }
}

/// What is not known that an expression read, or may have read where it read nothing of
/// what is known to be missing: a variable may have done so before.
pub(crate) fn missing(unknown: &[&str], parts: &[Part<'_>], reads: &Reads<'_>) -> String {
    let mut missing = Vec::new();
    for (parent, name) in &reads.absent {
        let of = |part: &&Part<'_>| std::ptr::eq(part.document, parent.value());
        let part = parts.iter().find(of).filter(|_| parent.parent().is_none());
        if part.is_some_and(|part| (part.may_have)(name)) {
            missing.push(format!("/{name} of {}, which was not read", thing(*parent)));
        }
    }
    for node in &reads.present {
        let of = |part: &Part<'_>| std::ptr::eq(part.document, node.value());
        if is_masked(*node) {
            missing.push(format!(
                "{} of {}, which is masked",
                node.pointer(),
                thing(node.value().root())
            ));
        } else if node.parent().is_none() && parts.iter().any(of) {
            missing.push(format!("the whole of {}, of which only a part was read", thing(*node)));
        }
    }
    if missing.is_empty() {
        let with_masked = reads.present.iter().filter(|node| holds_masked(**node));
        missing.extend(with_masked.map(|node| {
            format!("what is masked in {} of {}", node.pointer(), thing(node.value().root()))
        }));
    }
    if missing.is_empty() {
        missing.extend(unknown.iter().map(|what| (*what).to_owned()));
        let parts = parts.iter().map(|part| part.document.root());
        missing.extend(parts.map(|root| format!("what was not read of {}", thing(root))));
    }
    if missing.is_empty() {
        return "what is masked".to_owned();
    }
    missing.join(", ")
}

fn is_masked(node: Node<'_>) -> bool {
    node.as_str().is_some_and(|text| ironhull_secrets::masked(text).is_some())
}

fn holds_masked(node: Node<'_>) -> bool {
    node.items().any(|child| is_masked(child) || holds_masked(child))
}

/// `Widget shop/big`.
fn thing(root: Node<'_>) -> String {
    let text = |path: &[&str]| root.path(path).and_then(Node::as_str).unwrap_or_default();
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    match text(&["metadata", "namespace"]) {
        "" => format!("{kind} {name}"),
        namespace => format!("{kind} {namespace}/{name}"),
    }
}
