//! Policies that say the same as another: one of the two is to be kept by hand, and
//! forgotten when the other changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_model::{Object, World};

use crate::peers::Peer;

/// The API server's own kinds of policies.
const OWN: [(&str, &str); 2] = [
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
];

/// Groups of policies of one kind, in one namespace if they have one, with one `spec`.
pub(crate) fn twins<'w>(world: World<'w>, found: &[Peer<'w>]) -> Vec<Vec<&'w Arc<Object>>> {
    let own = OWN.iter().flat_map(|(group, kind)| world.of_kind(group, kind));
    let rules = found.iter().flat_map(|peer| peer.rules.iter().map(|rule| rule.object));
    let mut by_spec: BTreeMap<_, Vec<&'w Arc<Object>>> = BTreeMap::new();
    for object in own.chain(rules).filter(|object| object.is_judged()) {
        if let Some(spec) = object.root().get("spec").filter(|spec| !spec.is_empty()) {
            let thing = &object.thing;
            let key = (&*thing.group, &*thing.kind, &*thing.namespace, spec.to_json());
            by_spec.entry(key).or_default().push(object);
        }
    }
    by_spec.into_values().filter(|same| same.len() > 1).collect()
}
