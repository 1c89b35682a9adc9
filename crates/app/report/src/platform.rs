//! Findings in namespaces that are the platform's own, which are reported apart:
//! whoever reads the report can seldom change what stands there.

use std::sync::LazyLock;

use ironhull_controls::scope::glob;
use ironhull_model::{Finding, Standing, ThingRef, World};

use crate::Report;

/// The platform's namespaces.
static PATTERNS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("platform.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// Whether a finding is about a running object in a namespace of the platform. What
/// stands in a file is its author's.
pub fn is_platform(finding: &Finding, world: World<'_>) -> bool {
    let subject = &*finding.subject;
    is_namespace(namespace(subject))
        && world.get(subject).is_some_and(|object| object.standing == Standing::Live)
}

/// The namespace that a thing is in; a Namespace is in its own.
fn namespace(thing: &ThingRef) -> &str {
    let is_namespace = thing.group.is_empty() && &*thing.kind == "Namespace";
    if is_namespace { &thing.name } else { &thing.namespace }
}

fn is_namespace(name: &str) -> bool {
    !name.is_empty() && PATTERNS.iter().any(|pattern| glob(pattern, name))
}

impl Report<'_> {
    /// [`is_platform`].
    pub fn is_platform(&self, finding: &Finding) -> bool {
        is_platform(finding, World::new(self.snapshot))
    }
}

#[cfg(test)]
mod tests {
    use super::is_namespace;

    #[test]
    fn providers_namespaces_are_the_platforms() {
        for name in ["kube-system", "gke-managed-cim", "openshift-dns", "azure-arc", "openshift"] {
            assert!(is_namespace(name), "{name}");
        }
        for name in ["", "default", "kube-flannel", "shop", "my-openshift-app", "monitoring"] {
            assert!(!is_namespace(name), "{name}");
        }
    }
}
