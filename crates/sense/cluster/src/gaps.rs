//! What could not be seen of a cluster, by cause.

use ironhull_kube::Error;
use ironhull_model::{Cause, Gap};
use tokio::task::JoinError;

use crate::discovery::Resource;
use crate::{OfKind, Places};

/// A kind whose task ended before it was read, by a mistake of ours.
pub(crate) fn broken_off(resource: Resource, ended: &JoinError) -> OfKind {
    let gap = Gap {
        what: format!("{} objects", resource.shown()),
        cause: Cause::Unreadable,
        reason: format!("reading them broke off, which is a bug: {ended}"),
        supply: format!("kubectl get --raw '{}?limit=1'", resource.path(None)),
        fact: None,
        kind: Some(Box::new(resource.unseen(&[]))),
    };
    OfKind { resource, objects: Vec::new(), gap: Some(gap) }
}

/// What we may not list but in the namespaces that were looked into, and there it was
/// `seen`.
pub(crate) fn elsewhere(resource: &Resource, seen: &[&str], places: &Places) -> Gap {
    match &places.unsure {
        // There may be namespaces where it could be seen.
        Some(error) if resource.namespaced => unreadable(resource, error),
        _ => denied(resource, seen),
    }
}

/// What we may not list, but in these namespaces.
fn denied(resource: &Resource, seen: &[&str]) -> Gap {
    let shown = resource.shown();
    let what = match seen {
        [] => format!("{shown} objects"),
        seen if resource.is_namespaces() => format!("{shown} objects but {}", seen.join(", ")),
        seen => format!("{shown} objects outside of {}", seen.join(", ")),
    };
    Gap {
        what,
        cause: Cause::Denied,
        reason: "we may not list them".to_owned(),
        supply: format!("kubectl auth can-i list {}.{} -A", resource.name, resource.group)
            .replace(". ", " "),
        fact: None,
        kind: Some(Box::new(resource.unseen(seen))),
    }
}

pub(crate) fn unreadable(resource: &Resource, error: &Error) -> Gap {
    let cause = if error.code() == Some(403) { Cause::Denied } else { Cause::Unreadable };
    Gap {
        what: format!("{} objects", resource.shown()),
        cause,
        reason: error.to_string(),
        supply: format!("kubectl get --raw '{}?limit=1'", resource.path(None)),
        fact: None,
        kind: Some(Box::new(resource.unseen(&[]))),
    }
}

/// An aggregated API server that is registered and does not answer.
pub(crate) fn stale(version: &str) -> Gap {
    let name = version
        .split_once('/')
        .map_or_else(|| version.to_owned(), |(group, version)| format!("{version}.{group}"));
    Gap {
        what: format!("the kinds of {version}"),
        cause: Cause::Unreadable,
        reason: "its API service does not answer".to_owned(),
        supply: format!("kubectl get apiservice {name}"),
        fact: None,
        kind: None,
    }
}

#[cfg(test)]
mod tests {
    use super::broken_off;
    use crate::discovery::Resource;

    #[tokio::test]
    async fn a_kind_whose_task_panics_is_a_gap() {
        let resource = Resource {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            version: "v1".to_owned(),
            name: "deployments".to_owned(),
            namespaced: true,
            watched: true,
        };
        let ended = tokio::spawn(async { panic!("why") }).await.unwrap_err();
        let gap = broken_off(resource, &ended).gap.unwrap();
        assert!(gap.what.contains("Deployment") && gap.reason.contains("panic"), "{gap:?}");
    }
}
