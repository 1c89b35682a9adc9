//! What the engine answers to a generated question.

use std::sync::Arc;

use ironhull_access::{Access, Identity, Question, Reason};
use ironhull_model::{Minor, Object, Snapshot, Value};
use ironhull_testkit::access::Question as Asked;

/// A snapshot of objects, not sealed yet.
pub(crate) fn snapshot(objects: &[serde_json::Value]) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    for object in objects {
        let value: Value = serde_json::from_str(&object.to_string()).unwrap();
        snapshot.objects.push(Arc::new(Object::new(value, None).unwrap()));
    }
    snapshot
}

/// The oracle's letter.
pub(crate) fn letter(access: &Access<'_>, asked: &Asked) -> char {
    let who = Identity { user: asked.user.clone(), groups: asked.groups.clone() };
    let fields: Vec<(&str, &str)> =
        asked.fields.iter().map(|(field, value)| (&**field, &**value)).collect();
    let reason = if asked.path.is_empty() {
        let question = Question {
            verb: &asked.verb,
            group: &asked.group,
            resource: &asked.resource,
            subresource: &asked.subresource,
            name: &asked.name,
            namespace: (!asked.namespace.is_empty()).then_some(&asked.namespace),
            fields: &fields,
        };
        access.allows(&who, &question)
    } else {
        access.allows_url(&who, &asked.verb, &asked.path)
    };
    match reason {
        None => '-',
        Some(Reason::Masters) => 'M',
        Some(Reason::Node) => 'N',
        Some(Reason::Granted { .. }) => 'R',
    }
}
