//! Pod Security Standards, as the API server's admission says them: the same
//! checks per version, in the same order, with the same words.
//!
//! The engine answers for a `PodSpec` and its metadata. Which level and version
//! count in a namespace is [`policy`]; what a finding looks like is not known here.
//!
//! ```ignore
//! let failures = evaluate(Level::Restricted, Version::Latest, &Pod { spec, meta });
//! ```
//! Source: `k8s.io/pod-security-admission` and the Pod Security Standards.

use ironhull_model::Node;

pub mod admission;
mod checks;
pub mod policy;
mod text;

pub use checks::{CHECKS, Check};
pub use policy::{Level, Version};

/// The newest minor that changes any check.
pub const NEWEST: u16 = 37;

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'a> {
    /// The `PodSpec`.
    pub spec: Node<'a>,
    /// The pod's or template's `ObjectMeta`, for annotations.
    pub meta: Option<Node<'a>>,
}

impl<'a> Pod<'a> {
    /// All containers in the order in which admission visits them.
    pub(crate) fn containers(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .filter_map(move |list| spec.get(list))
            .flat_map(Node::items)
    }

    pub(crate) fn annotations(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.meta.and_then(|meta| meta.get("annotations")).into_iter().flat_map(Node::entries)
    }

    pub(crate) fn security_context(&self) -> Option<Node<'a>> {
        set(self.spec, "securityContext")
    }

    /// Whether the pod says that it is for Windows (`spec.os.name`).
    pub(crate) fn is_windows(&self) -> bool {
        self.spec.path(&["os", "name"]).and_then(Node::as_str) == Some("windows")
    }

    /// Whether the pod runs in a user namespace of its own (KEP-127).
    pub(crate) fn has_user_namespace(&self) -> bool {
        self.spec.get("hostUsers").and_then(Node::as_bool) == Some(false)
    }
}

/// A member that is there and not null, as a Go pointer that is not nil.
pub(crate) fn set<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.get(name).filter(|node| !node.is_null())
}

/// A container's name.
pub(crate) fn name(container: Node<'_>) -> &str {
    container.get("name").and_then(Node::as_str).unwrap_or_default()
}

/// Who made a check fail, and with what.
#[derive(Clone, PartialEq, Debug)]
pub struct Culprit<'a> {
    /// The container's name; none when it is the pod.
    pub container: Option<&'a str>,
    /// The deepest node that exists on the way to the deciding field.
    pub node: Node<'a>,
    /// Names below `node` that do not exist, when a field is missing.
    pub absent: &'static [&'static str],
    /// The values that are not allowed.
    pub values: Vec<String>,
}

/// A check that does not allow the pod.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure<'a> {
    /// Which check.
    pub check: &'static str,
    /// The short reason, as admission prints it.
    pub reason: String,
    /// The detail in parentheses.
    pub detail: String,
    /// Whom it is about.
    pub culprits: Vec<Culprit<'a>>,
}

/// The checks that fail at a level and version, in admission's order. Versions
/// newer than [`NEWEST`] are evaluated as that one.
pub fn evaluate<'a>(level: Level, version: Version, pod: &Pod<'a>) -> Vec<Failure<'a>> {
    checks::at(level, version).filter_map(|(check, judge)| failure(check.id, judge(pod))).collect()
}

/// What one check says at a version; none when it does not exist there yet.
pub fn check<'a>(id: &str, version: Version, pod: &Pod<'a>) -> Option<Result<(), Failure<'a>>> {
    let check = CHECKS.iter().find(|check| check.id == id)?;
    let judge = check.at(version)?;
    Some(failure(check.id, judge(pod)).map_or(Ok(()), Err))
}

fn failure<'a>(id: &'static str, verdict: checks::Verdict<'a>) -> Option<Failure<'a>> {
    let failure = verdict?;
    Some(Failure {
        check: id,
        reason: failure.reason,
        detail: failure.detail,
        culprits: failure.culprits,
    })
}

/// Failures as admission prints them: `reason (detail), reason (detail)`.
pub fn describe(failures: &[Failure<'_>]) -> String {
    let parts: Vec<String> = failures
        .iter()
        .map(|failure| match failure.detail.as_str() {
            "" => failure.reason.clone(),
            detail => format!("{} ({detail})", failure.reason),
        })
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests;
