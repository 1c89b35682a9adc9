//! What admission looks up beside the request: namespaces, kinds, parameters.

use std::collections::HashMap;
use std::sync::Arc;

use ironhull_cel::written_quantity;
use ironhull_model::{Builder, Node, Object, ThingRef, Value, World, selector};
use ironhull_schema::crd::{self, Definitions, Structural};
use ironhull_schema::{Scope, defaults, merge, wire};

use crate::convert;
use crate::kinds::{Kinds, under};
use crate::plugins::{AllRanges, Server};
use crate::policy::{Binding, ParamKind, Policy};
use crate::request::{Place, Request, Typed};

/// The label by which the API server names every Namespace.
pub(crate) const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Namespaces that every API server has.
const ALWAYS: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// A namespace as far as it is known.
#[derive(Clone, Copy, Debug)]
pub enum Namespace<'e> {
    /// It is there, like this.
    There(&'e Value),
    /// It is not there.
    Missing,
    /// Not known.
    Unknown,
}

/// A parameter of one evaluation.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// The policy has none, or the binding gives none.
    None,
    /// This object.
    Object(&'a Arc<Object>),
}

/// What params were found.
#[derive(Debug)]
pub enum Params<'a> {
    /// One evaluation for each.
    Found(Vec<Param<'a>>),
    /// The API server's error.
    Error(String),
    /// What is missing to tell.
    Unknown(String),
}

/// A world as admission looks at it.
#[derive(Debug)]
pub struct Estate<'a> {
    world: World<'a>,
    kinds: Kinds<'a>,
    namespaces: HashMap<String, Value>,
    definitions: Definitions<'a, Structural>,
    ranges: AllRanges,
    servers: Vec<Server>,
}

impl<'a> Estate<'a> {
    /// Indexes a world.
    pub fn new(world: World<'a>) -> Estate<'a> {
        let mut namespaces: HashMap<String, Value> = world
            .of_kind("", "Namespace")
            .map(|object| (object.thing.name.to_string(), Estate::completed(&object.value)))
            .collect();
        if world.base.coverage.is_complete("", "Namespace") {
            for name in ALWAYS {
                namespaces.entry(name.to_owned()).or_insert_with(|| bare(name));
            }
        }
        let (definitions, ranges) = (Definitions::new(world), AllRanges::new(world));
        let servers = Server::all(world);
        Estate { world, kinds: Kinds::new(world), namespaces, definitions, ranges, servers }
    }

    /// What the API servers run, of which there is one at least.
    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The LimitRanges of each namespace.
    pub(crate) fn ranges(&self) -> &AllRanges {
        &self.ranges
    }

    /// The schema of a custom resource in one version; none when its definition is not
    /// known, or when the kind is the API server's own.
    fn definition(&self, kind: Typed<'_>) -> Option<&Structural> {
        let own = self.kinds.schema().kind(kind.group, kind.version, kind.name);
        let definition = self.definitions.of(kind.group, kind.version, kind.name);
        Some(definition.filter(|_| own.is_none())?.made(|schema| schema))
    }

    /// An object that was sent, as the API server holds it when admission is asked.
    pub(crate) fn written(&self, kind: Typed<'_>, value: &Value) -> Value {
        let schema = self.kinds.schema();
        match self.definition(kind) {
            Some(definition) => crd::written(schema, definition, value),
            None => wire::written(schema, value, written_quantity),
        }
    }

    /// Whether the status of a custom resource is changed apart from it; none for the API
    /// server's own kinds, and where the definition is not known.
    pub(crate) fn has_status(&self, kind: Typed<'_>) -> Option<bool> {
        let own = self.kinds.schema().kind(kind.group, kind.version, kind.name);
        let definition = self.definitions.of(kind.group, kind.version, kind.name);
        let spec = definition.filter(|_| own.is_none())?.object.root().get("spec")?;
        let mut versions = spec.get("versions").into_iter().flat_map(Node::items);
        let version =
            versions.find(|it| it.get("name").and_then(Node::as_str) == Some(kind.version));
        let has = |of: Node<'_>| {
            of.path(&["subresources", "status"]).is_some_and(|status| !status.is_null())
        };
        Some(has(spec) || version.is_some_and(has))
    }

