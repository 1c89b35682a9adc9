//! Who last wrote an object in an API version that ends. The API server answers in
//! any version it serves, so a live object's own says nothing about its clients; what
//! they wrote with is in `managedFields` and in what `kubectl apply` noted.

use ironhull_model::{Minor, Node, Object, Pointer, SourceId, object};
use ironhull_yaml::Limits;

use crate::{Ending, state};

const LAST_APPLIED: &str = ironhull_secrets::LAST_APPLIED;

/// Somebody who wrote with an API version that ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    /// Who: the manager's name, such as `helm` or `kubectl-client-side-apply`.
    pub manager: String,
    /// In which version, `group/version`.
    pub api_version: String,
    /// When, RFC 3339; empty where it is not known.
    pub time: String,
    /// How the version stands.
    pub ending: Ending,
    /// Where the object says so.
    pub at: Pointer,
}

/// The writers of an object whose version is removed or deprecated in `minor`, each
/// once; not those whose version is the object's own.
pub fn writers(object: &Object, minor: Minor) -> Vec<Writer> {
    let metadata = object.root().get("metadata");
    let entries = metadata.and_then(|metadata| metadata.get("managedFields"));
    let mut found: Vec<Writer> = Vec::new();
    for entry in entries.into_iter().flat_map(Node::items) {
        let text = |name| entry.get(name).and_then(Node::as_str).unwrap_or_default();
        let Some(ending) = ends(object, text("apiVersion"), &object.thing.kind, minor) else {
            continue;
        };
        let writer = Writer {
            manager: text("manager").to_owned(),
            api_version: text("apiVersion").to_owned(),
            time: text("time").to_owned(),
            ending,
            at: entry.pointer().join("apiVersion"),
        };
        // A manager has one entry for each operation and subresource: the latest counts.
        let is_same = |known: &&mut Writer| {
            (&known.manager, &known.api_version) == (&writer.manager, &writer.api_version)
        };
        match found.iter_mut().find(is_same) {
            Some(known) if known.time < writer.time => *known = writer,
            Some(_) => {}
            None => found.push(writer),
        }
    }
    let applied = last_applied(object, minor).filter(|applied| {
        let is_same = |known: &Writer| {
            known.api_version == applied.api_version && known.manager.starts_with("kubectl")
        };
        !found.iter().any(is_same)
    });
    found.extend(applied);
    found
}

/// What `kubectl apply` was last given, where `managedFields` do not say it already.
fn last_applied(object: &Object, minor: Minor) -> Option<Writer> {
    let annotations = object.root().path(&["metadata", "annotations"])?;
    let node = annotations.get(LAST_APPLIED)?;
    let parsed = ironhull_yaml::parse(SourceId(0), node.as_str()?, &Limits::default());
    let applied = parsed.documents.first()?.value.root();
    let text = |name| applied.get(name).and_then(Node::as_str);
    let api_version = text("apiVersion")?;
    let ending = ends(object, api_version, text("kind")?, minor)?;
    Some(Writer {
        manager: "kubectl apply".to_owned(),
        api_version: api_version.to_owned(),
        time: String::new(),
        ending,
        at: node.pointer(),
    })
}

fn ends(object: &Object, api_version: &str, kind: &str, minor: Minor) -> Option<Ending> {
    let (group, version) = object::split_api_version(api_version);
    let is_own = *group == *object.thing.group && *version == *object.version;
    if is_own { None } else { state(group, version, kind, minor) }
}

impl Writer {
    /// What to say of it.
    pub fn sentence(&self, minor: Minor) -> String {
        let when = match self.time.get(..10) {
            Some(day) => format!(" on {day}"),
            None => String::new(),
        };
        let ending = self.ending.sentence(minor);
        format!("{} last wrote it{when} with a version that ends: {ending}", self.manager)
    }
}

#[cfg(test)]
mod tests {
    use ironhull_model::{Minor, Object, Value};

    use super::writers;

    fn said(json: &str, minor: u16) -> Vec<String> {
        let object = Object::new(serde_json::from_str::<Value>(json).unwrap(), None).unwrap();
        let minor = Minor::v1(minor);
        writers(&object, minor)
            .iter()
            .map(|writer| format!("{} {}", writer.at, writer.sentence(minor)))
            .collect()
    }

    const CRON: &str = r#"{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"a",
        "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"batch/v1beta1\",\"kind\":\"CronJob\"}"},
        "managedFields":[
          {"manager":"helm","apiVersion":"batch/v1beta1","operation":"Update","time":"2024-01-02T00:00:00Z"},
          {"manager":"helm","apiVersion":"batch/v1beta1","operation":"Update","subresource":"status","time":"2024-03-04T00:00:00Z"},
          {"manager":"argocd","apiVersion":"batch/v1","operation":"Apply","time":"2025-01-02T00:00:00Z"}]}}"#;

    #[test]
    fn writers_are_named_once_with_their_latest_write() {
        assert_eq!(
            said(CRON, 37),
            [
                "/metadata/managedFields/1/apiVersion helm last wrote it on 2024-03-04 with a version that ends: batch/v1beta1 CronJob is not served by Kubernetes 1.37: it was removed in 1.25, 1.24 was the last to serve it; use batch/v1 CronJob",
                "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration kubectl apply last wrote it with a version that ends: batch/v1beta1 CronJob is not served by Kubernetes 1.37: it was removed in 1.25, 1.24 was the last to serve it; use batch/v1 CronJob",
            ]
        );
        assert!(said(CRON, 24)[0].contains("is deprecated in v1.21+"));
        assert_eq!(said(CRON, 20), Vec::<String>::new());
    }

    #[test]
    fn another_kind_in_what_was_applied_is_looked_up_as_that() {
        let ingress = r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a",
            "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"extensions/v1beta1\",\"kind\":\"Ingress\"}"}}}"#;
        assert_eq!(said(ingress, 37).len(), 1);
        let broken = ingress.replace("{\\\"apiVersion", "{{\\\"apiVersion");
        assert_eq!(said(&broken, 37), Vec::<String>::new());
    }
}
