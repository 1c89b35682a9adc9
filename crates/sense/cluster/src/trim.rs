//! From an item of a list to an object: what no control asks, and what must not be
//! kept, is left behind before anything else sees it.

use ironhull_model::{Builder, Node, Object, Standing, Value};
use serde::Deserialize;

/// An object of a list, whose items name neither version nor kind.
pub(crate) fn object(
    item: &Value,
    api_version: &str,
    kind: &str,
    standing: Standing,
) -> Option<Object> {
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, text) in [("apiVersion", api_version), ("kind", kind)] {
        builder.key(key, 0);
        builder.str(text, 0, 0);
    }
    for (key, child) in item.root().entries() {
        match key {
            "apiVersion" | "kind" => {}
            "metadata" => {
                builder.key(key, 0);
                metadata(child, (api_version, kind) == ("v1", "Secret"), &mut builder);
            }
            _ => {
                builder.key(key, 0);
                builder.copy(child);
            }
        }
    }
    builder.end(0);
    let mut object = Object::new(builder.finish(), None)?;
    object.standing = standing;
    Some(object)
}

fn metadata(node: Node<'_>, is_secret: bool, builder: &mut Builder) {
    builder.begin_map(0);
    for (key, child) in node.entries() {
        builder.key(key, 0);
        match key {
            "managedFields" => managers(child, builder),
            "annotations" => annotations(child, is_secret, builder),
            _ => builder.copy(child),
        }
    }
    builder.end(0);
}

/// Who wrote in which version, without the fields: they are the larger part of most
/// objects, and no rule asks for them.
fn managers(list: Node<'_>, builder: &mut Builder) {
    builder.begin_list(0);
    for entry in list.items() {
        builder.begin_map(0);
        for name in ["manager", "apiVersion", "operation", "subresource", "time"] {
            if let Some(value) = entry.get(name) {
                builder.key(name, 0);
                builder.copy(value);
            }
        }
        builder.end(0);
    }
    builder.end(0);
}

/// Annotations of Secrets whose values are read: names of other objects and revisions.
const OF_SECRETS: &[&str] = &[
    "argocd.argoproj.io/tracking-id",
    "cert-manager.io/certificate-name",
    "cert-manager.io/issuer-group",
    "cert-manager.io/issuer-kind",
    "cert-manager.io/issuer-name",
    "helm.sh/hook",
    "kubernetes.io/service-account.name",
    "kubernetes.io/service-account.uid",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
];
/// And ours.
const OURS: &str = "ironhull.dev/";

/// Of copies of the whole object only version and kind are kept, and of a Secret what is
/// known to be no part of it: other annotations are masked.
fn annotations(map: Node<'_>, is_secret: bool, builder: &mut Builder) {
    #[derive(Deserialize, serde::Serialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Applied {
        api_version: String,
        kind: String,
    }
    builder.begin_map(0);
    for (key, child) in map.entries() {
        builder.key(key, 0);
        if ironhull_secrets::is_copy(key) {
            let applied: Applied =
                serde_json::from_str(child.as_str().unwrap_or_default()).unwrap_or_default();
            builder.str(&serde_json::to_string(&applied).unwrap_or_default(), 0, 0);
        } else if is_secret && !OF_SECRETS.contains(&key) && !key.starts_with(OURS) {
            builder.str(&ironhull_secrets::mask("annotation"), 0, 0);
        } else {
            builder.copy(child);
        }
    }
    builder.end(0);
}

/// A Secret from a row of a `Table`: its metadata and its type, which no API tells
/// without its values but the printed columns.
pub(crate) fn secret(metadata: Node<'_>, ty: &str) -> Option<Object> {
    let mut builder = Builder::new();
    builder.begin_map(0);
    builder.key("metadata", 0);
    builder.copy(metadata);
    builder.key("type", 0);
    builder.str(ty, 0, 0);
    builder.end(0);
    object(&builder.finish(), "v1", "Secret", Standing::Live)
}

/// An object of which only metadata is kept.
pub(crate) fn metadata_of(metadata: Node<'_>, api_version: &str, kind: &str) -> Option<Object> {
    let mut builder = Builder::new();
    builder.begin_map(0);
    builder.key("metadata", 0);
    builder.copy(metadata);
    builder.end(0);
    object(&builder.finish(), api_version, kind, Standing::Partial)
}

#[cfg(test)]
mod tests {
    use ironhull_model::{Standing, Value};

    use super::{object, secret};

    #[test]
    fn of_a_secret_no_annotation_is_kept_that_may_hold_it() {
        let metadata: Value = serde_json::from_str(
            r#"{"name":"a","annotations":{"kapp.k14s.io/original":"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"k\":\"hunter2\"}}",
            "objectset.rio.cattle.io/applied":"H4sIhunter2","own.example/was":"hunter2","kubernetes.io/service-account.name":"web","ironhull.dev/owner":"team"}}"#,
        )
        .unwrap();
        let secret = secret(metadata.root(), "Opaque").unwrap();
        let own = |name: &str| secret.annotation(name).unwrap();
        assert!(!secret.root().to_json().contains("hunter2"), "{}", secret.root().to_json());
        assert_eq!(own("kapp.k14s.io/original"), r#"{"apiVersion":"v1","kind":"Secret"}"#);
        assert_eq!(own("own.example/was"), "‹redacted:annotation›");
        assert_eq!(
            (own("kubernetes.io/service-account.name"), own("ironhull.dev/owner")),
            ("web", "team")
        );
    }

    #[test]
    fn what_was_applied_and_field_sets_are_left_behind() {
        let item: Value = serde_json::from_str(
            r#"{"metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":
            "{\"apiVersion\":\"extensions/v1beta1\",\"kind\":\"Ingress\",\"data\":{\"password\":\"hunter2\"}}","x":"y"},
            "managedFields":[{"manager":"kubectl","operation":"Apply","apiVersion":"v1","fieldsV1":{"f:data":{}}}]},
            "data":{"k":"v"}}"#,
        )
        .unwrap();
        let object = object(&item, "v1", "ConfigMap", Standing::Live).unwrap();
        assert_eq!(
            object.root().to_json(),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"extensions/v1beta1\",\"kind\":\"Ingress\"}","x":"y"},"managedFields":[{"manager":"kubectl","apiVersion":"v1","operation":"Apply"}]},"data":{"k":"v"}}"#
        );
    }
}