    /// An object that was written and then changed.
    pub(crate) fn rewritten(&self, kind: Typed<'_>, value: &Value) -> Value {
        match crd::is_custom(kind.group, kind.name) {
            true => value.clone(),
            false => wire::written(self.kinds.schema(), value, written_quantity),
        }
    }

    /// An object after a mutation, with its defaults.
    pub(crate) fn refilled(&self, kind: Typed<'_>, value: &Value) -> Value {
        let schema = self.kinds.schema();
        match self.definition(kind) {
            Some(definition) => crd::refilled(definition, value),
            None => wire::written(schema, &defaults::apply(schema, value), written_quantity),
        }
    }

    /// An object with a part of it merged into it, or what the API server says against
    /// that; none when the schema of the kind is not known.
    pub(crate) fn merged(
        &self,
        kind: Typed<'_>,
        object: &Value,
        part: &Value,
    ) -> Option<Result<Value, String>> {
        let schema = self.kinds.schema();
        match self.definition(kind) {
            Some(definition) => Some(merge::merge_custom(schema, definition, object, part)),
            None if crd::is_custom(kind.group, kind.name) => None,
            None => Some(merge::merge(schema, object, part)),
        }
    }

    /// An object as the API server writes it, in another version of its kind; none
    /// where it is not known how that looks.
    pub(crate) fn converted(&self, from: Typed<'_>, to: Typed<'_>, value: &Value) -> Option<Value> {
        if from == to {
            return Some(value.clone());
        }
        if self.definition(to).is_some() {
            return self.kinds.is_renamed(to).then(|| under(value, to));
        }
        convert::converted(self.kinds.schema(), from, to, value)
    }

    /// The world.
    pub fn world(&self) -> World<'a> {
        self.world
    }

    /// Its kinds.
    pub fn kinds(&self) -> Kinds<'a> {
        self.kinds
    }

    /// A namespace.
    pub fn namespace(&self, name: &str) -> Namespace<'_> {
        match self.namespaces.get(name) {
            Some(value) => Namespace::There(value),
            None if self.world.base.coverage.is_complete("", "Namespace") => Namespace::Missing,
            None => Namespace::Unknown,
        }
    }

    /// A Namespace with what the API server adds to it: the label of its name, its
    /// finalizer and its phase.
    pub(crate) fn completed(namespace: &Value) -> Value {
        let root = namespace.root();
        let name = root.path(&["metadata", "name"]).and_then(Node::as_str).unwrap_or_default();
        let mut builder = Builder::new();
        builder.begin_map(0);
        for (key, child) in
            root.entries().filter(|(key, _)| !matches!(*key, "metadata" | "spec" | "status"))
        {
            builder.key(key, 0);
            builder.copy(child);
        }
        builder.key("metadata", 0);
        metadata(&mut builder, root.get("metadata"), name);
        builder.key("spec", 0);
        match root.get("spec").filter(|spec| spec.get("finalizers").is_some()) {
            Some(spec) => builder.copy(spec),
            None => finalized(&mut builder),
        }
        builder.key("status", 0);
        match root.get("status").filter(|status| status.get("phase").is_some()) {
            Some(status) => builder.copy(status),
            None => active(&mut builder),
        }
        builder.end(0);
        builder.finish()
    }

    /// The parameters that a binding gives its policy for a request.
    pub fn params(
        &self,
        policy: &Policy<'a>,
        binding: &Binding<'a>,
        request: &Request<'a>,
    ) -> Params<'a> {
        let (Some(kind), Some(wanted)) = (policy.param_kind, binding.params) else {
            return Params::Found(vec![Param::None]);
        };
        let Some((_, scope)) = self.kinds.served(kind.group, kind.version, kind.kind) else {
            return Params::Unknown(format!(
                "the definition of {} in {}",
                kind.kind, kind.api_version
            ));
        };
        let namespace = match (scope, request.place) {
            (Scope::Cluster, _) if !wanted.namespace.is_empty() => {
                let error =
                    "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
                return Params::Error(error.to_owned());
            }
            (Scope::Cluster, _) => "",
            (Scope::Namespaced, _) if !wanted.namespace.is_empty() => wanted.namespace,
            (Scope::Namespaced, Place::In(namespace)) => namespace,
            (Scope::Namespaced, Place::Unsaid) => {
                return Params::Unknown("the namespace of the object".to_owned());
            }
            (Scope::Namespaced, Place::Cluster) => {
                let error = "cannot use namespaced paramRef in policy binding that matches \
                             cluster-scoped resources";
                return Params::Error(error.to_owned());
            }
        };
        let found = self.find(kind, namespace, wanted.name, wanted.selector);
        let complete = self.world.base.coverage.is_complete(kind.group, kind.kind);
        let by_name = !wanted.name.is_empty();
        if !complete && (!by_name || found.is_empty()) {
            return Params::Unknown(format!("all {} objects", kind.kind));
        }
        if found.is_empty() && wanted.deny_when_missing {
            let error = "no params found for policy binding with `Deny` parameterNotFoundAction";
            return Params::Error(error.to_owned());
        }
        if let Some(other) = found.iter().find(|object| *object.version != *kind.version) {
            return Params::Unknown(format!("{} as {}", other.thing, kind.api_version));
        }
        Params::Found(found.into_iter().map(Param::Object).collect())
    }

    /// By name, else by labels, in the order of names.
    fn find(
        &self,
        kind: ParamKind<'a>,
        namespace: &'a str,
        name: &str,
        selector: Option<Node<'a>>,
    ) -> Vec<&'a Arc<Object>> {
        if !name.is_empty() {
            let thing = ThingRef::new(kind.group, kind.kind, namespace, name);
            return self.world.get(&thing).into_iter().collect();
        }
        let Some(selector) = selector else { return Vec::new() };
        let all = self.world.in_namespace(kind.group, kind.kind, namespace);
        let labels = |object: &'a Arc<Object>| object.root().path(&["metadata", "labels"]);
        all.filter(|object| selector::selects(selector, labels(object))).collect()
    }

    /// The API server's error about a policy whose parameters' kind it does not
    /// know; none when it knows it, or when that cannot be told.
    pub fn configuration_error(&self, policy: &Policy<'a>) -> Option<String> {
        let kind = policy.param_kind?;
        let known = self.kinds.served(kind.group, kind.version, kind.kind).is_some();
        (!known && self.kinds.knows_all()).then(|| {
            format!(
                "failed to find resource referenced by paramKind: '{}/{}, Kind={}'",
                kind.group, kind.version, kind.kind
            )
        })
    }
}

