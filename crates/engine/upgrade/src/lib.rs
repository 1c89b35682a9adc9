//! What changes with a Kubernetes version: API versions that end, and how an
//! object is said in the version that follows. It knows no control.

use ironhull_model::{Minor, Object};
use ironhull_schema::removed::{self, Removal};

mod rewrite;
pub mod successor;
pub mod support;
#[cfg(test)]
mod tests;
pub mod weaknesses;
mod writers;

pub use successor::{Successor, successor};
pub use writers::{Writer, writers};

/// How an object's API version stands in a minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The server does not serve it any more.
    Removed {
        /// The first minor without it.
        since: Minor,
    },
    /// The server serves it with a warning.
    Deprecated,
}

/// The API version of an object that ends, or has ended, in a minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// Where it stands.
    pub state: State,
    /// Its whole life.
    pub life: &'static Removal,
}

/// How an object's API version stands in `minor`; none when it is served without a warning.
pub fn ending(object: &Object, minor: Minor) -> Option<Ending> {
    state(&object.thing.group, &object.version, &object.thing.kind, minor)
}

/// How a kind in an API version stands in `minor`; none when it is served without a warning.
pub fn state(group: &str, version: &str, kind: &str, minor: Minor) -> Option<Ending> {
    let life = removed::lookup(group, version, kind)?;
    let state = match (life.removed, life.deprecated) {
        (Some(since), _) if since <= minor => State::Removed { since },
        (_, Some(since)) if since <= minor => State::Deprecated,
        _ => return None,
    };
    Some(Ending { state, life })
}

/// Whether an object is of an alpha version of one of Kubernetes' own groups.
pub fn is_alpha(object: &Object) -> bool {
    let group = &*object.thing.group;
    let own = !group.contains('.') || group.ends_with(".k8s.io") && !CUSTOM.contains(&group);
    own && object.version.contains("alpha")
}

/// Groups below k8s.io whose kinds are custom resources of projects of their own.
const CUSTOM: &[&str] = &[
    "cluster.x-k8s.io",
    "gateway.networking.k8s.io",
    "kustomize.config.k8s.io",
    "metrics.k8s.io",
    "policy.networking.k8s.io",
    "scheduling.x-k8s.io",
    "secrets-store.csi.x-k8s.io",
    "snapshot.storage.k8s.io",
];

impl Ending {
    /// `; use GROUP/VERSION KIND`, or nothing.
    fn hint(&self) -> String {
        let parts = self.life.replacement.and_then(|replacement| replacement.rsplit_once('/'));
        parts.map_or_else(String::new, |(version, kind)| format!("; use {version} {kind}"))
    }

    /// What to say of it. A deprecation is said in the API server's own words,
    /// as its `Warning` header has them.
    pub fn sentence(&self, minor: Minor) -> String {
        let life = self.life;
        let slash = if life.group.is_empty() { "" } else { "/" };
        let what = format!("{}{slash}{} {}", life.group, life.version, life.kind);
        match self.state {
            State::Removed { since } => {
                let last = Minor { minor: since.minor.saturating_sub(1), ..since };
                format!(
                    "{what} is not served by Kubernetes {minor}: it was removed in {since}, {last} was the last to serve it{}",
                    self.hint()
                )
            }
            State::Deprecated => {
                let deprecated = life
                    .deprecated
                    .map_or_else(String::new, |since| format!(" is deprecated in v{since}+"));
                let removed = life
                    .removed
                    .map_or_else(String::new, |since| format!(", unavailable in v{since}+"));
                format!("{what}{deprecated}{removed}{}", self.hint())
            }
        }
    }
}
