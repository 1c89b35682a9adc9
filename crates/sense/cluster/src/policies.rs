//! Admission policies say which kinds have to be read as a whole, and of which kinds that
//! are never read something is missing.

use ironhull_model::{Cause, Gap, Named};
use ironhull_schema::admission;

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
        .map(|of| Gap {
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
        });
    missing.collect()
}
