//! Admission policies say which kinds have to be read as a whole, and of which kinds that
//! are never read something is missing.

use ironhull_model::{Cause, Gap, Minor, Named};
use ironhull_schema::{Schema, Scope, admission};

use crate::discovery::Resource;
use crate::is_read;

/// Whether objects of a kind are admission policies.
pub(crate) fn is_policy(resource: &Resource) -> bool {
    admission::is_policy(&resource.group, &resource.kind)
}

/// What admission policies are about and is not read all the same.
pub(crate) fn left_out(resources: &[Resource], named: &Named) -> Vec<Gap> {
    let missing = { resources.iter() }
        .filter(|of| !is_read(of) && named.has(&of.group, &of.kind, &of.name))
        .map(gap);
    missing.collect()
}

fn gap(of: &Resource) -> Gap {
    Gap {
        what: format!("{} objects", of.shown()),
        cause: Cause::NotAsked,
        reason: "an admission policy is about them, but objects of this kind come and go \
                 by themselves and are not read"
            .to_owned(),
        supply: match of.group.as_str() {
            "" => format!("kubectl get {} -A", of.name),
            group => format!("kubectl get {}.{group} -A", of.name),
        },
        fact: None,
        kind: Some(Box::new(of.unseen(&[]))),
    }
}

/// The same of what somebody else read of a cluster of this minor: whatever of these kinds
/// is there was left out by [`crate::dumped`].
pub fn not_dumped(named: &Named, minor: Minor) -> Vec<Gap> {
    let kinds = Schema::of(minor).kinds().map(|info| Resource {
        group: info.group.to_owned(),
        kind: info.kind.to_owned(),
        version: info.version.to_owned(),
        name: info.resource.to_owned(),
        namespaced: info.scope == Scope::Namespaced,
        watched: false,
    });
    let mut kinds: Vec<Resource> = kinds.collect();
    kinds.sort();
    kinds.dedup_by(|a, b| (&a.group, &a.kind) == (&b.group, &b.kind));
    left_out(&kinds, named)
}
