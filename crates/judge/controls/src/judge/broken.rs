//! Objects on which no rule can count: the API server would not take them as they are
//! written.

use ironhull_model::object::split_api_version;
use ironhull_model::{Code, Diagnostic, Node, Object, Pointer};
use ironhull_schema::{Schema, required, strict};

use super::evidence;

/// What is wrong with an object.
pub(super) enum Broken {
    /// A value of another type than its field.
    Type(Pointer),
    /// A field that there must be.
    Lacks(Pointer),
}

/// The first that is wrong with an object, if anything is.
pub(super) fn broken(schema: Schema, root: Node<'_>) -> Option<Broken> {
    let errors = strict::check(schema, root).unwrap_or_default();
    if let Some(error) = errors.iter().find(|error| error.is_of_type()) {
        return Some(Broken::Type(error.pointer.clone()));
    }
    let lacks = required::missing(schema, root).unwrap_or_default().into_iter().next();
    lacks.or_else(|| lacks_spec(schema, root)).map(Broken::Lacks)
}

/// No schema says that an object has a spec; that there is something in it validation asks.
fn lacks_spec(schema: Schema, root: Node<'_>) -> Option<Pointer> {
    let text = |name| root.get(name).and_then(Node::as_str);
    let (group, version) = split_api_version(text("apiVersion")?);
    let ty = schema.kind(group, version, text("kind")?)?.ty;
    let lacks = root.get("spec").is_none_or(Node::is_null);
    let has_field = schema.fields(ty).any(|field| field.name == "spec");
    (lacks && has_field).then(|| Pointer::root().join("spec"))
}

/// Tells once for an object how many controls could not read it, if any.
pub(crate) fn not_decoded(schema: Schema, object: &Object, n_unread: usize) -> Option<Diagnostic> {
    let controls = match n_unread {
        0 => return None,
        1 => "control",
        _ => "controls",
    };
    let root = object.root();
    let (why, help, at) = match broken(schema, root) {
        Some(Broken::Lacks(pointer)) => (
            format!("it has no {}, without which the API server takes none", pointer.as_str()),
            "write it",
            Some(pointer),
        ),
        Some(Broken::Type(at)) => {
            (as_decoded(), "correct what strict-decoding finds in it", Some(at))
        }
        None => (as_decoded(), "correct what strict-decoding finds in it", None),
    };
    let message = format!("{} is not judged by {n_unread} {controls}: {why}", object.thing);
    let told = Diagnostic::error(Code::NotDecoded, message).help(help);
    let at = at.map_or(root, |pointer| evidence::nearest(object, &pointer).0);
    Some(match evidence::place(object, at) {
        Some(place) => told.at(place.source, place.start, place.end),
        None => told,
    })
}

fn as_decoded() -> String {
    "it is not written as the API server decodes it".to_owned()
}
