//! The pods that a workload makes, with what its controller adds to the template
//! (`k8s.io/kubernetes/pkg/controller`: `controller_utils.go` and the controllers' own).

use ironhull_model::{Builder, Node, Object, Value};

use crate::plugins::{Changes, Guess};
use crate::policy::list;
use crate::request::{Operation, Place, Request, Typed};

mod kinds;

/// A pod as a controller makes it of a template.
pub(super) struct Pod {
    pub(super) value: Value,
    /// For each volume its place in the template; none for one that was added.
    pub(super) volumes: Vec<Option<usize>>,
}

/// What a controller adds to a template.
#[derive(Default)]
struct Added {
    /// `apiVersion`, kind, name and uid.
    owner: Option<[String; 4]>,
    /// None where the API server makes a name of the prefix.
    name: Option<String>,
    prefix: String,
    /// Over the template's own.
    labels: Vec<(&'static str, String)>,
    /// Unless the template has them.
    missing_labels: Vec<(&'static str, String)>,
    annotations: Vec<(&'static str, String)>,
    finalizer: Option<&'static str>,
}

/// The pod of a workload's template, with guesses in place of what only a running
/// cluster knows; none when it has no template.
pub(super) fn made(object: &Object, path: &[&str], guess: Guess) -> Option<Pod> {
    let template = object.root().path(path)?;
    let spec = template.get("spec").filter(|spec| !spec.is_null())?;
    let added = kinds::added(object, guess);
    let is_spanned = object.value.has_spans();
    let mut builder = if is_spanned { Builder::with_spans() } else { Builder::new() };
    builder.begin_map(0);
    member(&mut builder, "apiVersion", "v1");
    member(&mut builder, "kind", "Pod");
    builder.key("metadata", 0);
    metadata(&mut builder, template.get("metadata"), object, &added);
    builder.key("spec", 0);
    builder.copy(spec);
    builder.end(0);
    let mut changes = Changes::default();
    let volumes = kinds::specify(&mut changes, object, spec, guess);
    let value = changes.made(&builder.finish());
    let volumes = volumes.unwrap_or_else(|| (0..list(spec, "volumes").count()).map(Some).collect());
    Some(Pod { value, volumes })
}

/// Of the template's metadata a pod gets labels, annotations and finalizers.
fn metadata(builder: &mut Builder, given: Option<Node<'_>>, object: &Object, added: &Added) {
    builder.begin_map(0);
    if let Some(name) = &added.name {
        member(builder, "name", name);
    }
    member(builder, "generateName", &added.prefix);
    if !object.thing.namespace.is_empty() {
        member(builder, "namespace", &object.thing.namespace);
    }
    texts(builder, "labels", given, &added.labels, &added.missing_labels);
    texts(builder, "annotations", given, &added.annotations, &[]);
    let own = given.into_iter().flat_map(|given| list(given, "finalizers"));
    let mut finalizers: Vec<&str> = own.filter_map(Node::as_str).collect();
    finalizers.extend(added.finalizer.filter(|name| !finalizers.contains(name)));
    if !finalizers.is_empty() {
        builder.key("finalizers", 0);
        builder.begin_list(0);
        finalizers.iter().for_each(|name| builder.str(name, 0, 0));
        builder.end(0);
    }
    if let Some(owner) = &added.owner {
        builder.key("ownerReferences", 0);
        builder.begin_list(0);
        builder.begin_map(0);
        for (key, value) in ["apiVersion", "kind", "name", "uid"].into_iter().zip(owner) {
            member(builder, key, value);
        }
        for key in ["controller", "blockOwnerDeletion"] {
            builder.key(key, 0);
            builder.bool(true, 0, 0);
        }
        builder.end(0);
        builder.end(0);
    }
    builder.end(0);
}

fn texts(
    builder: &mut Builder,
    name: &str,
    given: Option<Node<'_>>,
    over: &[(&str, String)],
    missing: &[(&str, String)],
) {
    let given = given.and_then(|given| given.get(name)).filter(|given| !given.is_null());
    if given.is_none() && over.is_empty() && missing.is_empty() {
        return;
    }
    builder.key(name, given.and_then(Node::span).unwrap_or_default().key);
    builder.begin_map(0);
    for (key, node) in given.into_iter().flat_map(Node::entries) {
        if !over.iter().any(|(known, _)| *known == key) {
            builder.key(key, node.span().unwrap_or_default().key);
            builder.copy(node);
        }
    }
    let is_given = |key: &str| given.is_some_and(|given| given.get(key).is_some());
    let missing = missing.iter().filter(|(key, _)| !is_given(key));
    over.iter().chain(missing).for_each(|(key, value)| member(builder, key, value));
    builder.end(0);
}

fn member(builder: &mut Builder, key: &str, text: &str) {
    builder.key(key, 0);
    builder.str(text, 0, 0);
}

/// The request that makes it.
pub(super) fn request<'a>(object: &'a Object, pod: &'a Value) -> Request<'a> {
    let typed = |name| Typed { group: "", version: "v1", name };
    let mut request = Request::of(Operation::Create, typed("pods"), object, pod);
    request.kind = typed("Pod");
    request.place = match &*object.thing.namespace {
        "" => Place::Unsaid,
        namespace => Place::In(namespace),
    };
    request
}
