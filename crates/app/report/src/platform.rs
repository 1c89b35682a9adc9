//! Findings in namespaces that are the platform's own, which are reported apart:
//! whoever reads the report can seldom change what stands there.

use std::collections::HashSet;
use std::sync::LazyLock;

use ironhull_controls::scope::glob;
use ironhull_model::{Finding, Snapshot, Standing, ThingRef, World};

/// The platform's namespaces.
static PATTERNS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("platform.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// The running objects in namespaces of the platform. What stands in a file is its
/// author's.
#[derive(Debug)]
pub struct Platform<'a> {
    world: World<'a>,
    /// The namespaces of it that have running objects.
    namespaces: HashSet<&'a str>,
}

impl<'a> Platform<'a> {
    /// Looks for its namespaces.
    pub fn of(snapshot: &'a Snapshot) -> Platform<'a> {
        let world = World::new(snapshot);
        let running = world.objects().filter(|object| object.standing == Standing::Live);
        let mut namespaces: HashSet<&str> =
            running.map(|object| namespace(&object.thing)).collect();
        namespaces.retain(|name| is_namespace(name));
        Platform { world, namespaces }
    }

    /// Whether a finding is about one of them.
    pub fn has(&self, finding: &Finding) -> bool {
        let subject = &*finding.subject;
        self.namespaces.contains(namespace(subject))
            && self.world.get(subject).is_some_and(|object| object.standing == Standing::Live)
    }
}

/// The namespace that a thing is in; a Namespace is in its own.
fn namespace(thing: &ThingRef) -> &str {
    let is_namespace = thing.group.is_empty() && &*thing.kind == "Namespace";
    if is_namespace { &thing.name } else { &thing.namespace }
}

fn is_namespace(name: &str) -> bool {
    !name.is_empty() && PATTERNS.iter().any(|pattern| glob(pattern, name))
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
