//! The pods that a workload makes.

use ironhull_model::{Builder, Node, Object, Value};

use crate::request::{Operation, Place, Request, Typed};

/// A pod as a controller makes it of a template.
pub(super) struct Pod {
    pub(super) value: Value,
}

/// The pod of a workload's template; none when it has none.
pub(super) fn made(object: &Object, path: &[&str]) -> Option<Pod> {
    let template = object.root().path(path)?;
    let spec = template.get("spec").filter(|spec| !spec.is_null())?;
    let is_spanned = object.value.has_spans();
    let mut builder = if is_spanned { Builder::with_spans() } else { Builder::new() };
    builder.begin_map(0);
    member(&mut builder, "apiVersion", "v1");
    member(&mut builder, "kind", "Pod");
    builder.key("metadata", 0);
    builder.begin_map(0);
    let metadata = template.get("metadata").into_iter().flat_map(Node::entries);
    for (key, node) in metadata.filter(|(key, _)| !matches!(*key, "name" | "namespace")) {
        builder.key(key, node.span().unwrap_or_default().key);
        builder.copy(node);
    }
    member(&mut builder, "generateName", &format!("{}-", object.thing.name));
    if !object.thing.namespace.is_empty() {
        member(&mut builder, "namespace", &object.thing.namespace);
    }
    builder.end(0);
    builder.key("spec", 0);
    builder.copy(spec);
    builder.end(0);
    Some(Pod { value: builder.finish() })
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
    request.name = "";
    request
}
