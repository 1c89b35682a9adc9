//! What kinds the API server serves (aggregated discovery, KEP-3352).

use ironhull_kube::{Cluster, Error};
use ironhull_model::{UnseenKind, kind_name};
use serde::Deserialize;

/// Asked for in the stable version, with the beta one for servers before 1.30.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// What the server answers with then.
const KIND: &str = "APIGroupDiscoveryList";

/// A kind that can be listed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) kind: String,
    /// The version that the server prefers.
    pub(crate) version: String,
    /// Its plural name, as paths have it.
    pub(crate) name: String,
    pub(crate) namespaced: bool,
    pub(crate) watched: bool,
}

impl Resource {
    /// The path of all its objects, or of those of one namespace.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        ironhull_kube::collection(&self.group, &self.version, &self.name, namespace)
    }

    pub(crate) fn is_namespaces(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }

    pub(crate) fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The kind as one that was seen in these namespaces only.
    pub(crate) fn unseen(&self, seen_in: &[&str]) -> UnseenKind {
        let seen_in = seen_in.iter().map(|namespace| (*namespace).to_owned()).collect();
        UnseenKind { name: kind_name(&self.group, &self.kind), seen_in }
    }

    /// `Kind` or `Kind.group`, as kubectl names it.
    pub(crate) fn shown(&self) -> String {
        match self.group.as_str() {
            "" => self.kind.clone(),
            group => format!("{}.{group}", self.kind),
        }
    }
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Group {
    metadata: Name,
    versions: Vec<Served>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Name {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Served {
    version: String,
    resources: Vec<Listed>,
    /// `Stale` where an aggregated server did not answer.
    freshness: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    resource: String,
    response_kind: Option<Kind>,
    scope: String,
    verbs: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Kind {
    kind: String,
}

/// What is served.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    /// Every kind that can be listed, in its preferred version, sorted.
    pub(crate) resources: Vec<Resource>,
    /// `group/version` of aggregated servers that do not answer.
    pub(crate) stale: Vec<String>,
}

pub(crate) async fn discover(cluster: &Cluster) -> Result<Discovered, Error> {
    let mut discovered = Discovered::default();
    for path in ["/api", "/apis"] {
        let body = cluster.get_as(path, ACCEPT).await?;
        let broken = |reason| Error::Answer { path: path.to_owned(), reason };
        let groups: Groups =
            serde_json::from_slice(&body).map_err(|error| broken(error.to_string()))?;
        // A server from before aggregated discovery answers with another kind.
        if groups.kind != KIND {
            return Err(broken(format!("it is no {KIND} but \"{}\"", groups.kind)));
        }
        add(&mut discovered, groups);
    }
    discovered.resources.sort();
    Ok(discovered)
}

/// The first version that has a kind is the one that the server prefers.
fn add(discovered: &mut Discovered, groups: Groups) {
    for group in groups.items {
        let mut known: Vec<String> = Vec::new();
        for version in group.versions {
            if version.freshness == "Stale" {
                discovered.stale.push(format!("{}/{}", group.metadata.name, version.version));
            }
            for served in version.resources {
                let Some(kind) = served.response_kind else { continue };
                let lists = served.verbs.iter().any(|verb| verb == "list");
                if !lists || known.contains(&served.resource) {
                    continue;
                }
                known.push(served.resource.clone());
                discovered.resources.push(Resource {
                    group: group.metadata.name.clone(),
                    kind: kind.kind,
                    version: version.version.clone(),
                    name: served.resource,
                    namespaced: served.scope == "Namespaced",
                    watched: served.verbs.iter().any(|verb| verb == "watch"),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Discovered, Groups, add};

    #[test]
    fn a_kind_is_listed_in_its_preferred_version() {
        let text = r#"{"items":[{"metadata":{"name":"autoscaling"},"versions":[
            {"version":"v2","freshness":"Current","resources":[
              {"resource":"horizontalpodautoscalers","scope":"Namespaced","verbs":["list","get"],
               "responseKind":{"group":"","version":"","kind":"HorizontalPodAutoscaler"}}]},
            {"version":"v1","freshness":"Stale","resources":[
              {"resource":"horizontalpodautoscalers","scope":"Namespaced","verbs":["list"],
               "responseKind":{"kind":"HorizontalPodAutoscaler"}},
              {"resource":"scales","scope":"Cluster","verbs":["create"],"responseKind":{"kind":"Scale"}}]}]}]}"#;
        let groups: Groups = serde_json::from_str(text).unwrap();
        let mut discovered = Discovered::default();
        add(&mut discovered, groups);
        let [only] = discovered.resources.as_slice() else { panic!("{discovered:?}") };
        assert_eq!(
            only.path(Some("a")),
            "/apis/autoscaling/v2/namespaces/a/horizontalpodautoscalers"
        );
        assert_eq!(only.shown(), "HorizontalPodAutoscaler.autoscaling");
        assert_eq!(discovered.stale, ["autoscaling/v1"]);
    }
}
