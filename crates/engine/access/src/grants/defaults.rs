//! What Kubernetes itself grants, and to whom: everything else somebody wrote, also where
//! it stands in a binding or role that every cluster has.

use std::sync::LazyLock;

use ironhull_model::{Object, ThingRef, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{GROUP, Rule, Subject};

/// The subjects of the default bindings: by the binding's kind, namespace and name, and
/// the role that it refers to.
static BOUND: LazyLock<FxHashMap<Key, (String, FxHashSet<Subject>)>> = LazyLock::new(|| {
    let mut bound: FxHashMap<Key, (String, FxHashSet<Subject>)> = FxHashMap::default();
    for object in all().filter(|object| object.thing.kind.ends_with("Binding")) {
        let role = super::role(&object);
        let (_, subjects) =
            bound.entry(key(&object.thing)).or_insert_with(|| (role, FxHashSet::default()));
        subjects.extend(super::named(&object));
    }
    bound
});

/// The rules of the default roles, of each minor.
static RULES: LazyLock<FxHashMap<Key, Vec<Value>>> = LazyLock::new(|| {
    let mut rules: FxHashMap<Key, Vec<Value>> = FxHashMap::default();
    for object in all().filter(|object| object.thing.kind.ends_with("Role")) {
        rules.entry(key(&object.thing)).or_default().push(object.value);
    }
    rules
});

/// Kind, namespace and name.
type Key = (String, String, String);

fn key(thing: &ThingRef) -> Key {
    (thing.kind.to_string(), thing.namespace.to_string(), thing.name.to_string())
}

fn all() -> impl Iterator<Item = Object> {
    ironhull_schema::rbac::ever().filter_map(|value| Object::new(value, None))
}

/// Whether a name may be that of a default binding, which is quickly said.
pub(crate) fn may_be(binding: &Object) -> bool {
    let name = &binding.thing.name;
    *binding.thing.group == *GROUP && (name.starts_with("system:") || **name == *"cluster-admin")
}

/// Whether Kubernetes itself binds a subject by a binding of this name to its role.
pub(crate) fn bind(binding: &Object, subject: &Subject) -> bool {
    if !binding.is_given() {
        return true;
    }
    may_be(binding)
        && BOUND.get(&key(&binding.thing)).is_some_and(|(role, subjects)| {
            *role == super::role(binding) && subjects.contains(subject)
        })
}

/// What Kubernetes itself makes of a role of this name, in each minor that differs; none
/// where it makes none.
pub(super) fn versions(role: &Object) -> Option<&'static [Value]> {
    (*role.thing.group == *GROUP).then(|| RULES.get(&key(&role.thing))).flatten().map(Vec::as_slice)
}

/// The default ClusterRoles, of each minor.
pub(super) fn cluster_roles() -> impl Iterator<Item = &'static Value> {
    RULES.iter().filter(|((kind, ..), _)| kind == "ClusterRole").flat_map(|(_, roles)| roles)
}

/// Whether Kubernetes itself gives a role of this name the rule.
pub(crate) fn have(rule: &Rule<'_>) -> bool {
    !rule.role.is_given()
        || RULES.get(&key(&rule.role.thing)).into_iter().flatten().any(|role| {
            let own = role.root().get("rules");
            own.is_some_and(|rules| rules.items().any(|own| own == rule.node))
        })
}
