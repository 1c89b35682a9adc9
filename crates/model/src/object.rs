//! Objects: a thing, its document, and where the document came from.

use std::sync::Arc;

use crate::source::SourceId;
use crate::thing::ThingRef;
use crate::value::{Builder, Node, Value};

/// Where an object's document stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin {
    /// Which source text.
    pub source: SourceId,
    /// Which document of it, from 0.
    pub document: u32,
    /// The JSON pointer's item index when the object is an item of a `List`.
    pub item: Option<u32>,
}

/// Who says that the object exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// It was in the input.
    Given,
    /// Every cluster of the assumed minor has it (default RBAC roles).
    Assumed,
    /// The API server holds it, so it decodes and is defaulted.
    Live,
    /// The API server holds it, but only its metadata was read.
    Partial,
}

/// One Kubernetes object, defaulted as the API server would.
#[derive(Debug)]
pub struct Object {
    /// Its name to findings.
    pub thing: Arc<ThingRef>,
    /// API version without the group, such as `v1`.
    pub version: Box<str>,
    /// The document.
    pub value: Value,
    /// Where it stands, when it was read from a text.
    pub origin: Option<Origin>,
    /// Given or assumed.
    pub standing: Standing,
}

impl Object {
    /// The object of a document that has `apiVersion`, `kind` and a name; none
    /// when one of them is missing or no string.
    pub fn new(value: Value, origin: Option<Origin>) -> Option<Object> {
        Object::called(value, origin, "")
    }

    /// As [`Object::new`], and called `name`, if that is not empty, where the document
    /// has no name.
    pub fn called(value: Value, origin: Option<Origin>, name: &str) -> Option<Object> {
        let root = value.root();
        let (group, version) = split_api_version(root.get("apiVersion")?.as_str()?);
        let kind = root.get("kind")?.as_str()?;
        let text = |name| root.path(&["metadata", name]).and_then(Node::as_str);
        let own = text("name").or_else(|| text("generateName"));
        let name = own.or_else(|| (!name.is_empty()).then_some(name))?;
        let thing = ThingRef::new(group, kind, text("namespace").unwrap_or_default(), name);
        let (thing, version) = (Arc::new(thing), version.into());
        Some(Object { thing, version, value, origin, standing: Standing::Given })
    }

    /// The cluster itself as an object without content.
    pub(crate) fn cluster() -> Object {
        let mut builder = Builder::new();
        builder.begin_map(0);
        builder.end(0);
        Object {
            thing: Arc::new(ThingRef::cluster()),
            version: "".into(),
            value: builder.finish(),
            origin: None,
            standing: Standing::Given,
        }
    }

    /// Whether it was read, whole or in part, rather than assumed.
    pub fn is_given(&self) -> bool {
        self.standing != Standing::Assumed
    }

    /// Whether it was read as a whole, so that it can be judged.
    pub fn is_judged(&self) -> bool {
        matches!(self.standing, Standing::Given | Standing::Live)
    }

    /// The document's root.
    pub fn root(&self) -> Node<'_> {
        self.value.root()
    }

    /// `group/version`, or `version` in the core group.
    pub fn api_version(&self) -> String {
        if self.thing.group.is_empty() {
            return self.version.to_string();
        }
        format!("{}/{}", self.thing.group, self.version)
    }

    /// Whether it is of this kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        &*self.thing.kind == kind && &*self.thing.group == group
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.root().path(&["metadata", "labels", key])?.as_str()
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.root().path(&["metadata", "annotations", key])?.as_str()
    }
}

/// Splits `apps/v1` into group and version; the core group is empty.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}
