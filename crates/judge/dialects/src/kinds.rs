//! What kinds a world's API server serves: its own, and those of the definitions
//! among the objects.

use std::collections::BTreeSet;

use ironhull_model::{Builder, Node, Value, World};
use ironhull_schema::{KindInfo, Schema, Scope, crd, stability};

use crate::policy::text;
use crate::request::Typed;

/// A version under which the same objects are served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Equivalent<'a> {
    /// The resource in that version.
    pub resource: Typed<'a>,
    /// Its kind.
    pub kind: Typed<'a>,
    /// Whether an object in it differs by its `apiVersion` only.
    pub is_same: bool,
}

/// The kinds of a world.
#[derive(Clone, Copy, Debug)]
pub struct Kinds<'a> {
    world: World<'a>,
    schema: Schema,
}

impl<'a> Kinds<'a> {
    /// The kinds of a world's minor and definitions.
    pub fn new(world: World<'a>) -> Kinds<'a> {
        Kinds { world, schema: Schema::of(world.base.minor) }
    }

    /// The schemas.
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// The definitions of a group's kinds.
    fn definitions(&self, group: &'a str) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let all = self.world.of_kind(crd::GROUP, crd::KIND);
        all.filter_map(|object| object.root().get("spec"))
            .filter(move |spec| text(*spec, "group") == group)
    }

    /// The resource and scope of a kind in one version; none when it is not served.
    pub fn served(&self, group: &'a str, version: &str, kind: &str) -> Option<(&'a str, Scope)> {
        if let Some(info) = self.schema.kind(group, version, kind) {
            return Some((info.resource, info.scope));
        }
        let mut definitions = self.definitions(group);
        let spec = definitions.find(|spec| {
            spec.path(&["names", "kind"]).and_then(Node::as_str) == Some(kind)
                && served_versions(*spec).any(|name| name == version)
        })?;
        let plural = spec.path(&["names", "plural"])?.as_str()?;
        Some((plural, scope_of(spec)))
    }

    /// The resources of a name in all groups, each in its most stable version.
    pub(crate) fn resources(&self, name: &str) -> Vec<(Typed<'a>, Scope)> {
        let groups: BTreeSet<&str> = self
            .schema
            .kinds()
            .filter(|info| info.resource == name)
            .map(|info| info.group)
            .collect();
        let own = groups.into_iter().filter_map(|group| self.schema.resource(group, name));
        let mut found: Vec<_> = own
            .map(|info| {
                let (group, version, name) = (info.group, info.version, info.resource);
                (Typed { group, version, name }, info.scope)
            })
            .collect();
        let definitions = self.world.of_kind(crd::GROUP, crd::KIND);
        for spec in definitions.filter_map(|object| object.root().get("spec")) {
            let plural = spec.path(&["names", "plural"]).and_then(Node::as_str);
            let version = served_versions(spec).max_by_key(|version| stability(version));
            let (Some(plural), Some(version)) = (plural.filter(|it| *it == name), version) else {
                continue;
            };
            let typed = Typed { group: text(spec, "group"), version, name: plural };
            found.push((typed, scope_of(spec)));
        }
        found
    }

    /// Whether resources of a name in a group (`*` for all) may be in a namespace. What
    /// is not known may; a Namespace is in itself, if that `counts`.
    pub(crate) fn may_be_namespaced(&self, group: &str, name: &str, counts: bool) -> bool {
        let is = |pattern: &str, own: &str| pattern == "*" || pattern == own;
        let mut is_known = false;
        for info in self.schema.kinds() {
            if is(group, info.group) && is(name, info.resource) {
                is_known = true;
                let is_namespaces = (info.group, info.resource) == ("", "namespaces");
                if info.scope == Scope::Namespaced || is_namespaces && counts {
                    return true;
                }
            }
        }
        let definitions = self.world.of_kind(crd::GROUP, crd::KIND);
        for spec in definitions.filter_map(|object| object.root().get("spec")) {
            let plural = spec.path(&["names", "plural"]).and_then(Node::as_str);
            if is(group, text(spec, "group")) && plural.is_some_and(|plural| is(name, plural)) {
                is_known = true;
                if scope_of(spec) == Scope::Namespaced {
                    return true;
                }
            }
        }
        !is_known
    }

    /// Whether a resource is known to be of a kind.
    pub(crate) fn has(&self, group: &str, resource: &str) -> bool {
        let is_own = |info: &KindInfo| info.group == group && info.resource == resource;
        let all = self.world.of_kind(crd::GROUP, crd::KIND);
        let specs = all.filter_map(|object| object.root().get("spec"));
        self.schema.kinds().any(is_own)
            || specs.into_iter().any(|spec| {
                text(spec, "group") == group
                    && spec.path(&["names", "plural"]).and_then(Node::as_str) == Some(resource)
            })
    }

    /// Whether every definition of a custom resource is known.
    pub fn knows_all(&self) -> bool {
        self.world.base.coverage.is_complete(crd::GROUP, crd::KIND)
    }

    /// The other versions of a resource, most stable first.
    pub fn equivalents(&self, resource: Typed<'a>) -> Vec<Equivalent<'a>> {
        let mut found = Vec::new();
        for info in self.schema.kinds().filter(|info| is_on(info.version)) {
            let is_kept_together =
                info.group == resource.group || Some(info.group) == cohabiting(resource);
            if info.resource == resource.name
                && is_kept_together
                && (info.group, info.version) != (resource.group, resource.version)
            {
                let typed = |name| Typed { group: info.group, version: info.version, name };
                let (resource, kind) = (typed(info.resource), typed(info.kind));
                found.push(Equivalent { resource, kind, is_same: false });
            }
        }
        for spec in self.definitions(resource.group) {
            let names = |name| spec.path(&["names", name]).and_then(Node::as_str);
            if names("plural") != Some(resource.name) {
                continue;
            }
            for version in served_versions(spec).filter(|name| *name != resource.version) {
                let typed = |name| Typed { group: resource.group, version, name };
                found.push(Equivalent {
                    resource: typed(resource.name),
                    kind: typed(names("kind").unwrap_or_default()),
                    is_same: is_same_in_all(spec),
                });
            }
        }
        found
    }

    /// Whether objects of a custom resource differ between its versions by their
    /// `apiVersion` only.
    pub(crate) fn is_renamed(&self, kind: Typed<'_>) -> bool {
        let all = self.world.of_kind(crd::GROUP, crd::KIND);
        let spec = all.filter_map(|object| object.root().get("spec")).find(|spec| {
            text(*spec, "group") == kind.group
                && spec.path(&["names", "kind"]).and_then(Node::as_str) == Some(kind.name)
        });
        spec.is_some_and(is_same_in_all)
    }
}

fn scope_of(definition: Node<'_>) -> Scope {
    let is_cluster = text(definition, "scope") == "Cluster";
    if is_cluster { Scope::Cluster } else { Scope::Namespaced }
}

fn is_same_in_all(definition: Node<'_>) -> bool {
    let strategy = definition.path(&["conversion", "strategy"]).and_then(Node::as_str);
    strategy.is_none_or(|strategy| strategy == "None")
}

/// A group whose resource of the same name is kept in the same place, so that its
/// objects are these objects. Of the groups that are still served only those of events
/// share one (`k8s.io/kubernetes/pkg/kubeapiserver/default_storage_factory_builder.go`);
/// a custom resource is kept with nothing but its own versions, whatever its name.
fn cohabiting(resource: Typed<'_>) -> Option<&'static str> {
    match (resource.group, resource.name) {
        ("", "events") => Some("events.k8s.io"),
        ("events.k8s.io", "events") => Some(""),
        _ => None,
    }
}

/// Whether an API server serves a version of its own kinds without being told to.
fn is_on(version: &str) -> bool {
    !version.contains("alpha") && !version.contains("beta")
}

fn served_versions<'a>(spec: Node<'a>) -> impl Iterator<Item = &'a str> {
    let versions = spec.get("versions").into_iter().flat_map(Node::items);
    versions
        .filter(|version| version.get("served").and_then(Node::as_bool) == Some(true))
        .map(|version| text(version, "name"))
}

/// The same object under another `apiVersion`.
pub(crate) fn under(value: &Value, kind: Typed<'_>) -> Value {
    let root = value.root();
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    builder.begin_like(root);
    for (key, child) in root.entries() {
        let span = child.span().unwrap_or_default();
        builder.key(key, span.key);
        if key == "apiVersion" {
            builder.str(&api_version(kind), span.start, span.end);
        } else {
            builder.copy(child);
        }
    }
    builder.end(root.span().unwrap_or_default().end);
    builder.finish()
}

/// `group/version`, or `version` in the core group.
pub(crate) fn api_version(kind: Typed<'_>) -> String {
    match kind.group {
        "" => kind.version.to_owned(),
        group => format!("{group}/{}", kind.version),
    }
}
