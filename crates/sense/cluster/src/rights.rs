//! What we may list, asked instead of tried: refusals of attempts are noise in the
//! audit log of whoever watches the cluster.

use ironhull_kube::{Cluster, Error};
use serde_json::{Value, json};

use crate::discovery::Resource;

const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Whether we may list a kind, in all namespaces if none is given.
pub(crate) async fn may_list(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<bool, Error> {
    may(cluster, "list", &resource.group, &resource.name, namespace).await
}

/// Whether we may do something to all objects of a resource, or of its `resource/subresource`.
pub(crate) async fn may(
    cluster: &Cluster,
    verb: &str,
    group: &str,
    resource: &str,
    namespace: Option<&str>,
) -> Result<bool, Error> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let attributes = json!({
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace.unwrap_or_default(),
    });
    allowed(cluster, &attributes).await
}

/// Whether we may read a Namespace, which the API server takes to be in itself.
pub(crate) async fn may_get_namespace(cluster: &Cluster, name: &str) -> Result<bool, Error> {
    let attributes =
        json!({"verb": "get", "resource": "namespaces", "namespace": name, "name": name});
    allowed(cluster, &attributes).await
}

async fn allowed(cluster: &Cluster, attributes: &Value) -> Result<bool, Error> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let body = cluster.post(PATH, review.to_string().into_bytes()).await?;
    let answer: Value = serde_json::from_slice(&body)
        .map_err(|error| Error::Answer { path: PATH.to_owned(), reason: error.to_string() })?;
    Ok(answer["status"]["allowed"] == true)
}