/// What expressions see of a Namespace: without its owners and managers.
pub(crate) fn namespace_object(namespace: &Value) -> Value {
    let root = namespace.root();
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, child) in
        root.entries().filter(|(key, _)| matches!(*key, "metadata" | "spec" | "status"))
    {
        builder.key(key, 0);
        if key != "metadata" {
            builder.copy(child);
            continue;
        }
        builder.begin_map(0);
        for (key, child) in child.entries() {
            if !matches!(key, "ownerReferences" | "managedFields" | "selfLink") {
                builder.key(key, 0);
                builder.copy(child);
            }
        }
        builder.end(0);
    }
    builder.end(0);
    builder.finish()
}

fn metadata(builder: &mut Builder, given: Option<Node<'_>>, name: &str) {
    builder.begin_map(0);
    for (key, child) in given.into_iter().flat_map(Node::entries) {
        if key != "labels" {
            builder.key(key, 0);
            builder.copy(child);
        }
    }
    builder.key("labels", 0);
    builder.begin_map(0);
    let labels = given.and_then(|given| given.get("labels")).into_iter().flat_map(Node::entries);
    for (key, child) in labels.filter(|(key, _)| *key != NAME_LABEL) {
        builder.key(key, 0);
        builder.copy(child);
    }
    if !name.is_empty() {
        builder.key(NAME_LABEL, 0);
        builder.str(name, 0, 0);
    }
    builder.end(0);
    builder.end(0);
}

fn finalized(builder: &mut Builder) {
    builder.begin_map(0);
    builder.key("finalizers", 0);
    builder.begin_list(0);
    builder.str("kubernetes", 0, 0);
    builder.end(0);
    builder.end(0);
}

fn active(builder: &mut Builder) {
    builder.begin_map(0);
    builder.key("phase", 0);
    builder.str("Active", 0, 0);
    builder.end(0);
}

/// A namespace of which only the name is known.
fn bare(name: &str) -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    builder.key("metadata", 0);
    builder.begin_map(0);
    builder.key("name", 0);
    builder.str(name, 0, 0);
    builder.end(0);
    builder.end(0);
    Estate::completed(&builder.finish())
}
